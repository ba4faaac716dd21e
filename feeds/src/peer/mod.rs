//! The partner link (ADR 4): its lines, which both ends share.

pub mod wire;
