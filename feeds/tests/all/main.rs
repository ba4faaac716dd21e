//! The partner link's follower against a real TLS server on loopback.
#![cfg(test)]

mod attacks;
mod follower;
mod origin;
