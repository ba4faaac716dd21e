//! The engine against a plain reading of ADR 2 that is slow and obviously right.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that goes wrong may end")]

mod bombs;
mod differential;
mod explained;
mod found;
mod plain;
mod recorded;
mod single;
mod windows;
