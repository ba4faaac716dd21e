//! How a pattern is matched and what it costs; which comparison of it an observation satisfies, by which field.

use std::fmt::{self, Display, Formatter};

use model::field::Field;
use model::observation::Observation;
use model::pattern::{Comparison, Expression, Observation as Outer, Pattern, Span};

use crate::comparison::{Test, Wanted, comparison};
use crate::compile::{Compiled, NotMatched, Program, RuleSource, compile, expression};
use crate::cost::{admitted_per_million, comparisons, of_program, regex_bytes};
use crate::evaluate::{holds, shown};
use crate::index::anchors;
use crate::rules::Settings;
use crate::text::Budget;

/// How the engine finds the observations that may satisfy an observation expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lookup {
    /// By a value that is equal.
    ExactValue,
    /// By the network that an address lies in.
    Network,
    /// By the end of a name.
    Suffix,
    /// By a literal that stands in a text.
    Literal,
    /// Not at all: each observation that has such a field is held against it.
    Unanchored,
}

/// One way in which observations are looked up for a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookedUp {
    /// How.
    pub lookup: Lookup,
    /// By a value of which fields.
    pub fields: Vec<Field>,
    /// How many of a million observations it is expected to admit, roughly.
    pub admitted_per_million: u64,
}

/// How a pattern is matched, and what it costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// How its observations are looked up, each way once.
    pub looked_up: Vec<LookedUp>,
    /// How many of a million observations it is evaluated for, roughly; all of them if it is unanchored. A caller may refuse
    /// a pattern by this: `0.0.0.0/0` has 1,000,000, a network of RFC 1918 hundreds of thousands, a hash 5.
    pub admitted_per_million: u64,
    /// Comparisons that such an evaluation makes at most.
    pub comparisons: usize,
    /// What its regular expressions hold at most, bytes.
    pub regex_bytes: usize,
    /// What it needs over time; none if one observation decides.
    pub window: Option<Window>,
}

/// What a pattern over several observations needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// No two observations of a match are further apart, milliseconds, rounded up: its WITHIN, or
    /// [`Settings::span_ms`].
    pub span_ms: u64,
    /// Observations that the smallest match binds.
    pub observations: u64,
    /// Observation expressions, each looked up by itself.
    pub expressions: usize,
}

/// A comparison that an observation satisfies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The comparison in canonical form.
    pub comparison: String,
    /// Where it stands in the pattern.
    pub span: Span,
    /// The field that satisfies it.
    pub field: Field,
    /// The value of that field; empty where its absence counts, or that it has no value that is asked for.
    pub value: String,
}

/// How `pattern` is matched under `settings`, and what it costs. The error says why it is not matched; that a set holds as many
/// patterns as it may already is not said here.
pub fn explain(pattern: &Pattern, settings: &Settings) -> Result<Explanation, NotMatched> {
    let source = RuleSource { key: "".into(), pattern: pattern.clone(), valid_from: None, valid_until: None };
    let mut bytes = settings.regex_bytes;
    let compiled = compile(&source, settings, &mut bytes)?;
    let programs = compiled.programs();
    let mut looked_up: Vec<LookedUp> = Vec::new();
    for found in programs.iter().flat_map(looked_up_by) {
        match looked_up.iter_mut().find(|old| old.lookup == found.lookup && old.fields == found.fields) {
            Some(old) => old.admitted_per_million += found.admitted_per_million,
            None => looked_up.push(found),
        }
    }
    let window = match &compiled {
        Compiled::Single(_) => None,
        Compiled::Windowed(windowed) => Some(Window {
            span_ms: u64::try_from(windowed.span_us).unwrap_or(0).div_ceil(1_000),
            observations: windowed.least,
            expressions: windowed.leaves.len(),
        }),
    };
    Ok(Explanation {
        looked_up,
        admitted_per_million: programs.iter().map(of_program).sum::<u64>().min(crate::cost::ALL),
        comparisons: programs.iter().map(comparisons).sum(),
        regex_bytes: programs.iter().map(regex_bytes).sum(),
        window,
    })
}

/// The comparisons of `pattern` that `observation` satisfies, in the order in which they stand, of those observation expressions
/// that hold of it. None if it satisfies nothing, or the pattern is not matched here.
pub fn reasons(pattern: &Pattern, observation: &Observation, settings: &Settings) -> Vec<Reason> {
    let mut found = Vec::new();
    let budget = Budget {
        pattern: settings.regex_bytes_per_pattern,
        set: settings.regex_bytes,
        dfa: settings.regex_cache_bytes,
    };
    reasons_of(&pattern.root, observation, budget, &mut found);
    found
}

fn reasons_of(outer: &Outer, observation: &Observation, budget: Budget, found: &mut Vec<Reason>) {
    match outer {
        Outer::Single(inner) => {
            if expression(inner, &mut budget.clone()).is_ok_and(|program| holds(&program, observation).is_some()) {
                each_comparison(inner, &mut |one| found.extend(reason(one, observation, budget)));
            }
        }
        Outer::Joined(_, parts) => parts.iter().for_each(|part| reasons_of(part, observation, budget, found)),
        Outer::Qualified(inner, _) => reasons_of(inner, observation, budget, found),
    }
}

fn each_comparison(outer: &Expression, each: &mut dyn FnMut(&Comparison)) {
    match outer {
        Expression::Comparison(inner) => each(inner),
        Expression::And(parts) | Expression::Or(parts) => parts.iter().for_each(|part| each_comparison(part, each)),
    }
}

fn reason(one: &Comparison, observation: &Observation, mut budget: Budget) -> Option<Reason> {
    let program = comparison(one, &mut budget).ok()?;
    let (field, value) = holds(&program, observation)?;
    Some(Reason { comparison: one.to_string(), span: one.span, field, value: shown(value.as_ref()) })
}

fn looked_up_by(program: &Program) -> Vec<LookedUp> {
    let Some(tests) = anchors(program) else {
        let mut fields = Vec::new();
        collect_fields(program, &mut fields);
        fields.sort_unstable();
        fields.dedup();
        return vec![LookedUp { lookup: Lookup::Unanchored, fields, admitted_per_million: crate::cost::ALL }];
    };
    let one = |test: &Test| LookedUp {
        lookup: match test.wanted {
            Wanted::Network(..) => Lookup::Network,
            Wanted::Below(_) | Wanted::BelowLike { .. } => Lookup::Suffix,
            Wanted::Like(_) | Wanted::Matches(_) => Lookup::Literal,
            _ => Lookup::ExactValue,
        },
        fields: test.fields.to_vec(),
        admitted_per_million: admitted_per_million(test),
    };
    tests.into_iter().map(one).collect()
}

fn collect_fields(program: &Program, fields: &mut Vec<Field>) {
    match program {
        Program::Test(test) => fields.extend(test.fields),
        Program::All(parts) | Program::Any(parts) => parts.iter().for_each(|part| collect_fields(part, fields)),
    }
}

impl Display for Lookup {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ExactValue => "exact value",
            Self::Network => "network",
            Self::Suffix => "suffix",
            Self::Literal => "literal",
            Self::Unanchored => "unanchored",
        })
    }
}

/// One line, for instance `exact value of file.hash.sha256; admits about 5 of 1000000 observations, 1 comparison each`.
impl Display for Explanation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (place, found) in self.looked_up.iter().enumerate() {
            let fields: Vec<&str> = found.fields.iter().map(|field| field.ecs_name()).collect();
            write!(f, "{}{} of {}", if place > 0 { ", " } else { "" }, found.lookup, fields.join(" or "))?;
        }
        let plural = if self.comparisons == 1 { "" } else { "s" };
        write!(
            f,
            "; admits about {} of 1000000 observations, {} comparison{plural} each",
            self.admitted_per_million, self.comparisons
        )?;
        match &self.window {
            Some(window) => {
                write!(f, "; at least {} observations within {} ms", window.observations, window.span_ms)
            }
            None => Ok(()),
        }
    }
}
