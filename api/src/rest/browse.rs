//! Lists, newest first: hits, sightings, quarantine.

use std::sync::Arc;

use indexer::{Quarantined, Snapshot, StoreError};
use model::fault::Fault;
use model::principal::PrincipalName;
use model::stix::StixId;
use model::time::Timestamp;
use serde::Serialize;
use sharing::{Role, Visibility};
use uuid::Uuid;
use warp::reply::Response;

use super::{HitView, Row, View, answer};
use crate::disclose;
use crate::error::Failure;
use crate::paging::{Position, Scope};
use crate::query::Query;
use crate::router::Call;
use crate::server::Api;

/// Namespace of the public ids of quarantined objects.
const QUARANTINE: Uuid = Uuid::from_u128(0xa0b6_2f0d_93c4_4d57_b5b8_12f0_77c9_4e61);
/// Most of a quarantined object's text that is shown, characters.
const OBJECT_CHARS_MAX: usize = 64 << 10;

/// What a list request asks for.
pub(super) struct Asked<'a> {
    pub(super) query: Query<'a>,
    pub(super) limit: usize,
    /// Position behind which the page begins; 0 for the start.
    pub(super) behind: u64,
    principal: String,
    route: &'static str,
    canonical: String,
}

impl<'a> Asked<'a> {
    /// Reads the query of a list; `known` are its own parameters.
    pub(super) fn read(api: &Api, call: &'a Call, known: &[&str]) -> Result<Self, Failure> {
        let known: Vec<&str> = known.iter().copied().chain(["limit", "cursor"]).collect();
        let query = Query::read(&call.query, &known)?;
        let settings = api.settings();
        let mut asked = Self {
            limit: query.limit(settings.page_rows, settings.page_rows_max)?,
            behind: 0,
            principal: call.caller()?.principal.name.as_str().to_owned(),
            route: call.route.path,
            canonical: query.canonical(&["limit", "cursor"]),
            query,
        };
        if let Some(cursor) = asked.query.value("cursor") {
            asked.behind = api.sealer.open(&asked.scope(), cursor)?.sequence;
        }
        Ok(asked)
    }

    fn scope(&self) -> Scope<'_> {
        Scope { principal: &self.principal, route: self.route, query: &self.canonical }
    }

    /// The cursor of the next page, if there is one.
    pub(super) fn cursor(&self, api: &Api, more: bool, last: Option<u64>) -> Result<Option<String>, Failure> {
        match last {
            Some(sequence) if more => api.sealer.seal(&self.scope(), Position { sequence, within: 0 }).map(Some),
            _ => Ok(None),
        }
    }

    /// What the disclosure log notes of a query that is answered with counts.
    pub(super) fn canonical(&self) -> &str {
        &self.canonical
    }

    fn indicator(&self) -> Result<Option<StixId>, Failure> {
        self.query.parsed("indicator", "a STIX id")
    }
}

/// Items that were read, with their positions.
struct Found<T> {
    items: Vec<T>,
    positions: Vec<u64>,
    more: bool,
}

/// `GET /hits`
pub(crate) async fn hits(api: &Arc<Api>, call: &Call) -> Result<Response, Failure> {
    #[derive(Serialize)]
    struct Body {
        hits: Vec<HitView>,
        more: bool,
        cursor: Option<String>,
    }
    let asked = Asked::read(api, call, &["indicator"])?;
    let (indicator, behind, limit) = (asked.indicator()?, asked.behind, asked.limit);
    let found = read(api, call, move |view| {
        let (hits, more) = view.snapshot.hits(view.sight, indicator.as_ref(), behind, limit)?;
        let items = hits.iter().map(|hit| view.hit(hit)).collect::<Result<_, _>>()?;
        Ok(Found { items, positions: hits.iter().map(|hit| hit.position).collect(), more })
    });
    let found = found.await?;
    let cursor = asked.cursor(api, found.more, found.positions.last().copied())?;
    disclose::entries(api, call, found.positions).await?;
    answer(&Body { hits: found.items, more: found.more, cursor })
}

/// `GET /sightings`
pub(crate) async fn sightings(api: &Arc<Api>, call: &Call) -> Result<Response, Failure> {
    #[derive(Serialize)]
    struct Body {
        sightings: Vec<Row>,
        more: bool,
        cursor: Option<String>,
    }
    let asked = Asked::read(api, call, &["indicator"])?;
    let (indicator, behind, limit) = (asked.indicator()?, asked.behind, asked.limit);
    let found = read(api, call, move |view| {
        let (found, more) = view.sightings(indicator.as_ref(), behind, limit)?;
        let items = found.iter().map(|statement| view.row(statement)).collect::<Result<_, _>>()?;
        Ok(Found { items, positions: found.iter().map(|statement| statement.position).collect(), more })
    });
    let found = found.await?;
    let cursor = asked.cursor(api, found.more, found.positions.last().copied())?;
    disclose::entries(api, call, found.positions).await?;
    answer(&Body { sightings: found.items, more: found.more, cursor })
}

/// `GET /quarantine`: what the caller sent; for officers, everything.
pub(crate) async fn quarantine(api: &Arc<Api>, call: &Call) -> Result<Response, Failure> {
    #[derive(Serialize)]
    struct Body {
        items: Vec<Item>,
        more: bool,
        cursor: Option<String>,
    }
    let asked = Asked::read(api, call, &[])?;
    let (behind, limit) = (asked.behind, asked.limit);
    let reader = call.caller()?.principal.clone();
    let found = read(api, call, move |view| {
        let officer = reader.is(Role::Officer);
        let reads = |submitter: Option<&PrincipalName>| officer || submitter == Some(&reader.name);
        let (found, more) = view.snapshot.quarantine(reads, behind, limit)?;
        let positions = found.iter().map(|kept| kept.position).collect();
        Ok(Found { items: found.into_iter().map(Item::new).collect(), positions, more })
    });
    let found = found.await?;
    let cursor = asked.cursor(api, found.more, found.positions.last().copied())?;
    disclose::entries(api, call, found.positions).await?;
    answer(&Body { items: found.items, more: found.more, cursor })
}

/// One quarantined object.
#[derive(Debug, Serialize)]
struct Item {
    id: Uuid,
    received: Timestamp,
    submitter: Option<PrincipalName>,
    faults: Vec<Fault>,
    object: String,
}

impl Item {
    fn new(kept: Quarantined) -> Self {
        Self {
            // The time of receipt is unique in the log; its position must not be told.
            id: Uuid::new_v5(&QUARANTINE, kept.received.to_string().as_bytes()),
            received: kept.received,
            submitter: kept.submitter,
            faults: kept.faults,
            object: String::from_utf8_lossy(&kept.bytes).chars().take(OBJECT_CHARS_MAX).collect(),
        }
    }
}

async fn read<T: Send + 'static>(
    api: &Arc<Api>,
    call: &Call,
    look: impl FnOnce(&View<'_>) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, Failure> {
    let classes = api.services.gate.table().clone();
    let look = move |snapshot: &Snapshot, sight: &Visibility| look(&View { snapshot, sight, classes: &classes });
    let reader = &call.caller()?.principal;
    disclose::reading(api, reader, look).await
}
