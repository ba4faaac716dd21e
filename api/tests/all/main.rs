//! The HTTP layer from outside: real TLS, real clients, in this process.

#![cfg(test)]

mod authority;
mod callers;
mod harness;
mod hostile;
mod live;
mod local;
mod rest;
mod roles;
mod standins;
mod sweep;
mod taxii;
