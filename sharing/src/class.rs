//! The release class: all that a release decision may depend on about a statement, reduced once at gate in and interned.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{PoisonError, RwLock};

use model::marking::{Caveat, Country, Tlp};
use model::principal::{CentreCode, PrincipalName};
use serde::{Deserialize, Serialize};

/// All that a release decision may depend on about a statement.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Class {
    /// The centre that accepted it.
    pub origin: CentreCode,
    /// The strictest TLP level on it or on a part of it; none if it has no release marking.
    pub tlp: Option<Tlp>,
    /// National caveats.
    pub caveats: BTreeSet<Caveat>,
    /// Countries that every releasable-to list on it names; none if there is no such list.
    pub releasable_to: Option<BTreeSet<Country>>,
    /// National classification levels, each with its country (empty where the marking names none).
    pub levels: BTreeSet<(String, String)>,
    /// Markings that contradict each other: denied to everyone but its publisher.
    pub conflict: bool,
    /// With TLP:RED, who published it.
    pub publisher: Option<PrincipalName>,
    /// With TLP:RED, whom it names.
    pub recipients: BTreeSet<PrincipalName>,
}

impl Class {
    /// An unmarked class of `origin`.
    pub fn unmarked(origin: CentreCode) -> Self {
        Self {
            origin,
            tlp: None,
            caveats: BTreeSet::new(),
            releasable_to: None,
            levels: BTreeSet::new(),
            conflict: false,
            publisher: None,
            recipients: BTreeSet::new(),
        }
    }
}

/// An interned [`Class`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ClassId(pub u32);

/// An interned set of classes: of what a statement refers to. 0 is the empty set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ClassSetId(pub u32);

/// One thing that a statement refers to, as far as seeing it is concerned: visible if any of these classes is. Empty: it
/// is not held here, and hidden.
pub type Alternatives = BTreeSet<ClassId>;

/// What a statement refers to: every member must be visible.
pub type ClassSet = BTreeSet<Alternatives>;

/// A definition to be logged before its number is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Definition {
    /// What a class's number means.
    Class(ClassId, Class),
    /// What a set's number means.
    Set(ClassSetId, ClassSet),
}

/// Why a number cannot be given or taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClassError {
    /// The bound is reached.
    #[error(
        "{0} classes or sets of classes are defined already: markings vary more than they should, find out who sends them"
    )]
    TooMany(usize),
    /// A log defines a number twice or out of order.
    #[error("the log defines class or set {0} out of order: it is damaged")]
    OutOfOrder(u32),
}

#[derive(Debug, Default)]
struct Tables {
    classes: Vec<Class>,
    class_ids: HashMap<Class, ClassId>,
    sets: Vec<ClassSet>,
    set_ids: BTreeMap<ClassSet, ClassSetId>,
}

/// The interned classes and sets of one centre: append-only, shared by all.
#[derive(Debug)]
pub struct ClassTable {
    tables: RwLock<Tables>,
    max: usize,
}

impl Default for ClassTable {
    fn default() -> Self {
        Self::new(100_000)
    }
}

impl ClassTable {
    /// A table of at most `max` classes and as many sets. Set 0, the empty one, is there from the start.
    pub fn new(max: usize) -> Self {
        let mut tables = Tables::default();
        tables.sets.push(ClassSet::new());
        tables.set_ids.insert(ClassSet::new(), ClassSetId(0));
        Self { tables: RwLock::new(tables), max }
    }

    /// The number of `class`, and its definition if it is new.
    pub fn class(&self, class: &Class) -> Result<(ClassId, Option<Definition>), ClassError> {
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = tables.class_ids.get(class) {
            return Ok((*id, None));
        }
        let id = ClassId(self.number(tables.classes.len())?);
        tables.classes.push(class.clone());
        tables.class_ids.insert(class.clone(), id);
        Ok((id, Some(Definition::Class(id, class.clone()))))
    }

    /// The number of a set, and its definition if it is new.
    pub fn set(&self, set: &ClassSet) -> Result<(ClassSetId, Option<Definition>), ClassError> {
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = tables.set_ids.get(set) {
            return Ok((*id, None));
        }
        let id = ClassSetId(self.number(tables.sets.len())?);
        tables.sets.push(set.clone());
        tables.set_ids.insert(set.clone(), id);
        Ok((id, Some(Definition::Set(id, set.clone()))))
    }

    fn number(&self, taken: usize) -> Result<u32, ClassError> {
        let bound = || ClassError::TooMany(self.max);
        if taken >= self.max { Err(bound()) } else { u32::try_from(taken).map_err(|_| bound()) }
    }

    /// Takes a definition from a log, in the log's order; one that is known already must mean the same.
    pub fn define(&self, definition: &Definition) -> Result<(), ClassError> {
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        match definition {
            Definition::Class(id, class) => match tables.classes.get(id.0 as usize) {
                Some(known) if known == class => Ok(()),
                None if tables.classes.len() == id.0 as usize => {
                    tables.classes.push(class.clone());
                    tables.class_ids.insert(class.clone(), *id);
                    Ok(())
                }
                _ => Err(ClassError::OutOfOrder(id.0)),
            },
            Definition::Set(id, set) => match tables.sets.get(id.0 as usize) {
                Some(known) if known == set => Ok(()),
                None if tables.sets.len() == id.0 as usize => {
                    tables.sets.push(set.clone());
                    tables.set_ids.insert(set.clone(), *id);
                    Ok(())
                }
                _ => Err(ClassError::OutOfOrder(id.0)),
            },
        }
    }

    /// What a number means; none if nobody has defined it.
    pub fn meaning(&self, id: ClassId) -> Option<Class> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner).classes.get(id.0 as usize).cloned()
    }

    /// What a set's number means.
    pub fn members(&self, id: ClassSetId) -> Option<ClassSet> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner).sets.get(id.0 as usize).cloned()
    }

    /// How many classes and sets are defined.
    pub fn counts(&self) -> (usize, usize) {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        (tables.classes.len(), tables.sets.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_dense_and_definitions_replay() {
        let table = ClassTable::new(2);
        let us = Class::unmarked("us".parse().unwrap());
        let ca = Class::unmarked("ca".parse().unwrap());
        let (first, definition) = table.class(&us).unwrap();
        assert_eq!((first, table.class(&us).unwrap()), (ClassId(0), (ClassId(0), None)));
        let second = table.class(&ca).unwrap();
        assert_eq!(table.class(&Class { tlp: Some(Tlp::Red), ..us.clone() }), Err(ClassError::TooMany(2)));
        let again = ClassTable::new(2);
        assert_eq!(again.define(second.1.as_ref().unwrap()), Err(ClassError::OutOfOrder(1)));
        again.define(definition.as_ref().unwrap()).unwrap();
        again.define(second.1.as_ref().unwrap()).unwrap();
        assert_eq!(again.meaning(ClassId(1)), Some(ca));
        assert_eq!(again.meaning(ClassId(2)), None);
    }
}
