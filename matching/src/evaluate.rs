//! Does a program hold of an observation, and which field says so first?

use model::field::{Field, FieldValue};
use model::observation::Observation;
use model::value::canonical_url;

use crate::compile::{Program, Test, Wanted, masked};

/// The first field, in the table's order, whose value satisfied the program, and that value; none if it does not hold.
/// A program that holds by absence alone (negations) has the field of its first negated test.
pub(crate) fn holds(program: &Program, observation: &Observation) -> Option<(Field, String)> {
    match program {
        Program::Test(test) => tested(test, observation),
        Program::All(parts) => {
            let mut first: Option<(Field, String)> = None;
            for part in parts {
                first = earlier(first, Some(holds(part, observation)?));
            }
            first
        }
        Program::Any(parts) => parts.iter().fold(None, |first, part| earlier(first, holds(part, observation))),
    }
}

fn earlier(a: Option<(Field, String)>, b: Option<(Field, String)>) -> Option<(Field, String)> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if b.0 < a.0 { b } else { a }),
        (a, b) => a.or(b),
    }
}

fn tested(test: &Test, observation: &Observation) -> Option<(Field, String)> {
    let mut present = None;
    let mut satisfied = None;
    for field in test.fields {
        field.values(observation, &mut |value| {
            if comparable(&test.wanted, &value) {
                present.get_or_insert_with(|| (*field, shown(&value)));
                if satisfied.is_none() && satisfies(&test.wanted, &value) {
                    satisfied = Some((*field, shown(&value)));
                }
            }
        });
    }
    match (test.negated, satisfied) {
        (false, satisfied) => satisfied,
        (true, Some(_)) => None,
        (true, None) => present,
    }
}

/// Is the value of the sort that the comparison is about? An IPv6 address says nothing about `ipv4-addr:value`.
fn comparable(wanted: &Wanted, value: &FieldValue<'_>) -> bool {
    match (wanted, value) {
        (Wanted::Ips(ips), FieldValue::Ip(ip)) => ips.iter().any(|wanted| wanted.is_ipv4() == ip.is_ipv4()),
        (Wanted::Network(network, _), FieldValue::Ip(ip)) => network.is_ipv4() == ip.is_ipv4(),
        (Wanted::Names(_) | Wanted::Below(_) | Wanted::BelowLike { .. }, FieldValue::Name(_)) => true,
        (Wanted::Integers(_), FieldValue::Integer(_)) => true,
        (Wanted::Texts(_) | Wanted::Caseless(_) | Wanted::Urls(_), FieldValue::Text(_)) => true,
        _ => false,
    }
}

fn satisfies(wanted: &Wanted, value: &FieldValue<'_>) -> bool {
    match (wanted, value) {
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
        (Wanted::Texts(texts), FieldValue::Text(text)) => texts.iter().any(|wanted| &**wanted == *text),
        (Wanted::Caseless(texts), FieldValue::Text(text)) => {
            let lower = text.to_lowercase();
            texts.iter().any(|wanted| **wanted == lower)
        }
        (Wanted::Urls(urls), FieldValue::Text(text)) => {
            let canonical = canonical_url(text);
            urls.iter().any(|wanted| **wanted == canonical)
        }
        _ => false,
    }
}

/// Does `name` stand below something that `like` says, in which `_` is any one character?
fn is_below_like(name: &str, like: &str) -> bool {
    let mut rest = name.chars().rev();
    let same = like.chars().rev().all(|wanted| rest.next().is_some_and(|found| wanted == '_' || wanted == found));
    same && rest.next() == Some('.')
}

/// The value as a hit shows it.
pub(crate) fn shown(value: &FieldValue<'_>) -> String {
    match value {
        FieldValue::Ip(ip) => ip.to_string(),
        FieldValue::Integer(number) => number.to_string(),
        FieldValue::Name(text) | FieldValue::Text(text) => (*text).to_owned(),
    }
}
