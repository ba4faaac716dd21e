//! The HTTP layer from outside: real TLS, real clients, in this process.

mod callers;
mod harness;
mod hostile;
mod live;
mod rest;
mod roles;
mod search;
mod sweep;
mod taxii;
