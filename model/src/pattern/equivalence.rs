//! Do two patterns mean the same? The normal form of a pattern: alternatives of what can be observed, each value in its
//! canonical spelling. Equal forms mean the same; different ones may in rare cases, which is the safe side.
//!
//! By the laws of §9.5 and §9.6: joining is associative, AND and OR are commutative, AND and FOLLOWEDBY distribute over OR, an
//! alternative that asks for more than another is dropped. Different `[ ]` need different observations, so that `[a] AND [a]` is
//! not `[a]`.

use std::collections::BTreeSet;

use super::{
    Comparison, ComparisonOperator, Expression, Literal, Observation, ObservationOperator, Path, Pattern, Qualifier,
    Step,
};
use crate::spelling::{algorithm, spelled};

/// Most alternatives that an expression is taken apart into; beyond, it is compared as it is written.
pub const TERMS_MAX: usize = 256;

/// Comparisons that all hold for one observation.
type Conjunction = BTreeSet<String>;

/// One alternative.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    /// One `[ ]`.
    Single(Conjunction),
    /// All of these, in any order.
    All(Vec<Node>),
    /// One after the other.
    Then(Vec<Node>),
    /// Any of these: where taking apart would go too far, and under a qualifier.
    Any(BTreeSet<Node>),
    /// Any of these, qualified.
    Qualified(BTreeSet<Node>, String),
}

/// Do the two mean the same?
pub fn are_equivalent(one: &Pattern, other: &Pattern) -> bool {
    normal_form(one) == normal_form(other)
}

/// The normal form, printed. It is no pattern to be read again: two are compared by it.
pub fn normal_form(pattern: &Pattern) -> String {
    print_any(&alternatives(&pattern.root))
}

fn alternatives(observation: &Observation) -> BTreeSet<Node> {
    match observation {
        Observation::Single(expression) => {
            let terms = match conjunctions(expression) {
                Some(terms) => terms,
                None => BTreeSet::from([Conjunction::from([expression.to_string()])]),
            };
            weakest(terms.into_iter().map(Node::Single).collect())
        }
        Observation::Joined(ObservationOperator::Or, parts) => weakest(parts.iter().flat_map(alternatives).collect()),
        Observation::Joined(operator, parts) => {
            let ordered = *operator == ObservationOperator::FollowedBy;
            let parts: Vec<BTreeSet<Node>> = parts.iter().map(alternatives).collect();
            weakest(product(&parts, ordered))
        }
        Observation::Qualified(inner, qualifier) => {
            BTreeSet::from([Node::Qualified(alternatives(inner), print_qualifier(qualifier))])
        }
    }
}

/// Every choice of one alternative of each part.
fn product(parts: &[BTreeSet<Node>], ordered: bool) -> BTreeSet<Node> {
    let count = parts.iter().try_fold(1_usize, |count, part| count.checked_mul(part.len()));
    if count.is_none_or(|count| count > TERMS_MAX) {
        let whole = parts.iter().map(|part| match part.first() {
            Some(one) if part.len() == 1 => one.clone(),
            _ => Node::Any(part.clone()),
        });
        return BTreeSet::from([joined(whole.collect(), ordered)]);
    }
    let mut chosen: Vec<Vec<Node>> = vec![Vec::new()];
    for part in parts {
        if let (Some(one), 1) = (part.first(), part.len()) {
            // A pattern may join thousands: the choices so far are not copied for each of them.
            chosen.iter_mut().for_each(|nodes| nodes.push(one.clone()));
            continue;
        }
        chosen = chosen
            .iter()
            .flat_map(|before| part.iter().map(move |node| before.iter().chain([node]).cloned().collect()))
            .collect();
    }
    chosen.into_iter().map(|nodes| joined(nodes, ordered)).collect()
}

/// Joins nodes; one of the same kind among them is taken apart.
fn joined(nodes: Vec<Node>, ordered: bool) -> Node {
    let mut flat = Vec::new();
    for node in nodes {
        match node {
            Node::Then(inner) if ordered => flat.extend(inner),
            Node::All(inner) if !ordered => flat.extend(inner),
            other => flat.push(other),
        }
    }
    if ordered {
        return Node::Then(flat);
    }
    flat.sort();
    Node::All(flat)
}

/// Without those alternatives that ask for all that another asks for, and more.
fn weakest(nodes: BTreeSet<Node>) -> BTreeSet<Node> {
    if nodes.len() > TERMS_MAX {
        return nodes;
    }
    // Of two that imply each other the first stays.
    let weaker = |other: &Node, node: &Node| implies(node, other) && (!implies(other, node) || other < node);
    let needed = |node: &&Node| !nodes.iter().any(|other| other != *node && weaker(other, node));
    nodes.iter().filter(needed).cloned().collect()
}

/// Does whatever satisfies `more` satisfy `less`? False where that is not plain to see.
fn implies(more: &Node, less: &Node) -> bool {
    match (more, less) {
        _ if more == less => true,
        (Node::Single(more), Node::Single(less)) => less.is_subset(more),
        (Node::All(parts) | Node::Then(parts), Node::All(fewer)) if is_part(fewer, parts) => true,
        (Node::Then(parts), Node::Then(fewer)) if in_order(fewer, parts) => true,
        (Node::All(parts) | Node::Then(parts), _) => parts.iter().any(|part| implies(part, less)),
        _ => false,
    }
}

/// Can each of `fewer` be found among `parts`, none twice?
fn is_part(fewer: &[Node], parts: &[Node]) -> bool {
    let mut left: Vec<&Node> = parts.iter().collect();
    fewer.iter().all(|node| left.iter().position(|part| implies(part, node)).map(|place| left.remove(place)).is_some())
}

fn in_order(fewer: &[Node], parts: &[Node]) -> bool {
    let mut parts = parts.iter();
    fewer.iter().all(|node| parts.any(|part| implies(part, node)))
}

/// The expression as alternatives of comparisons that all hold; none if they were more than [`TERMS_MAX`].
fn conjunctions(expression: &Expression) -> Option<BTreeSet<Conjunction>> {
    let terms = match expression {
        Expression::Comparison(comparison) => atoms(comparison),
        Expression::Or(parts) => {
            let mut terms = BTreeSet::new();
            for part in parts {
                terms.append(&mut conjunctions(part)?);
                if terms.len() > TERMS_MAX {
                    return None;
                }
            }
            terms
        }
        Expression::And(parts) => {
            let mut always = Conjunction::new();
            let mut terms = BTreeSet::from([Conjunction::new()]);
            for part in parts {
                let mut part = conjunctions(part)?;
                if part.len() == 1 {
                    // Put aside, so that thousands of them are not copied into every alternative time and again.
                    always.extend(part.pop_first().unwrap_or_default());
                    continue;
                }
                if terms.len().checked_mul(part.len()).is_none_or(|count| count > TERMS_MAX) {
                    return None;
                }
                terms = terms.iter().flat_map(|term| part.iter().map(move |more| term | more)).collect();
            }
            terms.iter().map(|term| term | &always).collect()
        }
    };
    (terms.len() <= TERMS_MAX).then_some(terms)
}

/// One comparison as alternatives: `IN` is any of several equalities.
fn atoms(comparison: &Comparison) -> BTreeSet<Conjunction> {
    let path = spelled_path(&comparison.path);
    let values: BTreeSet<String> = comparison.values.iter().map(|value| literal(comparison, value)).collect();
    let negated = comparison.negated;
    let atom = |operator: &str, value: &str| format!("{path} {operator} {value}");
    if comparison.operator == ComparisonOperator::Exists {
        let not = if negated { "NOT " } else { "" };
        return BTreeSet::from([Conjunction::from([format!("{not}EXISTS {path}")])]);
    }
    if comparison.operator == ComparisonOperator::In {
        if !negated && values.len() <= TERMS_MAX {
            return values.iter().map(|value| Conjunction::from([atom("=", value)])).collect();
        }
        if negated && values.len() <= TERMS_MAX {
            return BTreeSet::from([values.iter().map(|value| atom("!=", value)).collect()]);
        }
        let list = values.into_iter().collect::<Vec<_>>().join(", ");
        return BTreeSet::from([Conjunction::from([atom(
            if negated { "NOT IN" } else { "IN" },
            &format!("({list})"),
        )])]);
    }
    let (operator, negated) = match opposite(comparison.operator) {
        Some(other) if negated => (other, false),
        _ => (comparison.operator, negated),
    };
    let operator = if negated { format!("NOT {operator}") } else { operator.to_string() };
    BTreeSet::from([values.iter().map(|value| atom(&operator, value)).collect()])
}

fn opposite(operator: ComparisonOperator) -> Option<ComparisonOperator> {
    Some(match operator {
        ComparisonOperator::Equal => ComparisonOperator::NotEqual,
        ComparisonOperator::NotEqual => ComparisonOperator::Equal,
        _ => return None, // two values that have no order are neither greater nor less
    })
}

/// The path with names of hash algorithms as STIX 2.1 spells them.
fn spelled_path(path: &Path) -> Path {
    let mut spelled = path.clone();
    let mut hashes = false;
    for step in &mut spelled.steps {
        if let Step::Key(key) = step {
            if hashes {
                *key = algorithm(key);
            }
            hashes = key == "hashes";
        }
    }
    spelled
}

fn literal(comparison: &Comparison, value: &Literal) -> String {
    match value {
        Literal::Text(text) => Literal::Text(spelled_text(comparison, text)).to_string(),
        Literal::Float(text) => text.parse::<f64>().map_or_else(|_| text.clone(), |number| number.to_string()),
        Literal::Hex(_) | Literal::Binary(_) => {
            value.octets().map_or_else(|| value.to_string(), |octets| Literal::Hex(hex::encode(octets)).to_string())
        }
        Literal::Timestamp(text) => Literal::Timestamp(moment(text)).to_string(),
        other => other.to_string(),
    }
}

/// A text that is compared as a whole; parts and expressions (`LIKE`, `MATCHES`) stay as they are.
fn spelled_text(comparison: &Comparison, text: &str) -> String {
    let whole = matches!(
        comparison.operator,
        ComparisonOperator::Equal
            | ComparisonOperator::NotEqual
            | ComparisonOperator::In
            | ComparisonOperator::IsSubset
            | ComparisonOperator::IsSuperset
    );
    if !whole {
        return text.to_owned();
    }
    let keys = comparison.path.steps.iter().filter_map(|step| match step {
        Step::Key(key) => Some(key.as_str()),
        Step::Index(_) | Step::Any => None,
    });
    spelled(&comparison.path.object_type, &keys.collect::<Vec<_>>().join("."), text)
}

fn moment(text: &str) -> String {
    text.parse::<jiff::Timestamp>().map_or_else(|_| text.to_owned(), |time| time.to_string())
}

fn print_qualifier(qualifier: &Qualifier) -> String {
    match qualifier {
        Qualifier::Within(seconds) => {
            let seconds = seconds.parse::<f64>().map_or_else(|_| seconds.clone(), |number| number.to_string());
            format!("WITHIN {seconds} SECONDS")
        }
        Qualifier::StartStop(start, stop) => format!("START t'{}' STOP t'{}'", moment(start), moment(stop)),
        repeats @ Qualifier::Repeats(_) => repeats.to_string(),
    }
}

fn print_any(nodes: &BTreeSet<Node>) -> String {
    nodes.iter().map(print).collect::<Vec<_>>().join(" OR ")
}

fn print(node: &Node) -> String {
    let list = |nodes: &[Node], word: &str| {
        nodes.iter().map(|node| format!("({})", print(node))).collect::<Vec<_>>().join(word)
    };
    match node {
        Node::Single(terms) => format!("[{}]", terms.iter().map(String::as_str).collect::<Vec<_>>().join(" AND ")),
        Node::All(nodes) => list(nodes, " AND "),
        Node::Then(nodes) => list(nodes, " FOLLOWEDBY "),
        Node::Any(nodes) => format!("({})", print_any(nodes)),
        Node::Qualified(nodes, qualifier) => format!("({}) {qualifier}", print_any(nodes)),
    }
}
