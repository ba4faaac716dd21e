//! Does a program hold of an observation, and which field says so first?

use std::borrow::Cow;
use std::cmp::Ordering;
use std::net::IpAddr;

use model::field::{Field, FieldValue, Sort};
use model::observation::{Observation, Text};
use model::pattern::ComparisonOperator;

use crate::comparison::{Test, Wanted, masked};
use crate::compile::Program;
use crate::text::{composed, composed_owned, composed_url};

/// What satisfied a program: a field, and its value unless it is the field's absence that counts.
pub(crate) type Evidence<'a> = (Field, Option<FieldValue<'a>>);

/// The first field, in the table's order, whose value satisfied the program, and that value; none if it does not hold.
/// A program that holds by absence alone (negations) has the field of its first negated test.
pub(crate) fn holds<'a, T: Text>(program: &Program, observation: &'a Observation<T>) -> Option<Evidence<'a>> {
    match program {
        Program::Test(test) => tested(test, observation),
        Program::All(parts) => {
            let mut first: Option<Evidence<'a>> = None;
            for part in parts {
                first = earlier(first, Some(holds(part, observation)?));
            }
            first
        }
        Program::Any(parts) => parts.iter().fold(None, |first, part| earlier(first, holds(part, observation))),
    }
}

/// A value says more than an absence.
fn earlier<'a>(a: Option<Evidence<'a>>, b: Option<Evidence<'a>>) -> Option<Evidence<'a>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if (b.1.is_none(), b.0) < (a.1.is_none(), a.0) { b } else { a }),
        (a, b) => a.or(b),
    }
}

/// Does one comparison hold?
pub(crate) fn tested<'a, T: Text>(test: &Test, observation: &'a Observation<T>) -> Option<Evidence<'a>> {
    let mut present: Option<Evidence<'a>> = None;
    let mut satisfied: Option<Evidence<'a>> = None;
    for field in test.fields {
        field.values(observation, &mut |value| {
            if satisfied.is_none() && comparable(test.sort, &value) {
                present.get_or_insert((*field, Some(value)));
                if satisfies(test, &value) {
                    satisfied = Some((*field, Some(value)));
                }
            }
        });
    }
    match (test.negated, satisfied) {
        (false, satisfied) => satisfied,
        (true, Some(_)) => None,
        (true, None) if matches!(test.wanted, Wanted::Present) => test.fields.first().map(|field| (*field, None)),
        (true, None) => present,
    }
}

/// Is the value of the sort that the comparison is about? An IPv6 address says nothing about `ipv4-addr:value`.
fn comparable(sort: Sort, value: &FieldValue<'_>) -> bool {
    match (sort, value) {
        (Sort::Ipv4, FieldValue::Ip(ip)) => ip.is_ipv4(),
        (Sort::Ipv6, FieldValue::Ip(ip)) => ip.is_ipv6(),
        (Sort::Address | Sort::ObjectType, FieldValue::Ip(_) | FieldValue::Name(_))
        | (Sort::Name, FieldValue::Name(_))
        | (Sort::Integer, FieldValue::Integer(_))
        | (Sort::Time, FieldValue::Time(_))
        | (Sort::Text | Sort::Caseless | Sort::Url, FieldValue::Text(_)) => true,
        _ => false,
    }
}

/// The text of a value in the form in which its sort is compared; none of numbers and times.
pub(crate) fn text_of<'a>(sort: Sort, value: &FieldValue<'a>) -> Option<Cow<'a, str>> {
    Some(match (value, sort) {
        (FieldValue::Ip(IpAddr::V4(_)), Sort::ObjectType) => Cow::Borrowed("ipv4-addr"),
        (FieldValue::Ip(IpAddr::V6(_)), Sort::ObjectType) => Cow::Borrowed("ipv6-addr"),
        (FieldValue::Name(_), Sort::ObjectType) => Cow::Borrowed("domain-name"),
        (FieldValue::Ip(ip), _) => Cow::Owned(ip.to_string()),
        (FieldValue::Name(name), _) => Cow::Borrowed(name),
        (FieldValue::Text(text), Sort::Caseless) => Cow::Owned(composed_owned(text.to_lowercase())),
        (FieldValue::Text(text), Sort::Url) => composed_url(text),
        (FieldValue::Text(text), _) => composed(text),
        (FieldValue::Integer(_) | FieldValue::Time(_), _) => return None,
    })
}

fn satisfies(test: &Test, value: &FieldValue<'_>) -> bool {
    match (&test.wanted, value) {
        (Wanted::Present, _) => true,
        (Wanted::Ips(ips), FieldValue::Ip(ip)) => ips.contains(ip),
        (Wanted::Network(network, length), FieldValue::Ip(ip)) => {
            network.is_ipv4() == ip.is_ipv4() && masked(*ip, *length) == *network
        }
        (Wanted::Names(names), FieldValue::Name(name)) => names.iter().any(|wanted| &**wanted == *name),
        (Wanted::Below(parent), FieldValue::Name(name)) => {
            name.strip_suffix(&**parent).is_some_and(|rest| rest.ends_with('.'))
        }
        (Wanted::BelowLike { like, .. }, FieldValue::Name(name)) => is_below_like(name, like),
        (Wanted::Integers(numbers), FieldValue::Integer(number)) => numbers.contains(number),
        (Wanted::Integers(numbers), FieldValue::Time(time)) => numbers.contains(&time.micros()),
        (Wanted::Range(from, to), FieldValue::Integer(number)) => (*from..=*to).contains(number),
        (Wanted::Range(from, to), FieldValue::Time(time)) => (*from..=*to).contains(&time.micros()),
        (wanted, value) => text_of(test.sort, value).is_some_and(|text| satisfies_text(wanted, &text)),
    }
}

fn satisfies_text(wanted: &Wanted, text: &str) -> bool {
    match wanted {
        Wanted::Texts(texts) | Wanted::Caseless(texts) | Wanted::Urls(texts) | Wanted::Types(texts) => {
            texts.iter().any(|wanted| **wanted == *text)
        }
        Wanted::Order(operator, bound) => matches!(
            (operator, text.cmp(bound)),
            (ComparisonOperator::Less | ComparisonOperator::LessOrEqual, Ordering::Less)
                | (ComparisonOperator::Greater | ComparisonOperator::GreaterOrEqual, Ordering::Greater)
                | (ComparisonOperator::LessOrEqual | ComparisonOperator::GreaterOrEqual, Ordering::Equal)
        ),
        Wanted::Like(like) => like.holds(text),
        Wanted::Matches(matcher) => matcher.holds(text),
        _ => false,
    }
}

/// Does `name` stand below something that `like` says, in which `_` is any one character?
fn is_below_like(name: &str, like: &str) -> bool {
    let mut rest = name.chars().rev();
    let same = like.chars().rev().all(|wanted| rest.next().is_some_and(|found| wanted == '_' || wanted == found));
    same && rest.next() == Some('.')
}

/// The value as a hit shows it; nothing where the absence counts.
pub(crate) fn shown(value: Option<&FieldValue<'_>>) -> String {
    match value {
        None => String::new(),
        Some(FieldValue::Ip(ip)) => ip.to_string(),
        Some(FieldValue::Integer(number)) => number.to_string(),
        Some(FieldValue::Time(time)) => time.to_string(),
        Some(FieldValue::Name(text) | FieldValue::Text(text)) => (*text).to_owned(),
    }
}
