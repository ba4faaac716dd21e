//! Alive, ready, and figures.

use std::sync::Arc;

use http::{HeaderValue, header};
use warp::reply::Response;

use crate::error::{Code, Failure};
use crate::server::Api;

/// The process answers.
pub(crate) fn health() -> Response {
    text("ok\n".into())
}

/// The centre serves, or 503. Why not goes to the log: anyone may ask here.
pub(crate) fn readiness(api: &Arc<Api>) -> Result<Response, Failure> {
    match api.services.status.ready() {
        Ok(()) => Ok(text("ready\n".into())),
        Err(why) => Err(Failure::new(Code::Unavailable, "the centre is not ready: its log says why").because(why)),
    }
}

/// Prometheus' text form of every metric of the program.
pub(crate) fn metrics(api: &Arc<Api>) -> Result<Response, Failure> {
    let text = crate::metrics::text(&api.services.registry).map_err(Failure::internal)?;
    let mut response = Response::new(text.into());
    let form = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, form);
    Ok(response)
}

fn text(body: String) -> Response {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
