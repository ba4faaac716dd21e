//! One error, two shapes. A handler says *what* went wrong ([`Code`]) and what the caller may know of it; the status code
//! is chosen here alone, and so is the shape: `docs/rest-api.md` for REST, TAXII 2.1 §3.6.1 for TAXII. The cause, if there is
//! one, goes to the log under the request's id and never to the caller. What may not be known to exist is
//! [`Failure::not_found`], whose bytes are the same as for what does not exist.

use std::error::Error;

use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use warp::reply::Response;

/// What went wrong, as callers may rely on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// A parameter or the body cannot be understood.
    BadRequest,
    /// The same thing stands there already, otherwise.
    Conflict,
    /// Known, but not allowed.
    Forbidden,
    /// Our fault.
    Internal,
    /// This URL does not take this method.
    MethodNotAllowed,
    /// None of the accepted media types can be given.
    NotAcceptable,
    /// Unknown, or not to be known.
    NotFound,
    /// Over a size limit.
    TooLarge,
    /// Over a number limit.
    TooMany,
    /// Nobody, or nobody known here.
    Unauthenticated,
    /// Not now.
    Unavailable,
    /// Well-formed, but cannot be processed.
    Unprocessable,
    /// The body's media type is not taken.
    UnsupportedMediaType,
}

impl Code {
    /// The HTTP status.
    pub fn status(self) -> StatusCode {
        match self {
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::Conflict => StatusCode::CONFLICT,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        }
    }

    /// As it stands in a body.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::Conflict => "conflict",
            Self::Forbidden => "forbidden",
            Self::Internal => "internal",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::NotAcceptable => "not_acceptable",
            Self::NotFound => "not_found",
            Self::TooLarge => "too_large",
            Self::TooMany => "too_many",
            Self::Unauthenticated => "unauthenticated",
            Self::Unavailable => "unavailable",
            Self::Unprocessable => "unprocessable",
            Self::UnsupportedMediaType => "unsupported_media_type",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::BadRequest => "the request cannot be understood",
            Self::Conflict => "the request contradicts what stands here",
            Self::Forbidden => "not allowed",
            Self::Internal => "the centre failed",
            Self::MethodNotAllowed => "this address does not take this method",
            Self::NotAcceptable => "none of the accepted media types is offered",
            Self::NotFound => "not found",
            Self::TooLarge => "too large",
            Self::TooMany => "too many at once",
            Self::Unauthenticated => "sign in first",
            Self::Unavailable => "not available now",
            Self::Unprocessable => "the content cannot be processed",
            Self::UnsupportedMediaType => "the media type of the body is not taken",
        }
    }
}

/// Which of the two error bodies a route answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `docs/rest-api.md`.
    Rest,
    /// TAXII 2.1 §3.6.1.
    Taxii,
}

/// A request that failed.
#[derive(Debug)]
pub struct Failure {
    code: Code,
    detail: String,
    cause: Option<Box<dyn Error + Send + Sync>>,
    allow: Option<String>,
}

impl Failure {
    /// A failure of kind `code`; `detail` is for the caller: it may say nothing that the caller may not know.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), cause: None, allow: None }
    }

    /// Unknown, or not to be known: one answer for both.
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "there is nothing here that you may see")
    }

    /// Our own failure: `cause` goes to the log alone.
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let detail = "the cause is in the centre's log under the request's id";
        Self { cause: Some(cause.into()), ..Self::new(Code::Internal, detail) }
    }

    /// A URL that takes only the methods in `allow`.
    pub(crate) fn method_not_allowed(allow: String) -> Self {
        let detail = format!("this address takes {allow}");
        Self { allow: Some(allow), ..Self::new(Code::MethodNotAllowed, detail) }
    }

    /// The same failure with a cause for the log.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// What went wrong.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The answer; the cause is logged on the way.
    pub(crate) fn respond(&self, shape: Shape, request_id: &str) -> Response {
        if let Some(cause) = &self.cause {
            tracing::error!(request_id, code = self.code.as_str(), cause = %chain(cause.as_ref()), "request failed");
        }
        let (body, content_type) = match shape {
            Shape::Rest => (self.rest_body(request_id), "application/json"),
            Shape::Taxii => (self.taxii_body(request_id), crate::taxii::MEDIA_TYPE),
        };
        let mut response = Response::new(body.into());
        *response.status_mut() = self.code.status();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.code == Code::Unauthenticated {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"bridgewatch\""));
            headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"bridgewatch\""));
        }
        if let Some(allow) = self.allow.as_deref().and_then(|allow| HeaderValue::from_str(allow).ok()) {
            headers.insert(header::ALLOW, allow);
        }
        response
    }

    fn rest_body(&self, request_id: &str) -> Vec<u8> {
        #[derive(Serialize)]
        struct Body<'a> {
            code: &'a str,
            title: &'a str,
            detail: &'a str,
            request_id: &'a str,
        }
        let body = Body { code: self.code.as_str(), title: self.code.title(), detail: &self.detail, request_id };
        serde_json::to_vec(&body).unwrap_or_default()
    }

    fn taxii_body(&self, request_id: &str) -> Vec<u8> {
        #[derive(Serialize)]
        struct Body<'a> {
            title: &'a str,
            description: &'a str,
            error_id: &'a str,
            error_code: &'a str,
            http_status: &'a str,
        }
        let status = self.code.status();
        let body = Body {
            title: self.code.title(),
            description: &self.detail,
            error_id: request_id,
            error_code: self.code.as_str(),
            http_status: status.as_str(),
        };
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

/// The cause and its causes, outermost first.
pub(crate) fn chain(cause: &(dyn Error + 'static)) -> String {
    let mut text = cause.to_string();
    let mut next = cause.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    async fn text(response: Response) -> String {
        String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn the_cause_stays_inside() {
        let failure = Failure::internal(std::io::Error::other("disk secret"));
        let body = text(failure.respond(Shape::Rest, "r1")).await;
        assert!(body.contains("\"request_id\":\"r1\"") && body.contains("\"code\":\"internal\""), "{body}");
        assert!(!body.contains("disk secret"));
    }

    #[tokio::test]
    async fn taxii_has_its_own_shape() {
        let response = Failure::new(Code::TooLarge, "x").respond(Shape::Taxii, "r2");
        assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(response.headers()[header::CONTENT_TYPE], crate::taxii::MEDIA_TYPE);
        let body = text(response).await;
        assert!(body.contains("\"http_status\":\"413\"") && body.contains("\"title\":"), "{body}");
    }

    #[test]
    fn who_is_nobody_is_told_how_to_sign_in() {
        let response = Failure::new(Code::Unauthenticated, "x").respond(Shape::Taxii, "r3");
        assert_eq!(response.headers().get_all(header::WWW_AUTHENTICATE).iter().count(), 2);
    }
}
