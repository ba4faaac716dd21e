//! HTTP/1 request heads (RFC 9112).

use model::observation::Http;
use model::value::canonical_name;

use super::stream::{Body, Message, Reading};

/// Most header fields of one head.
const HEADERS_MAX: usize = 256;
/// Longest method.
const METHOD_BYTES_MAX: usize = 32;

pub(crate) fn request(bytes: &[u8]) -> Reading {
    let method = bytes.iter().take_while(|b| b.is_ascii_uppercase() || matches!(b, b'-' | b'_')).count();
    match bytes.get(method) {
        _ if method > METHOD_BYTES_MAX => return Reading::Nothing,
        Some(b' ') | None => {}
        Some(_) => return Reading::Nothing,
    }
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut head = httparse::Request::new(&mut headers);
    match head.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => {
            let body = body(&head);
            Reading::Whole(Message::Http(http(&head)), length, body)
        }
        Ok(httparse::Status::Partial) => Reading::More,
        Err(_) => Reading::Nothing,
    }
}

fn header<'a>(head: &httparse::Request<'_, 'a>, name: &str) -> Option<&'a [u8]> {
    head.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

fn http(head: &httparse::Request<'_, '_>) -> Http {
    let target = head.path.unwrap_or_default();
    let authority = header(head, "host").map(text).filter(|host| !host.is_empty());
    // Absolute form names the host itself; CONNECT's target is nothing but host and port.
    let absolute = target.split_once("://").map(|(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default());
    let connect = head.method == Some("CONNECT");
    let authority = absolute.map(str::to_owned).or_else(|| connect.then(|| target.to_owned())).or(authority);
    let host = authority.as_deref().map(host_of).filter(|host| !host.is_empty());
    let url = match (&authority, absolute.is_some(), connect) {
        (_, true, _) => Some(target.to_owned()),
        (Some(authority), false, false) => Some(format!("http://{authority}{target}")),
        _ => None,
    };
    Http {
        method: head.method.map(Into::into),
        host: host.map(Into::into),
        url: url.map(|url| model::value::canonical_url(&url).into()),
        target: Some(target.into()),
        user_agent: header(head, "user-agent").map(|agent| text(agent).into()),
        status: None,
    }
}

/// The host of an authority: no user, no port.
pub(crate) fn host_of(authority: &str) -> String {
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if let Some((address, _)) = host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return address.to_ascii_lowercase();
    }
    canonical_name(host.split(':').next().unwrap_or_default())
}

fn body(head: &httparse::Request<'_, '_>) -> Body {
    if head.method == Some("CONNECT") || header(head, "upgrade").is_some() {
        return Body::Rest;
    }
    if header(head, "transfer-encoding").is_some_and(|coding| text(coding).to_ascii_lowercase().ends_with("chunked")) {
        return Body::Chunked;
    }
    match header(head, "content-length") {
        None => Body::Bytes(0),
        Some(length) => text(length).parse().map_or(Body::Rest, Body::Bytes),
    }
}

/// Byte behind the last chunk, if it is there; trailers are not looked for.
pub(crate) fn end_of_chunks(bytes: &[u8]) -> Option<usize> {
    bytes.windows(5).position(|window| window == b"0\r\n\r\n").map(|at| at + 5)
}
