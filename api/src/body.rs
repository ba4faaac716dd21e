//! Reading a request's body: never more than the bound, never longer than the time-out.

use std::pin::Pin;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use http::{HeaderMap, header};

use crate::error::{Code, Failure};
use crate::limits::Settings;

/// A body as it arrives.
pub(crate) type Incoming = Pin<Box<dyn Stream<Item = Result<Bytes, warp::Error>> + Send + Sync>>;

/// Reads the whole body. A `Content-Length` over the bound is refused before a byte is read.
pub(crate) async fn read(headers: &HeaderMap, body: Incoming, settings: &Settings) -> Result<Bytes, Failure> {
    let declared = declared_length(headers)?;
    if declared.is_some_and(|length| length > settings.body_bytes_max as u64) {
        return Err(too_large(settings));
    }
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(Failure::new(Code::UnsupportedMediaType, "send the body without Content-Encoding"));
    }
    let expected = declared.and_then(|length| usize::try_from(length).ok());
    match tokio::time::timeout(settings.body_timeout(), collect(body, expected, settings)).await {
        Ok(read) => read,
        Err(_) => {
            Err(Failure::new(Code::BadRequest, format!("the body did not arrive within {} s", settings.body_timeout_s)))
        }
    }
}

async fn collect(mut body: Incoming, expected: Option<usize>, settings: &Settings) -> Result<Bytes, Failure> {
    let mut whole = BytesMut::new();
    while let Some(part) = body.next().await {
        let part = part.map_err(|cause| Failure::new(Code::BadRequest, "the body broke off").because(cause))?;
        if whole.len() + part.len() > settings.body_bytes_max {
            return Err(too_large(settings));
        }
        if whole.is_empty() {
            if Some(part.len()) == expected {
                return Ok(part);
            }
            // Only once the first bytes are here: a head alone must not make us set memory aside.
            whole.reserve(expected.unwrap_or(part.len()));
        }
        whole.extend_from_slice(&part);
    }
    Ok(whole.freeze())
}

fn declared_length(headers: &HeaderMap) -> Result<Option<u64>, Failure> {
    let Some(value) = headers.get(header::CONTENT_LENGTH) else { return Ok(None) };
    let length = value.to_str().ok().and_then(|text| text.parse().ok());
    length.map(Some).ok_or_else(|| Failure::new(Code::BadRequest, "`Content-Length` is not a number"))
}

fn too_large(settings: &Settings) -> Failure {
    let detail = format!("a body has at most {} bytes: split it", settings.body_bytes_max);
    Failure::new(Code::TooLarge, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;
    use http::HeaderValue;

    fn parts(parts: Vec<&'static [u8]>) -> Incoming {
        Box::pin(stream::iter(parts.into_iter().map(|part| Ok(Bytes::from_static(part)))))
    }

    fn settings() -> Settings {
        Settings { body_bytes_max: 10, body_timeout_s: 1, ..Settings::default() }
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_the_bound() {
        let read_parts = |list| async move { read(&HeaderMap::new(), parts(list), &settings()).await };
        assert_eq!(read_parts(vec![b"01234", b"56789"]).await.unwrap(), "0123456789");
        assert_eq!(read_parts(vec![b"01234", b"56789", b"x"]).await.unwrap_err().code(), Code::TooLarge);
    }

    #[tokio::test]
    async fn a_declared_length_over_the_bound_is_refused_unread() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("11"));
        let never: Incoming = Box::pin(stream::pending());
        assert_eq!(read(&headers, never, &settings()).await.unwrap_err().code(), Code::TooLarge);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_is_refused() {
        let slow: Incoming = Box::pin(stream::once(async { Ok(Bytes::from_static(b"x")) }).chain(stream::pending()));
        assert_eq!(read(&HeaderMap::new(), slow, &settings()).await.unwrap_err().code(), Code::BadRequest);
    }
}
