//! Entries of the object log.

use model::fault::Fault;
use model::principal::{CentreCode, PrincipalName};
use model::stix::{StixId, Version};
use model::time::Timestamp;
use serde::{Deserialize, Serialize};
use sharing::class::{Class, Definition};
use sharing::link::LinkCursor;
use sharing::principal::Principal;
use sharing::{ClassId, ClassSetId};

use crate::keys::KeyName;

/// Which statement: one origin's version of one object, in one rendering.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StatementKey {
    /// Whose statement.
    pub origin: CentreCode,
    /// Of which object.
    pub id: StixId,
    /// Which version.
    pub version: Version,
    /// 0: the bytes as received; 1, 2, …: what the gate made of them.
    pub rendering: u32,
}

/// The plain part of a statement's entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementHead {
    /// Its key.
    pub key: StatementKey,
    /// Who handed it in; none over the link.
    pub submitter: Option<PrincipalName>,
    /// Its class.
    pub class: ClassId,
    /// What it refers to.
    pub set: ClassSetId,
    /// SHA-256 of the body.
    pub digest: [u8; 32],
    /// `revoked`.
    pub revoked: bool,
    /// STIX 2.0 or 2.1, as its `spec_version` says.
    pub spec_20: bool,
    /// For what it may be used.
    pub purpose: String,
    /// Where it is from, as who handed it in said.
    pub source: Option<String>,
}

/// The plain part of an entry: what it is and what it decides by. Holds no content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Head {
    Definition(Definition),
    Statement(StatementHead),
    /// Its origin took a version back.
    Withdrawal {
        origin: CentreCode,
        id: StixId,
        version: Version,
    },
    /// What a statement refers to has changed: it has a new date.
    Refreshed {
        key: StatementKey,
        set: ClassSetId,
    },
    Quarantined {
        submitter: Option<PrincipalName>,
        waits_for: Vec<StixId>,
    },
    Refused {
        submitter: Option<PrincipalName>,
        code: String,
    },
    Hit {
        sensor: PrincipalName,
        spool: u64,
        indicator: StixId,
        origin: CentreCode,
        class: ClassId,
        time: Timestamp,
    },
    SensorCursor {
        sensor: PrincipalName,
        spool: u64,
        observations: u64,
    },
    LinkCursor {
        partner: CentreCode,
        cursor: LinkCursor,
    },
    Principal {
        principal: Principal,
        credential: Option<Credential>,
    },
    /// What was kept aside at that sequence went in after all.
    QuarantineEnded {
        sequence: u64,
    },
}

/// By what a principal is known.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Credential {
    /// SHA-256 of a bearer token.
    Token([u8; 32]),
    /// SHA-256 of a client certificate, DER.
    Certificate([u8; 32]),
}

/// An envelope: when, under which key, what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Envelope {
    pub(crate) date: Timestamp,
    pub(crate) key: KeyName,
    pub(crate) head: Head,
}

/// A statement to append.
#[derive(Debug, Clone)]
pub struct NewStatement {
    /// Its key.
    pub key: StatementKey,
    /// Who handed it in; none over the link.
    pub submitter: Option<PrincipalName>,
    /// Where it is from, as who handed it in says.
    pub source: Option<String>,
    /// Its class.
    pub class: Class,
    /// What it refers to: all its references and its markings that are not everyone's.
    pub refers_to: Vec<StixId>,
    /// SHA-256 of the bytes.
    pub digest: [u8; 32],
    /// `revoked`.
    pub revoked: bool,
    /// Is it STIX 2.0?
    pub spec_20: bool,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// A hit to append.
#[derive(Debug, Clone)]
pub struct NewHit {
    /// Who heard it.
    pub sensor: PrincipalName,
    /// The observation's number in the sensor's spool.
    pub spool: u64,
    /// What it matched.
    pub indicator: StixId,
    /// Whose statement that is.
    pub origin: CentreCode,
    /// Its class, of the centre that heard it.
    pub class: Class,
    /// When it was heard.
    pub time: Timestamp,
    /// The evidence, JSON; stays here.
    pub evidence: Vec<u8>,
}

/// Something to append.
#[derive(Debug, Clone)]
pub enum NewEntry {
    /// A statement.
    Statement(Box<NewStatement>),
    /// A partner took a version back.
    Withdrawal {
        /// Which origin.
        origin: CentreCode,
        /// Which object.
        id: StixId,
        /// Which version.
        version: Version,
    },
    /// Kept aside with its faults.
    Quarantined {
        /// Who handed it in; none over the link.
        submitter: Option<PrincipalName>,
        /// Marking definitions that it waits for.
        waits_for: Vec<StixId>,
        /// What is wrong.
        faults: Vec<Fault>,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// What was kept aside went in after all.
    QuarantineEnded {
        /// Its position, as [`crate::Quarantined`] tells it.
        position: u64,
    },
    /// Not kept: the fact alone.
    Refused {
        /// Who handed it in; none over the link.
        submitter: Option<PrincipalName>,
        /// The first fault's code.
        code: String,
    },
    /// A hit.
    Hit(Box<NewHit>),
    /// Up to where a sensor's spool is held.
    SensorCursor {
        /// Which sensor.
        sensor: PrincipalName,
        /// The last number held.
        spool: u64,
        /// How many observations came with it.
        observations: u64,
    },
    /// Up to where a partner's link log is held.
    LinkCursor {
        /// Which partner.
        partner: CentreCode,
        /// Where.
        cursor: LinkCursor,
    },
    /// A principal, new or changed, and how it is known.
    Principal {
        /// Who.
        principal: Box<Principal>,
        /// By what; none keeps what there is.
        credential: Option<Credential>,
    },
}
