//! What is read from a collection: objects (§5.4), manifest (§5.3), one object (§5.6), its versions (§5.8). A page is one
//! buffer, written once: the objects are copied as they are stored.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
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
use super::{Collection, acceptable, edition, with_status};
use crate::disclose;
use crate::error::Failure;
use crate::paging::{Position, Scope};
use crate::router::Call;
use crate::routes::Endpoint;
use crate::server::Api;

const FIRST: HeaderName = HeaderName::from_static("x-taxii-date-added-first");
const LAST: HeaderName = HeaderName::from_static("x-taxii-date-added-last");

/// Pages that are looked through in STIX 2.0 until one has something.
const LOOKS_IN_20_MAX: usize = 16;

/// One page as it was read.
#[derive(Debug, Default)]
pub(crate) struct Page {
    statements: Vec<Statement>,
    more: bool,
    /// Position of the last statement that was looked at; it need not be shown.
    last: Option<u64>,
    /// Statements inside others: where each of those stands, and it itself.
    inside: Vec<(u64, u64)>,
}

impl Page {
    fn of(statements: Vec<Statement>, more: bool) -> Self {
        let last = statements.last().map(|statement| statement.position);
        Self { statements, more, last, inside: Vec::new() }
    }

    fn in_20(self, snapshot: &Snapshot, sight: &Visibility) -> Result<Self, StoreError> {
        let said = edition::said(snapshot, sight, self.statements)?;
        Ok(Self { statements: said.statements, inside: said.inside, ..self })
    }

    /// Positions of all that it shows.
    fn shown(&self) -> Vec<u64> {
        let mut shown: Vec<u64> = self.statements.iter().map(|statement| statement.position).collect();
        let in_shown = self.inside.iter().filter(|(holder, _)| shown.binary_search(holder).is_ok());
        let inside: Vec<u64> = in_shown.map(|(_, inside)| *inside).collect();
        shown.extend(inside);
        shown.sort_unstable();
        shown.dedup();
        shown
    }

    fn bytes(&self) -> usize {
        self.statements.iter().map(|statement| statement.bytes.len()).sum()
    }
}

/// What a reading gives.
pub(crate) type Reading = Result<Option<Page>, StoreError>;

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
    let reader = &call.caller()?.principal;
    let scope_route = format!("{}\n{}\n{}", call.route.path, collection.id, call.param(1));
    let scope = Scope { principal: reader.name.as_str(), route: &scope_route, query: &filters.canonical };
    let behind = match &filters.next {
        Some(next) => api.sealer.open(&scope, next)?,
        None => Position::default(),
    };
    let ask = Ask::new(&filters, &collection, behind.sequence, one, api.settings().page_bytes_max);
    let key =
        |behind: u64| format!("{}\n{scope_route}\n{}\n{}\n{behind}", reader.name, filters.canonical, filters.limit);
    let (sight, head) = (api.sight(reader), *api.services.store.head().borrow());
    let page = match api.ahead.take(&key(behind.sequence), &sight, head) {
        Some(page) => page.await,
        None => disclose::read_with(api, &sight, move |snapshot, sight| ask.read(snapshot, sight)).await,
    };
    let page = page.map_err(Failure::internal)??.ok_or_else(Failure::not_found)?;
    let next = match page.last {
        Some(sequence) if page.more => {
            let query = filters.canonical.as_str();
            // Where the log stood still between two pages, it will likely between these.
            let quiet = behind.within == head && !one && page.bytes() <= api.settings().page_ahead_bytes_max;
            if quiet {
                let ask = Ask::new(&filters, &collection, sequence, one, api.settings().page_ahead_bytes_max);
                let reading = disclose::read_with(api, &sight, move |snapshot, sight| ask.read(snapshot, sight));
                api.ahead.keep(key(sequence), sight.clone(), head, reading);
            }
            Some(api.sealer.seal(&Scope { query, ..scope }, Position { sequence, within: head })?)
        }
        _ => None,
    };
    // The record is on its way to the disk while the page is put together.
    let (noted, response) = tokio::join!(biased; disclose::entries(api, call, page.shown()), async {
        respond(endpoint, &page.statements, next.as_deref(), collection.in_20)
    });
    noted.and(response)
}

/// What a page is asked to hold.
struct Ask {
    query: Query,
    latest_spec: bool,
    nothing: bool,
    one: bool,
    in_20: bool,
    bytes_max: usize,
}

impl Ask {
    fn new(filters: &Filters, collection: &Collection, behind: u64, one: bool, bytes_max: usize) -> Self {
        let query = Query {
            origin: collection.origin.clone(),
            added_after: filters.added_after,
            ids: filters.ids.iter().cloned().collect(),
            types: filters.types.iter().cloned().collect(),
            versions: filters.versions.clone(),
            spec_20: filters.spec_20.filter(|_| !collection.in_20),
            behind,
            limit: filters.limit,
        };
        let nothing = filters.nothing || (collection.in_20 && filters.spec_20 == Some(false));
        Self { query, latest_spec: filters.latest_spec, nothing, one, in_20: collection.in_20, bytes_max }
    }

    fn read(mut self, snapshot: &Snapshot, sight: &Visibility) -> Reading {
        let Some(mut page) = self.found(snapshot, sight)? else { return Ok(None) };
        if self.in_20 {
            page = page.in_20(snapshot, sight)?;
            for _ in 1..LOOKS_IN_20_MAX {
                let (true, true, Some(last)) = (page.statements.is_empty(), page.more, page.last) else { break };
                self.query.behind = last;
                page = self.found(snapshot, sight)?.unwrap_or_default().in_20(snapshot, sight)?;
            }
        }
        Ok(Some(cut(page, self.bytes_max)))
    }

    /// The page as it is held; none if one object is asked for that may not be seen.
    fn found(&self, snapshot: &Snapshot, sight: &Visibility) -> Reading {
        Ok(if self.nothing {
            Some(Page::default())
        } else if self.query.ids.is_empty() {
            let page = snapshot.page(sight, &self.query)?;
            Some(Page::of(page.statements, page.more))
        } else {
            by_id(snapshot, sight, &self.query, self.latest_spec, self.one)?
        })
    }
}

/// The statements of the ids that are asked for, without walking the collection; none if `one` object is asked for and
/// nothing of it may be seen there.
fn by_id(
    snapshot: &Snapshot,
    sight: &Visibility,
    query: &Query,
    latest_spec: bool,
    one: bool,
) -> Result<Option<Page>, StoreError> {
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
    let mut statements = chosen(found, query, latest_spec);
    statements.sort_by_key(|statement| statement.position);
    let more = statements.len() > query.limit;
    statements.truncate(query.limit);
    Ok(Some(Page::of(statements, more)))
}

/// The oldest and the newest of an object's versions.
struct Ends {
    first: Version,
    last: Version,
}

/// Those of `found`, all versions of some objects, that the filters ask for. First and last are so among what may be seen and
/// is of the version of STIX that is asked for.
fn chosen(found: Vec<Statement>, query: &Query, latest_spec: bool) -> Vec<Statement> {
    let mut found: Vec<(Statement, bool)> = folded(found)
        .into_iter()
        .map(|statement| {
            let is_20 = Dates::of(&statement.bytes).is_20();
            (statement, is_20)
        })
        .collect();
    if latest_spec {
        let in_21 = found.iter().filter(|(_, is_20)| !is_20).map(|(statement, _)| statement.key.id.clone());
        let in_21: HashSet<StixId> = in_21.collect();
        found.retain(|(statement, is_20)| !is_20 || !in_21.contains(&statement.key.id));
    }
    found.retain(|(_, is_20)| query.spec_20.is_none_or(|wanted| wanted == *is_20));
    let mut ends: HashMap<StixId, Ends> = HashMap::new();
    for (statement, _) in &found {
        let version = statement.key.version;
        let ends = ends.entry(statement.key.id.clone()).or_insert(Ends { first: version, last: version });
        (ends.first, ends.last) = (ends.first.min(version), ends.last.max(version));
    }
    let wanted = |statement: &Statement| {
        let (version, ends) = (statement.key.version, ends.get(&statement.key.id));
        query.versions.iter().any(|wanted| match wanted {
            Versions::All => true,
            Versions::First => ends.is_some_and(|ends| ends.first == version),
            Versions::Last => ends.is_some_and(|ends| ends.last == version),
            Versions::At(time) => version == Version::Modified(*time),
        })
    };
    let kept = found.into_iter().map(|(statement, _)| statement).filter(|statement| {
        statement.position > query.behind
            && query.added_after.is_none_or(|after| statement.date > after)
            && wanted(statement)
    });
    kept.collect()
}

/// One version of an object once, though several origins state it: that of whoever stated the object first.
fn folded(mut found: Vec<Statement>) -> Vec<Statement> {
    let group = |statement: &Statement| (statement.key.id.clone(), statement.key.origin.clone());
    let mut since: HashMap<_, Timestamp> = HashMap::new();
    for statement in &found {
        let since = since.entry(group(statement)).or_insert(statement.date);
        *since = statement.date.min(*since);
    }
    found.sort_by_key(|statement| since.get(&group(statement)).copied());
    let mut stated = HashSet::new();
    found.retain(|statement| stated.insert((statement.key.id.clone(), statement.key.version)));
    found
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
        page.last = page.statements.last().map(|statement| statement.position);
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

    /// An object of STIX 2.0 does not say so (STIX 2.1 §3.2); neither does an observable of 2.1, which has no `modified`.
    fn is_20(&self) -> bool {
        match self.spec_version.as_deref() {
            Some(version) => version == "2.0",
            None => self.modified.is_some(),
        }
    }

    /// §5.3.1: `modified`, else `created`, else when it was added.
    fn version(self, added: Timestamp) -> Cow<'a, str> {
        self.modified.or(self.created).unwrap_or_else(|| Cow::Owned(added.to_string()))
    }
}

fn respond(endpoint: Endpoint, statements: &[Statement], next: Option<&str>, in_20: bool) -> Result<Response, Failure> {
    let (Some(first), Some(last)) = (statements.first(), statements.last()) else {
        let body = next.map_or_else(|| "{}".to_owned(), |next| format!("{{\"more\":true,\"next\":\"{next}\"}}"));
        return Ok(with_status(StatusCode::OK, body.into_bytes()));
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
        item(endpoint, statement, in_20, &mut body).map_err(Failure::internal)?;
    }
    body.extend_from_slice(b"]}");
    let mut response = with_status(StatusCode::OK, body);
    date_header(response.headers_mut(), FIRST, first.date)?;
    date_header(response.headers_mut(), LAST, last.date)?;
    Ok(response)
}

fn item(endpoint: Endpoint, statement: &Statement, in_20: bool, body: &mut Vec<u8>) -> std::io::Result<()> {
    match endpoint {
        Endpoint::Manifest => {
            let dates = Dates::of(&statement.bytes);
            let spec = if in_20 || dates.is_20() { "2.0" } else { "2.1" };
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
