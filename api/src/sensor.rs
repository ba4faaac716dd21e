//! The sensors' routes. The wire form is the collector's: bodies are capped here and read there.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, header};
use warp::reply::Response;

use crate::body;
use crate::error::Failure;
use crate::router::Call;
use crate::server::Api;
use crate::stream::{Guard, relay};

/// The form of what the sensor routes answer.
const FORM: &str = "application/json";

/// `POST /sensor/v1/observations`: one batch; answered once it is durable.
pub(crate) async fn observations(api: &Arc<Api>, call: Call) -> Result<Response, Failure> {
    let sensor = call.caller()?.principal.clone();
    let batch = body::read(&call.headers, call.body, api.settings()).await?;
    Ok(answer(api.services.sensors.observations(&sensor, batch).await?))
}

/// `GET /sensor/v1/rules`: the rules that the sensor's site may hold, then every change.
pub(crate) async fn rules(api: &Arc<Api>, call: &Call) -> Result<Response, Failure> {
    let caller = call.caller()?;
    let guard = Guard::new(api, caller, call.route.access);
    let rules = api.services.sensors.rules(&caller.principal, &call.query).await?;
    Ok(relay(rules, guard, "application/x-ndjson"))
}

/// `GET /sensor/v1/cursor`: where the sensor goes on.
pub(crate) async fn cursor(api: &Arc<Api>, call: &Call) -> Result<Response, Failure> {
    Ok(answer(api.services.sensors.cursor(&call.caller()?.principal).await?))
}

fn answer(body: Bytes) -> Response {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(FORM));
    response
}
