//! STIX 2.1 patterns (§9): the grammar whole; text → tree with spans, faults with a place, tree → canonical text.

mod ast;
pub mod equivalence;
pub mod evaluate;
mod fault;
mod lexer;
mod parser;
mod print;

pub use ast::{
    Comparison, ComparisonOperator, Expression, Literal, Observation, ObservationOperator, Path, Pattern, Qualifier,
    Span, Step, microseconds,
};
pub use fault::PatternFault;
pub use parser::{DEPTH_MAX, TEXT_BYTES_MAX, parse};
