//! One person at one centre: REST, TAXII and the live stream, with a bearer token.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::tap::Tap;

/// The one media type of TAXII 2.1.
pub const TAXII: &str = "application/taxii+json;version=2.1";

/// An answer, whole.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Body as text.
    pub text: String,
}

impl Answer {
    /// The body of a 200 (or 202) answer as JSON.
    pub fn json(&self) -> Result<Value> {
        if !(200..300).contains(&self.status) {
            bail!("answered {}: {}", self.status, self.text);
        }
        serde_json::from_str(&self.text).with_context(|| format!("not JSON: {}", self.text))
    }
}

/// A HTTP client that trusts the authority in `authority` alone, with a client certificate if `identity` names one.
pub fn http(authority: &Path, identity: Option<(&Path, &Path)>) -> Result<reqwest::Client> {
    let read = |path: &Path| std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()));
    let root = reqwest::Certificate::from_pem(&read(authority)?)?;
    let mut builder = reqwest::Client::builder().tls_certs_only([root]).connect_timeout(Duration::from_secs(10));
    if let Some((certificate, key)) = identity {
        let pem = [read(key)?, read(certificate)?].concat();
        builder = builder.identity(reqwest::Identity::from_pem(&pem)?);
    }
    Ok(builder.build()?)
}

/// A person (or machine) at a centre.
#[derive(Debug, Clone)]
pub struct Person {
    /// `name@centre`.
    pub name: String,
    /// Bearer token.
    pub token: String,
    http: reqwest::Client,
    base: String,
}

impl Person {
    /// The principal `name` with `token` at the machines listener at `base`.
    pub fn new(name: String, token: String, http: reqwest::Client, base: String) -> Self {
        Self { name, token, http, base }
    }

    /// `GET` of a whole path, with its query.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        let mut request = self.http.get(format!("{}{path}", self.base));
        if path.starts_with("/taxii2/") {
            request = request.header("accept", TAXII);
        }
        self.send(request).await
    }

    /// `POST` of a JSON body to a whole path.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        self.post_bytes(path, body.to_string().into_bytes()).await
    }

    /// `POST` of a body that is JSON already.
    pub async fn post_bytes(&self, path: &str, body: Vec<u8>) -> Result<Answer> {
        let taxii = path.starts_with("/taxii2/");
        let kind = if taxii { TAXII } else { "application/json" };
        let accept = if taxii { TAXII } else { "*/*" };
        let request = self.http.post(format!("{}{path}", self.base));
        self.send(request.header("content-type", kind).header("accept", accept).body(body)).await
    }

    /// Publishes objects in one bundle; the outcome.
    pub async fn publish(&self, objects: &[&Value]) -> Result<Value> {
        self.post("/api/v1/objects", &crate::stix::bundle(objects)).await?.json()
    }

    /// Opens the live stream.
    pub async fn live(&self) -> Result<Tap> {
        let request = self.http.get(format!("{}/api/v1/live", self.base)).header("accept", "text/event-stream");
        Tap::open(request.bearer_auth(&self.token)).await.with_context(|| format!("live stream of {}", self.name))
    }

    /// All rows of a list (`hits`, `sightings`, `quarantine`, `search`), page by page; `query` without `?`.
    pub async fn list(&self, path: &str, rows: &str, query: &str) -> Result<Vec<Value>> {
        let mut all = Vec::new();
        let mut cursor = String::new();
        loop {
            let more = if cursor.is_empty() { String::new() } else { format!("&cursor={cursor}") };
            let page = self.get(&format!("/api/v1/{path}?limit=200&{query}{more}")).await?.json()?;
            all.extend(page.get(rows).and_then(Value::as_array).into_iter().flatten().cloned());
            match page.get("cursor").and_then(Value::as_str) {
                Some(next) if page.get("more") == Some(&Value::Bool(true)) => cursor = next.to_owned(),
                _ => return Ok(all),
            }
        }
    }

    /// The ids and titles of the TAXII collections.
    pub async fn collections(&self) -> Result<Vec<(String, String)>> {
        let body = self.get("/taxii2/root/collections/").await?.json()?;
        let list = body.get("collections").and_then(Value::as_array).context("no collections")?;
        let text = |item: &Value, key: &str| item.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(list.iter().map(|item| (text(item, "id"), text(item, "title"))).collect())
    }

    /// Everything of a TAXII endpoint (`…/objects/?…`), page by page; `rows` names the list in its answers.
    pub async fn everything(&self, path: &str, rows: &str) -> Result<Vec<Value>> {
        let mut all = Vec::new();
        let mut next = String::new();
        loop {
            let page = self.get(&format!("{path}{next}")).await?.json()?;
            all.extend(page.get(rows).and_then(Value::as_array).into_iter().flatten().cloned());
            match page.get("next").and_then(Value::as_str) {
                Some(cursor) if page.get("more") == Some(&Value::Bool(true)) => next = format!("&next={cursor}"),
                _ => return Ok(all),
            }
        }
    }

    /// The id of the collection with this title.
    pub async fn collection(&self, title: &str) -> Result<String> {
        let found = self.collections().await?.into_iter().find(|(_, name)| name == title);
        found.map(|(id, _)| id).with_context(|| format!("no collection `{title}`"))
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answer> {
        let response = request.bearer_auth(&self.token).timeout(Duration::from_secs(60)).send().await?;
        Ok(Answer { status: response.status().as_u16(), text: response.text().await? })
    }
}
