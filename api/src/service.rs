//! What the HTTP layer asks of the program behind it: small traits, one per concern, that `node` implements. Reads go
//! straight to `indexer` with a `Visibility` of `sharing`.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use indexer::Store;
use indexer::search::SearchIndex;
use model::fault::Fault;
use model::marking::{Country, Tlp};
use model::principal::{CentreCode, PrincipalName};
use model::stix::StixId;
use model::time::Clock;
use serde::{Deserialize, Serialize};
use sharing::{Gate, Principal, Role};
use tokio::sync::{mpsc, watch};

use crate::error::{Code, Failure};
use crate::limits::Settings;
use crate::rest::{Border, SensorState};

/// A SHA-256.
pub type Sha256 = [u8; 32];

/// Who is behind a credential (ADR 5). A revoked principal is nobody.
pub trait Directory: Send + Sync {
    /// The principal of a bearer token, by the token's SHA-256.
    fn by_token(&self, token: &Sha256) -> Option<Arc<Principal>>;
    /// The principal of a client certificate, by the SHA-256 of its DER form.
    fn by_certificate(&self, certificate: &Sha256) -> Option<Arc<Principal>>;
    /// The principal that the configuration maps a user of this machine to, for the local socket.
    fn by_local_user(&self, uid: u32) -> Option<Arc<Principal>>;
    /// The principal as it stands now: open streams and sessions ask again and again.
    fn by_name(&self, name: &PrincipalName) -> Option<Arc<Principal>>;
    /// Counts changes of the directory, so that open streams ask at once.
    fn changes(&self) -> watch::Receiver<u64>;
}

/// One object that was taken, or was there already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// Its STIX id.
    pub id: String,
    /// Its version: `modified`, or the digest of an object without it.
    pub version: String,
}

/// One object that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotTaken {
    /// Its STIX id, empty if none could be read.
    pub id: String,
    /// Why.
    pub faults: Vec<Fault>,
}

/// What became of each object of a body.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Outcome {
    /// Durable in the log.
    pub accepted: Vec<Taken>,
    /// There already, byte for byte.
    pub unchanged: Vec<Taken>,
    /// Kept aside.
    pub quarantined: Vec<NotTaken>,
    /// Not kept.
    pub refused: Vec<NotTaken>,
}

/// Why a service gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The caller is not authorised for something in the request: it is refused whole.
    #[error("not allowed: {0}")]
    Forbidden(String),
    /// The body is not what the route takes.
    #[error("the request cannot be understood: {0}")]
    BadRequest(String),
    /// Well-formed, but cannot be processed as a whole.
    #[error("the content cannot be processed: {0}")]
    Unprocessable(String),
    /// Unknown, or not to be known.
    #[error("there is no such thing here")]
    NotFound,
    /// It contradicts what stands here.
    #[error("conflict: {0}")]
    Conflict(String),
    /// Not now.
    #[error("not available: {0}")]
    Unavailable(String),
    /// Our own failure, for the log alone.
    #[error("internal failure")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Forbidden(detail) => Self::new(Code::Forbidden, detail),
            ServiceError::BadRequest(detail) => Self::new(Code::BadRequest, detail),
            ServiceError::Unprocessable(detail) => Self::new(Code::Unprocessable, detail),
            ServiceError::NotFound => Self::not_found(),
            ServiceError::Conflict(detail) => Self::new(Code::Conflict, detail),
            ServiceError::Unavailable(detail) => Self::new(Code::Unavailable, detail),
            ServiceError::Internal(cause) => Self::internal(cause),
        }
    }
}

/// An answer that takes time.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, ServiceError>>;

/// What a publisher says of a whole body.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PublishOptions {
    /// Where it is from: the source that an import names.
    pub source: Option<String>,
    /// The marking of what carries none of its own; without it, that stays unmarked.
    pub default_marking: Option<Tlp>,
}

/// The way in.
pub trait Intake: Send + Sync {
    /// Publishes every object in `body` (bundle, envelope, list or one object); what is accepted is durable on return.
    fn publish<'a>(&'a self, body: Bytes, by: &'a Principal, options: &'a PublishOptions) -> Answer<'a, Outcome>;
    /// What publishing would do; nothing is kept.
    fn validate<'a>(&'a self, body: Bytes, by: &'a Principal) -> Answer<'a, Outcome>;
}

/// What one response shows, for the disclosure log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// Entries of the object log.
    Entries(Vec<u64>),
    /// Counts alone: the query they answer, in canonical form.
    Counts(String),
    /// Every entry of the object log up to this one, in clear.
    Log(u64),
}

/// One disclosure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disclosure {
    /// To whom.
    pub principal: PrincipalName,
    /// By which route.
    pub route: &'static str,
    /// What.
    pub shown: Shown,
}

/// The record of what left, durable before the first byte leaves.
pub trait Disclosures: Send + Sync {
    /// Durable when it returns.
    fn record(&self, disclosure: Disclosure) -> Answer<'_, ()>;
}

/// A new principal, or another credential and other attributes of one that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// `name@centre`.
    pub name: PrincipalName,
    /// The organisation it belongs to.
    pub organisation: String,
    /// The country it answers to; the centre's own where none is given.
    pub country: Option<Country>,
    /// What it may do.
    pub roles: BTreeSet<Role>,
    /// Where a sensor stands.
    pub site: Option<String>,
    /// SHA-256 of its bearer token.
    pub token: Option<Sha256>,
    /// SHA-256 of its client certificate, DER.
    pub certificate: Option<Sha256>,
}

/// What officers do over the local socket.
pub trait Administration: Send + Sync {
    /// Everyone who is enrolled, the revoked too.
    fn principals(&self) -> Answer<'_, Vec<Principal>>;
    /// Enrols; durable, and known to [`Directory`], when it returns.
    fn enrol<'a>(&'a self, enrolment: Enrolment, by: &'a Principal) -> Answer<'a, Principal>;
    /// Revokes; durable, and known to [`Directory`], when it returns. [`ServiceError::NotFound`] if nobody has that name.
    fn revoke<'a>(&'a self, name: &'a PrincipalName, by: &'a Principal) -> Answer<'a, Principal>;
    /// Every entry of the object log up to `upto` in clear, JSON lines, in parts of bounded size. An error after the first
    /// part breaks the answer off, so that half a dump does not pass for a whole one.
    fn dump(&self, upto: u64) -> Answer<'_, mpsc::Receiver<Result<Bytes, ServiceError>>>;
}

/// The lines that the partner centre follows (ADR 4).
pub trait Releases: Send + Sync {
    /// Lines from number `after` on, endless; [`ServiceError::Conflict`] if `after` is beyond the head or `root` differs there.
    fn follow<'a>(&'a self, peer: &'a Principal, after: u64, root: Sha256) -> Answer<'a, mpsc::Receiver<Bytes>>;
}

/// What sensors send and ask. The wire form is the collector's and stays opaque here.
pub trait SensorIntake: Send + Sync {
    /// A batch of observations; the answer is the acknowledgement, sent once the batch is durable.
    fn observations<'a>(&'a self, sensor: &'a Principal, body: Bytes) -> Answer<'a, Bytes>;
    /// The rules that the sensor's site may hold and their changes, endless.
    fn rules<'a>(&'a self, sensor: &'a Principal, query: &'a str) -> Answer<'a, mpsc::Receiver<Bytes>>;
    /// Up to which spool sequence this sensor's observations are durable here.
    fn cursor<'a>(&'a self, sensor: &'a Principal) -> Answer<'a, Bytes>;
}

/// The beat of the live stream.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pulse {
    /// `up`, `down` or `halted`.
    pub link_state: &'static str,
    /// Observations since start.
    pub observations: u64,
    /// Hits since start.
    pub hits: u64,
    /// Time of statements from their origin to here.
    pub latency_ms: crate::rest::Latency,
}

/// The evidence of a hit, as it is kept in the log: what `indexer` carries as opaque JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Where the sensor stands.
    pub site: Option<String>,
    /// ECS name of the field that matched.
    pub field: String,
    /// The value that matched.
    pub value: String,
    /// The observation, ECS.
    pub observation: serde_json::Value,
}

/// How the centre does.
pub trait Status: Send + Sync {
    /// The border view, whole; what an analyst may not see is taken out before it leaves.
    fn border(&self) -> Answer<'_, Border>;
    /// The sensors.
    fn sensors(&self) -> Answer<'_, Vec<SensorState>>;
    /// Why an indicator's pattern is not matched here, if it is not.
    fn not_matched(&self, indicator: &StixId) -> Option<String>;
    /// The beat of the live stream.
    fn pulse(&self) -> Pulse;
    /// Ready to serve, or why not.
    fn ready(&self) -> Result<(), String>;
}

/// What the console's banner says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Banner {
    /// Its text.
    pub text: String,
    /// Background, `#rrggbb`.
    pub colour: String,
    /// Text colour, `#rrggbb`.
    pub ink: String,
}

/// Who this centre is, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Centre {
    /// Short code.
    #[serde(rename = "centre")]
    pub code: CentreCode,
    /// Full name.
    pub name: String,
    /// ISO 3166-1 alpha-3.
    pub country: String,
    /// The classification banner.
    pub banner: Banner,
    /// Is this an exercise?
    pub exercise: bool,
    /// The partner centre, for those who signed in.
    #[serde(skip)]
    pub partner: Option<CentreCode>,
}

/// Everything behind the listeners.
pub struct Services {
    /// Who this centre is.
    pub centre: Centre,
    /// Who asks.
    pub directory: Arc<dyn Directory>,
    /// The way in.
    pub intake: Arc<dyn Intake>,
    /// The memory.
    pub store: Arc<Store>,
    /// The search index over it.
    pub search: Arc<SearchIndex>,
    /// The gate.
    pub gate: Arc<Gate>,
    /// The record of what left.
    pub disclosures: Arc<dyn Disclosures>,
    /// The partner link.
    pub releases: Arc<dyn Releases>,
    /// The sensors.
    pub sensors: Arc<dyn SensorIntake>,
    /// How the centre does.
    pub status: Arc<dyn Status>,
    /// What officers do over the local socket.
    pub administration: Arc<dyn Administration>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What `/metrics` shows.
    pub registry: prometheus::Registry,
    /// Key for cursors; the same after a restart, so that streams resume over it.
    pub cursor_secret: [u8; 32],
    /// The bounds.
    pub settings: Settings,
}
