//! Knowledge from and for the outside: the partner link, lists in.
//!
//! Architecture invariant: nothing is decided here about who may have what; what comes in goes through the gate of the centre.

pub mod inbound;
pub mod peer;
