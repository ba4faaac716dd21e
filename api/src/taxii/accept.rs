//! Content negotiation (TAXII 2.1 §1.6.8, §3.5; RFC 9110 §12.5.1).

use http::{HeaderMap, header};

use crate::error::{Code, Failure};

/// May the client be answered with `application/taxii+json;version=2.1`? Without `Accept`, or without `version`, it gets the
/// latest, which is this one.
pub fn acceptable(headers: &HeaderMap) -> Result<(), Failure> {
    let mut values = headers.get_all(header::ACCEPT).iter().peekable();
    if values.peek().is_none() {
        return Ok(());
    }
    let mut ranges = values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    if ranges.any(|range| Media::read(range).is_some_and(|media| media.takes_taxii())) {
        return Ok(());
    }
    Err(Failure::new(Code::NotAcceptable, format!("`{}` is offered, nothing else", super::MEDIA_TYPE)))
}

/// Is the body of a request an envelope of ours (§3.7)?
pub(super) fn sent(headers: &HeaderMap) -> Result<(), Failure> {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = value.and_then(Media::read);
    if media.is_some_and(|media| media.kind.eq_ignore_ascii_case("application/taxii+json") && media.version_is_ours()) {
        return Ok(());
    }
    Err(Failure::new(Code::UnsupportedMediaType, format!("send `{}`", super::MEDIA_TYPE)))
}

/// One media range with the parameters that matter here.
struct Media<'a> {
    kind: &'a str,
    version: Option<&'a str>,
    refused: bool,
}

impl<'a> Media<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let mut media = Self { kind: parts.next().filter(|kind| kind.contains('/'))?, version: None, refused: false };
        for parameter in parts {
            let Some((name, value)) = parameter.split_once('=') else { continue };
            let value = value.trim().trim_matches('"');
            if name.trim().eq_ignore_ascii_case("version") {
                media.version = Some(value);
            } else if name.trim().eq_ignore_ascii_case("q") {
                media.refused = value.parse::<f32>().is_ok_and(|weight| weight <= 0.0);
            }
        }
        Some(media)
    }

    fn version_is_ours(&self) -> bool {
        self.version.is_none_or(|version| version == "2.1")
    }

    fn takes_taxii(&self) -> bool {
        let kinds = ["application/taxii+json", "application/*", "*/*"];
        !self.refused && kinds.iter().any(|kind| self.kind.eq_ignore_ascii_case(kind)) && self.version_is_ours()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn with(name: header::HeaderName, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).unwrap());
        headers
    }

    #[test]
    fn what_is_accepted() {
        assert!(acceptable(&HeaderMap::new()).is_ok());
        for good in [
            "application/taxii+json;version=2.1",
            "application/taxii+json; version=2.1",
            "application/taxii+json; version=\"2.1\"; q=0.5",
            "application/taxii+json",
            "text/html, */*;q=0.1",
            "application/taxii+json;version=2.0, application/taxii+json;version=2.1",
            "Application/TAXII+json",
        ] {
            assert!(acceptable(&with(header::ACCEPT, good)).is_ok(), "{good}");
        }
        for bad in [
            "application/taxii+json;version=2.0",
            "application/vnd.oasis.taxii+json; version=2.0",
            "application/json",
            "application/stix+json;version=2.1",
            "application/taxii+json;q=0",
            "",
            "garbage",
            ";;;,,,==",
        ] {
            assert!(acceptable(&with(header::ACCEPT, bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_may_be_sent() {
        assert!(sent(&with(header::CONTENT_TYPE, "application/taxii+json;version=2.1")).is_ok());
        assert!(sent(&with(header::CONTENT_TYPE, "application/taxii+json")).is_ok());
        for bad in ["application/json", "application/taxii+json;version=2.0", "*/*", "application/*", "text/plain"] {
            assert!(sent(&with(header::CONTENT_TYPE, bad)).is_err(), "{bad}");
        }
        assert!(sent(&HeaderMap::new()).is_err());
    }
}
