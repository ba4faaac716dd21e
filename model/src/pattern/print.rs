//! Tree → canonical text: one spelling for each operator, one space, parentheses only where they decide.

use std::fmt::{self, Display, Formatter};

use super::{
    Comparison, ComparisonOperator, Expression, Literal, Observation, ObservationOperator, Path, Pattern, Qualifier,
    Step,
};

impl Display for Pattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.root.fmt(f)
    }
}

impl Display for Observation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Single(expression) => write!(f, "[{expression}]"),
            Self::Joined(operator, parts) => {
                for (place, part) in parts.iter().enumerate() {
                    if place > 0 {
                        write!(f, " {operator} ")?;
                    }
                    // The same operator inside means that the author had parentheses: the tree keeps them apart.
                    let wrap = matches!(part, Self::Joined(inner, _) if looseness(*inner) >= looseness(*operator));
                    if wrap { write!(f, "({part})")? } else { part.fmt(f)? }
                }
                Ok(())
            }
            Self::Qualified(inner, qualifier) => {
                if matches!(**inner, Self::Joined(..)) {
                    write!(f, "({inner})")?
                } else {
                    inner.fmt(f)?
                }
                write!(f, " {qualifier}")
            }
        }
    }
}

fn looseness(operator: ObservationOperator) -> u8 {
    match operator {
        ObservationOperator::And => 0,
        ObservationOperator::Or => 1,
        ObservationOperator::FollowedBy => 2,
    }
}

impl Display for ObservationOperator {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::And => "AND",
            Self::Or => "OR",
            Self::FollowedBy => "FOLLOWEDBY",
        })
    }
}

impl Display for Qualifier {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Within(seconds) => write!(f, "WITHIN {seconds} SECONDS"),
            Self::Repeats(times) => write!(f, "REPEATS {times} TIMES"),
            Self::StartStop(start, stop) => write!(f, "START t'{start}' STOP t'{stop}'"),
        }
    }
}

impl Display for Expression {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (parts, word) = match self {
            Self::Comparison(comparison) => return comparison.fmt(f),
            Self::And(parts) => (parts, " AND "),
            Self::Or(parts) => (parts, " OR "),
        };
        for (place, part) in parts.iter().enumerate() {
            if place > 0 {
                f.write_str(word)?;
            }
            let wrap = match part {
                Self::Comparison(_) => false,
                Self::And(_) => matches!(self, Self::And(_)),
                Self::Or(_) => true,
            };
            if wrap { write!(f, "({part})")? } else { part.fmt(f)? }
        }
        Ok(())
    }
}

impl Display for Comparison {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let not = if self.negated { "NOT " } else { "" };
        if self.operator == ComparisonOperator::Exists {
            return write!(f, "{not}EXISTS {}", self.path);
        }
        write!(f, "{} {not}{} ", self.path, self.operator)?;
        match self.values.as_slice() {
            [value] if self.operator != ComparisonOperator::In => value.fmt(f),
            values => {
                f.write_str("(")?;
                for (place, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if place > 0 { ", " } else { "" })?;
                }
                f.write_str(")")
            }
        }
    }
}

impl Display for ComparisonOperator {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Greater => ">",
            Self::Less => "<",
            Self::GreaterOrEqual => ">=",
            Self::LessOrEqual => "<=",
            Self::In => "IN",
            Self::Like => "LIKE",
            Self::Matches => "MATCHES",
            Self::IsSubset => "ISSUBSET",
            Self::IsSuperset => "ISSUPERSET",
            Self::Exists => "EXISTS",
        })
    }
}

impl Display for Path {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.object_type)?;
        for (place, step) in self.steps.iter().enumerate() {
            match step {
                Step::Key(key) => {
                    let bare = key.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
                        && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
                    let point = if place > 0 { "." } else { "" };
                    if bare { write!(f, "{point}{key}")? } else { write!(f, "{point}'{}'", escaped(key))? }
                }
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Any => f.write_str("[*]")?,
            }
        }
        Ok(())
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "'{}'", escaped(text)),
            Self::Integer(number) => number.fmt(f),
            Self::Float(text) => f.write_str(text),
            Self::Boolean(value) => value.fmt(f),
            Self::Hex(text) => write!(f, "h'{text}'"),
            Self::Binary(text) => write!(f, "b'{text}'"),
            Self::Timestamp(text) => write!(f, "t'{text}'"),
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\'', "\\'")
}
