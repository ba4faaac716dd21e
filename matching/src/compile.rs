//! Pattern → program over the fields of one observation.

use std::sync::Arc;

use model::pattern::{Expression, Observation, ObservationOperator, Pattern, Qualifier};
use model::time::Timestamp;

use crate::comparison::{Test, comparison};
use crate::rules::Settings;
use crate::text::Budget;
use crate::window::{Windowed, windowed};

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

/// A compiled indicator of one observation.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) key: Arc<str>,
    pub(crate) valid_from: Timestamp,
    pub(crate) valid_until: Timestamp,
    /// What its pattern says of time (START and STOP), which holds in a retro-hunt too.
    pub(crate) during: Valid,
    pub(crate) program: Program,
    /// In canonical form; empty until the rule has its place in a set.
    pub(crate) pattern: Box<str>,
}

/// What must hold of one observation.
#[derive(Debug)]
pub(crate) enum Program {
    Test(Test),
    All(Box<[Program]>),
    Any(Box<[Program]>),
}

/// A compiled indicator.
#[derive(Debug)]
pub(crate) enum Compiled {
    Single(Rule),
    Windowed(Windowed),
}

impl Compiled {
    /// Every program of it: that of the rule, or one for each observation expression.
    pub(crate) fn programs(&self) -> &[Program] {
        match self {
            Self::Single(rule) => std::slice::from_ref(&rule.program),
            Self::Windowed(rule) => &rule.leaves,
        }
    }
}

/// Compiles one indicator; `set_budget` is what regular expressions of the set may still hold, bytes, and is charged.
pub(crate) fn compile(
    source: &RuleSource,
    settings: &Settings,
    set_budget: &mut usize,
) -> Result<Compiled, NotMatched> {
    let mut budget =
        Budget { pattern: settings.regex_bytes_per_pattern, set: *set_budget, dfa: settings.regex_cache_bytes };
    let always = (Timestamp::from_micros(i64::MIN), Timestamp::from_micros(i64::MAX));
    let valid = (source.valid_from.unwrap_or(always.0), source.valid_until.unwrap_or(always.1));
    let compiled = match single(&source.pattern.root, always, &mut budget)? {
        Some((program, during)) => Compiled::Single(Rule {
            key: Arc::clone(&source.key),
            valid_from: valid.0,
            valid_until: valid.1,
            during,
            program,
            pattern: "".into(),
        }),
        None => Compiled::Windowed(windowed(source, valid, settings, &mut budget)?),
    };
    *set_budget = budget.set;
    Ok(compiled)
}

/// From when and until when, the latter not included.
pub(crate) type Valid = (Timestamp, Timestamp);

/// The program of a pattern that one observation decides, and when; none if it needs several. `[a] OR [b]` hits whatever
/// `[a]` or `[b]` hits; a single observation is always within any time of itself.
fn single(outer: &Observation, during: Valid, budget: &mut Budget) -> Result<Option<(Program, Valid)>, NotMatched> {
    Ok(match outer {
        Observation::Qualified(inner, Qualifier::Within(_) | Qualifier::Repeats(1)) => single(inner, during, budget)?,
        Observation::Qualified(inner, Qualifier::StartStop(start, stop)) => {
            let (start, stop) = start_stop(start, stop)?;
            single(inner, (during.0.max(start), during.1.min(stop)), budget)?
        }
        other => one(other, budget)?.map(|program| (program, during)),
    })
}

/// Does the pattern need several observations? One that does is followed by a [`Tracker`](crate::Tracker).
pub fn needs_several(pattern: &Pattern) -> bool {
    let mut outer = &pattern.root;
    while let Observation::Qualified(inner, Qualifier::Within(_) | Qualifier::Repeats(1) | Qualifier::StartStop(..)) =
        outer
    {
        outer = inner;
    }
    !is_choice(outer)
}

pub(crate) fn start_stop(start: &str, stop: &str) -> Result<Valid, NotMatched> {
    match (start.parse(), stop.parse()) {
        (Ok(start), Ok(stop)) if start < stop => Ok((start, stop)),
        _ => not("STOP is not later than START: no observation lies between"),
    }
}

/// The program of `[ ]`, or of a choice of such.
pub(crate) fn one(outer: &Observation, budget: &mut Budget) -> Result<Option<Program>, NotMatched> {
    match outer {
        Observation::Single(inner) => expression(inner, budget).map(Some),
        Observation::Joined(ObservationOperator::Or, parts) if parts.iter().all(is_choice) => {
            let parts: Option<Box<[Program]>> =
                parts.iter().map(|part| one(part, budget)).collect::<Result<_, NotMatched>>()?;
            Ok(parts.map(Program::Any))
        }
        _ => Ok(None),
    }
}

fn is_choice(outer: &Observation) -> bool {
    match outer {
        Observation::Single(_) => true,
        Observation::Joined(ObservationOperator::Or, parts) => parts.iter().all(is_choice),
        _ => false,
    }
}

pub(crate) fn not<T>(why: impl Into<String>) -> Result<T, NotMatched> {
    Err(NotMatched(why.into()))
}

pub(crate) fn expression(outer: &Expression, budget: &mut Budget) -> Result<Program, NotMatched> {
    let mut all =
        |parts: &[Expression]| parts.iter().map(|part| expression(part, budget)).collect::<Result<Box<_>, _>>();
    Ok(match outer {
        Expression::And(parts) => Program::All(all(parts)?),
        Expression::Or(parts) => Program::Any(all(parts)?),
        Expression::Comparison(inner) => comparison(inner, budget)?,
    })
}
