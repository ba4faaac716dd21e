//! The whole, from outside: one binary, one file a concern.
mod tidy;
