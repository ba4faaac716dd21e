//! Pushing objects (§5.4) and the status of a push (§4.3). A push is answered when everything in it is decided and durable,
//! so a status is complete from the start. Only its poster sees it; a bounded number is kept.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use model::fault::Fault;
use model::principal::PrincipalName;
use model::time::Timestamp;
use serde::Serialize;
use uuid::Uuid;
use warp::reply::Response;

use super::{Collection, MEDIA_TYPE, accept, acceptable, read_only, with_status};
use crate::body;
use crate::error::Failure;
use crate::limits::Settings;
use crate::query::Query;
use crate::router::Call;
use crate::server::Api;
use crate::service::{NotTaken, Outcome, PublishOptions, Taken};

struct Kept {
    id: Uuid,
    poster: PrincipalName,
    body: Bytes,
}

#[derive(Default)]
struct Ring {
    kept: VecDeque<Kept>,
    bytes: usize,
}

/// The newest status resources.
pub(crate) struct Statuses {
    ring: Mutex<Ring>,
    number_max: usize,
    bytes_max: usize,
}

impl Statuses {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self { ring: Mutex::default(), number_max: settings.statuses_max, bytes_max: settings.status_bytes_max }
    }

    fn keep(&self, id: Uuid, poster: &PrincipalName, body: Bytes) {
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.bytes += body.len();
        ring.kept.push_back(Kept { id, poster: poster.clone(), body });
        while ring.kept.len() > self.number_max || ring.bytes > self.bytes_max {
            let Some(oldest) = ring.kept.pop_front() else { break };
            ring.bytes -= oldest.body.len();
        }
    }

    fn find(&self, id: Uuid, poster: &PrincipalName) -> Option<Bytes> {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.kept.iter().rev().find(|kept| kept.id == id && kept.poster == *poster).map(|kept| kept.body.clone())
    }
}

/// §4.3.1
#[derive(Debug, Serialize)]
struct StatusBody {
    id: Uuid,
    status: &'static str,
    request_timestamp: Timestamp,
    total_count: usize,
    success_count: usize,
    successes: Vec<Detail>,
    failure_count: usize,
    failures: Vec<Detail>,
    pending_count: usize,
}

/// §4.3.2
#[derive(Debug, Serialize)]
struct Detail {
    id: String,
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl StatusBody {
    fn new(id: Uuid, at: Timestamp, outcome: Outcome) -> Self {
        let success = |taken: Taken| Detail { id: taken.id, version: taken.version, message: None };
        let quarantined = outcome.quarantined.into_iter().map(|failed| failure("quarantined", failed, at));
        let refused = outcome.refused.into_iter().map(|failed| failure("refused", failed, at));
        let failures: Vec<Detail> = quarantined.chain(refused).collect();
        let successes: Vec<Detail> = outcome.accepted.into_iter().chain(outcome.unchanged).map(success).collect();
        Self {
            id,
            status: "complete",
            request_timestamp: at,
            total_count: successes.len() + failures.len(),
            success_count: successes.len(),
            successes,
            failure_count: failures.len(),
            failures,
            pending_count: 0,
        }
    }
}

/// The standard wants a version of every failure; what failed has none that counts, so it is the time of the request.
fn failure(kind: &str, failed: NotTaken, at: Timestamp) -> Detail {
    let sentence = |fault: &Fault| {
        let place = if fault.pointer.is_empty() { "" } else { " at " };
        format!("{}{place}{} ({}): {}", fault.code, fault.pointer, fault.section, fault.message)
    };
    let faults: Vec<String> = failed.faults.iter().map(sentence).collect();
    Detail { id: failed.id, version: at.to_string(), message: Some(format!("{kind}: {}", faults.join("; "))) }
}

/// `POST …/objects/`.
pub(crate) async fn push(api: &Arc<Api>, call: Call) -> Result<Response, Failure> {
    acceptable(&call.headers)?;
    Query::read(&call.query, &[])?;
    let poster = call.caller()?.principal.clone();
    if !Collection::find(api, call.param(0))?.takes_from(&poster) {
        return Err(read_only());
    }
    accept::sent(&call.headers)?;
    let body = body::read(&call.headers, call.body, api.settings()).await?;
    let at = api.services.clock.now();
    let outcome = api.services.intake.publish(body, &poster, &PublishOptions::default()).await?;
    let id = Uuid::new_v4();
    let body = serde_json::to_vec(&StatusBody::new(id, at, outcome)).map_err(Failure::internal)?;
    let body = Bytes::from(body);
    api.statuses.keep(id, &poster.name, body.clone());
    let mut response = Response::new(body.into());
    *response.status_mut() = StatusCode::ACCEPTED;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    Ok(response)
}

/// `GET {root}/status/{id}/`.
pub(crate) fn status(api: &Arc<Api>, call: &Call) -> Result<Response, Failure> {
    acceptable(&call.headers)?;
    let id: Uuid = call.param(0).parse().map_err(|_| Failure::not_found())?;
    let body = api.statuses.find(id, &call.caller()?.principal.name).ok_or_else(Failure::not_found)?;
    Ok(with_status(StatusCode::OK, body.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> PrincipalName {
        text.parse().unwrap()
    }

    #[test]
    fn the_oldest_goes_and_only_the_poster_sees() {
        let settings = Settings { statuses_max: 10, status_bytes_max: 25, ..Settings::default() };
        let statuses = Statuses::new(&settings);
        let ids: Vec<Uuid> = (1..=3).map(Uuid::from_u128).collect();
        for id in &ids {
            statuses.keep(*id, &name("alice@ca"), Bytes::from_static(b"0123456789"));
        }
        let seen: Vec<bool> = ids.iter().map(|id| statuses.find(*id, &name("alice@ca")).is_some()).collect();
        assert_eq!(seen, [false, true, true]);
        assert!(statuses.find(ids[2], &name("bob@ca")).is_none());
    }

    #[test]
    fn failures_say_what_is_wrong() {
        let fault = Fault::error("pattern-syntax", "/pattern", "STIX 2.1 §9", "a bracket is missing");
        let outcome = Outcome {
            accepted: vec![Taken { id: "a".into(), version: "v".into() }],
            quarantined: vec![NotTaken { id: "b".into(), faults: vec![fault] }],
            ..Outcome::default()
        };
        let status = StatusBody::new(Uuid::nil(), Timestamp::from_micros(0), outcome);
        let text = serde_json::to_string(&status).unwrap();
        assert!(text.contains("\"success_count\":1") && text.contains("\"failure_count\":1"), "{text}");
        assert!(text.contains("quarantined: pattern-syntax at /pattern (STIX 2.1 §9): a bracket is missing"), "{text}");
    }
}
