//! One comparison of a pattern → tests over the fields of one observation.

use std::net::IpAddr;

use model::field::{Field, Sort, fields_of};
use model::pattern::{Comparison, ComparisonOperator, Literal};
use model::time::Timestamp;
use model::value::canonical_name;

use crate::compile::{NotMatched, Program, not};
use crate::text::{Budget, Like, Matcher, composed, composed_owned, composed_url};
use crate::unseen::unseen;

/// One comparison.
#[derive(Debug)]
pub(crate) struct Test {
    pub(crate) fields: &'static [Field],
    /// Of which values of those fields it speaks.
    pub(crate) sort: Sort,
    /// Holds if the observation has such a field and no value of it satisfies `wanted`; with [`Wanted::Present`] if it
    /// has none.
    pub(crate) negated: bool,
    pub(crate) wanted: Wanted,
}

/// What a value must be; texts in the form in which they are compared.
#[derive(Debug)]
pub(crate) enum Wanted {
    Ips(Box<[IpAddr]>),
    Network(IpAddr, u8),
    Names(Box<[Box<str>]>),
    /// Names strictly below this one.
    Below(Box<str>),
    /// Names strictly below one that `like` says, in which `_` is any character; it ends in `anchor`.
    BelowLike {
        anchor: Box<str>,
        like: Box<str>,
    },
    Integers(Box<[i64]>),
    /// From, to, both included. Times are microseconds since the epoch.
    Range(i64, i64),
    Texts(Box<[Box<str>]>),
    Caseless(Box<[Box<str>]>),
    Urls(Box<[Box<str>]>),
    /// One of these object types.
    Types(Box<[Box<str>]>),
    /// Before or behind a text in the order of code points.
    Order(ComparisonOperator, Box<str>),
    Like(Box<Like>),
    Matches(Box<Matcher>),
    /// Any value at all.
    Present,
}

pub(crate) fn comparison(comparison: &Comparison, budget: &mut Budget) -> Result<Program, NotMatched> {
    use ComparisonOperator as Op;
    let Some((fields, sort)) = fields_of(&comparison.path) else {
        return not(unseen(&comparison.path));
    };
    let values = comparison.values.as_slice();
    let wanted = match comparison.operator {
        Op::Equal | Op::NotEqual | Op::In => equal(sort, values),
        Op::Greater | Op::GreaterOrEqual | Op::Less | Op::LessOrEqual => {
            values.first().and_then(|value| order(comparison.operator, sort, value)).map(|wanted| vec![wanted])
        }
        Op::IsSubset => only_text(values).and_then(|text| network(sort, &text)).map(|wanted| vec![wanted]),
        Op::IsSuperset => superset(comparison, sort)?,
        Op::Exists => Some(vec![Wanted::Present]),
        Op::Like => like(sort, values)?,
        Op::Matches if is_text(sort) => match only_text(values) {
            Some(text) => Some(vec![Wanted::Matches(Box::new(Matcher::compile(&text, is_caseless(sort), budget)?))]),
            None => None,
        },
        Op::Matches => None,
    };
    let Some(wanted) = wanted else { return not(impossible(comparison, sort)) };
    let negated = comparison.negated != (comparison.operator == Op::NotEqual);
    let mut tests: Vec<Program> =
        wanted.into_iter().map(|wanted| Program::Test(Test { fields, sort, negated, wanted })).collect();
    Ok(match tests.len() {
        1 => tests.remove(0),
        _ if negated => Program::All(tests.into()),
        _ => Program::Any(tests.into()),
    })
}

fn impossible(comparison: &Comparison, sort: Sort) -> String {
    let why = format!("`{comparison}` compares with a value that `{}` cannot have here", comparison.path);
    let number = only_text(&comparison.values).and_then(|text| text.parse::<i64>().ok());
    match (sort, number) {
        (Sort::Integer, Some(number)) => format!("{why}: it is a number, written {number} without quotes"),
        (Sort::Integer, None) => format!("{why}: it is a whole number"),
        (Sort::Time, _) => format!("{why}: it is a time, such as t'2026-11-24T19:03:07.042Z'"),
        (Sort::Ipv4, _) => format!("{why}: it is an IPv4 address"),
        (Sort::Ipv6, _) => format!("{why}: it is an IPv6 address"),
        _ => format!("{why}: it is a text"),
    }
}

/// A literal as a text; of binary and hexadecimal ones each octet is the character of that number (§9.2).
fn text(literal: &Literal) -> Option<String> {
    match literal {
        Literal::Text(text) => Some(text.clone()),
        other => Some(other.octets()?.into_iter().map(char::from).collect()),
    }
}

fn only_text(values: &[Literal]) -> Option<String> {
    values.first().and_then(text)
}

/// Have values of this sort a text to compare?
fn is_text(sort: Sort) -> bool {
    !matches!(sort, Sort::Integer | Sort::Time)
}

fn is_caseless(sort: Sort) -> bool {
    !matches!(sort, Sort::Text | Sort::Url)
}

/// A text in the form in which values of the sort are compared.
fn form(sort: Sort, text: &str) -> Box<str> {
    match sort {
        Sort::Name => canonical_name(text),
        Sort::Url => composed_url(text).into_owned(),
        Sort::Text => composed(text).into_owned(),
        _ => composed_owned(text.to_lowercase()),
    }
    .into()
}

/// What is equal to one of the values: of addresses and names several tests, of which one must hold.
fn equal(sort: Sort, values: &[Literal]) -> Option<Vec<Wanted>> {
    let texts = || values.iter().map(|value| Some(form(sort, &text(value)?))).collect::<Option<Box<[Box<str>]>>>();
    Some(vec![match sort {
        Sort::Ipv4 | Sort::Ipv6 | Sort::Address => return addresses(sort, values),
        Sort::Name => Wanted::Names(texts()?),
        Sort::ObjectType => Wanted::Types(texts()?),
        Sort::Integer => Wanted::Integers(values.iter().map(whole).collect::<Option<_>>()?),
        Sort::Time => {
            let whole = |value| micros(value).filter(|(below, above)| below == above).map(|(micros, _)| micros);
            Wanted::Integers(values.iter().map(whole).collect::<Option<_>>()?)
        }
        Sort::Text => Wanted::Texts(texts()?),
        Sort::Caseless => Wanted::Caseless(texts()?),
        Sort::Url => Wanted::Urls(texts()?),
    }])
}

fn addresses(sort: Sort, values: &[Literal]) -> Option<Vec<Wanted>> {
    let (mut ips, mut names, mut tests) = (Vec::new(), Vec::new(), Vec::new());
    for value in values {
        let text = text(value)?;
        if text.contains('/') {
            tests.push(network(sort, &text)?);
        } else if let Some(ip) = address(sort, &text) {
            ips.push(ip);
        } else if sort == Sort::Address {
            names.push(canonical_name(&text).into_boxed_str());
        } else {
            return None;
        }
    }
    if !ips.is_empty() {
        tests.push(Wanted::Ips(ips.into()));
    }
    if !names.is_empty() {
        tests.push(Wanted::Names(names.into()));
    }
    Some(tests)
}

fn whole(literal: &Literal) -> Option<i64> {
    match literal {
        Literal::Integer(number) => Some(*number),
        Literal::Float(text) => {
            let number: f64 = text.parse().ok()?;
            (number.fract() == 0.0).then_some(number as i64)
        }
        _ => None,
    }
}

/// A time in microseconds, down and up: observations have no smaller ones.
fn micros(literal: &Literal) -> Option<(i64, i64)> {
    let Literal::Timestamp(text) = literal else { return None };
    let below = text.parse::<Timestamp>().ok()?.micros();
    let rest = text.split_once('.').map_or("", |(_, decimals)| decimals.trim_end_matches('Z'));
    let is_whole = rest.bytes().skip(6).all(|digit| digit == b'0');
    Some((below, if is_whole { below } else { below.saturating_add(1) }))
}

fn order(operator: ComparisonOperator, sort: Sort, literal: &Literal) -> Option<Wanted> {
    use ComparisonOperator as Op;
    let (least, most) = match (sort, literal) {
        (Sort::Time, _) => micros(literal).map(|(below, above)| (above, below))?,
        (Sort::Integer, Literal::Integer(number)) => (*number, *number),
        (Sort::Integer, Literal::Float(text)) => {
            let number: f64 = text.parse().ok()?;
            (number.ceil() as i64, number.floor() as i64)
        }
        (Sort::Integer, _) => return None,
        _ => return Some(Wanted::Order(operator, form(sort, &text(literal)?))),
    };
    // Of a fraction `least` is the integer above it and `most` the one below, so neither is stepped over.
    let exact = least == most;
    Some(match operator {
        Op::Greater if exact => least.checked_add(1).map_or(Wanted::Range(1, 0), |from| Wanted::Range(from, i64::MAX)),
        Op::Greater | Op::GreaterOrEqual => Wanted::Range(least, i64::MAX),
        Op::Less if exact => most.checked_sub(1).map_or(Wanted::Range(1, 0), |to| Wanted::Range(i64::MIN, to)),
        _ => Wanted::Range(i64::MIN, most),
    })
}

fn like(sort: Sort, values: &[Literal]) -> Result<Option<Vec<Wanted>>, NotMatched> {
    let Some(text) = only_text(values).filter(|_| is_text(sort)) else { return Ok(None) };
    if sort == Sort::Name
        && let Some(wanted) = below(&text)
    {
        return Ok(Some(vec![wanted]));
    }
    let text = match sort {
        Sort::Name => canonical_name(&text),
        // What `%` stands for decides where the host ends, so that only the values can be normalised.
        Sort::Text | Sort::Url => composed(&text).into_owned(),
        _ => composed_owned(text.to_lowercase()),
    };
    Ok(Some(vec![Wanted::Like(Box::new(Like::compile(&text)?))]))
}

/// An observation shows single addresses: they hold themselves and nothing wider.
fn superset(comparison: &Comparison, sort: Sort) -> Result<Option<Vec<Wanted>>, NotMatched> {
    match only_text(&comparison.values).and_then(|text| network(sort, &text)) {
        Some(Wanted::Network(ip, length)) if length == if ip.is_ipv4() { 32 } else { 128 } => {
            Ok(Some(vec![Wanted::Ips([ip].into())]))
        }
        Some(Wanted::Network(..)) => {
            not(format!("`{comparison}` asks for a network, and telemetry shows single addresses"))
        }
        other => Ok(other.map(|wanted| vec![wanted])),
    }
}

fn address(sort: Sort, text: &str) -> Option<IpAddr> {
    let ip: IpAddr = text.parse().ok()?;
    let good = match sort {
        Sort::Ipv4 => ip.is_ipv4(),
        Sort::Ipv6 => ip.is_ipv6(),
        Sort::Address => true,
        _ => false,
    };
    good.then_some(ip)
}

fn network(sort: Sort, text: &str) -> Option<Wanted> {
    let Some((ip, length)) = text.split_once('/') else { return Some(Wanted::Ips([address(sort, text)?].into())) };
    let ip = address(sort, ip)?;
    let length = length.parse::<u8>().ok().filter(|length| *length <= if ip.is_ipv4() { 32 } else { 128 })?;
    Some(Wanted::Network(masked(ip, length), length))
}

/// `%.name`: what stands below a name.
fn below(text: &str) -> Option<Wanted> {
    let name = text.strip_prefix("%.")?;
    if name.is_empty() || name.contains('%') {
        return None;
    }
    // An underscore is a wildcard of LIKE; what stands behind the last one's label is looked up.
    let Some((_, behind)) = name.rsplit_once('_') else { return Some(Wanted::Below(canonical_name(name).into())) };
    let (_, anchor) = behind.split_once('.').filter(|(_, anchor)| !anchor.is_empty())?;
    Some(Wanted::BelowLike { anchor: canonical_name(anchor).into(), like: canonical_name(name).into() })
}

/// The network that `ip` lies in.
pub(crate) fn masked(ip: IpAddr, length: u8) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(length.into())).unwrap_or(0);
            IpAddr::V4((ip.to_bits() & mask).into())
        }
        IpAddr::V6(ip) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(length.into())).unwrap_or(0);
            IpAddr::V6((ip.to_bits() & mask).into())
        }
    }
}
