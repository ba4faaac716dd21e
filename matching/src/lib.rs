//! Compile indicators once into an immutable set, then scan observations cheaply: as they come, or, with
//! [`RuleSet::for_retro_hunt`], such as are stored.
//!
//! Architecture invariant: no files, no clock; a [`RuleSet`] never changes, [`RuleSet::with_changes`] makes a new one that
//! shares what stayed the same.

mod build;
mod comparison;
mod compile;
mod cost;
mod evaluate;
mod exact;
mod explain;
mod index;
mod networks;
mod numbers;
mod rules;
mod saved;
mod text;
mod unseen;
mod window;

pub use compile::{NotMatched, RuleSource, needs_several};
pub use explain::{Explanation, LookedUp, Lookup, Reason, Window, explain, reasons};
pub use rules::{Match, RuleSet, Settings};
pub use saved::{SAVED_MAGIC, SavedError};
pub use window::{PARTS_MAX, Tracker, TrackerCounts};
