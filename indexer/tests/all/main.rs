//! The memory from outside.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that goes wrong may end")]

mod disclosure;
mod harness;
mod link;
mod reads;
mod records;
mod store;
mod throughput;
