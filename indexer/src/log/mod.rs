//! The object log: frames of entries, one durable commit for whatever is waiting (ADR 1).

#[cfg(test)]
mod damage;
pub(crate) mod entry;
pub(crate) mod file;
pub(crate) mod frame;
