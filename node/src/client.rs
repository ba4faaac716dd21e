//! A centre as its users meet it from a command line: REST over TLS with a bearer token, or over the local socket.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// How long one request may take, seconds.
const REQUEST_TIMEOUT_S: u64 = 60;
/// How long a connection may take, seconds.
const CONNECT_TIMEOUT_S: u64 = 10;

/// A connection to one centre as one principal.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

impl Client {
    /// A client of the machines listener at `base` (`https://host:port`). It trusts the authority in `authority` alone, or
    /// whom this machine trusts.
    pub(crate) fn new(base: &str, authority: Option<&Path>, token: &str) -> Result<Self> {
        let mut builder = reqwest::Client::builder().connect_timeout(Duration::from_secs(CONNECT_TIMEOUT_S));
        if let Some(path) = authority {
            let pem = std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
            builder = builder.tls_certs_only([reqwest::Certificate::from_pem(&pem)?]);
        }
        let base = base.trim_end_matches('/').to_owned();
        Ok(Self { http: builder.build()?, base, token: Some(token.to_owned()) })
    }

    /// A client of the centre that listens on the local socket; the system says there who calls.
    pub(crate) fn local(socket: &Path) -> Result<Self> {
        let http = reqwest::Client::builder().unix_socket(socket).no_proxy().build()?;
        Ok(Self { http, base: "http://localhost".to_owned(), token: None })
    }

    /// `GET` of a path.
    pub(crate) async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Value> {
        let request = self.http.get(self.address(path, query)?).timeout(Duration::from_secs(REQUEST_TIMEOUT_S));
        json(self.send(request).await?).await
    }

    /// `GET` of an answer of any length, to be read as it comes.
    pub(crate) async fn stream(&self, path: &str, query: &[(&str, String)], accept: &str) -> Result<reqwest::Response> {
        self.send(self.http.get(self.address(path, query)?).header("accept", accept)).await
    }

    /// `POST` of a body to a path.
    pub(crate) async fn post(&self, path: &str, query: &[(&str, String)], body: Vec<u8>) -> Result<Value> {
        let request = self
            .http
            .post(self.address(path, query)?)
            .header("content-type", "application/json")
            .timeout(Duration::from_secs(REQUEST_TIMEOUT_S))
            .body(body);
        json(self.send(request).await?).await
    }

    fn address(&self, path: &str, query: &[(&str, String)]) -> Result<reqwest::Url> {
        let text = format!("{}{path}", self.base);
        let mut address = reqwest::Url::parse(&text).with_context(|| format!("`{text}` is no address"))?;
        if !query.is_empty() {
            address.query_pairs_mut().extend_pairs(query);
        }
        Ok(address)
    }

    /// Sends a request; an answer that says no becomes an error with the centre's own words.
    async fn send(&self, mut request: reqwest::RequestBuilder) -> Result<reqwest::Response> {
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.context("the centre cannot be reached")?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body: Value = response.json().await.unwrap_or_default();
        let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
        bail!("the centre answered {status}: {} {} (request {})", text("title"), text("detail"), text("request_id"))
    }
}

async fn json(response: reqwest::Response) -> Result<Value> {
    response.json().await.context("the centre's answer is not JSON")
}
