//! The partner link's follower against a real TLS server on loopback, and the reading of lists and STIX files.
#![cfg(test)]

mod attacks;
mod corpora;
mod follower;
mod inbound;
mod origin;
mod stix;
