//! The console's files, with the headers of a page that shows other people's text: nothing is loaded from elsewhere, nothing
//! frames it, nothing of it is kept.

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use warp::reply::Response;

use crate::error::Failure;

/// The headers of everything on the people listener.
const PROTECTION: &[(&str, &str)] = &[
    ("content-security-policy", dashboards::CONTENT_SECURITY_POLICY),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    ("referrer-policy", "no-referrer"),
    ("strict-transport-security", "max-age=31536000"),
    ("x-frame-options", "DENY"),
];

/// The file at `path`.
pub(crate) fn file(method: &Method, path: &str, headers: &HeaderMap) -> Result<Response, Failure> {
    if method != Method::GET {
        return Err(Failure::method_not_allowed("GET".to_owned()));
    }
    let asset = dashboards::asset(path).ok_or_else(Failure::not_found)?;
    let known = headers.get(header::IF_NONE_MATCH).and_then(|tag| tag.to_str().ok());
    let mut response = if known.is_some_and(|tags| tags.split(',').any(|tag| tag.trim() == asset.etag)) {
        let mut unchanged = Response::default();
        *unchanged.status_mut() = StatusCode::NOT_MODIFIED;
        unchanged
    } else {
        Response::new(asset.bytes.into())
    };
    // What is the same for everyone may be kept; what is not comes from the REST interface, which says no-store.
    let keep = if asset.immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    headers.insert(header::ETAG, HeaderValue::from_static(asset.etag));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    Ok(response)
}

/// Adds what every answer on the people listener carries.
pub(crate) fn protect(headers: &mut HeaderMap) {
    for (name, value) in PROTECTION {
        headers.insert(*name, HeaderValue::from_static(value));
    }
    // Offered Basic, a browser asks for a password in a window of its own, and the console's sign-in page never comes.
    if headers.contains_key(header::WWW_AUTHENTICATE) {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"bridgewatch\""));
    }
}
