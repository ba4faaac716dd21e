//! STIX identifiers, STIX 2.1 §2.9.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A checked STIX identifier: `type--uuid`. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StixId(Arc<str>);

/// A text that is no STIX identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a STIX identifier is an object type, `--` and a UUID in lower case (STIX 2.1 §2.9)")]
pub struct StixIdError;

impl StixId {
    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The object type before the `--`.
    pub fn object_type(&self) -> &str {
        self.0.split_once("--").map_or("", |(object_type, _)| object_type)
    }
}

impl FromStr for StixId {
    type Err = StixIdError;

    fn from_str(text: &str) -> Result<Self, StixIdError> {
        let (object_type, uuid) = text.split_once("--").ok_or(StixIdError)?;
        if is_type_name(object_type) && is_uuid(uuid) { Ok(Self(text.into())) } else { Err(StixIdError) }
    }
}

/// STIX 2.1 §3.1: 3 to 250 characters, lower-case letters, digits and hyphens, no two hyphens in a row.
pub(crate) fn is_type_name(text: &str) -> bool {
    let mut before = b'-';
    let good = text.bytes().all(|b| {
        let good = b.is_ascii_lowercase() || b.is_ascii_digit() || (b == b'-' && before != b'-');
        before = b;
        good
    });
    good && (3..=250).contains(&text.len()) && before != b'-'
}

/// RFC 4122 text form, lower case; any version, since older content uses version 1 too.
fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(place, b)| match place {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_digit() || (b'a'..=b'f').contains(&b),
        })
}

impl fmt::Display for StixId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for StixId {
    type Error = StixIdError;

    fn try_from(text: String) -> Result<Self, StixIdError> {
        text.parse()
    }
}

impl From<StixId> for String {
    fn from(id: StixId) -> Self {
        id.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_checked() {
        let id: StixId = "indicator--94868c89-83c2-464b-929b-a1a8aa3c8487".parse().unwrap();
        assert_eq!(id.object_type(), "indicator");
        for bad in [
            "indicator",
            "--94868c89-83c2-464b-929b-a1a8aa3c8487",
            "Indicator--94868c89-83c2-464b-929b-a1a8aa3c8487",
            "indicator--94868C89-83c2-464b-929b-a1a8aa3c8487",
            "indicator--94868c89",
            "x-é--94868c89-83c2-464b-929b-a1a8aa3c8487",
        ] {
            assert!(bad.parse::<StixId>().is_err(), "{bad}");
        }
    }
}
