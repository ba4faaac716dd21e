//! Compile indicators once into an immutable set, then scan observations cheaply.
//!
//! Architecture invariant: no I/O, no clock; a [`RuleSet`] never changes, [`RuleSet::with_changes`] makes a new one that
//! shares what stayed the same.

mod compile;
mod evaluate;
mod exact;
mod layer;
mod rules;

pub use compile::{NotMatched, RuleSource};
pub use rules::{Match, RuleSet, Settings};
