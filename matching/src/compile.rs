//! Pattern → program over the fields of one observation.

use std::net::IpAddr;
use std::sync::Arc;

use model::field::{Field, Sort, fields_of};
use model::pattern::{Comparison, ComparisonOperator, Expression, Literal, Observation, ObservationOperator, Pattern};
use model::time::Timestamp;
use model::value::{canonical_name, canonical_url};

/// An indicator to compile.
#[derive(Debug, Clone)]
pub struct RuleSource {
    /// Whatever names it to its owner.
    pub key: Arc<str>,
    /// Its pattern.
    pub pattern: Pattern,
    /// From when it matches; none: always did.
    pub valid_from: Option<Timestamp>,
    /// Until when, that moment not included; none: for ever.
    pub valid_until: Option<Timestamp>,
}

/// Why a pattern is stored and shared but not matched here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not matched here: {0}")]
pub struct NotMatched(pub String);

/// A compiled indicator.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) key: Arc<str>,
    pub(crate) valid_from: Timestamp,
    pub(crate) valid_until: Timestamp,
    pub(crate) program: Program,
}

/// What must hold of one observation.
#[derive(Debug)]
pub(crate) enum Program {
    Test(Test),
    All(Box<[Program]>),
    Any(Box<[Program]>),
}

/// One comparison.
#[derive(Debug)]
pub(crate) struct Test {
    pub(crate) fields: &'static [Field],
    /// Holds if the observation has such a field and no value of it satisfies `wanted`.
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
    Texts(Box<[Box<str>]>),
    Caseless(Box<[Box<str>]>),
    Urls(Box<[Box<str>]>),
}

pub(crate) fn compile(source: &RuleSource) -> Result<Rule, NotMatched> {
    Ok(Rule {
        key: Arc::clone(&source.key),
        valid_from: source.valid_from.unwrap_or(Timestamp::from_micros(i64::MIN)),
        valid_until: source.valid_until.unwrap_or(Timestamp::from_micros(i64::MAX)),
        program: observation(&source.pattern.root)?,
    })
}

/// A hit is of one observation, so `[a] OR [b]` hits whatever `[a]` or `[b]` hits; other joins need several.
fn observation(observation_: &Observation) -> Result<Program, NotMatched> {
    match observation_ {
        Observation::Single(inner) => expression(inner),
        Observation::Joined(ObservationOperator::Or, parts) => {
            Ok(Program::Any(parts.iter().map(observation).collect::<Result<_, _>>()?))
        }
        Observation::Joined(operator, _) => {
            not(format!("{operator} between observations needs more than one observation"))
        }
        Observation::Qualified(_, qualifier) => {
            not(format!("the qualifier {qualifier} needs more than one observation"))
        }
    }
}

fn not<T>(why: impl Into<String>) -> Result<T, NotMatched> {
    Err(NotMatched(why.into()))
}

fn expression(expression_: &Expression) -> Result<Program, NotMatched> {
    Ok(match expression_ {
        Expression::Comparison(inner) => Program::Test(comparison(inner)?),
        Expression::And(parts) => Program::All(parts.iter().map(expression).collect::<Result<_, _>>()?),
        Expression::Or(parts) => Program::Any(parts.iter().map(expression).collect::<Result<_, _>>()?),
    })
}

fn comparison(comparison: &Comparison) -> Result<Test, NotMatched> {
    use ComparisonOperator as Op;
    let Some((fields, sort)) = fields_of(&comparison.path) else {
        return not(format!("no telemetry shows `{}`", comparison.path));
    };
    let texts = || -> Option<Vec<&str>> {
        comparison
            .values
            .iter()
            .map(|value| if let Literal::Text(text) = value { Some(text.as_str()) } else { None })
            .collect()
    };
    let wanted = match comparison.operator {
        Op::Equal | Op::NotEqual | Op::In => equal(sort, &comparison.values, texts),
        Op::IsSubset => texts().and_then(|texts| network(sort, texts.first()?)),
        Op::Like if sort == Sort::Name => texts().and_then(|texts| below(texts.first()?)),
        operator => return not(format!("the operator {operator} on `{}`", comparison.path)),
    };
    let Some(wanted) = wanted else {
        return not(format!("`{comparison}` compares with a value that `{}` cannot have here", comparison.path));
    };
    Ok(Test { fields, negated: comparison.negated != (comparison.operator == Op::NotEqual), wanted })
}

fn equal<'a>(sort: Sort, values: &[Literal], texts: impl Fn() -> Option<Vec<&'a str>>) -> Option<Wanted> {
    let all = |form: fn(&str) -> String| Some(texts()?.into_iter().map(|text| form(text).into_boxed_str()).collect());
    match sort {
        Sort::Ipv4 | Sort::Ipv6 | Sort::Address => {
            let texts = texts()?;
            match texts.as_slice() {
                [one] if one.contains('/') => network(sort, one),
                many => Some(Wanted::Ips(many.iter().map(|text| address(sort, text)).collect::<Option<_>>()?)),
            }
        }
        Sort::Name => all(canonical_name).map(Wanted::Names),
        Sort::Integer => {
            let numbers =
                values.iter().map(|value| if let Literal::Integer(number) = value { Some(*number) } else { None });
            Some(Wanted::Integers(numbers.collect::<Option<_>>()?))
        }
        Sort::Text => all(str::to_owned).map(Wanted::Texts),
        Sort::Caseless => all(str::to_lowercase).map(Wanted::Caseless),
        Sort::Url => all(canonical_url).map(Wanted::Urls),
    }
}

fn address(sort: Sort, text: &str) -> Option<IpAddr> {
    let ip: IpAddr = text.parse().ok()?;
    let good = match sort {
        Sort::Ipv4 => ip.is_ipv4(),
        Sort::Ipv6 => ip.is_ipv6(),
        _ => true,
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
