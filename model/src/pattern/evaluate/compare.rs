//! One comparison (§9.6) over one observation.

use std::cmp::Ordering;
use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use icu_normalizer::ComposingNormalizerBorrowed;
use regex::RegexBuilder;
use serde_json::{Map, Value};

use super::{EvaluationError, Sight};
use crate::pattern::{Comparison, ComparisonOperator as Op, Literal, Path, Step};

/// Most bytes that a compiled regular expression may have.
const REGEX_BYTES_MAX: usize = 1 << 20;

/// A value that a path reaches, in the form in which it is compared.
enum Reached<'v> {
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text(&'v str),
    /// Of a property whose name ends in `_hex` or `_bin` (§2.1, §2.7).
    Bytes(Vec<u8>),
    /// A list, an object.
    Other,
}

/// Does the comparison hold of the observation? Where a path reaches several values, one that satisfies it is enough; a negated
/// one, and `!=`, hold if it reaches something and no value satisfies what is negated (ADR 2). A path that reaches nothing never holds.
pub(super) fn holds(comparison: &Comparison, sight: &Sight) -> Result<bool, EvaluationError> {
    let reached = reach(&comparison.path, sight);
    if comparison.operator == Op::Exists {
        return Ok(reached.is_empty() == comparison.negated);
    }
    let negated = comparison.negated != (comparison.operator == Op::NotEqual);
    let mut any = false;
    let mut comparable = false;
    for value in &reached {
        if let Some(satisfied) = satisfies(comparison, value)? {
            comparable = true;
            any |= satisfied;
        }
    }
    Ok(comparable && any != negated)
}

/// Every value that a path reaches, from every object of its type.
fn reach<'s>(path: &Path, sight: &'s Sight) -> Vec<Reached<'s>> {
    let of_type = |object: &&Map<String, Value>| object.get("type").and_then(Value::as_str) == Some(&path.object_type);
    let mut found = Vec::new();
    for object in sight.objects.values().filter(of_type) {
        walk(object, &path.steps, sight, &mut found);
    }
    found
}

fn walk<'s>(object: &'s Map<String, Value>, steps: &[Step], sight: &'s Sight, found: &mut Vec<Reached<'s>>) {
    let Some((Step::Key(key), rest)) = steps.split_first() else { return };
    let Some(value) = object.get(key) else { return };
    below(value, key, rest, sight, found);
}

/// `key` is the name of the property that the value is of: it says what the value means.
fn below<'s>(value: &'s Value, key: &str, steps: &[Step], sight: &'s Sight, found: &mut Vec<Reached<'s>>) {
    match (steps.first(), value) {
        (None, value) => found.push(read(value, key)),
        (Some(Step::Any), Value::Array(items)) => {
            for item in items {
                below(item, key, steps.get(1..).unwrap_or_default(), sight, found);
            }
        }
        (Some(Step::Index(index)), Value::Array(items)) => {
            if let Some(item) = usize::try_from(*index).ok().and_then(|index| items.get(index)) {
                below(item, key, steps.get(1..).unwrap_or_default(), sight, found);
            }
        }
        (Some(Step::Key(_)), Value::Object(inner)) => walk(inner, steps, sight, found),
        (Some(Step::Key(_)), Value::String(name)) if key.ends_with("_ref") || key.ends_with("_refs") => {
            if let Some(object) = sight.objects.get(name) {
                walk(object, steps, sight, found);
            }
        }
        _ => {}
    }
}

fn read<'s>(value: &'s Value, key: &str) -> Reached<'s> {
    match value {
        Value::Null => Reached::Null,
        Value::Bool(value) => Reached::Boolean(*value),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => Reached::Integer(integer),
            None => number.as_f64().map_or(Reached::Other, Reached::Float),
        },
        Value::String(text) if key.ends_with("_hex") => hex::decode(text).map_or(Reached::Text(text), Reached::Bytes),
        Value::String(text) if key.ends_with("_bin") => {
            STANDARD.decode(text).map_or(Reached::Text(text), Reached::Bytes)
        }
        Value::String(text) => Reached::Text(text),
        Value::Array(_) | Value::Object(_) => Reached::Other,
    }
}

/// Does the value satisfy the comparison, its negation and the one in `!=` left aside? None if the two cannot be compared at all: a text
/// that is no time with a time.
fn satisfies(comparison: &Comparison, value: &Reached<'_>) -> Result<Option<bool>, EvaluationError> {
    let mut any = Some(false);
    for literal in &comparison.values {
        let one = match comparison.operator {
            Op::Like => Some(texts(value, literal).is_some_and(|(text, like)| is_like(&text, &like))),
            Op::Matches => Some(matches(value, literal)?),
            Op::IsSubset => Some(networks(value, literal).is_some_and(|(value, wanted)| contains(wanted, value))),
            Op::IsSuperset => Some(networks(value, literal).is_some_and(|(value, wanted)| contains(value, wanted))),
            operator => ordered(value, literal).map(|order| order.is_some_and(|order| is(operator, order))),
        };
        any = any.and_then(|any| Some(one? || any));
    }
    Ok(any)
}

fn is(operator: Op, order: Ordering) -> bool {
    match operator {
        Op::Less => order.is_lt(),
        Op::LessOrEqual => order.is_le(),
        Op::Greater => order.is_gt(),
        Op::GreaterOrEqual => order.is_ge(),
        _ => order.is_eq(),
    }
}

/// How the two stand to each other: outer none, they cannot be compared at all; inner none, they are of different kinds.
fn ordered(value: &Reached<'_>, literal: &Literal) -> Option<Option<Ordering>> {
    let order = match (value, literal) {
        (Reached::Integer(a), Literal::Integer(b)) => Some(a.cmp(b)),
        (Reached::Integer(_) | Reached::Float(_), Literal::Integer(_) | Literal::Float(_)) => numbers(value, literal),
        (Reached::Boolean(a), Literal::Boolean(b)) => (a == b).then_some(Ordering::Equal),
        (Reached::Text(a), Literal::Timestamp(b)) => return Some(Some(instant(a)?.cmp(&instant(b)?))),
        (Reached::Text(a), Literal::Text(b)) => Some((*a).cmp(b.as_str())),
        (Reached::Text(a), Literal::Hex(_) | Literal::Binary(_)) => {
            latin(a).zip(literal.octets()).map(|(a, b)| a.cmp(&b))
        }
        (Reached::Bytes(a), Literal::Text(b)) => latin(b).map(|b| a.cmp(&b)),
        (Reached::Bytes(a), Literal::Hex(_) | Literal::Binary(_)) => literal.octets().map(|b| a.cmp(&b)),
        _ => None,
    };
    Some(order)
}

fn numbers(value: &Reached<'_>, literal: &Literal) -> Option<Ordering> {
    #[expect(clippy::cast_precision_loss, reason = "an integer beyond 2⁵³ beside a float is near enough")]
    let left = match value {
        Reached::Integer(number) => *number as f64,
        Reached::Float(number) => *number,
        _ => return None,
    };
    #[expect(clippy::cast_precision_loss, reason = "as above")]
    let right = match literal {
        Literal::Integer(number) => *number as f64,
        Literal::Float(text) => text.parse().ok()?,
        _ => return None,
    };
    left.partial_cmp(&right)
}

/// A time to the nanosecond.
fn instant(text: &str) -> Option<jiff::Timestamp> {
    text.parse::<crate::time::Timestamp>().ok()?;
    text.parse().ok()
}

/// A text whose characters all fit a byte, as bytes: how texts and binary values compare.
fn latin(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect()
}

/// Value and literal as texts in normal form C (§9.6.1); the bytes of a binary value are characters.
fn texts(value: &Reached<'_>, literal: &Literal) -> Option<(String, String)> {
    let text = match value {
        Reached::Text(text) => normal(text),
        Reached::Bytes(bytes) => bytes.iter().map(|byte| char::from(*byte)).collect(),
        _ => return None,
    };
    match literal {
        Literal::Text(wanted) => Some((text, normal(wanted))),
        _ => None,
    }
}

fn normal(text: &str) -> String {
    ComposingNormalizerBorrowed::new_nfc().normalize(text).into_owned()
}

/// `%`: any characters; `_`: any one.
fn is_like(text: &str, like: &str) -> bool {
    let (text, like): (Vec<char>, Vec<char>) = (text.chars().collect(), like.chars().collect());
    // reached[n]: what was read of `like` can be the first n characters.
    let mut reached = vec![false; text.len() + 1];
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    for wanted in like {
        let mut next = vec![false; text.len() + 1];
        for (place, slot) in next.iter_mut().enumerate() {
            let before = place.checked_sub(1);
            let came = |places: &[bool]| before.and_then(|before| places.get(before)).copied().unwrap_or(false);
            *slot = match wanted {
                '%' => reached.iter().take(place + 1).any(|reached| *reached),
                '_' => came(&reached),
                wanted => came(&reached) && before.and_then(|before| text.get(before)) == Some(&wanted),
            };
        }
        reached = next;
    }
    reached.last().copied().unwrap_or(false)
}

/// §9.6.1: as PCRE searches, dots match line ends too.
fn matches(value: &Reached<'_>, literal: &Literal) -> Result<bool, EvaluationError> {
    let Some((text, wanted)) = texts(value, literal) else { return Ok(false) };
    let built = RegexBuilder::new(&wanted).dot_matches_new_line(true).size_limit(REGEX_BYTES_MAX).build();
    match built {
        Ok(regex) => Ok(regex.is_match(&text)),
        Err(error) => Err(EvaluationError::Regex { text: wanted, why: error.to_string() }),
    }
}

type Network = (IpAddr, u8);

fn networks(value: &Reached<'_>, literal: &Literal) -> Option<(Network, Network)> {
    match (value, literal) {
        (Reached::Text(value), Literal::Text(wanted)) => network(value).zip(network(wanted)),
        _ => None,
    }
}

/// An address or a network; what stands behind the prefix is cut off.
fn network(text: &str) -> Option<Network> {
    let (ip, length) = match text.split_once('/') {
        Some((ip, length)) => (ip.parse::<IpAddr>().ok()?, length.parse::<u8>().ok()?),
        None => {
            let ip: IpAddr = text.parse().ok()?;
            (ip, if ip.is_ipv4() { 32 } else { 128 })
        }
    };
    (length <= if ip.is_ipv4() { 32 } else { 128 }).then_some((ip, length))
}

fn contains(outer: Network, inner: Network) -> bool {
    let same = |a: u128, b: u128, width: u32| {
        let shift = width.saturating_sub(outer.1.into());
        outer.1 <= inner.1 && a.checked_shr(shift).unwrap_or(0) == b.checked_shr(shift).unwrap_or(0)
    };
    match (outer.0, inner.0) {
        (IpAddr::V4(a), IpAddr::V4(b)) => same(a.to_bits().into(), b.to_bits().into(), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => same(a.to_bits(), b.to_bits(), 128),
        _ => false,
    }
}
