//! Who asks.

use std::collections::BTreeSet;

use model::marking::Country;
use model::principal::PrincipalName;
use serde::{Deserialize, Serialize};

/// What someone may do, apart from what they may see (ADR 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads what its centre's analysts may.
    Analyst,
    /// An analyst who may write.
    Publisher,
    /// Administers; sees the border, the quarantine, what is withheld and why; reads as an analyst does.
    Officer,
    /// Hears traffic; holds the rules that its site may hold.
    Sensor,
    /// The partner centre.
    Peer,
    /// An operator of critical infrastructure.
    Operator,
    /// A private-sector partner.
    Partner,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Analyst, Self::Publisher, Self::Officer, Self::Sensor, Self::Peer, Self::Operator, Self::Partner];

    /// As configuration and command line write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Analyst => "analyst",
            Self::Publisher => "publisher",
            Self::Officer => "officer",
            Self::Sensor => "sensor",
            Self::Peer => "peer",
            Self::Operator => "operator",
            Self::Partner => "partner",
        }
    }

    /// The role of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

/// Someone enrolled at this centre.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// `name@centre`.
    pub name: PrincipalName,
    /// The organisation it belongs to.
    pub organisation: String,
    /// The country it answers to.
    pub country: Country,
    /// What it may do.
    pub roles: BTreeSet<Role>,
    /// Where a sensor stands.
    pub site: Option<String>,
    /// No longer admitted.
    pub revoked: bool,
}

impl Principal {
    /// Has it this role?
    pub fn is(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Does it read as this centre's own analysts do?
    pub fn reads_as_analyst(&self) -> bool {
        [Role::Analyst, Role::Publisher, Role::Officer].into_iter().any(|role| self.is(role))
    }
}
