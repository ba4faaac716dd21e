//! A value of a list, and the indicator that it becomes.
//!
//! Importing a list again must change nothing, so nothing of an indicator comes from the clock. Its id is the UUIDv5 of
//! source and pattern. `valid_from` is the row's date, else the epoch: a list that says nothing about time holds for old
//! captures too. `created` and `modified` are [`Source::published`], else the row's date, else the epoch. A list whose
//! columns changed for the same values is a new edition: give it a later `published`, or the centre refuses the change.

use model::time::Timestamp;
use model::value::ListValue;
use serde::Serialize;
use uuid::Uuid;

/// Namespace of the ids of indicators made from lists.
const NAMESPACE: Uuid = Uuid::from_u128(0x7c1f_58a2_0d3e_4b6a_9f27_51e8_c60b_d493);

/// Where a list is from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Source {
    /// Its name; with the pattern it makes the id.
    pub name: String,
    /// When this edition was published, if that is known.
    pub published: Option<Timestamp>,
}

/// A value of a list with what stands beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its line, from 1.
    pub line: u64,
    /// The value.
    pub value: ListValue,
    /// What it belongs to: a malware family, a campaign.
    pub name: Option<String>,
    /// What is said about it.
    pub description: Option<String>,
    /// Tags and categories.
    pub labels: Vec<String>,
    /// From when it holds.
    pub valid_from: Option<Timestamp>,
}

/// In the order it is written; the bytes must be the same whichever way the workspace is built.
#[derive(Serialize)]
struct Indicator<'a> {
    #[serde(rename = "type")]
    object_type: &'static str,
    spec_version: &'static str,
    id: String,
    created: Timestamp,
    modified: Timestamp,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    labels: &'a [String],
    pattern: &'a str,
    pattern_type: &'static str,
    pattern_version: &'static str,
    valid_from: Timestamp,
}

impl Entry {
    /// The STIX pattern of the value.
    pub fn pattern(&self) -> String {
        self.value.pattern()
    }

    /// The id of the indicator that it is as a value of `source`.
    pub fn id(&self, source: &Source) -> String {
        format!("indicator--{}", self.uuid(source))
    }

    pub(super) fn uuid(&self, source: &Source) -> Uuid {
        uuid_of(source, &self.pattern())
    }

    /// The indicator that it is as a value of `source`.
    pub fn indicator(&self, source: &Source) -> Result<Vec<u8>, serde_json::Error> {
        let pattern = self.pattern();
        let value = text_of(&self.value);
        let created = source.published.or(self.valid_from).unwrap_or_default();
        serde_json::to_vec(&Indicator {
            object_type: "indicator",
            spec_version: "2.1",
            id: format!("indicator--{}", uuid_of(source, &pattern)),
            created,
            modified: created,
            name: self.name.as_deref().unwrap_or(&value),
            description: self.description.as_deref(),
            labels: &self.labels,
            pattern: &pattern,
            pattern_type: "stix",
            pattern_version: "2.1",
            valid_from: self.valid_from.unwrap_or_default(),
        })
    }
}

/// A NUL cannot stand in a name or a pattern, so no source can take another's ids.
fn uuid_of(source: &Source, pattern: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, format!("{}\0{pattern}", source.name).as_bytes())
}

/// The value as people write it.
fn text_of(value: &ListValue) -> String {
    match value {
        ListValue::Domain(text)
        | ListValue::Url(text)
        | ListValue::Md5(text)
        | ListValue::Sha1(text)
        | ListValue::Sha256(text)
        | ListValue::Email(text) => text.clone(),
        ListValue::Ip(ip) => ip.to_string(),
        ListValue::Network(ip, length) => format!("{ip}/{length}"),
        ListValue::IpPort(ip, port) => std::net::SocketAddr::new(*ip, *port).to_string(),
    }
}
