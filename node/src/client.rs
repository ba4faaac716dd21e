//! A centre as its users meet it from a command line: REST over TLS with a bearer token.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::StreamExt;
use serde_json::Value;

/// How long one request may take, seconds.
const REQUEST_TIMEOUT_S: u64 = 60;
/// How long one event of the live stream may be, bytes.
const EVENT_BYTES_MAX: usize = 4 << 20;

/// A connection to one centre as one principal.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: String,
}

/// One event of the live stream.
#[derive(Debug, Clone)]
pub struct Event {
    /// `object`, `sighting`, `hit`, `withdrawal`, `status`, `end`.
    pub kind: String,
    /// Its data.
    pub data: Value,
}

impl Client {
    /// A client of the machines listener at `base` (`https://host:port`), trusting the authority in `authority` alone.
    pub fn new(base: &str, authority: Option<&Path>, token: &str) -> Result<Self> {
        let mut builder = reqwest::Client::builder().connect_timeout(Duration::from_secs(10));
        if let Some(path) = authority {
            let pem = std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
            builder = builder.tls_certs_only([reqwest::Certificate::from_pem(&pem)?]);
        }
        Ok(Self { http: builder.build()?, base: base.trim_end_matches('/').to_owned(), token: token.to_owned() })
    }

    /// `GET` of a path below `/api/v1`.
    pub async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Value> {
        let url = format!("{}/api/v1{path}", self.base);
        let mut address = reqwest::Url::parse(&url).with_context(|| format!("`{url}` is no address"))?;
        if !query.is_empty() {
            address.query_pairs_mut().extend_pairs(query);
        }
        let request = self.http.get(address).timeout(Duration::from_secs(REQUEST_TIMEOUT_S));
        self.answer(request).await
    }

    /// `POST` of a body to a path below `/api/v1`.
    pub async fn post(&self, path: &str, body: Vec<u8>) -> Result<Value> {
        let request = self
            .http
            .post(format!("{}/api/v1{path}", self.base))
            .header("content-type", "application/json")
            .timeout(Duration::from_secs(REQUEST_TIMEOUT_S))
            .body(body);
        self.answer(request).await
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<Value> {
        let response = request.bearer_auth(&self.token).send().await.context("the centre cannot be reached")?;
        let status = response.status();
        let body: Value = response.json().await.context("the centre's answer is not JSON")?;
        if !status.is_success() {
            let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
            bail!("the centre answered {status}: {} {} (request {})", text("title"), text("detail"), text("request_id"));
        }
        Ok(body)
    }

    /// Reads the live stream until it ends or `each` says no.
    pub async fn live(&self, mut each: impl FnMut(Event) -> bool) -> Result<()> {
        let response = self
            .http
            .get(format!("{}/api/v1/live", self.base))
            .header("accept", "text/event-stream")
            .bearer_auth(&self.token)
            .send()
            .await
            .context("the live stream cannot be reached")?
            .error_for_status()?;
        let mut chunks = response.bytes_stream();
        let mut pending = Vec::new();
        while let Some(chunk) = chunks.next().await {
            pending.extend_from_slice(&chunk.context("the live stream broke off")?);
            while let Some(end) = pending.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = pending.drain(..end + 2).collect();
                if let Some(event) = event(&block)
                    && !each(event)
                {
                    return Ok(());
                }
            }
            if pending.len() > EVENT_BYTES_MAX {
                bail!("the live stream sent an event of over {EVENT_BYTES_MAX} bytes");
            }
        }
        Ok(())
    }
}

fn event(block: &[u8]) -> Option<Event> {
    let text = std::str::from_utf8(block).ok()?;
    let mut kind = String::new();
    let mut data = String::new();
    for line in text.lines() {
        if let Some(value) = line.strip_prefix("event:") {
            value.trim().clone_into(&mut kind);
        } else if let Some(value) = line.strip_prefix("data:") {
            data.push_str(value.strip_prefix(' ').unwrap_or(value));
        }
    }
    (!data.is_empty()).then(|| serde_json::from_str(&data).ok())?.map(|data| Event { kind, data })
}
