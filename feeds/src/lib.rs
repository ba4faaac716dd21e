//! Knowledge from and for the outside: the partner link, lists in.

pub mod peer;
