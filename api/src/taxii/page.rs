//! What is read from a collection: objects (§5.4), manifest (§5.3), one object (§5.6), its versions (§5.8). A page is one
//! buffer, written once: the objects are copied as they are stored.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use indexer::{Query, Snapshot, Statement, StoreError, Versions};
use model::stix::{StixId, Version};
use model::time::Timestamp;
use serde::Deserialize;
use sharing::Visibility;
use warp::reply::Response;

use super::filter::{COLLECTION, Filters, OBJECT, VERSIONS};
use super::{Collection, acceptable, with_status};
use crate::disclose;
use crate::error::Failure;
use crate::paging::{Position, Scope};
use crate::router::Call;
use crate::routes::Endpoint;
use crate::server::Api;

const FIRST: HeaderName = HeaderName::from_static("x-taxii-date-added-first");
const LAST: HeaderName = HeaderName::from_static("x-taxii-date-added-last");

/// One page as it was read.
struct Page {
    statements: Vec<Statement>,
    more: bool,
}

/// `GET` of objects, manifest, one object, versions.
pub(crate) async fn read(api: &Arc<Api>, call: &Call) -> Result<Response, Failure> {
    acceptable(&call.headers)?;
    let endpoint = call.route.endpoint;
    let collection = Collection::find(api, call.param(0))?;
    let known = match endpoint {
        Endpoint::TaxiiObject => OBJECT,
        Endpoint::ObjectVersions => VERSIONS,
        _ => COLLECTION,
    };
    let mut filters = Filters::read(&call.query, known, api.settings().page_objects_max)?;
    let one = matches!(endpoint, Endpoint::TaxiiObject | Endpoint::ObjectVersions);
    if one {
        filters.ids = call.param(1).parse().ok().into_iter().collect();
        if filters.ids.is_empty() {
            return Err(Failure::not_found());
        }
    }
    if endpoint == Endpoint::ObjectVersions {
        filters.versions = vec![Versions::All];
    }
    let caller = call.caller()?;
    let scope_route = format!("{}\n{}\n{}", call.route.path, collection.id, call.param(1));
    let scope = Scope { principal: caller.principal.name.as_str(), route: &scope_route, query: &filters.canonical };
    let behind = match &filters.next {
        Some(next) => api.sealer.open(&scope, next)?.sequence,
        None => 0,
    };
    let page = fetch(api, call, &collection, filters.clone(), behind, one).await?;
    let next = match page.statements.last() {
        Some(last) if page.more => Some(api.sealer.seal(&scope, Position { sequence: last.position, within: 0 })?),
        _ => None,
    };
    disclose::entries(api, call, page.statements.iter().map(|statement| statement.position).collect()).await?;
    respond(endpoint, &page.statements, next.as_deref())
}

async fn fetch(
    api: &Arc<Api>,
    call: &Call,
    collection: &Collection,
    filters: Filters,
    behind: u64,
    one: bool,
) -> Result<Page, Failure> {
    let bytes_max = api.settings().page_bytes_max;
    let origin = collection.origin.clone();
    let reader = &call.caller()?.principal;
    let page = disclose::reading(api, reader, move |snapshot, sight| {
        let query = Query {
            origin,
            added_after: filters.added_after,
            ids: filters.ids.into_iter().collect(),
            types: filters.types.into_iter().collect(),
            versions: filters.versions,
            spec_20: filters.spec_20,
            behind,
            limit: filters.limit,
        };
        let page = if filters.nothing {
            Some(Page { statements: Vec::new(), more: false })
        } else if query.ids.is_empty() {
            let page = snapshot.page(sight, &query)?;
            Some(Page { statements: page.statements, more: page.more })
        } else {
            by_id(snapshot, sight, &query, one)?
        };
        Ok(page.map(|page| cut(page, bytes_max)))
    });
    page.await?.ok_or_else(Failure::not_found)
}

/// The statements of the ids that are asked for, without walking the collection; none if `one` object is asked for and
/// nothing of it may be seen there.
fn by_id(snapshot: &Snapshot, sight: &Visibility, query: &Query, one: bool) -> Result<Option<Page>, StoreError> {
    let mut found = Vec::new();
    for id in &query.ids {
        if query.types.is_empty() || query.types.iter().any(|wanted| wanted == id.object_type()) {
            found.extend(snapshot.object(sight, id)?);
        }
    }
    found.retain(|statement| query.origin.as_ref().is_none_or(|origin| *origin == statement.key.origin));
    if one && found.is_empty() {
        return Ok(None);
    }
    let mut statements = chosen(found, query);
    statements.sort_by_key(|statement| statement.position);
    let more = statements.len() > query.limit;
    statements.truncate(query.limit);
    Ok(Some(Page { statements, more }))
}

/// Those of `found`, all versions of some objects, that the filters ask for. First and last are so among what may be seen.
fn chosen(found: Vec<Statement>, query: &Query) -> Vec<Statement> {
    let mut ends: HashMap<(StixId, String), (Version, Version)> = HashMap::new();
    for statement in &found {
        let group = (statement.key.id.clone(), statement.key.origin.to_string());
        let version = statement.key.version;
        let (first, last) = ends.entry(group).or_insert((version, version));
        (*first, *last) = ((*first).min(version), (*last).max(version));
    }
    let wanted = |statement: &Statement| {
        let group = (statement.key.id.clone(), statement.key.origin.to_string());
        let version = statement.key.version;
        query.versions.iter().any(|wanted| match wanted {
            Versions::All => true,
            Versions::First => ends.get(&group).is_some_and(|(first, _)| *first == version),
            Versions::Last => ends.get(&group).is_some_and(|(_, last)| *last == version),
            Versions::At(time) => version == Version::Modified(*time),
        })
    };
    let mut kept = found;
    kept.retain(|statement| {
        statement.position > query.behind
            && query.added_after.is_none_or(|after| statement.date > after)
            && wanted(statement)
            && query.spec_20.is_none_or(|spec_20| Dates::of(&statement.bytes).is_20() == spec_20)
    });
    kept
}

/// Ends a page before it would be larger than `bytes_max`; at least one object stays.
fn cut(mut page: Page, bytes_max: usize) -> Page {
    let mut bytes: usize = 0;
    let fits = |statement: &&Statement| {
        bytes = bytes.saturating_add(statement.bytes.len());
        bytes <= bytes_max
    };
    let kept = page.statements.iter().take_while(fits).count().max(1);
    if kept < page.statements.len() {
        page.statements.truncate(kept);
        page.more = true;
    }
    page
}

/// The times in an object that say which version it is, as it writes them itself.
#[derive(Debug, Default, Deserialize)]
struct Dates<'a> {
    #[serde(borrow)]
    created: Option<Cow<'a, str>>,
    #[serde(borrow)]
    modified: Option<Cow<'a, str>>,
    #[serde(borrow)]
    spec_version: Option<Cow<'a, str>>,
}

impl<'a> Dates<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        serde_json::from_slice(bytes).unwrap_or_default()
    }

    fn is_20(&self) -> bool {
        self.spec_version.as_deref() == Some("2.0")
    }

    /// §5.3.1: `modified`, else `created`, else when it was added.
    fn version(self, added: Timestamp) -> Cow<'a, str> {
        self.modified.or(self.created).unwrap_or_else(|| Cow::Owned(added.to_string()))
    }
}

fn respond(endpoint: Endpoint, statements: &[Statement], next: Option<&str>) -> Result<Response, Failure> {
    let (Some(first), Some(last)) = (statements.first(), statements.last()) else {
        return Ok(with_status(StatusCode::OK, b"{}".to_vec()));
    };
    let bytes: usize = statements.iter().map(|statement| statement.bytes.len() + 1).sum();
    let mut body = Vec::with_capacity(bytes + 128);
    body.push(b'{');
    if let Some(next) = next {
        write!(body, "\"more\":true,\"next\":\"{next}\",").map_err(Failure::internal)?;
    }
    let name = if endpoint == Endpoint::ObjectVersions { "versions" } else { "objects" };
    write!(body, "\"{name}\":[").map_err(Failure::internal)?;
    for (place, statement) in statements.iter().enumerate() {
        if place > 0 {
            body.push(b',');
        }
        item(endpoint, statement, &mut body).map_err(Failure::internal)?;
    }
    body.extend_from_slice(b"]}");
    let mut response = with_status(StatusCode::OK, body);
    date_header(response.headers_mut(), FIRST, first.date)?;
    date_header(response.headers_mut(), LAST, last.date)?;
    Ok(response)
}

fn item(endpoint: Endpoint, statement: &Statement, body: &mut Vec<u8>) -> std::io::Result<()> {
    match endpoint {
        Endpoint::Manifest => {
            let dates = Dates::of(&statement.bytes);
            let spec = if dates.is_20() { "2.0" } else { "2.1" };
            write!(body, "{{\"id\":\"{}\",\"date_added\":\"{}\",\"version\":", statement.key.id, statement.date)?;
            serde_json::to_writer(&mut *body, &dates.version(statement.date))?;
            write!(body, ",\"media_type\":\"application/stix+json;version={spec}\"}}")
        }
        Endpoint::ObjectVersions => {
            Ok(serde_json::to_writer(body, &Dates::of(&statement.bytes).version(statement.date))?)
        }
        _ => {
            body.extend_from_slice(&statement.bytes);
            Ok(())
        }
    }
}

fn date_header(headers: &mut HeaderMap, name: HeaderName, date: Timestamp) -> Result<(), Failure> {
    headers.insert(name, HeaderValue::from_str(&date.to_string()).map_err(Failure::internal)?);
    Ok(())
}
