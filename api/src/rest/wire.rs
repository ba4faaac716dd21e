//! The shapes that several answers share.

use model::principal::CentreCode;
use model::time::Timestamp;
use serde::Serialize;
use sharing::Class;

/// Figures of a latency, milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Latency {
    /// Half are below.
    pub p50: f64,
    /// All but one in a hundred are below.
    pub p99: f64,
    /// How many there are.
    pub n: u64,
}

/// A marking as people read it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct MarkingView {
    /// TLP level without its prefix; none for an unmarked object.
    pub tlp: Option<&'static str>,
    /// The whole, `TLP:AMBER+STRICT`, or `UNMARKED`.
    pub text: String,
    /// National caveats.
    pub caveats: Vec<&'static str>,
    /// Countries; empty if not restricted.
    pub releasable_to: Vec<String>,
    /// Texts of statement markings.
    pub statements: Vec<String>,
}

impl MarkingView {
    /// A class as a marking, with the texts of its statement markings.
    pub fn of(class: &Class, statements: Vec<String>) -> Self {
        Self {
            tlp: class.tlp.map(model::marking::Tlp::as_str),
            text: class.tlp.map_or_else(|| "UNMARKED".to_owned(), |tlp| tlp.to_string()),
            caveats: class.caveats.iter().map(|caveat| caveat.as_str()).collect(),
            releasable_to: class.releasable_to.iter().flatten().map(ToString::to_string).collect(),
            statements,
        }
    }
}

/// One object in a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// STIX id.
    pub id: String,
    /// STIX type.
    #[serde(rename = "type")]
    pub object_type: String,
    /// Whose statement.
    pub origin: CentreCode,
    /// What people call it; of a sighting, what its indicator is called.
    pub name: Option<String>,
    /// An indicator's pattern; of a sighting, its indicator's.
    pub value: Option<String>,
    /// Its marking.
    pub marking: MarkingView,
    /// `created`.
    pub created: Option<Timestamp>,
    /// `modified`.
    pub modified: Option<Timestamp>,
    /// When it came in here.
    pub added: Timestamp,
    /// `revoked`.
    pub revoked: bool,
    /// A sighting's count.
    pub count: Option<u64>,
    /// What a sighting is of.
    pub sighting_of: Option<String>,
    /// A sighting's first time.
    pub first_seen: Option<Timestamp>,
    /// A sighting's last time.
    pub last_seen: Option<Timestamp>,
}
