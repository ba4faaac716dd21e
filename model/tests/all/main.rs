//! What `model` says, against recorded answers and against implementations that we did not write.
#![cfg(test)]

mod accepted;
mod corpora;
mod differences;
mod editions;
mod equivalence;
mod evaluate;
mod faults;
mod identifiers;
mod known;
mod meanings;
mod patterns;
mod peer;
mod rules;
mod validity;
mod versions;
