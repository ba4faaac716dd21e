//! HTTP/1 request heads (RFC 9112).

use model::observation::Http;
use model::value::{canonical_name, canonical_url};

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
    let absolute = authority_of(target);
    let connect = head.method == Some("CONNECT") && !target.starts_with('/');
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
        url: url.map(|url| canonical_url(&url).into()),
        target: Some(target.into()),
        user_agent: header(head, "user-agent").map(|agent| text(agent).into()),
        status: None,
    }
}

/// The authority of a request target in absolute form (RFC 9112 §3.2.2); a target that begins otherwise may hold `://` as well.
pub(crate) fn authority_of(target: &str) -> Option<&str> {
    let (scheme, rest) = target.split_once("://")?;
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    is_scheme.then(|| rest.split(['/', '?', '#']).next().unwrap_or_default())
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
    if head.method == Some("CONNECT") {
        // What the tunnel carries comes next: a ClientHello, mostly.
        return Body::Bytes(0);
    }
    if header(head, "upgrade").is_some() {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(head: &str) -> Http {
        match request(format!("{head}\r\n\r\n").as_bytes()) {
            Reading::Whole(Message::Http(http), length, _) => {
                assert_eq!(length, head.len() + 4);
                http
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn host_and_url_come_from_where_the_target_says() {
        let case = |head: &str| {
            let http = read(head);
            (http.host.as_deref().unwrap_or("-").to_owned(), http.url.as_deref().unwrap_or("-").to_owned())
        };
        let pair = |host: &str, url: &str| (host.to_owned(), url.to_owned());
        assert_eq!(case("GET /a HTTP/1.1\r\nHost: A.example:8080"), pair("a.example", "http://a.example:8080/a"));
        assert_eq!(case("GET http://b.example/x HTTP/1.1\r\nHost: a.example"), pair("b.example", "http://b.example/x"));
        assert_eq!(case("CONNECT c.example:443 HTTP/1.1\r\nHost: a.example"), pair("c.example", "-"));
        // A query that holds a URL is no absolute form.
        let target = "/?x=1+-d+f%3dphp://input+y";
        let head = format!("POST {target} HTTP/1.1\r\nHost: a.example");
        assert_eq!(case(&head), pair("a.example", &format!("http://a.example{target}")));
        assert_eq!(case("GET /a HTTP/1.0"), pair("-", "-"));
    }
}
