//! What is wrong with a pattern, and where.

use super::Span;

/// A fault of a pattern. Parsing ends at the first: what follows it cannot be read with confidence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (at byte {position} of the pattern)")]
pub struct PatternFault {
    /// Stable code: `pattern-token`, `pattern-syntax`, `pattern-depth`, `pattern-length`, `pattern-literal`.
    pub code: &'static str,
    /// Byte at which it is noticed.
    pub position: usize,
    /// What is labelled.
    pub span: Span,
    /// What is wrong, one lower-case sentence.
    pub message: String,
    /// What to write instead, where that is known.
    pub suggestion: Option<String>,
}

impl PatternFault {
    pub(super) fn new(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self { code, position: span.start, span, message: message.into(), suggestion: None }
    }

    pub(super) fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }
}
