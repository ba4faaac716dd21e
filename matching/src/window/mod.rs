//! Patterns that need several observations: observation operators and qualifiers (STIX 2.1 §9.4, §9.5).

mod cover;
mod search;
mod tracker;

pub use tracker::{Tracker, TrackerCounts};

use std::ops::Range;
use std::sync::Arc;

use model::pattern::{Observation, ObservationOperator, Qualifier, microseconds};
use model::time::Timestamp;

use crate::compile::{NotMatched, Program, RuleSource, not, one, start_stop};
use crate::index::Index;
use crate::rules::Settings;
use crate::text::Budget;

/// Most parts that a pattern over several observations has once repetitions are written out: the search goes as deep.
pub const PARTS_MAX: usize = 512;

/// A compiled indicator of several observations.
#[derive(Debug)]
pub(crate) struct Windowed {
    pub(crate) key: Arc<str>,
    pub(crate) valid_from: Timestamp,
    pub(crate) valid_until: Timestamp,
    /// The observation expressions.
    pub(crate) leaves: Box<[Program]>,
    pub(crate) shape: Shape,
    /// No two observations of a match are further apart, microseconds.
    pub(crate) span_us: i64,
    /// Observations that the smallest match binds.
    pub(crate) least: u64,
    /// In canonical form; empty until the rule has its place in a set.
    pub(crate) pattern: Box<str>,
}

/// How the observation expressions are joined.
#[derive(Debug)]
pub(crate) enum Shape {
    /// So many different observations that satisfy the leaf of this number.
    Leaf {
        leaf: usize,
        times: u64,
    },
    And(Box<[Shape]>),
    Or(Box<[Shape]>),
    /// Every observation of the first no later than any of the second.
    Followed(Box<(Shape, Shape)>),
    /// All observations within so many microseconds.
    Within(i64, Box<Shape>),
    /// All observations from the first time until the second, that not included.
    During(i64, i64, Box<Shape>),
    /// So many matches without a common observation.
    Repeat(u64, Box<Shape>),
}

/// Windowed rules and an index of their observation expressions.
#[derive(Debug, Default)]
pub(crate) struct WindowLayer {
    pub(crate) rules: Vec<Arc<Windowed>>,
    /// Rule and leaf of each indexed program.
    pub(crate) places: Vec<(usize, usize)>,
    pub(crate) index: Index,
}

impl WindowLayer {
    pub(crate) fn build(rules: Vec<Arc<Windowed>>) -> Self {
        let numbered = rules.iter().enumerate();
        let places =
            numbered.flat_map(|(rule, windowed)| (0..windowed.leaves.len()).map(move |leaf| (rule, leaf))).collect();
        let index = Index::build(rules.iter().flat_map(|rule| rule.leaves.iter()));
        Self { rules, places, index }
    }
}

pub(crate) fn windowed(
    source: &RuleSource,
    (valid_from, valid_until): (Timestamp, Timestamp),
    settings: &Settings,
    budget: &mut Budget,
) -> Result<Windowed, NotMatched> {
    let mut shaper = Shaper { leaves: Vec::new(), settings, budget };
    let shape = shaper.shape(&source.pattern.root)?;
    let leaves = shaper.leaves.into();
    let least = least(&shape);
    let most = u64::try_from(settings.remembered_per_rule).unwrap_or(u64::MAX);
    if least > most {
        return not(format!("it needs {least} observations, and {most} are remembered for a pattern"));
    }
    if parts(&shape) > PARTS_MAX {
        return not(format!("it has more than {PARTS_MAX} observation expressions with repetitions written out"));
    }
    let span_us = span(&shape).min(settings.span_us());
    let (key, pattern) = (Arc::clone(&source.key), "".into());
    Ok(Windowed { key, valid_from, valid_until, leaves, shape, span_us, least, pattern })
}

struct Shaper<'a> {
    leaves: Vec<Program>,
    settings: &'a Settings,
    budget: &'a mut Budget,
}

impl Shaper<'_> {
    fn shape(&mut self, outer: &Observation) -> Result<Shape, NotMatched> {
        if let Some(program) = one(outer, self.budget)? {
            self.leaves.push(program);
            return Ok(Shape::Leaf { leaf: self.leaves.len() - 1, times: 1 });
        }
        match outer {
            Observation::Qualified(inner, qualifier) => self.qualified(inner, qualifier),
            Observation::Joined(_, parts) if parts.len() > PARTS_MAX => {
                not(format!("it has more than {PARTS_MAX} observation expressions"))
            }
            Observation::Joined(operator, parts) => {
                let parts = parts.iter().map(|part| self.shape(part)).collect::<Result<Vec<_>, _>>()?;
                Ok(joined(*operator, parts))
            }
            Observation::Single(_) => not("an observation expression"), // has a program, see above
        }
    }

    fn qualified(&mut self, inner: &Observation, qualifier: &Qualifier) -> Result<Shape, NotMatched> {
        let shape = self.shape(inner)?;
        Ok(match (qualifier, shape) {
            (Qualifier::Within(seconds), shape) => {
                let micros = microseconds(seconds).unwrap_or(i64::MAX);
                if micros > self.settings.span_us() {
                    return not(format!(
                        "WITHIN {seconds} SECONDS is longer than observations are remembered ({} ms)",
                        self.settings.span_ms
                    ));
                }
                // What never lies further apart needs no choice of when it begins.
                if span(&shape) <= micros { shape } else { Shape::Within(micros, Box::new(shape)) }
            }
            (Qualifier::Repeats(1), shape) => shape,
            (Qualifier::Repeats(times), Shape::Leaf { leaf, times: inner }) => {
                Shape::Leaf { leaf, times: inner.saturating_mul(*times) }
            }
            (Qualifier::Repeats(times), shape) => Shape::Repeat(*times, Box::new(shape)),
            (Qualifier::StartStop(start, stop), shape) => {
                let (start, stop) = start_stop(start, stop)?;
                Shape::During(start.micros(), stop.micros(), Box::new(shape))
            }
        })
    }
}

fn joined(operator: ObservationOperator, mut parts: Vec<Shape>) -> Shape {
    match operator {
        ObservationOperator::And => Shape::And(parts.into()),
        ObservationOperator::Or => Shape::Or(parts.into()),
        ObservationOperator::FollowedBy => {
            // a → b → c is a → (b → c): whatever is before b is before c.
            let mut shape = parts.pop();
            while let Some(earlier) = parts.pop() {
                shape = Some(match shape {
                    Some(later) => Shape::Followed(Box::new((earlier, later))),
                    None => earlier,
                });
            }
            shape.unwrap_or_else(|| Shape::And(Box::default()))
        }
    }
}

fn least(shape: &Shape) -> u64 {
    match shape {
        Shape::Leaf { times, .. } => *times,
        Shape::And(parts) => parts.iter().map(least).fold(0, u64::saturating_add),
        Shape::Or(parts) => parts.iter().map(least).min().unwrap_or(0),
        Shape::Followed(both) => least(&both.0).saturating_add(least(&both.1)),
        Shape::Within(_, inner) | Shape::During(_, _, inner) => least(inner),
        Shape::Repeat(times, inner) => times.saturating_mul(least(inner)),
    }
}

/// Those of a shape: they are numbered in the order in which they stand.
fn leaves(shape: &Shape) -> Range<usize> {
    match shape {
        Shape::Leaf { leaf, .. } => *leaf..leaf.saturating_add(1),
        Shape::And(parts) | Shape::Or(parts) => match (parts.first(), parts.last()) {
            (Some(first), Some(last)) => leaves(first).start..leaves(last).end,
            _ => 0..0,
        },
        Shape::Followed(both) => leaves(&both.0).start..leaves(&both.1).end,
        Shape::Within(_, inner) | Shape::During(_, _, inner) | Shape::Repeat(_, inner) => leaves(inner),
    }
}

/// The parts of a shape with repetitions written out.
fn parts(shape: &Shape) -> usize {
    match shape {
        Shape::Leaf { .. } => 1,
        Shape::And(inner) | Shape::Or(inner) => inner.iter().map(parts).fold(1, usize::saturating_add),
        Shape::Followed(both) => parts(&both.0).saturating_add(parts(&both.1)).saturating_add(1),
        Shape::Within(_, inner) | Shape::During(_, _, inner) => parts(inner).saturating_add(1),
        Shape::Repeat(times, inner) => {
            usize::try_from(*times).unwrap_or(usize::MAX).saturating_mul(parts(inner)).saturating_add(1)
        }
    }
}

/// The longest time between two observations of a match, microseconds.
fn span(shape: &Shape) -> i64 {
    match shape {
        Shape::Leaf { times: 1, .. } => 0,
        Shape::Leaf { .. } | Shape::And(_) | Shape::Followed(_) | Shape::Repeat(..) => i64::MAX,
        Shape::Or(parts) => parts.iter().map(span).max().unwrap_or(0),
        Shape::Within(micros, inner) => span(inner).min(*micros),
        Shape::During(start, stop, inner) => span(inner).min(stop.saturating_sub(*start)),
    }
}
