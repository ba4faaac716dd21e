//! `GET /search`: what the reader may see of what a query asks for, with counts that tell of nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexer::StoreError;
use indexer::search::{Facets, Found, QueryFault, SearchPage, SearchQuery};
use model::time::Timestamp;
use serde::Serialize;
use warp::reply::Response;

use super::browse::Asked;
use super::{Row, View, answer};
use crate::disclose;
use crate::error::{Code, Failure};
use crate::router::Call;
use crate::server::Api;

#[derive(Debug, Serialize)]
struct Body {
    hits: Vec<Row>,
    total: u64,
    facets: FacetsView,
    histogram: Vec<Hour>,
    more: bool,
    cursor: Option<String>,
}

#[derive(Debug, Serialize)]
struct FacetsView {
    #[serde(rename = "type")]
    types: BTreeMap<String, u64>,
    #[serde(rename = "origin")]
    origins: BTreeMap<String, u64>,
    #[serde(rename = "marking")]
    markings: BTreeMap<String, u64>,
}

#[derive(Debug, Serialize)]
struct Hour {
    hour: Timestamp,
    count: u64,
}

/// `GET /search`
pub(crate) async fn search(api: &Arc<Api>, call: &Call) -> Result<Response, Failure> {
    let asked = Asked::read(api, call, &["q", "type", "origin", "marking", "since", "until"])?;
    let reader = &call.caller()?.principal;
    let index = Arc::clone(&api.services.search);
    let text = asked.query.value("q").unwrap_or_default();
    let mut query = SearchQuery::read(text, index.settings()).map_err(|fault| misread("q", &fault))?;
    for field in ["type", "origin", "marking"] {
        if let Some(values) = asked.query.value(field) {
            query.narrow(field, values).map_err(|fault| misread(field, &fault))?;
        }
    }
    query.since = asked.query.parsed("since", "an RFC 3339 time in UTC")?;
    query.until = asked.query.parsed("until", "an RFC 3339 time in UTC")?;
    query.hits = reader.reads_as_analyst(); // as `GET /hits` is theirs
    (query.behind, query.limit) = (asked.behind, asked.limit);
    let (store, classes) = (Arc::clone(&api.services.store), Arc::clone(api.services.gate.table()));
    let found = disclose::reading(api, reader, move |_, sight| {
        let page = match index.search(sight, &query) {
            Err(StoreError::Behind(_)) => return Ok(None),
            page => page?,
        };
        // What the rows show beside the statements is not older than they are.
        let snapshot = store.read()?;
        let view = View { snapshot: &snapshot, sight, classes: &classes };
        let rows = page.found.iter().map(|found| row(&view, found)).collect::<Result<Vec<_>, _>>()?;
        Ok(Some((page, rows)))
    });
    let Some((page, rows)) = found.await? else {
        let detail = "the search index is catching up with the log: ask again in a moment";
        return Err(Failure::new(Code::Unavailable, detail));
    };
    let positions: Vec<u64> = page.found.iter().map(Found::position).collect();
    let cursor = asked.cursor(api, page.more, positions.last().copied())?;
    disclose::entries(api, call, positions).await?;
    disclose::counts(api, call, asked.canonical().to_owned()).await?;
    answer(&body(page, rows, cursor))
}

fn row(view: &View<'_>, found: &Found) -> Result<Row, StoreError> {
    match found {
        Found::Statement(statement) => view.row(statement),
        Found::Hit(hit) => view.hit_row(hit),
    }
}

fn body(page: SearchPage, hits: Vec<Row>, cursor: Option<String>) -> Body {
    let Facets { types, origins, markings } = page.facets;
    Body {
        hits,
        total: page.total,
        facets: FacetsView { types, origins, markings },
        histogram: page.histogram.into_iter().map(|(hour, count)| Hour { hour, count }).collect(),
        more: page.more,
        cursor,
    }
}

fn misread(parameter: &str, fault: &QueryFault) -> Failure {
    Failure::new(Code::BadRequest, format!("`{parameter}` cannot be understood {fault}"))
}
