//! Who someone is: `name@centre` (ADR 5).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Longest name before the `@`, bytes.
const NAME_BYTES_MAX: usize = 64;

/// A text that is no centre's code or principal's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrincipalError {
    /// Not a centre's code.
    #[error("a centre's code is 2 to 16 lower-case letters or digits, such as `ca`")]
    Centre,
    /// Not a principal's name.
    #[error(
        "a principal is written `name@centre`: 1 to 64 lower-case letters, digits, `-`, `.`, `_`, then the centre's code"
    )]
    Name,
}

/// Short code of a centre, also the origin of its statements: `us`, `ca`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CentreCode(Arc<str>);

impl CentreCode {
    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CentreCode {
    type Err = PrincipalError;

    fn from_str(text: &str) -> Result<Self, PrincipalError> {
        let good = (2..=16).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if good { Ok(Self(text.into())) } else { Err(PrincipalError::Centre) }
    }
}

impl fmt::Display for CentreCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for CentreCode {
    type Error = PrincipalError;

    fn try_from(text: String) -> Result<Self, PrincipalError> {
        text.parse()
    }
}

impl From<CentreCode> for String {
    fn from(code: CentreCode) -> Self {
        code.as_str().to_owned()
    }
}

/// A person or machine: `alice@ca`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PrincipalName {
    text: Arc<str>,
    centre: CentreCode,
}

impl PrincipalName {
    /// As written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The centre it belongs to.
    pub fn centre(&self) -> &CentreCode {
        &self.centre
    }
}

impl FromStr for PrincipalName {
    type Err = PrincipalError;

    fn from_str(text: &str) -> Result<Self, PrincipalError> {
        let (name, centre) = text.split_once('@').ok_or(PrincipalError::Name)?;
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.' | b'_');
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(allowed) {
            return Err(PrincipalError::Name);
        }
        let centre = centre.parse().map_err(|_| PrincipalError::Name)?;
        Ok(Self { text: text.into(), centre })
    }
}

impl fmt::Display for PrincipalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for PrincipalName {
    type Error = PrincipalError;

    fn try_from(text: String) -> Result<Self, PrincipalError> {
        text.parse()
    }
}

impl From<PrincipalName> for String {
    fn from(name: PrincipalName) -> Self {
        name.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_narrow() {
        assert_eq!("alice@ca".parse::<PrincipalName>().unwrap().centre().as_str(), "ca");
        for bad in ["alice", "Alice@ca", "alice@CA", "@ca", "alice@", "a b@ca", "alice@ca ", "аlice@ca", "a@b@ca"] {
            assert!(bad.parse::<PrincipalName>().is_err(), "{bad}");
        }
    }
}
