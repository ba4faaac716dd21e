//! One object with everything around it that the reader may see.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexer::{Statement, StoreError};
use model::principal::CentreCode;
use model::stix::{Object, StixId, Typed};
use model::time::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use warp::reply::Response;

use super::view::parsed;
use super::wire::MarkingView;
use super::{HitView, Row, View, answer};
use crate::disclose;
use crate::error::Failure;
use crate::query::Query;
use crate::router::Call;
use crate::server::Api;

/// Most relations, sightings and hits that stand beside an object.
const BESIDE_MAX: usize = 200;

#[derive(Debug, Serialize)]
struct ObjectBody {
    id: StixId,
    #[serde(rename = "type")]
    object_type: String,
    statements: Vec<OriginView>,
    relations: Vec<Relation>,
    sightings: Vec<Row>,
    hours: Vec<Hour>,
    hits: Vec<HitView>,
    matching: Matching,
}

#[derive(Debug, Serialize)]
struct OriginView {
    origin: CentreCode,
    marking: MarkingView,
    versions: Vec<VersionView>,
}

#[derive(Debug, Serialize)]
struct VersionView {
    modified: Option<Timestamp>,
    added: Timestamp,
    object: Box<RawValue>,
}

#[derive(Debug, Serialize)]
struct Relation {
    property: String,
    direction: &'static str,
    id: StixId,
    #[serde(rename = "type")]
    object_type: String,
    name: Option<String>,
    marking: MarkingView,
}

#[derive(Debug, Serialize)]
struct Hour {
    hour: Timestamp,
    origin: CentreCode,
    count: u64,
}

#[derive(Debug, Default, Serialize)]
struct Matching {
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// `GET /objects/{id}`
pub(crate) async fn object(api: &Arc<Api>, call: &Call) -> Result<Response, Failure> {
    Query::read(&call.query, &[])?;
    let id: StixId = call.param(0).parse().map_err(|_| Failure::not_found())?;
    let reader = call.caller()?.principal.clone();
    let analyst = reader.reads_as_analyst();
    let classes = api.services.gate.table().clone();
    let found = disclose::reading(api, &reader, move |snapshot, sight| {
        Assembly { view: View { snapshot, sight, classes: &classes }, shown: Vec::new() }.object(id, analyst)
    });
    let Some((mut body, newest, shown)) = found.await? else { return Err(Failure::not_found()) };
    body.matching = matching(api, &newest);
    disclose::entries(api, call, shown).await?;
    answer(&body)
}

/// What is put together, and which entries were shown in it.
struct Assembly<'a> {
    view: View<'a>,
    shown: Vec<u64>,
}

impl Assembly<'_> {
    fn object(mut self, id: StixId, analyst: bool) -> Result<Option<(ObjectBody, Object, Vec<u64>)>, StoreError> {
        let found = self.view.snapshot.object(self.view.sight, &id)?;
        let Some(newest) = found.iter().max_by_key(|statement| (statement.key.version, statement.date)) else {
            return Ok(None);
        };
        let newest = parsed(newest)?;
        self.shown.extend(found.iter().map(|statement| statement.position));
        let mut relations = self.outward(&newest)?;
        relations.extend(self.inward(&id)?);
        let (sightings, hours) = self.sightings(&id)?;
        let hits = if analyst { self.hits(&id)? } else { Vec::new() };
        let body = ObjectBody {
            object_type: id.object_type().to_owned(),
            statements: self.by_origin(found)?,
            relations,
            sightings,
            hours,
            hits,
            matching: Matching::default(),
            id,
        };
        Ok(Some((body, newest, self.shown)))
    }

    /// The creator's own first: whoever stated it before all others here.
    fn by_origin(&self, found: Vec<Statement>) -> Result<Vec<OriginView>, StoreError> {
        let mut groups: BTreeMap<CentreCode, Vec<Statement>> = BTreeMap::new();
        for statement in found {
            groups.entry(statement.key.origin.clone()).or_default().push(statement);
        }
        let mut groups: Vec<_> = groups.into_iter().collect();
        groups.sort_by_key(|(_, statements)| statements.iter().map(|statement| statement.date).min());
        let mut views = Vec::with_capacity(groups.len());
        for (origin, mut statements) in groups {
            statements.sort_by_key(|statement| std::cmp::Reverse(statement.key.version));
            let Some(newest) = statements.first() else { continue };
            let marking = self.view.marking(newest.class, &parsed(newest)?)?;
            let versions = statements.iter().map(version).collect::<Result<_, _>>()?;
            views.push(OriginView { origin, marking, versions });
        }
        Ok(views)
    }

    fn outward(&mut self, object: &Object) -> Result<Vec<Relation>, StoreError> {
        let mut relations = Vec::new();
        for reference in object.references.iter().take(BESIDE_MAX) {
            if let Some(target) = self.view.newest(&reference.id)? {
                relations.push(self.relation(&reference.property, "out", &target)?);
            }
        }
        Ok(relations)
    }

    fn inward(&mut self, id: &StixId) -> Result<Vec<Relation>, StoreError> {
        let mut relations = Vec::new();
        let (sources, _) = self.view.snapshot.referrers(self.view.sight, id, 0, BESIDE_MAX)?;
        for source in sources {
            let object = parsed(&source)?;
            let property = object.references.iter().find(|reference| reference.id == *id);
            let property = property.map_or("", |reference| reference.property.as_str());
            relations.push(self.relation(property, "in", &source)?);
        }
        Ok(relations)
    }

    fn relation(&mut self, property: &str, direction: &'static str, other: &Statement) -> Result<Relation, StoreError> {
        self.shown.push(other.position);
        let object = parsed(other)?;
        Ok(Relation {
            property: property.to_owned(),
            direction,
            object_type: other.key.id.object_type().to_owned(),
            marking: self.view.marking(other.class, &object)?,
            name: object.name,
            id: other.key.id.clone(),
        })
    }

    fn sightings(&mut self, id: &StixId) -> Result<(Vec<Row>, Vec<Hour>), StoreError> {
        let (found, _) = self.view.sightings(Some(id), 0, BESIDE_MAX)?;
        let mut rows = Vec::new();
        let mut hours: BTreeMap<(Timestamp, CentreCode), u64> = BTreeMap::new();
        for statement in &found {
            self.shown.push(statement.position);
            let row = self.view.row(statement)?;
            if let (Some(first), Some(count)) = (row.first_seen, row.count) {
                let sum = hours.entry((first.hour(), row.origin.clone())).or_default();
                *sum = sum.saturating_add(count);
            }
            rows.push(row);
        }
        let hours = hours.into_iter().map(|((hour, origin), count)| Hour { hour, origin, count }).collect();
        Ok((rows, hours))
    }

    fn hits(&mut self, id: &StixId) -> Result<Vec<HitView>, StoreError> {
        let (found, _) = self.view.snapshot.hits(self.view.sight, Some(id), 0, BESIDE_MAX)?;
        self.shown.extend(found.iter().map(|hit| hit.position));
        found.iter().map(|hit| self.view.hit(hit)).collect()
    }
}

fn version(statement: &Statement) -> Result<VersionView, StoreError> {
    const DAMAGED: StoreError = StoreError::Damaged("a stored object is not JSON");
    let text = String::from_utf8(statement.bytes.clone()).map_err(|_| DAMAGED)?;
    let modified = match statement.key.version {
        model::stix::Version::Modified(time) => Some(time),
        model::stix::Version::Digest(_) => None,
    };
    Ok(VersionView { modified, added: statement.date, object: RawValue::from_string(text).map_err(|_| DAMAGED)? })
}

/// Is it matched here, and if not, why?
fn matching(api: &Api, object: &Object) -> Matching {
    let Typed::Indicator(indicator) = &object.typed else {
        return Matching { state: "not_an_indicator", reason: None };
    };
    if object.revoked {
        return Matching { state: "revoked", reason: None };
    }
    if indicator.valid_until.is_some_and(|end| end <= api.services.clock.now()) {
        return Matching { state: "expired", reason: None };
    }
    match api.services.status.not_matched(&object.id) {
        Some(reason) => Matching { state: "not_matched_here", reason: Some(reason) },
        None => Matching { state: "matched", reason: None },
    }
}
