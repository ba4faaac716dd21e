//! What `model` says, against recorded answers and against implementations that we did not write.
#![cfg(test)]

mod accepted;
mod corpora;
mod differences;
mod editions;
mod identifiers;
mod meanings;
mod peer;
mod versions;
