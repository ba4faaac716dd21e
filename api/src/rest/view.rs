//! Statements and hits as people see them in lists.

use indexer::{Hit, Snapshot, Statement, StoreError};
use model::json::Limits;
use model::marking::{Meaning, known_tlp};
use model::principal::PrincipalName;
use model::stix::{Object, StixId, Typed, read};
use model::time::Timestamp;
use serde::Serialize;
use sharing::{ClassId, ClassTable, Visibility};
use uuid::Uuid;

use super::wire::{MarkingView, Row};
use crate::caller::sha256;
use crate::service::Evidence;

/// Namespace of the hits' public ids.
const HITS: Uuid = Uuid::from_u128(0x7d53_9a8e_41c2_4f8b_8f0e_0a5c_6e1d_9b27);

/// A hit with its evidence; for analysts of the centre that heard it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct HitView {
    id: Uuid,
    indicator: StixId,
    indicator_name: Option<String>,
    time: Timestamp,
    received: Timestamp,
    sensor: PrincipalName,
    site: Option<String>,
    field: String,
    value: String,
    marking: MarkingView,
    observation: serde_json::Value,
}

/// One reader's look at one moment of the store.
pub(crate) struct View<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) sight: &'a Visibility,
    pub(crate) classes: &'a ClassTable,
}

impl View<'_> {
    /// Sightings that may be seen, newest first, behind a position (0: from the newest), and whether there are more.
    pub(crate) fn sightings(
        &self,
        of: Option<&StixId>,
        behind: u64,
        limit: usize,
    ) -> Result<(Vec<Statement>, bool), StoreError> {
        match of {
            Some(of) => self.snapshot.sightings_of(self.sight, of, behind, limit),
            None => self.snapshot.newest_of_type(self.sight, "sighting", behind, limit),
        }
    }

    /// The newest statement of an object that the reader may see.
    pub(crate) fn newest(&self, id: &StixId) -> Result<Option<Statement>, StoreError> {
        let found = self.snapshot.object(self.sight, id)?;
        Ok(found.into_iter().max_by_key(|statement| (statement.key.version, statement.date)))
    }

    /// A statement as one row.
    pub(crate) fn row(&self, statement: &Statement) -> Result<Row, StoreError> {
        let object = parsed(statement)?;
        let mut row = Row {
            id: statement.key.id.to_string(),
            object_type: statement.key.id.object_type().to_owned(),
            origin: statement.key.origin.clone(),
            name: object.name.clone(),
            value: pattern(&object),
            marking: self.marking(statement.class, &object)?,
            created: object.created,
            modified: object.modified,
            added: statement.date,
            revoked: object.revoked,
            count: None,
            sighting_of: None,
            first_seen: None,
            last_seen: None,
        };
        if let Typed::Sighting(sighting) = &object.typed {
            row.count = sighting.count;
            row.first_seen = sighting.first_seen;
            row.last_seen = sighting.last_seen;
            row.sighting_of = Some(sighting.sighting_of_ref.to_string());
            if let Some(of) = self.newest(&sighting.sighting_of_ref)? {
                let of = parsed(&of)?;
                row.value = pattern(&of);
                row.name = of.name;
            }
        }
        Ok(row)
    }

    /// The marking of an object that may be seen; so may its marking definitions, or it could not.
    pub(crate) fn marking(&self, class: ClassId, object: &Object) -> Result<MarkingView, StoreError> {
        let mut statements = Vec::new();
        for id in object.marking_refs.iter().filter(|id| known_tlp(id).is_none()) {
            if let Some(Meaning::Statement(text)) = self.snapshot.meaning(id)? {
                statements.push(text);
            }
        }
        Ok(self.marking_of_class(class, statements))
    }

    fn marking_of_class(&self, class: ClassId, statements: Vec<String>) -> MarkingView {
        self.classes.meaning(class).map(|class| MarkingView::of(&class, statements)).unwrap_or_default()
    }

    /// A hit with its evidence.
    pub(crate) fn hit(&self, hit: &Hit) -> Result<HitView, StoreError> {
        const DAMAGED: StoreError = StoreError::Damaged("the evidence of a hit cannot be read");
        let evidence: Evidence = serde_json::from_slice(&hit.evidence).map_err(|_| DAMAGED)?;
        let indicator = self.newest(&hit.indicator)?.map(|found| parsed(&found)).transpose()?;
        let mut identity = format!("{}\n{}\n{}\n", hit.sensor, hit.indicator, hit.received).into_bytes();
        identity.extend_from_slice(&sha256(&hit.evidence));
        Ok(HitView {
            id: Uuid::new_v5(&HITS, &identity),
            indicator: hit.indicator.clone(),
            indicator_name: indicator.and_then(|indicator| indicator.name),
            time: hit.time,
            received: hit.received,
            sensor: hit.sensor.clone(),
            site: evidence.site,
            field: evidence.field,
            value: evidence.value,
            marking: self.marking_of_class(hit.class, Vec::new()),
            observation: evidence.observation,
        })
    }

    /// A hit as one row: what it is of, and the value that matched.
    pub(crate) fn hit_row(&self, hit: &Hit) -> Result<Row, StoreError> {
        let seen = self.hit(hit)?;
        Ok(Row {
            id: seen.id.to_string(),
            object_type: "hit".to_owned(),
            origin: hit.sensor.centre().clone(),
            name: seen.indicator_name,
            value: Some(seen.value),
            marking: seen.marking,
            created: None,
            modified: None,
            added: seen.received,
            revoked: false,
            count: None,
            sighting_of: Some(seen.indicator.to_string()),
            first_seen: Some(seen.time),
            last_seen: Some(seen.time),
        })
    }
}

/// The parsed view of what is stored.
pub(crate) fn parsed(statement: &Statement) -> Result<Object, StoreError> {
    let read = read(&statement.bytes, &Limits::default());
    read.map(|(object, _)| object).map_err(|_| StoreError::Damaged("a stored object cannot be read"))
}

fn pattern(object: &Object) -> Option<String> {
    match &object.typed {
        Typed::Indicator(indicator) => Some(indicator.pattern.clone()),
        _ => None,
    }
}
