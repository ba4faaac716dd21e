//! STIX 2.1 objects, kept as received, with a parsed view of what Bridgewatch decides and searches by.

mod deterministic;
pub mod edition;
mod id;
mod meaning;
mod object;
mod redaction;
mod reference;
mod typed;
mod validate;
pub mod versions;

pub use deterministic::{CONTRIBUTING, NAMESPACE, contributing, contribution, deterministic_id, is_observable};
pub use id::{StixId, StixIdError};
pub use meaning::meaning;
pub use object::{Object, Version, faults, read};
pub use redaction::{Redaction, without};
pub use reference::{Need, Reference, may_be_withheld};
pub use typed::{Indicator, Relationship, Sighting, Typed};
pub use validate::{Again, InPieces, NotInPieces, faults_of_text};
