//! What gate in asks of what is held: the store as it stands, and what of the same body was admitted before.

use std::cell::RefCell;
use std::collections::HashMap;

use indexer::{Snapshot, StoreError};
use model::json::Limits;
use model::marking::{Meaning, meaning};
use model::principal::CentreCode;
use model::stix::{Object, StixId, Version};
use serde_json::Value;
use sharing::gate_in::Held;

use super::directory::Book;

/// What is held, with one body on its way in.
pub(crate) struct Holding<'a> {
    snapshot: &'a Snapshot,
    book: &'a Book,
    definitions: HashMap<StixId, Meaning>,
    /// Definitions that were looked up in the store: a body cites few of them, many times.
    looked_up: RefCell<HashMap<StixId, Option<Meaning>>>,
    versions: HashMap<(StixId, Version), [u8; 32]>,
    /// Over the link: a rendering that is newer than what is held replaces it and contradicts nothing.
    replaces: Option<u32>,
    /// The first read that failed; the whole body then fails.
    failed: RefCell<Option<StoreError>>,
}

impl<'a> Holding<'a> {
    /// The store as `snapshot` shows it, with nothing on its way.
    pub(crate) fn new(snapshot: &'a Snapshot, book: &'a Book) -> Self {
        Self {
            snapshot,
            book,
            definitions: HashMap::new(),
            looked_up: RefCell::default(),
            versions: HashMap::new(),
            replaces: None,
            failed: RefCell::default(),
        }
    }

    /// From here on, what comes is rendering `rendering` of its version.
    pub(crate) fn replacing(&mut self, rendering: u32) {
        self.replaces = Some(rendering);
    }

    /// Notes an object that was admitted.
    pub(crate) fn admitted(&mut self, object: &Object, digest: [u8; 32]) {
        self.versions.insert((object.id.clone(), object.version), digest);
        if object.object_type() == "marking-definition" {
            let value = Value::Object(object.value.clone());
            self.definitions.insert(object.id.clone(), meaning(&object.id, &value));
        }
    }

    /// An error if any read failed: what was decided on it does not count.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        self.failed.take().map_or(Ok(()), Err)
    }

    fn read<T>(&self, read: Result<Option<T>, StoreError>) -> Option<T> {
        read.unwrap_or_else(|error| {
            self.failed.replace(Some(error));
            None
        })
    }
}

impl Held for Holding<'_> {
    fn meaning(&self, id: &StixId) -> Option<Meaning> {
        if let Some(meaning) = self.definitions.get(id) {
            return Some(meaning.clone());
        }
        if let Some(meaning) = self.looked_up.borrow().get(id) {
            return meaning.clone();
        }
        let meaning = self.read(self.snapshot.meaning(id));
        self.looked_up.borrow_mut().insert(id.clone(), meaning.clone());
        meaning
    }

    fn digest(&self, origin: &CentreCode, id: &StixId, version: &Version) -> Option<[u8; 32]> {
        if let Some(digest) = self.versions.get(&(id.clone(), *version)) {
            return Some(*digest);
        }
        let (digest, rendering) = self.read(self.snapshot.digest(origin, id, version))?;
        match self.replaces {
            Some(newer) if newer > rendering => None,
            _ => Some(digest),
        }
    }

    fn organisation_of(&self, id: &StixId) -> Option<String> {
        self.book.organisation_of(id)
    }
}

/// Bounds of reading one body.
pub(crate) fn limits(body_bytes: usize) -> Limits {
    Limits { body_bytes, ..Limits::default() }
}
