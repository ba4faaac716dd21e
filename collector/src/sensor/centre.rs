//! The centre as the sensor sees it: three requests over mutual TLS.

use std::io;
use std::path::Path;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use reqwest::{Certificate, Client, Identity, Response, StatusCode, redirect};

use super::Settings;
use crate::spool::SpoolError;
use crate::wire::{Acknowledged, RuleLine, WireError};

/// Who the sensor is and whom it trusts, PEM.
#[derive(Clone)]
pub struct Credentials {
    /// The authority that signed the centre's sensor listener; no other is trusted.
    pub authority: Vec<u8>,
    /// The sensor's certificate.
    pub certificate: Vec<u8>,
    /// Its private key.
    pub key: Vec<u8>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials")
    }
}

impl Credentials {
    /// Reads them from three files.
    pub fn read(authority: &Path, certificate: &Path, key: &Path) -> Result<Self, CentreError> {
        let read = |path: &Path| {
            std::fs::read(path)
                .map_err(|source| CentreError::Credentials { what: path.display().to_string(), source: Some(source) })
        };
        Ok(Self { authority: read(authority)?, certificate: read(certificate)?, key: read(key)? })
    }
}

/// What goes wrong between sensor and centre.
#[derive(Debug, thiserror::Error)]
pub enum CentreError {
    /// A certificate or key is none.
    #[error("`{what}` cannot be read as PEM: give certificate, key and authority as `init` and `org add` write them")]
    Credentials {
        /// Which.
        what: String,
        /// Why it cannot be read, if it is a file.
        #[source]
        source: Option<io::Error>,
    },
    /// The address is none.
    #[error("`{0}` is no address of a centre: write https://host:port")]
    Address(String),
    /// The centre cannot be reached, or the connection broke.
    #[error("the centre cannot be reached")]
    Unreachable(#[from] reqwest::Error),
    /// It answers, but not as it should.
    #[error("the centre answers {status}: {detail}")]
    Answer {
        /// The status.
        status: StatusCode,
        /// The start of what it says.
        detail: String,
    },
    /// It says nothing for too long.
    #[error("the centre says nothing for {0:?}")]
    Silent(Duration),
    /// It ended the rules stream.
    #[error("the centre ended the rules stream")]
    Ended,
    /// This sensor is about to end.
    #[error("the sensor is ending")]
    Ending,
    /// It acknowledges nothing of what it took.
    #[error("the centre took a batch from {first} on but holds no more than {held}")]
    Stuck {
        /// First of the batch.
        first: u64,
        /// What the centre says it holds.
        held: u64,
    },
    /// It sends more rules than are held here.
    #[error("the centre sends more than {0} rules: raise `rules` of the sensor, the rules it had stay in use")]
    Rules(usize),
    /// What it says cannot be read.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The spool fails.
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

impl CentreError {
    /// Does the centre refuse the very batch, so that sending it again is no use?
    pub(super) fn refuses(&self) -> bool {
        let Self::Answer { status, .. } = self else { return false };
        matches!(
            *status,
            StatusCode::BAD_REQUEST
                | StatusCode::PAYLOAD_TOO_LARGE
                | StatusCode::UNSUPPORTED_MEDIA_TYPE
                | StatusCode::UNPROCESSABLE_ENTITY
        )
    }
}

/// Most bytes of an answer that is not the rules stream.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// Most characters of a refusal that are told on.
const DETAIL_CHARS_MAX: usize = 300;

/// The client.
#[derive(Debug)]
pub(super) struct Centre {
    http: Client,
    base: String,
    settings: Settings,
}

impl Centre {
    pub(super) fn new(url: &str, credentials: &Credentials, settings: Settings) -> Result<Self, CentreError> {
        let base = url.trim_end_matches('/').to_owned();
        let address = reqwest::Url::parse(&base).map_err(|_| CentreError::Address(base.clone()))?;
        if address.scheme() != "https" || address.host_str().is_none() {
            return Err(CentreError::Address(base));
        }
        let unreadable = |what: &str| CentreError::Credentials { what: what.to_owned(), source: None };
        let authority =
            Certificate::from_pem_bundle(&credentials.authority).map_err(|_| unreadable("the centre's authority"))?;
        let identity = [credentials.certificate.as_slice(), credentials.key.as_slice()].join(b"\n".as_slice());
        let identity =
            Identity::from_pem(&identity).map_err(|_| unreadable("the sensor's certificate with its key"))?;
        let http = Client::builder()
            .tls_certs_only(authority)
            .identity(identity)
            .https_only(true)
            .no_proxy()
            .redirect(redirect::Policy::none())
            .tcp_nodelay(true)
            .connect_timeout(Duration::from_millis(settings.connect_ms))
            .http2_keep_alive_interval(KEEP_ALIVE)
            .http2_keep_alive_timeout(KEEP_ALIVE)
            .build()?;
        Ok(Self { http, base, settings })
    }

    /// What the centre holds of this sensor.
    pub(super) async fn cursor(&self) -> Result<u64, CentreError> {
        acknowledged(self.answered(self.http.get(self.url("cursor"))).await?).await
    }

    /// Delivers a batch; gives what the centre holds then.
    pub(super) async fn deliver(&self, batch: Vec<u8>) -> Result<u64, CentreError> {
        let request = self.http.post(self.url("observations")).header("content-type", "application/octet-stream");
        acknowledged(self.answered(request.body(batch)).await?).await
    }

    /// Opens the rules stream.
    pub(super) async fn rules(&self) -> Result<RuleLines, CentreError> {
        let request = self.http.get(self.url("rules"));
        let bound = Duration::from_millis(self.settings.answer_ms);
        let response = tokio::time::timeout(bound, request.send()).await.map_err(|_| CentreError::Silent(bound))??;
        let response = good(response).await?;
        Ok(RuleLines { response, pending: BytesMut::new(), searched: 0, settings: self.settings })
    }

    fn url(&self, what: &str) -> String {
        format!("{}/sensor/v1/{what}", self.base)
    }

    async fn answered(&self, request: reqwest::RequestBuilder) -> Result<Response, CentreError> {
        good(request.timeout(Duration::from_millis(self.settings.answer_ms)).send().await?).await
    }
}

/// How often a silent HTTP/2 connection is asked whether it lives, and how long it may take to say so.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

async fn good(response: Response) -> Result<Response, CentreError> {
    let status = response.status();
    if status == StatusCode::OK {
        return Ok(response);
    }
    let body = body(response).await.unwrap_or_default();
    let detail = String::from_utf8_lossy(&body).chars().filter(|c| !c.is_control()).take(DETAIL_CHARS_MAX).collect();
    Err(CentreError::Answer { status, detail })
}

async fn acknowledged(response: Response) -> Result<u64, CentreError> {
    let body = body(response).await?;
    let answer: Acknowledged = serde_json::from_slice(&body).map_err(WireError::Line)?;
    Ok(answer.spool)
}

async fn body(mut response: Response) -> Result<Vec<u8>, CentreError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            let found = body.len() + chunk.len();
            return Err(WireError::TooMany { what: "bytes of an answer", found, limit: ANSWER_BYTES_MAX }.into());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The rules stream, line by line.
#[derive(Debug)]
pub(super) struct RuleLines {
    response: Response,
    pending: BytesMut,
    /// That many bytes of `pending` hold no end of a line.
    searched: usize,
    settings: Settings,
}

impl RuleLines {
    /// The next line; fails if the stream is silent too long, ends, or says what cannot be read.
    pub(super) async fn next(&mut self) -> Result<RuleLine, CentreError> {
        let bounds = &self.settings.wire;
        loop {
            let end = self.pending.iter().skip(self.searched).position(|byte| *byte == b'\n');
            if let Some(end) = end {
                let line = self.pending.split_to(self.searched + end);
                self.pending.advance(1);
                self.searched = 0;
                return Ok(RuleLine::decode(&line, bounds)?);
            }
            self.searched = self.pending.len();
            if self.pending.len() > bounds.line_bytes {
                let (what, found) = ("bytes of a line of the rules stream", self.pending.len());
                return Err(WireError::TooMany { what, found, limit: bounds.line_bytes }.into());
            }
            let bound = Duration::from_millis(self.settings.silence_ms);
            let chunk = tokio::time::timeout(bound, self.response.chunk()).await;
            let chunk = chunk.map_err(|_| CentreError::Silent(bound))??;
            self.pending.extend_from_slice(&chunk.ok_or(CentreError::Ended)?);
        }
    }
}
