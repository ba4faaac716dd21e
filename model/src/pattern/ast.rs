//! The tree of a pattern.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Where something stands in the text, bytes: from, to (not included).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
}

/// A whole pattern.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    /// Its outermost observation expression.
    pub root: Observation,
}

/// An observation expression (§9.2).
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    /// `[ … ]`: everything inside holds for one observation.
    Single(Expression),
    /// Several, joined by one operator; at least two.
    Joined(ObservationOperator, Vec<Observation>),
    /// An expression and what qualifies it.
    Qualified(Box<Observation>, Qualifier),
}

/// How observation expressions are joined (§9.5), loosest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObservationOperator {
    /// Both, by different observations.
    And,
    /// Either.
    Or,
    /// The right one later.
    FollowedBy,
}

/// What qualifies an observation expression (§9.4).
#[derive(Debug, Clone, PartialEq)]
pub enum Qualifier {
    /// `WITHIN n SECONDS`, as written.
    Within(String),
    /// `REPEATS n TIMES`.
    Repeats(u64),
    /// `START t'…' STOP t'…'`.
    StartStop(String, String),
}

/// The seconds of a WITHIN, as written, in microseconds; what lies beyond six decimals is cut off, since times have no more. None
/// if there are too many.
pub fn microseconds(seconds: &str) -> Option<i64> {
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    let digits = |text: &str| if text.is_empty() { Some(0) } else { text.parse::<i64>().ok() };
    let fraction: String = fraction.chars().chain(std::iter::repeat('0')).take(6).collect();
    digits(whole.trim_start_matches('+'))?.checked_mul(1_000_000)?.checked_add(digits(&fraction)?)
}

/// A comparison expression (§9.6): inside one `[ ]`.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// One comparison.
    Comparison(Comparison),
    /// All of these; at least two.
    And(Vec<Expression>),
    /// Any of these; at least two.
    Or(Vec<Expression>),
}

/// One comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Left side.
    pub path: Path,
    /// `NOT` before the operator.
    pub negated: bool,
    /// The operator.
    pub operator: ComparisonOperator,
    /// Right side: one literal; several for `IN`; none for `EXISTS`.
    pub values: Vec<Literal>,
    /// Where it stands.
    pub span: Span,
}

/// Comparison operators (§9.6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ComparisonOperator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `>`
    Greater,
    /// `<`
    Less,
    /// `>=`
    GreaterOrEqual,
    /// `<=`
    LessOrEqual,
    /// `IN`
    In,
    /// `LIKE`
    Like,
    /// `MATCHES`
    Matches,
    /// `ISSUBSET`
    IsSubset,
    /// `ISSUPERSET`
    IsSuperset,
    /// `EXISTS`, which stands before its path.
    Exists,
}

/// An object path (§9.7): `type:step.step[0]…`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Path {
    /// Object type.
    pub object_type: String,
    /// Steps; at least one.
    pub steps: Vec<Step>,
}

/// A step of an object path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step {
    /// A property or dictionary key.
    Key(String),
    /// `[n]`
    Index(u64),
    /// `[*]`
    Any,
}

/// A literal (§9.3).
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// A text, escapes resolved.
    Text(String),
    /// An integer.
    Integer(i64),
    /// A float, as written.
    Float(String),
    /// `true`, `false`.
    Boolean(bool),
    /// `h'…'`: hexadecimal, as written.
    Hex(String),
    /// `b'…'`: base64, as written.
    Binary(String),
    /// `t'…'`: a time, as written.
    Timestamp(String),
}

impl Literal {
    /// The octets that a hexadecimal or binary literal writes; none of others. Beside a text each octet is the character of that
    /// number (§9.2).
    pub fn octets(&self) -> Option<Vec<u8>> {
        match self {
            Self::Hex(text) => hex::decode(text).ok(),
            Self::Binary(text) => STANDARD.decode(text).ok(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_cut_off_not_rounded() {
        for (seconds, micros) in [
            ("5", Some(5_000_000)),
            ("1.5", Some(1_500_000)),
            ("0.4999999", Some(499_999)),
            ("2.0000009", Some(2_000_000)),
            (".5", Some(500_000)),
            ("1.1", Some(1_100_000)),
            ("9223372036854", Some(9_223_372_036_854_000_000)),
            ("9223372036855", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(microseconds(seconds), micros, "{seconds}");
        }
    }
}
