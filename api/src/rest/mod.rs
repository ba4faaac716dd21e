//! The REST interface of `docs/rest-api.md`: what the console, the command line and other programs use.

mod border;
mod browse;
mod object;
mod publish;
mod search;
mod session;
mod view;
mod wire;

use http::{HeaderValue, header};
use serde::Serialize;
use warp::reply::Response;

pub use border::{Border, Counts, Crossing, LinkState, SensorState};
pub(crate) use border::{border, sensors};
pub(crate) use browse::{hits, quarantine, sightings};
pub(crate) use object::object;
pub(crate) use publish::{publish, validate};
pub(crate) use search::search;
pub(crate) use session::{centre, session_end, session_show, session_start};
pub(crate) use view::{HitView, View};
pub use wire::{Latency, MarkingView, Row};

use crate::error::Failure;

/// A JSON answer.
pub(crate) fn answer(value: &impl Serialize) -> Result<Response, Failure> {
    let body = serde_json::to_vec(value).map_err(Failure::internal)?;
    let mut response = Response::new(body.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}
