//! An index over numbered programs: values of the observation admit the few programs that are then evaluated.

use std::hash::Hash;
use std::net::IpAddr;

use aho_corasick::AhoCorasick;
use foldhash::HashMap;
use model::field::{Field, FieldValue, Sort, bits};
use model::observation::{Observation, Text};

use crate::comparison::{Test, Wanted};
use crate::compile::Program;
use crate::cost::admitted_per_million;
use crate::evaluate::text_of;
use crate::networks::Networks;
use crate::text::{composed, composed_owned, composed_url, parents};

/// A program that a value admits.
#[derive(Debug, Clone, Copy)]
struct Posting {
    program: u32,
    /// The program is a choice of plain comparisons: being admitted through one of `fields` is the whole match.
    whole: bool,
    /// Strictly below the name, not the name itself.
    below: bool,
    /// How many characters the name has that values stand below, where it has wildcards.
    below_chars: Option<u16>,
    /// Fields through which it is admitted, a bit each by [`Field`]'s order.
    fields: u32,
}

type Postings = Vec<Posting>;

/// The bit of no field: programs that an absence can satisfy.
const ABSENCE: u32 = 1 << 31;

/// Why a program may hold of an observation.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Admission<'a> {
    /// This value satisfies it.
    Whole(Field, FieldValue<'a>),
    /// A value admits it. It may come several times.
    Perhaps,
    /// No value admits it. It comes once.
    Always,
}

/// Programs by the values that admit them.
#[derive(Debug, Default)]
pub(crate) struct Index {
    ips: HashMap<IpAddr, Postings>,
    networks: Networks<Postings>,
    names: HashMap<Box<str>, Postings>,
    integers: HashMap<i64, Postings>,
    texts: HashMap<Box<str>, Postings>,
    caseless: HashMap<Box<str>, Postings>,
    urls: HashMap<Box<str>, Postings>,
    literals: Literals,
    /// Programs that no value admits, and the fields of which one must be there for them to hold.
    always: Vec<(u32, u32)>,
    /// Fields that any program looks at.
    used: u32,
}

/// Programs by a literal that stands in a text which satisfies them.
#[derive(Debug, Default)]
struct Literals {
    numbers: HashMap<Box<str>, usize>,
    postings: Vec<Postings>,
    /// In how the texts of each field are compared; none if no program has a literal for it.
    sorts: HashMap<Field, Sort>,
    fields: u32,
    automaton: Option<AhoCorasick>,
}

impl Index {
    /// An index of `programs`, which are numbered as they come.
    pub(crate) fn build<'a>(programs: impl Iterator<Item = &'a Program>) -> Self {
        let mut index = Self::default();
        for (number, program) in programs.enumerate() {
            let Ok(number) = u32::try_from(number) else { break };
            match anchors(program) {
                Some(tests) => {
                    let whole = is_choice(program);
                    tests.into_iter().for_each(|test| index.insert(number, whole, test));
                }
                None => {
                    let fields = needed(program);
                    index.always.push((number, fields));
                    index.used |= fields & !ABSENCE;
                }
            }
        }
        let mut literals: Vec<(&Box<str>, &usize)> = index.literals.numbers.iter().collect();
        literals.sort_by_key(|(_, number)| **number);
        if !literals.is_empty() {
            // It fails beyond 2^31 states only; then every literal counts as found.
            let built = AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .build(literals.iter().map(|(literal, _)| literal.as_bytes()));
            index.literals.automaton = built.ok();
        }
        index
    }

    /// Numbers of the programs that no value admits.
    pub(crate) fn always(&self) -> impl Iterator<Item = u32> {
        self.always.iter().map(|(number, _)| *number)
    }

    fn insert(&mut self, program: u32, whole: bool, test: &Test) {
        let fields = bits(test.fields);
        self.used |= fields;
        let below = matches!(test.wanted, Wanted::Below(_) | Wanted::BelowLike { .. });
        let below_chars = match &test.wanted {
            Wanted::BelowLike { like, .. } => u16::try_from(like.chars().count()).ok(),
            _ => None,
        };
        let posting = Posting { program, whole, below, below_chars, fields };
        match &test.wanted {
            Wanted::Ips(ips) => insert(&mut self.ips, ips.iter().copied(), posting),
            Wanted::Network(ip, length) => {
                self.networks.entry(*ip, *length).push(posting);
            }
            Wanted::Names(names) => insert(&mut self.names, names.iter().cloned(), posting),
            Wanted::Below(name) | Wanted::BelowLike { anchor: name, .. } => {
                insert(&mut self.names, [name.clone()], posting);
            }
            Wanted::Integers(numbers) => insert(&mut self.integers, numbers.iter().copied(), posting),
            Wanted::Texts(texts) => insert(&mut self.texts, texts.iter().cloned(), posting),
            Wanted::Caseless(texts) => insert(&mut self.caseless, texts.iter().cloned(), posting),
            Wanted::Urls(urls) => insert(&mut self.urls, urls.iter().cloned(), posting),
            Wanted::Like(like) => self.literals.insert(like.literal(), test, posting),
            Wanted::Matches(matcher) => {
                self.literals.insert(matcher.literals().iter().map(|text| &**text), test, posting);
            }
            // No anchors (see `how`).
            Wanted::Types(_) | Wanted::Range(..) | Wanted::Order(..) | Wanted::Present => {}
        }
    }

    /// Hands the number of each program that may hold to `each`, and why.
    pub(crate) fn admit<'a, T: Text>(&self, observation: &'a Observation<T>, each: &mut dyn FnMut(u32, Admission<'a>)) {
        let mut present = ABSENCE;
        for field in Field::of_bits(self.used & Field::in_observation(observation)) {
            field.values(observation, &mut |value| {
                present |= field.bit();
                if !self.is_of_nobody(field, value) {
                    self.admit_value(field, value, each);
                }
            });
        }
        for (program, needed) in &self.always {
            if needed & present != 0 {
                each(*program, Admission::Always);
            }
        }
    }

    /// An address, of which no program names any, and which no network holds, as nearly all are.
    #[inline]
    fn is_of_nobody(&self, field: Field, value: FieldValue<'_>) -> bool {
        let FieldValue::Ip(ip) = value else { return false };
        self.ips.is_empty() && !self.networks.may_hold(ip) && self.literals.fields & field.bit() == 0
    }

    fn admit_value<'a>(&self, field: Field, value: FieldValue<'a>, each: &mut dyn FnMut(u32, Admission<'a>)) {
        // Without a dot there no name of that length can be what the value stands below.
        let is_below = |length: u16| match value {
            FieldValue::Name(name) if name.is_ascii() => {
                let dot = name.len().checked_sub(usize::from(length) + 1);
                dot.and_then(|dot| name.as_bytes().get(dot)) == Some(&b'.')
            }
            _ => true,
        };
        let mut note = |postings: Option<&Postings>, parent: bool| {
            for posting in postings.into_iter().flatten() {
                if posting.fields & field.bit() != 0
                    && posting.below == parent
                    && posting.below_chars.is_none_or(is_below)
                {
                    let admission = if posting.whole { Admission::Whole(field, value) } else { Admission::Perhaps };
                    each(posting.program, admission);
                }
            }
        };
        match value {
            FieldValue::Ip(ip) => {
                note(self.ips.get(&ip), false);
                self.networks.around(ip, |postings| note(Some(postings), false));
            }
            FieldValue::Name(name) => {
                note(self.names.get(name), false);
                parents(name).for_each(|parent| note(self.names.get(parent), true));
            }
            FieldValue::Integer(number) => note(self.integers.get(&number), false),
            FieldValue::Time(time) => note(self.integers.get(&time.micros()), false),
            FieldValue::Text(text) => {
                if !self.texts.is_empty() {
                    note(self.texts.get(&*composed(text)), false);
                }
                if !self.caseless.is_empty() {
                    note(self.caseless.get(composed_owned(text.to_lowercase()).as_str()), false);
                }
                if !self.urls.is_empty() && field == Field::UrlFull {
                    note(self.urls.get(&*composed_url(text)), false);
                }
            }
        }
        if self.literals.fields & field.bit() != 0 {
            self.literals.admit(field, &value, &mut note);
        }
    }
}

impl Literals {
    fn insert<'a>(&mut self, literals: impl IntoIterator<Item = &'a str>, test: &Test, posting: Posting) {
        self.fields |= posting.fields;
        for field in test.fields {
            self.sorts.insert(*field, test.sort);
        }
        for literal in literals {
            let number = *self.numbers.entry(literal.into()).or_insert(self.postings.len());
            match self.postings.get_mut(number) {
                Some(postings) => postings.push(posting),
                None => self.postings.push(vec![posting]),
            }
        }
    }

    fn admit(&self, field: Field, value: &FieldValue<'_>, note: &mut dyn FnMut(Option<&Postings>, bool)) {
        let Some(automaton) = &self.automaton else {
            return self.postings.iter().for_each(|postings| note(Some(postings), false));
        };
        let Some(sort) = self.sorts.get(&field) else { return };
        let Some(text) = text_of(*sort, value) else { return };
        for found in automaton.find_overlapping_iter(&*text) {
            note(self.postings.get(found.pattern().as_usize()), false);
        }
    }
}

fn insert<K: Hash + Eq>(map: &mut HashMap<K, Postings>, keys: impl IntoIterator<Item = K>, posting: Posting) {
    for key in keys {
        let postings = map.entry(key).or_insert_with(|| Vec::with_capacity(1));
        postings.push(posting);
    }
}

/// How an index finds the observations that satisfy a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lookup {
    /// What is found satisfies it.
    Whole,
    /// What is found may satisfy it.
    Perhaps,
    /// It does not.
    None,
}

pub(crate) fn lookup(test: &Test) -> Lookup {
    match &test.wanted {
        _ if test.negated => Lookup::None,
        Wanted::Types(_) | Wanted::Range(..) | Wanted::Order(..) | Wanted::Present => Lookup::None,
        // The object type is no text of the field itself, so that the automaton does not read it.
        Wanted::Like(_) | Wanted::Matches(_) if test.sort == Sort::ObjectType => Lookup::None,
        Wanted::Like(like) if like.literal().is_none() => Lookup::None,
        Wanted::Matches(matcher) if matcher.literals().is_empty() => Lookup::None,
        Wanted::Like(_) | Wanted::Matches(_) | Wanted::BelowLike { .. } => Lookup::Perhaps,
        _ => Lookup::Whole,
    }
}

/// Is the program one positive comparison that the index decides whole, or a choice of such?
fn is_choice(program: &Program) -> bool {
    match program {
        Program::Test(test) => lookup(test) == Lookup::Whole,
        Program::Any(parts) => parts.iter().all(is_choice),
        Program::All(_) => false,
    }
}

/// Comparisons of which at least one holds whenever the program does; none if there is no such set.
pub(crate) fn anchors(program: &Program) -> Option<Vec<&Test>> {
    match program {
        Program::Test(test) => (lookup(test) != Lookup::None).then(|| vec![test]),
        Program::Any(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(anchors(part)?);
            }
            Some(all)
        }
        Program::All(parts) => parts
            .iter()
            .filter_map(anchors)
            .min_by_key(|tests| tests.iter().map(|test| admitted_per_million(test)).sum::<u64>()),
    }
}

/// Has the program no value to look it up by?
pub(crate) fn unanchored(program: &Program) -> bool {
    anchors(program).is_none()
}

/// The fields of which one must be there for the program to hold.
fn needed(program: &Program) -> u32 {
    match program {
        Program::Test(test) if test.negated && matches!(test.wanted, Wanted::Present) => ABSENCE,
        Program::Test(test) => bits(test.fields),
        Program::Any(parts) => parts.iter().fold(0, |all, part| all | needed(part)),
        Program::All(parts) => {
            parts.iter().map(needed).min_by_key(|fields| (fields & ABSENCE, fields.count_ones())).unwrap_or(ABSENCE)
        }
    }
}
