//! Publishing, and what publishing would do.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, header};
use warp::reply::Response;

use super::answer;
use crate::body;
use crate::error::{Code, Failure};
use crate::router::Call;
use crate::server::Api;

/// `POST /objects`
pub(crate) async fn publish(api: &Arc<Api>, call: Call) -> Result<Response, Failure> {
    let publisher = call.caller()?.principal.clone();
    let body = content(api, call).await?;
    answer(&api.services.intake.publish(body, &publisher).await?)
}

/// `POST /validate`
pub(crate) async fn validate(api: &Arc<Api>, call: Call) -> Result<Response, Failure> {
    let asker = call.caller()?.principal.clone();
    let body = content(api, call).await?;
    answer(&api.services.intake.validate(body, &asker).await?)
}

async fn content(api: &Arc<Api>, call: Call) -> Result<Bytes, Failure> {
    if !is_json(&call.headers) {
        return Err(Failure::new(Code::UnsupportedMediaType, "send `application/json`"));
    }
    body::read(&call.headers, call.body, api.settings()).await
}

/// JSON, or a STIX media type, which is JSON too.
fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = value.and_then(|value| value.split(';').next()).map(str::trim);
    kind.is_some_and(|kind| {
        ["application/json", "application/stix+json"].iter().any(|known| kind.eq_ignore_ascii_case(known))
    })
}
