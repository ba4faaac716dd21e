//! The HTTP layer from outside: real TLS, real clients, in this process.

#![cfg(test)]

mod authority;
mod callers;
mod harness;
mod hostile;
mod http2;
mod live;
mod local;
mod recorded;
mod rest;
mod roles;
mod search;
mod standins;
mod sweep;
mod taxii;
mod tls;
