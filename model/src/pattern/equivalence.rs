//! Do two patterns mean the same? Both are brought into one normal form: alternatives of plain terms, without those that another
//! one implies, values as they compare. Equal forms mean the same; different ones may in rare cases, which is the safe side.

use std::collections::BTreeSet;
use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{
    Comparison, ComparisonOperator as Op, Expression, Literal, Observation, ObservationOperator, Pattern, Qualifier,
};
use crate::value::canonical_name;

/// Most alternatives of a normal form.
pub const ALTERNATIVES_MAX: usize = 2_048;

/// The pattern has more alternatives than can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the pattern has more than {ALTERNATIVES_MAX} alternatives: split it into several indicators")]
pub struct TooComplex;

/// Do the two mean the same?
pub fn are_equivalent(one: &Pattern, other: &Pattern) -> Result<bool, TooComplex> {
    Ok(normal(&one.root)? == normal(&other.root)?)
}

/// Comparisons that hold together, each as text.
type All = BTreeSet<String>;

/// Alternatives.
type Normal = BTreeSet<Term>;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Term {
    /// One observation of which all these hold.
    Single(All),
    /// Different observations; sorted, an equal one may stand twice.
    And(Vec<Term>),
    /// Different observations, one after the other.
    FollowedBy(Vec<Term>),
    Qualified(Normal, String),
}

fn normal(observation: &Observation) -> Result<Normal, TooComplex> {
    let found = match observation {
        Observation::Single(expression) => alternatives(expression)?.into_iter().map(Term::Single).collect(),
        Observation::Joined(ObservationOperator::Or, parts) => {
            let mut all = Normal::new();
            for part in parts {
                all.extend(normal(part)?);
            }
            all
        }
        Observation::Joined(operator, parts) => {
            let mut chosen: BTreeSet<Vec<Term>> = BTreeSet::from([Vec::new()]);
            for part in parts {
                chosen = product(&chosen, &normal(part)?, |left, right| {
                    [left.as_slice(), std::slice::from_ref(right)].concat()
                })?;
            }
            chosen.into_iter().map(|terms| joined(*operator, terms)).collect()
        }
        Observation::Qualified(inner, qualifier) => {
            Normal::from([Term::Qualified(normal(inner)?, qualifier_text(qualifier))])
        }
    };
    Ok(without_implied(&found, implies))
}

/// Every pair; an error if there are too many.
fn product<A: Ord, B: Ord, C: Ord>(
    left: &BTreeSet<A>,
    right: &BTreeSet<B>,
    join: impl Fn(&A, &B) -> C,
) -> Result<BTreeSet<C>, TooComplex> {
    if left.len().saturating_mul(right.len()) > ALTERNATIVES_MAX {
        return Err(TooComplex);
    }
    Ok(left.iter().flat_map(|left| right.iter().map(|right| join(left, right)).collect::<Vec<_>>()).collect())
}

/// Parts of the same operator are one list: both operators may be read in any grouping.
fn joined(operator: ObservationOperator, terms: Vec<Term>) -> Term {
    let mut flat = Vec::new();
    for term in terms {
        match (operator, term) {
            (ObservationOperator::And, Term::And(inner)) => flat.extend(inner),
            (ObservationOperator::FollowedBy, Term::FollowedBy(inner)) => flat.extend(inner),
            (_, term) => flat.push(term),
        }
    }
    if operator == ObservationOperator::FollowedBy {
        return Term::FollowedBy(flat);
    }
    flat.sort();
    Term::And(flat)
}

/// Leaves out each alternative that holds only where another one holds.
fn without_implied<T: Ord + Clone>(found: &BTreeSet<T>, implies: impl Fn(&T, &T) -> bool) -> BTreeSet<T> {
    let kept = found.iter().filter(|term| {
        // Of two that imply each other the first stays.
        !found.iter().any(|other| other != *term && implies(term, other) && (!implies(other, term) || other < *term))
    });
    kept.cloned().collect()
}

/// Does `wanted` hold wherever `term` holds?
fn implies(term: &Term, wanted: &Term) -> bool {
    let inside = |parts: &[Term]| parts.iter().any(|part| implies(part, wanted));
    match (term, wanted) {
        (Term::Single(term), Term::Single(wanted)) => wanted.is_subset(term),
        (Term::And(parts), Term::And(wanted)) => has_all(parts, wanted) || inside(parts),
        (Term::FollowedBy(parts), Term::And(wanted)) => has_all(parts, wanted) || inside(parts),
        (Term::FollowedBy(parts), Term::FollowedBy(wanted)) => has_in_order(parts, wanted) || inside(parts),
        (Term::And(parts) | Term::FollowedBy(parts), _) => inside(parts),
        (term, wanted) => term == wanted,
    }
}

/// A part of its own for each that is wanted.
fn has_all(parts: &[Term], wanted: &[Term]) -> bool {
    let mut left: Vec<&Term> = parts.iter().collect();
    wanted.iter().all(|wanted| match left.iter().position(|part| implies(part, wanted)) {
        Some(place) => {
            left.remove(place);
            true
        }
        None => false,
    })
}

fn has_in_order(parts: &[Term], wanted: &[Term]) -> bool {
    let mut left = parts.iter();
    wanted.iter().all(|wanted| left.any(|part| implies(part, wanted)))
}

fn qualifier_text(qualifier: &Qualifier) -> String {
    match qualifier {
        Qualifier::Within(seconds) => format!("WITHIN {}", number(seconds)),
        Qualifier::Repeats(times) => format!("REPEATS {times}"),
        Qualifier::StartStop(start, stop) => format!("START {} STOP {}", instant(start), instant(stop)),
    }
}

/// The alternatives of what holds of one observation.
fn alternatives(expression: &Expression) -> Result<BTreeSet<All>, TooComplex> {
    let found = match expression {
        Expression::Comparison(comparison) => comparisons(comparison),
        Expression::Or(parts) => {
            let mut all = BTreeSet::new();
            for part in parts {
                all.extend(alternatives(part)?);
            }
            all
        }
        Expression::And(parts) => {
            let mut all = BTreeSet::from([All::new()]);
            for part in parts {
                all = product(&all, &alternatives(part)?, |left, right| left.union(right).cloned().collect())?;
            }
            all
        }
    };
    if found.len() > ALTERNATIVES_MAX {
        return Err(TooComplex);
    }
    Ok(without_implied(&found, |term: &All, wanted: &All| wanted.is_subset(term)))
}

/// `IN` is a choice of equal values; NOT `IN`, none of them.
fn comparisons(comparison: &Comparison) -> BTreeSet<All> {
    let (operator, negated) = match comparison.operator {
        Op::NotEqual => (Op::Equal, !comparison.negated),
        Op::In => (Op::Equal, comparison.negated),
        operator => (operator, comparison.negated),
    };
    let not = if negated { "NOT " } else { "" };
    if comparison.values.is_empty() {
        return BTreeSet::from([All::from([format!("{not}{operator} {}", comparison.path)])]);
    }
    let one = |value: &Literal| format!("{} {not}{operator} {}", comparison.path, literal(comparison, value));
    let texts = comparison.values.iter().map(one);
    if negated { BTreeSet::from([texts.collect()]) } else { texts.map(|text| All::from([text])).collect() }
}

/// A value as it compares.
fn literal(comparison: &Comparison, value: &Literal) -> String {
    match value {
        Literal::Text(text) => format!("'{}'", canonical_text(comparison, text)),
        Literal::Integer(integer) => integer.to_string(),
        Literal::Float(text) => number(text),
        Literal::Boolean(boolean) => boolean.to_string(),
        Literal::Hex(text) => format!("h'{}'", text.to_lowercase()),
        Literal::Binary(text) => {
            STANDARD.decode(text).map_or_else(|_| text.clone(), |b| format!("h'{}'", hex::encode(b)))
        }
        Literal::Timestamp(text) => instant(text),
    }
}

/// A number without zeros that say nothing.
fn number(text: &str) -> String {
    text.parse::<f64>().map_or_else(|_| text.to_owned(), |number| number.to_string())
}

fn instant(text: &str) -> String {
    text.parse::<jiff::Timestamp>().map_or_else(|_| text.to_owned(), |time| format!("t{}", time.as_nanosecond()))
}

/// Addresses in their shortest form, networks without host bits, names and registry keys without case.
fn canonical_text(comparison: &Comparison, text: &str) -> String {
    let exact = matches!(comparison.operator, Op::Like | Op::Matches);
    match comparison.path.object_type.as_str() {
        _ if exact => text.to_owned(),
        "ipv4-addr" | "ipv6-addr" => canonical_network(text).unwrap_or_else(|| text.to_owned()),
        "domain-name" => canonical_name(text),
        "windows-registry-key" => text.to_lowercase(),
        _ => text.to_owned(),
    }
}

fn canonical_network(text: &str) -> Option<String> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length.parse::<u8>().ok()?)),
        None => (text, None),
    };
    let ip: IpAddr = address.parse().ok().or_else(|| padded(address))?;
    let width = if ip.is_ipv4() { 32 } else { 128 };
    let length = length.unwrap_or(width);
    if length > width {
        return None;
    }
    let shift = u32::from(width - length);
    let cut: IpAddr = match ip {
        IpAddr::V4(ip) => IpAddr::V4((ip.to_bits() & u32::MAX.checked_shl(shift).unwrap_or(0)).into()),
        IpAddr::V6(ip) => IpAddr::V6((ip.to_bits() & u128::MAX.checked_shl(shift).unwrap_or(0)).into()),
    };
    Some(if length == width { cut.to_string() } else { format!("{cut}/{length}") })
}

/// An IPv4 address whose parts have leading zeros; they are decimal all the same.
fn padded(text: &str) -> Option<IpAddr> {
    let parts: Vec<u8> = text.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    Some(IpAddr::from(<[u8; 4]>::try_from(parts).ok()?))
}
