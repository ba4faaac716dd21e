//! A pattern in the form in which ADR 2 compares: names without case, addresses in any spelling, networks under `=`. What the
//! plain evaluator then says of values in that form is what ADR 2 says of them as they are.

use std::net::IpAddr;

use icu_normalizer::ComposingNormalizerBorrowed;
use model::pattern::{Comparison, ComparisonOperator as Op, Expression, Literal, Observation, Path};
use model::value::{canonical_name, canonical_url};

use super::patterns::{PATHS, Sort};

pub(super) fn composed(text: &str) -> String {
    ComposingNormalizerBorrowed::new_nfc().normalize(text).into_owned()
}

pub(super) fn caseless(text: &str) -> String {
    composed(&text.to_lowercase())
}

pub(super) fn observation(outer: &Observation) -> Observation {
    match outer {
        Observation::Single(inner) => Observation::Single(expression(inner)),
        Observation::Joined(operator, parts) => Observation::Joined(*operator, parts.iter().map(observation).collect()),
        Observation::Qualified(inner, qualifier) => {
            Observation::Qualified(Box::new(observation(inner)), qualifier.clone())
        }
    }
}

fn expression(outer: &Expression) -> Expression {
    match outer {
        Expression::Comparison(inner) => comparison(inner),
        Expression::And(parts) => Expression::And(parts.iter().map(expression).collect()),
        Expression::Or(parts) => Expression::Or(parts.iter().map(expression).collect()),
    }
}

fn sort_of(path: &Path) -> Sort {
    let text = path.to_string();
    PATHS.iter().find(|(known, ..)| *known == text).unwrap_or_else(|| panic!("`{text}` is not generated")).1
}

fn comparison(outer: &Comparison) -> Expression {
    let sort = sort_of(&outer.path);
    let network = |literal: &Literal| matches!(literal, Literal::Text(text) if text.contains('/'));
    let is_equality = matches!(outer.operator, Op::Equal | Op::NotEqual | Op::In);
    if matches!(sort, Sort::V4 | Sort::V6 | Sort::Address) && is_equality && outer.values.iter().any(network) {
        return networks(outer, sort, &network);
    }
    let values = outer.values.iter().map(|literal| formed(sort, outer.operator, literal)).collect();
    Expression::Comparison(Comparison { values, ..outer.clone() })
}

/// An address that equals a network lies in it.
fn networks(outer: &Comparison, sort: Sort, network: &dyn Fn(&Literal) -> bool) -> Expression {
    let negated = outer.negated != (outer.operator == Op::NotEqual);
    let one = |literal: &Literal| {
        let operator = if network(literal) { Op::IsSubset } else { Op::Equal };
        let values = vec![formed(sort, operator, literal)];
        Expression::Comparison(Comparison { path: outer.path.clone(), negated, operator, values, span: outer.span })
    };
    let parts = outer.values.iter().map(one).collect();
    if negated { Expression::And(parts) } else { Expression::Or(parts) }
}

fn formed(sort: Sort, operator: Op, literal: &Literal) -> Literal {
    let text = match (sort, literal) {
        (Sort::Number | Sort::Time, _) | (Sort::Text, Literal::Hex(_)) => return literal.clone(),
        (_, Literal::Text(text)) => text.clone(),
        (_, Literal::Hex(digits)) => hex::decode(digits).unwrap().into_iter().map(char::from).collect(),
        _ => return literal.clone(),
    };
    let address = |text: &str| text.parse::<IpAddr>().map(|ip| ip.to_string());
    Literal::Text(match (operator, sort) {
        (Op::IsSubset | Op::IsSuperset, _) => text,
        (Op::Matches, Sort::Text | Sort::Url) => composed(&text),
        (Op::Matches, _) => format!("(?i){}", composed(&text)),
        (Op::Equal | Op::NotEqual | Op::In, Sort::V4 | Sort::V6) => address(&text).unwrap_or(text),
        (Op::Equal | Op::NotEqual | Op::In, Sort::Address) => address(&text).unwrap_or_else(|_| canonical_name(&text)),
        (_, Sort::Name) => canonical_name(&text),
        (Op::Like, Sort::Url) | (_, Sort::Text) => composed(&text),
        (_, Sort::Url) => composed(&canonical_url(&text)),
        _ => caseless(&text),
    })
}
