//! Who may see, send, keep: the two gates. Permission is a value ([`Visibility`], [`Permit`]) that only this crate makes,
//! so that a forgotten check does not compile.
//!
//! Architecture invariant: no I/O, no clock; what is held elsewhere comes in through [`gate_in::Held`].

pub mod agreement;
pub mod class;
pub mod edition;
pub mod gate_in;
pub mod link;
pub mod principal;
pub mod reason;
pub mod release;
pub mod render;
pub mod sighting;
pub mod visibility;

pub use agreement::Agreement;
pub use class::{Class, ClassId, ClassSetId, ClassTable};
pub use principal::{Principal, Role};
pub use reason::Reason;
pub use release::{Gate, Permit};
pub use visibility::Visibility;
