//! An index over some rules: values of the observation admit the few rules that are then evaluated.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Arc;

use model::field::{Field, FieldValue};
use model::observation::Observation;
use model::value::canonical_url;

use crate::compile::{Program, Rule, Test, Wanted, masked};

/// A rule that a value admits.
#[derive(Debug, Clone, Copy)]
struct Posting {
    rule: u32,
    /// The rule is a choice of plain comparisons: being admitted through one of `fields` is the whole match.
    whole: bool,
    /// Strictly below the name, not the name itself.
    below: bool,
    /// Fields through which it is admitted, a bit each by [`Field`]'s order.
    fields: u32,
}

type Postings = Vec<Posting>;

/// Rules and their index.
#[derive(Debug, Default)]
pub(crate) struct Layer {
    pub(crate) rules: Vec<Arc<Rule>>,
    ips: HashMap<IpAddr, Postings>,
    networks: HashMap<(IpAddr, u8), Postings>,
    lengths: BTreeSet<(bool, u8)>,
    names: HashMap<Box<str>, Postings>,
    integers: HashMap<i64, Postings>,
    texts: HashMap<Box<str>, Postings>,
    caseless: HashMap<Box<str>, Postings>,
    urls: HashMap<Box<str>, Postings>,
    /// Rules that no value admits (negations): evaluated for each observation.
    always: Vec<u32>,
}

impl Layer {
    pub(crate) fn build(rules: Vec<Arc<Rule>>) -> Self {
        let mut layer = Self::default();
        for (number, rule) in rules.iter().enumerate() {
            let Ok(number) = u32::try_from(number) else { break };
            match anchors(&rule.program) {
                Some(tests) => {
                    let whole = is_choice(&rule.program);
                    for test in tests {
                        layer.index(number, whole, test);
                    }
                }
                None => layer.always.push(number),
            }
        }
        layer.rules = rules;
        layer
    }

    /// How many rules are evaluated for each observation.
    pub(crate) fn always_count(&self) -> usize {
        self.always.len()
    }

    fn index(&mut self, rule: u32, whole: bool, test: &Test) {
        let fields = test.fields.iter().fold(0, |bits, field| bits | bit(*field));
        let below = matches!(test.wanted, Wanted::Below(_) | Wanted::BelowLike { .. });
        let posting = Posting { rule, whole, below, fields };
        match &test.wanted {
            Wanted::Ips(ips) => insert(&mut self.ips, ips.iter().copied(), posting),
            Wanted::Network(ip, length) => {
                self.lengths.insert((ip.is_ipv4(), *length));
                insert(&mut self.networks, [(*ip, *length)], posting);
            }
            Wanted::Names(names) => insert(&mut self.names, names.iter().cloned(), posting),
            Wanted::Below(name) | Wanted::BelowLike { anchor: name, .. } => {
                insert(&mut self.names, [name.clone()], posting);
            }
            Wanted::Integers(numbers) => insert(&mut self.integers, numbers.iter().copied(), posting),
            Wanted::Texts(texts) => insert(&mut self.texts, texts.iter().cloned(), posting),
            Wanted::Caseless(texts) => insert(&mut self.caseless, texts.iter().cloned(), posting),
            Wanted::Urls(urls) => insert(&mut self.urls, urls.iter().cloned(), posting),
        }
    }

    /// Hands each rule that may match to `each`: its number, the field that admitted it and its value if that is the whole match.
    pub(crate) fn admit<'a>(
        &self,
        observation: &'a Observation,
        each: &mut dyn FnMut(u32, Option<(Field, FieldValue<'a>)>),
    ) {
        for field in Field::ALL {
            field.values(observation, &mut |value| self.admit_value(field, value, each));
        }
        for rule in &self.always {
            each(*rule, None);
        }
    }

    fn admit_value<'a>(
        &self,
        field: Field,
        value: FieldValue<'a>,
        each: &mut dyn FnMut(u32, Option<(Field, FieldValue<'a>)>),
    ) {
        let mut note = |postings: Option<&Postings>, parent: bool| {
            for posting in postings.into_iter().flatten() {
                if posting.fields & bit(field) != 0 && posting.below == parent {
                    each(posting.rule, posting.whole.then_some((field, value)));
                }
            }
        };
        match value {
            FieldValue::Ip(ip) => {
                note(self.ips.get(&ip), false);
                for (_, length) in self.lengths.iter().filter(|(v4, _)| *v4 == ip.is_ipv4()) {
                    note(self.networks.get(&(masked(ip, *length), *length)), false);
                }
            }
            FieldValue::Name(name) => {
                note(self.names.get(name), false);
                let mut rest = name;
                while let Some((_, parent)) = rest.split_once('.') {
                    note(self.names.get(parent), true);
                    rest = parent;
                }
            }
            FieldValue::Integer(number) => note(self.integers.get(&number), false),
            FieldValue::Text(text) => {
                if !self.texts.is_empty() {
                    note(self.texts.get(text), false);
                }
                if !self.caseless.is_empty() {
                    note(self.caseless.get(text.to_lowercase().as_str()), false);
                }
                if !self.urls.is_empty() && field == Field::UrlFull {
                    note(self.urls.get(canonical_url(text).as_str()), false);
                }
            }
        }
    }
}

fn insert<K: Hash + Eq>(map: &mut HashMap<K, Postings>, keys: impl IntoIterator<Item = K>, posting: Posting) {
    for key in keys {
        let postings = map.entry(key).or_insert_with(|| Vec::with_capacity(1));
        postings.push(posting);
    }
}

fn bit(field: Field) -> u32 {
    1_u32.checked_shl(field as u32).unwrap_or(0)
}

/// Is the program one positive comparison that the index decides whole, or a choice of such?
fn is_choice(program: &Program) -> bool {
    match program {
        Program::Test(test) => !test.negated && !matches!(test.wanted, Wanted::BelowLike { .. }),
        Program::Any(parts) => parts.iter().all(is_choice),
        Program::All(_) => false,
    }
}

/// Comparisons of which at least one holds whenever the program does; none if there is no such set.
fn anchors(program: &Program) -> Option<Vec<&Test>> {
    match program {
        Program::Test(test) => (!test.negated).then(|| vec![test]),
        Program::Any(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(anchors(part)?);
            }
            Some(all)
        }
        Program::All(parts) => {
            parts.iter().filter_map(anchors).min_by_key(|tests| tests.iter().map(|test| cost(test)).sum::<u64>())
        }
    }
}

/// How many observations a comparison admits, roughly: ports and protocols say little, names and hashes much.
fn cost(test: &Test) -> u64 {
    let one = match &test.wanted {
        Wanted::Texts(_) | Wanted::Caseless(_) if test.fields.contains(&Field::NetworkProtocol) => 100_000,
        Wanted::Integers(_) => 10_000,
        Wanted::Network(_, length) => 1_000_u64.saturating_sub(u64::from(*length)),
        Wanted::BelowLike { .. } => 1_000,
        Wanted::Ips(_) | Wanted::Below(_) => 10,
        Wanted::Texts(_) | Wanted::Caseless(_) => 5,
        Wanted::Names(_) | Wanted::Urls(_) => 1,
    };
    one * 1_000
}

/// Has the program no value to look it up by?
pub(crate) fn unanchored(program: &Program) -> bool {
    anchors(program).is_none()
}
