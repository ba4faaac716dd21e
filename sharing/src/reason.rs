//! Why something stays.

use serde::{Deserialize, Serialize};

/// The first rule that denied. For the officers of the origin alone: a recipient is never told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A marking that is not understood, or two that contradict each other.
    UnknownMarking,
    /// It is another centre's: nothing is relayed.
    NotOurs,
    /// NOFORN.
    Noforn,
    /// Canadian Eyes Only.
    CanadianEyesOnly,
    /// A releasable-to list without the recipient.
    ReleasableTo,
    /// A national classification level that the link's table does not list.
    Ceiling,
    /// TLP:RED, and the recipient is not named.
    Red,
    /// No release marking.
    Unmarked,
    /// The agreement does not release this, or is not in force.
    Agreement,
    /// Something that it cannot do without may not be seen.
    HiddenEnd,
    /// The definition of one of its markings may not be seen.
    HiddenMarking,
}

impl Reason {
    /// As counts and logs write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnknownMarking => "unknown_marking",
            Self::NotOurs => "not_ours",
            Self::Noforn => "noforn",
            Self::CanadianEyesOnly => "canadian_eyes_only",
            Self::ReleasableTo => "releasable_to",
            Self::Ceiling => "ceiling",
            Self::Red => "red",
            Self::Unmarked => "unmarked",
            Self::Agreement => "agreement",
            Self::HiddenEnd => "hidden_end",
            Self::HiddenMarking => "hidden_marking",
        }
    }
}
