//! Does a pattern hold of observed data? A plain reading of §9, slow and written to be obviously right: the oracle for the
//! engine, and what `pattern --observed` asks. Bindings are sets of observations; each operator is a line over such sets.

mod compare;
mod observed;

use std::collections::BTreeSet;

use self::compare::holds;
pub use self::observed::{ObservedError, Sight, observed};
use super::{Expression, Observation, ObservationOperator, Pattern, Qualifier, microseconds};
use crate::time::Timestamp;

/// Most bindings and comparisons that one evaluation looks at.
pub const STEPS_MAX: usize = 5_000_000;

/// Observations that together satisfy an expression: places in the list of sights, ascending; one that stands for several
/// observations as often as it is used.
type Binding = Vec<usize>;

/// Why a pattern cannot be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    /// There are too many ways to combine the observations.
    #[error("more than {STEPS_MAX} ways to combine the observations: give fewer of them, or narrow the pattern")]
    TooMany,
    /// A regular expression that is none, or is larger than it may be.
    #[error("`{text}` is no regular expression that can be matched in linear time: {why}")]
    Regex {
        /// As written.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// A number of seconds or a time that is none.
    #[error("`{0}` is out of range")]
    Range(String),
}

/// The observations of one way in which the pattern holds (the first by place), or none if it does not.
pub fn evaluate(pattern: &Pattern, sights: &[Sight]) -> Result<Option<Vec<usize>>, EvaluationError> {
    let mut evaluation = Evaluation { sights, steps: 0 };
    Ok(evaluation.observation(&pattern.root)?.into_iter().next())
}

struct Evaluation<'s> {
    sights: &'s [Sight],
    steps: usize,
}

impl Evaluation<'_> {
    fn step(&mut self) -> Result<(), EvaluationError> {
        self.steps += 1;
        if self.steps > STEPS_MAX { Err(EvaluationError::TooMany) } else { Ok(()) }
    }

    fn observation(&mut self, observation: &Observation) -> Result<BTreeSet<Binding>, EvaluationError> {
        match observation {
            Observation::Single(expression) => self.single(expression),
            Observation::Joined(ObservationOperator::Or, parts) => {
                let mut all = BTreeSet::new();
                for part in parts {
                    all.extend(self.observation(part)?);
                }
                Ok(all)
            }
            Observation::Joined(operator, parts) => {
                let mut all = BTreeSet::from([Vec::new()]);
                for part in parts {
                    let right = self.observation(part)?;
                    all = self.joined(&all, &right, *operator == ObservationOperator::FollowedBy)?;
                }
                Ok(all)
            }
            Observation::Qualified(inner, qualifier) => {
                let bindings = self.observation(inner)?;
                self.qualified(bindings, qualifier)
            }
        }
    }

    fn single(&mut self, expression: &Expression) -> Result<BTreeSet<Binding>, EvaluationError> {
        let mut found = BTreeSet::new();
        for (place, sight) in self.sights.iter().enumerate() {
            if self.expression(expression, sight)? {
                found.insert(vec![place]);
            }
        }
        Ok(found)
    }

    fn expression(&mut self, expression: &Expression, sight: &Sight) -> Result<bool, EvaluationError> {
        self.step()?;
        match expression {
            Expression::Comparison(comparison) => holds(comparison, sight),
            Expression::And(parts) => {
                for part in parts {
                    if !self.expression(part, sight)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Expression::Or(parts) => {
                for part in parts {
                    if self.expression(part, sight)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        }
    }

    /// §9.5: both sides, by different observations; `in_order`: the right ones can be later than the left ones.
    fn joined(
        &mut self,
        left: &BTreeSet<Binding>,
        right: &BTreeSet<Binding>,
        in_order: bool,
    ) -> Result<BTreeSet<Binding>, EvaluationError> {
        let mut found = BTreeSet::new();
        for left in left {
            for right in right {
                self.step()?;
                let mut both = [left.as_slice(), right].concat();
                both.sort_unstable();
                if self.are_different(&both) && (!in_order || self.follows(left, right)) {
                    found.insert(both);
                }
            }
        }
        Ok(found)
    }

    fn of<'a>(&'a self, binding: &'a [usize]) -> impl Iterator<Item = &'a Sight> {
        binding.iter().filter_map(|place| self.sights.get(*place))
    }

    /// Is each observation used once, one that stands for n observations n times at the most?
    fn are_different(&self, binding: &[usize]) -> bool {
        binding.chunk_by(|a, b| a == b).all(|same| {
            let number = same.first().and_then(|place| self.sights.get(*place)).map_or(0, |sight| sight.number);
            same.len() as u64 <= number
        })
    }

    /// An observation lies somewhere between its first and its last moment: no left one begins after a right one ends.
    fn follows(&self, left: &[usize], right: &[usize]) -> bool {
        let latest = self.of(left).map(|sight| sight.first).max();
        let earliest = self.of(right).map(|sight| sight.last).min();
        latest.is_none_or(|latest| earliest.is_none_or(|earliest| latest <= earliest))
    }

    fn qualified(
        &mut self,
        bindings: BTreeSet<Binding>,
        qualifier: &Qualifier,
    ) -> Result<BTreeSet<Binding>, EvaluationError> {
        match qualifier {
            Qualifier::Within(seconds) => {
                let micros = microseconds(seconds).ok_or_else(|| EvaluationError::Range(seconds.clone()))?;
                Ok(bindings.into_iter().filter(|binding| self.spread(binding) <= micros).collect())
            }
            Qualifier::StartStop(start, stop) => {
                let time = |text: &str| text.parse::<Timestamp>().map_err(|_| EvaluationError::Range(text.to_owned()));
                let (start, stop) = (time(start)?, time(stop)?);
                // Some moment of each lies at or after the start and before the stop.
                let inside = |sight: &Sight| sight.last >= start && sight.first < stop && start < stop;
                Ok(bindings.into_iter().filter(|binding| self.of(binding).all(inside)).collect())
            }
            Qualifier::Repeats(times) => self.repeated(&bindings.into_iter().collect::<Vec<_>>(), *times),
        }
    }

    /// So many of the bindings, by different observations: each choice of them is looked at once.
    fn repeated(&mut self, bindings: &[Binding], times: u64) -> Result<BTreeSet<Binding>, EvaluationError> {
        // What was chosen so far, and the place of the first binding that may be chosen next.
        let mut chosen = vec![(Vec::new(), 0)];
        for _ in 0..times {
            let mut more = Vec::new();
            for (left, from) in &chosen {
                for (place, right) in bindings.iter().enumerate().skip(*from) {
                    self.step()?;
                    let mut both = [left.as_slice(), right].concat();
                    both.sort_unstable();
                    if self.are_different(&both) {
                        more.push((both, place));
                    }
                }
            }
            if more.is_empty() {
                return Ok(BTreeSet::new());
            }
            chosen = more;
        }
        Ok(chosen.into_iter().map(|(binding, _)| binding).collect())
    }

    /// Microseconds between the moments of a binding, as near to each other as their intervals allow.
    fn spread(&self, binding: &[usize]) -> i64 {
        let latest = self.of(binding).map(|sight| sight.first.micros()).max().unwrap_or(0);
        let earliest = self.of(binding).map(|sight| sight.last.micros()).min().unwrap_or(0);
        latest.saturating_sub(earliest)
    }
}
