//! The words everyone in Bridgewatch speaks: STIX objects and patterns, markings, observations, faults.
//!
//! Architecture invariant: this crate does no I/O, spawns nothing, reads no clock and no randomness.
pub mod canonical;
pub mod ecs;
pub mod fault;
pub mod field;
pub mod json;
pub mod marking;
mod names;
pub mod observation;
pub mod pattern;
pub mod principal;
mod spelling;
pub mod stix;
pub mod time;
pub mod value;
