//! What crosses the border, and how the sensors do.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::principal::CentreCode;
use model::time::Timestamp;
use serde::Serialize;
use sharing::{Principal, Role};
use warp::reply::Response;

use super::answer;
use super::wire::{Latency, MarkingView};
use crate::error::Failure;
use crate::query::Query;
use crate::router::Call;
use crate::server::Api;

/// The partner link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LinkState {
    /// `up`, `down` or `halted`.
    pub state: &'static str,
    /// Why, where it is not up.
    pub reason: Option<String>,
    /// Since when.
    pub since: Option<Timestamp>,
    /// The last number that we released.
    pub sent: u64,
    /// The last number that we hold of the partner's.
    pub received: u64,
    /// What waits to be decided or sent.
    pub queue: u64,
}

/// What went one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// Objects.
    pub objects: u64,
    /// Withdrawals.
    pub withdrawn: u64,
}

/// One thing that crossed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Crossing {
    /// When.
    pub time: Timestamp,
    /// `sent` or `received`.
    pub direction: &'static str,
    /// `release` or `withdrawal`.
    pub kind: &'static str,
    /// STIX id.
    pub id: String,
    /// STIX type.
    #[serde(rename = "type")]
    pub object_type: String,
    /// What people call it.
    pub name: Option<String>,
    /// Its marking.
    pub marking: MarkingView,
    /// Under which rule, for officers.
    pub rule: Option<String>,
    /// Its class, by which the reader's gate decides whether it is shown.
    #[serde(skip)]
    pub class: sharing::ClassId,
}

/// The border view.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Border {
    /// The partner centre.
    pub partner: Option<CentreCode>,
    /// The link.
    pub link: LinkState,
    /// What we sent.
    pub sent: Counts,
    /// What we received.
    pub received: Counts,
    /// What stayed here, by reason; for officers of the origin alone.
    pub withheld: Option<BTreeMap<String, u64>>,
    /// From the acknowledgement at the origin to here.
    pub latency_ms: Latency,
    /// The newest first.
    pub recent: Vec<Crossing>,
}

impl Border {
    /// What `reader` may see of it: withheld counts and rules are for officers, and nothing is listed that the reader's gate
    /// hides.
    fn for_reader(mut self, reader: &Principal, sees: impl Fn(sharing::ClassId) -> bool) -> Self {
        self.recent.retain(|crossing| sees(crossing.class));
        if !reader.is(Role::Officer) {
            self.withheld = None;
            for crossing in &mut self.recent {
                crossing.rule = None;
            }
        }
        self
    }
}

/// One sensor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SensorState {
    /// Principal name.
    pub name: String,
    /// Where it stands.
    pub site: Option<String>,
    /// When it last sent anything.
    pub last_seen: Option<Timestamp>,
    /// Observations that it sent.
    pub observations: u64,
    /// How many of them hit.
    pub hits: u64,
    /// From the observation to here, of its last batch.
    pub lag_ms: Option<u64>,
    /// Rules that it holds.
    pub rules: u64,
}

/// `GET /border`
pub(crate) async fn border(api: &Arc<Api>, call: &Call) -> Result<Response, Failure> {
    Query::read(&call.query, &[])?;
    let reader = &call.caller()?.principal;
    let sight = api.sight(reader);
    let border = api.services.status.border().await?;
    answer(&border.for_reader(reader, |class| sight.sees(class)))
}

/// `GET /sensors`
pub(crate) async fn sensors(api: &Arc<Api>, call: &Call) -> Result<Response, Failure> {
    #[derive(Serialize)]
    struct Sensors {
        sensors: Vec<SensorState>,
    }
    Query::read(&call.query, &[])?;
    answer(&Sensors { sensors: api.services.status.sensors().await? })
}
