//! One search: the query with the reader's classes in it, and what is counted of its documents.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use model::marking::Tlp;
use sharing::{ClassId, ClassTable, Visibility};
use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::{ColumnValues, StrColumn};
use tantivy::query::{
    AllQuery, BooleanQuery, EmptyQuery, InvertedIndexRangeQuery, PhraseQuery, Query, TermQuery, TermSetQuery,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, Score, SegmentOrdinal, SegmentReader, TantivyError, Term};

use super::follow::HIT;
use super::query::{Clause, SearchQuery};
use super::schema::{COLUMN_CLASS, COLUMN_DATE, COLUMN_ORIGIN, COLUMN_POSITION, COLUMN_SET, COLUMN_TYPE, Fields};

const HOUR_MICROS: i64 = 3_600_000_000;

fn term(field: Field, text: &str) -> Box<dyn Query> {
    Box::new(TermQuery::new(Term::from_field_text(field, text), IndexRecordOption::Basic))
}

fn any_of(field: Field, texts: &[String]) -> Box<dyn Query> {
    Box::new(TermSetQuery::new(texts.iter().map(|text| Term::from_field_text(field, text))))
}

/// These words, one behind the other.
fn phrase(field: Field, words: &[String]) -> Box<dyn Query> {
    match words {
        [] => Box::new(EmptyQuery),
        [word] => term(field, word),
        words => Box::new(PhraseQuery::new(words.iter().map(|word| Term::from_field_text(field, word)).collect())),
    }
}

/// A term that begins so.
fn begins(field: Field, start: &str) -> Box<dyn Query> {
    let last = format!("{start}\u{10ffff}");
    Box::new(InvertedIndexRangeQuery::new(
        Bound::Included(Term::from_field_text(field, start)),
        Bound::Excluded(Term::from_field_text(field, &last)),
    ))
}

/// All words but the last as a phrase, and one that begins like the last.
fn phrase_begins(field: Field, words: &[String]) -> Box<dyn Query> {
    match words.split_last() {
        None => Box::new(EmptyQuery),
        Some((last, [])) => begins(field, last),
        Some((last, before)) => Box::new(BooleanQuery::intersection(vec![phrase(field, before), begins(field, last)])),
    }
}

fn condition(fields: &Fields, clause: &Clause) -> Option<Box<dyn Query>> {
    let either = |parts| Box::new(BooleanQuery::union(parts)) as Box<dyn Query>;
    Some(match clause {
        Clause::Anywhere { words, value, id } => {
            let mut parts = vec![phrase(fields.words, words), term(fields.value, value)];
            if let Some(id) = id {
                parts.extend([term(fields.id, id.as_str()), term(fields.of, id.as_str())]);
            }
            either(parts)
        }
        Clause::Begins { words, value } => {
            either(vec![phrase_begins(fields.words, words), begins(fields.value, value)])
        }
        Clause::Name { words, begins: false } => phrase(fields.name, words),
        Clause::Name { words, begins: true } => phrase_begins(fields.name, words),
        Clause::Value { value, begins: false } => term(fields.value, value),
        Clause::Value { value, begins: true } => begins(fields.value, value),
        Clause::Values(values) => {
            Box::new(BooleanQuery::intersection(values.iter().map(|value| term(fields.value, value)).collect()))
        }
        Clause::Id(id) => term(fields.id, id),
        Clause::Types(types) => any_of(fields.object_type, types),
        Clause::Origins(origins) => any_of(fields.origin, origins),
        Clause::Markings(_) => return None, // said by the classes
    })
}

/// The query, with the classes that the reader may see in it and without the documents in `stale`.
pub(super) fn question(fields: &Fields, query: &SearchQuery, classes: &[ClassId], stale: &[String]) -> Box<dyn Query> {
    use tantivy::query::Occur::{Must, MustNot};
    let seen = TermSetQuery::new(classes.iter().map(|class| Term::from_field_u64(fields.class, u64::from(class.0))));
    let mut parts: Vec<(_, Box<dyn Query>)> = vec![(Must, Box::new(AllQuery)), (Must, Box::new(seen))];
    parts.extend(query.clauses.iter().filter_map(|clause| Some((Must, condition(fields, clause)?))));
    if !(query.hits && query.names_type(HIT)) {
        parts.push((MustNot, term(fields.object_type, HIT)));
    }
    if !stale.is_empty() {
        parts.push((MustNot, any_of(fields.key, stale)));
    }
    Box::new(BooleanQuery::new(parts))
}

/// The classes that the reader may see and the query asks for.
pub(super) fn classes(visibility: &Visibility, table: &ClassTable, query: &SearchQuery) -> Vec<ClassId> {
    let levels: Vec<&Vec<Option<Tlp>>> = query
        .clauses
        .iter()
        .filter_map(|clause| match clause {
            Clause::Markings(levels) => Some(levels),
            _ => None,
        })
        .collect();
    let mut classes = visibility.classes();
    classes.retain(|id| table.meaning(*id).is_some_and(|class| levels.iter().all(|any| any.contains(&class.tlp))));
    classes
}

/// What documents are counted by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Group {
    pub(super) object_type: String,
    pub(super) origin: String,
    pub(super) class: ClassId,
}

/// A document whose visibility the store decides.
#[derive(Debug, Clone)]
pub(super) struct Undecided {
    pub(super) group: Group,
    pub(super) position: u64,
    date: i64,
}

/// What a search has found.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    pub(super) groups: BTreeMap<Group, u64>,
    /// UTC hours, as microseconds of their start.
    pub(super) hours: BTreeMap<i64, u64>,
    /// Positions of the page, newest first once it is finished.
    pub(super) newest: Vec<u64>,
    pub(super) undecided: Vec<Undecided>,
}

impl Tally {
    /// Counts a document after all.
    pub(super) fn count(&mut self, document: Undecided, behind: u64) {
        *self.hours.entry(hour(document.date)).or_default() += 1;
        *self.groups.entry(document.group).or_default() += 1;
        if document.position < behind {
            self.newest.push(document.position);
        }
    }
}

fn hour(micros: i64) -> i64 {
    micros.saturating_sub(micros.rem_euclid(HOUR_MICROS))
}

/// Counts documents that pass, and keeps the newest of them.
pub(super) struct Counter {
    /// By number: is everything of the set seen?
    pub(super) sets: Arc<Vec<bool>>,
    /// Microseconds: from, to (not included).
    pub(super) range: (i64, i64),
    /// Positions below this one are on the page.
    pub(super) behind: u64,
    /// Most positions that are kept.
    pub(super) keep: usize,
}

/// The same for one segment.
pub(super) struct SegmentCounter {
    sets: Arc<Vec<bool>>,
    range: (i64, i64),
    behind: u64,
    keep: usize,
    class: Arc<dyn ColumnValues<u64>>,
    set: Arc<dyn ColumnValues<u64>>,
    position: Arc<dyn ColumnValues<u64>>,
    date: Arc<dyn ColumnValues<i64>>,
    type_names: Option<StrColumn>,
    types: Option<Arc<dyn ColumnValues<u64>>>,
    origin_names: Option<StrColumn>,
    origins: Option<Arc<dyn ColumnValues<u64>>>,
    groups: HashMap<(u64, u64, u32), u64>,
    hours: BTreeMap<i64, u64>,
    newest: BinaryHeap<Reverse<u64>>,
    undecided: Vec<(DocId, u64, i64)>,
}

impl Collector for Counter {
    type Fruit = Tally;
    type Child = SegmentCounter;

    fn for_segment(&self, _: SegmentOrdinal, segment: &SegmentReader) -> tantivy::Result<SegmentCounter> {
        let columns = segment.fast_fields();
        let (type_names, origin_names) = (columns.str(COLUMN_TYPE)?, columns.str(COLUMN_ORIGIN)?);
        let numbers =
            |names: &Option<StrColumn>| names.as_ref().map(|names| names.ords().clone().first_or_default_col(0));
        Ok(SegmentCounter {
            sets: Arc::clone(&self.sets),
            range: self.range,
            behind: self.behind,
            keep: self.keep,
            class: columns.u64(COLUMN_CLASS)?.first_or_default_col(u64::MAX),
            set: columns.u64(COLUMN_SET)?.first_or_default_col(u64::MAX),
            position: columns.u64(COLUMN_POSITION)?.first_or_default_col(0),
            date: columns.i64(COLUMN_DATE)?.first_or_default_col(0),
            types: numbers(&type_names),
            origins: numbers(&origin_names),
            type_names,
            origin_names,
            groups: HashMap::new(),
            hours: BTreeMap::new(),
            newest: BinaryHeap::new(),
            undecided: Vec::new(),
        })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, segments: Vec<tantivy::Result<Tally>>) -> tantivy::Result<Tally> {
        let mut whole = Tally::default();
        for segment in segments {
            let segment = segment?;
            for (group, count) in segment.groups {
                *whole.groups.entry(group).or_default() += count;
            }
            for (hour, count) in segment.hours {
                *whole.hours.entry(hour).or_default() += count;
            }
            whole.newest.extend(segment.newest);
            whole.undecided.extend(segment.undecided);
        }
        Ok(whole)
    }
}

impl SegmentCounter {
    fn numbers(&self, document: DocId) -> (u64, u64, u32) {
        let number =
            |column: &Option<Arc<dyn ColumnValues<u64>>>| column.as_ref().map_or(0, |column| column.get_val(document));
        let class = u32::try_from(self.class.get_val(document)).unwrap_or(u32::MAX);
        (number(&self.types), number(&self.origins), class)
    }

    fn group(&self, (object_type, origin, class): (u64, u64, u32)) -> tantivy::Result<Group> {
        let name = |names: &Option<StrColumn>, number| -> tantivy::Result<String> {
            let mut text = String::new();
            match names {
                Some(names) if names.ord_to_str(number, &mut text)? => Ok(text),
                _ => Err(TantivyError::InternalError("a document has no type or no origin".to_owned())),
            }
        };
        Ok(Group {
            object_type: name(&self.type_names, object_type)?,
            origin: name(&self.origin_names, origin)?,
            class: ClassId(class),
        })
    }
}

impl SegmentCollector for SegmentCounter {
    type Fruit = tantivy::Result<Tally>;

    fn collect(&mut self, document: DocId, _: Score) {
        let date = self.date.get_val(document);
        if date < self.range.0 || date >= self.range.1 {
            return;
        }
        let (position, set) = (self.position.get_val(document), self.set.get_val(document));
        let whole = usize::try_from(set).ok().and_then(|set| self.sets.get(set)).copied().unwrap_or(false);
        if !whole {
            self.undecided.push((document, position, date));
            return;
        }
        *self.groups.entry(self.numbers(document)).or_default() += 1;
        *self.hours.entry(hour(date)).or_default() += 1;
        if position < self.behind {
            self.newest.push(Reverse(position));
            if self.newest.len() > self.keep {
                self.newest.pop();
            }
        }
    }

    fn harvest(self) -> tantivy::Result<Tally> {
        let mut tally = Tally::default();
        for (numbers, count) in &self.groups {
            tally.groups.insert(self.group(*numbers)?, *count);
        }
        for (document, position, date) in &self.undecided {
            let group = self.group(self.numbers(*document))?;
            tally.undecided.push(Undecided { group, position: *position, date: *date });
        }
        tally.newest = self.newest.into_iter().map(|Reverse(position)| position).collect();
        tally.hours = self.hours;
        Ok(tally)
    }
}
