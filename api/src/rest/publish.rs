//! Publishing, and what publishing would do.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, header};
use model::marking::Tlp;
use sharing::Role;
use warp::reply::Response;

use super::answer;
use crate::body;
use crate::error::{Code, Failure};
use crate::query::Query;
use crate::router::Call;
use crate::server::Api;
use crate::service::PublishOptions;

/// Longest name of a source, bytes.
const SOURCE_BYTES_MAX: usize = 64;

/// `POST /objects`; an import says where it is from and how what has no marking is marked.
pub(crate) async fn publish(api: &Arc<Api>, call: Call) -> Result<Response, Failure> {
    let publisher = call.caller()?.principal.clone();
    let options = options(&call.query)?;
    if options != PublishOptions::default() && !publisher.is(Role::Publisher) {
        return Err(Failure::new(Code::Forbidden, "`source` and `marking` are for publishers of this centre"));
    }
    let body = content(api, call).await?;
    answer(&api.services.intake.publish(body, &publisher, &options).await?)
}

fn options(query: &str) -> Result<PublishOptions, Failure> {
    let query = Query::read(query, &["source", "marking"])?;
    let source = query.value("source").map(str::to_owned);
    if source.as_deref().is_some_and(|source| !is_source(source)) {
        let detail = format!("`source` must be at most {SOURCE_BYTES_MAX} letters, digits, `.`, `_` or `-`");
        return Err(Failure::new(Code::BadRequest, detail));
    }
    let default_marking = query.value("marking").map(default_marking).transpose()?;
    Ok(PublishOptions { source, default_marking })
}

fn is_source(text: &str) -> bool {
    text.len() <= SOURCE_BYTES_MAX && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

/// RED is no default: it names its recipients, object by object.
fn default_marking(text: &str) -> Result<Tlp, Failure> {
    match text {
        "tlp:clear" => Ok(Tlp::Clear),
        "tlp:green" => Ok(Tlp::Green),
        "tlp:amber" => Ok(Tlp::Amber),
        // A plus that is not percent-encoded is a space in a query.
        "tlp:amber+strict" | "tlp:amber strict" => Ok(Tlp::AmberStrict),
        _ => Err(Failure::new(
            Code::BadRequest,
            "`marking` takes one of tlp:clear, tlp:green, tlp:amber, tlp:amber+strict",
        )),
    }
}

/// `POST /validate`
pub(crate) async fn validate(api: &Arc<Api>, call: Call) -> Result<Response, Failure> {
    Query::read(&call.query, &[])?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_import_says_is_read() {
        assert_eq!(options("").unwrap(), PublishOptions::default());
        let said = options("source=mitre-attack&marking=tlp:amber%2Bstrict").unwrap();
        let expected = PublishOptions { source: Some("mitre-attack".into()), default_marking: Some(Tlp::AmberStrict) };
        assert_eq!(said, expected);
        assert_eq!(options("marking=tlp:amber+strict").unwrap().default_marking, Some(Tlp::AmberStrict));
        assert_eq!(options("marking=tlp:clear").unwrap().default_marking, Some(Tlp::Clear));
        for bad in ["marking=tlp:red", "marking=clear", "marking=TLP:CLEAR", "source=a%20b", "source=../x", "origin=us"]
        {
            assert_eq!(options(bad).unwrap_err().code(), Code::BadRequest, "{bad}");
        }
        assert!(options(&format!("source={}", "x".repeat(65))).is_err());
    }
}
