//! Agreements as data: parties, purposes, legal basis with its dates, who may have what, marking equivalence.

use std::collections::{BTreeMap, BTreeSet};

use model::marking::Tlp;
use model::principal::CentreCode;
use model::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The agreement that a new centre starts with.
pub const STARTER: &str = include_str!("../agreements/starter.toml");

/// Who is asking, as far as TLP distinguishes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Audience {
    /// This centre's own analysts, and those of the partner centre at their own.
    Analysts,
    /// The partner centre.
    PartnerCentre,
    /// Operators of critical infrastructure.
    Operators,
    /// Private-sector partners.
    PrivatePartners,
    /// Everyone.
    Public,
}

/// Whether an audience may have a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Answer {
    Yes,
    No,
    Concerned,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    analysts: Answer,
    partner_centre: Answer,
    operators: Answer,
    private_partners: Answer,
    public: Answer,
}

/// A legal basis of one party, with its dates.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LegalBasis {
    /// Whose law it is.
    pub party: CentreCode,
    /// What it is called.
    pub name: String,
    /// From when it holds.
    pub from: Timestamp,
    /// Until when, that moment not included; none: until further notice.
    pub until: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum OnwardTransfer {
    None,
}

/// One agreement.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    format: u32,
    /// What it is called; cited by every disclosure on it.
    pub name: String,
    /// The two centres.
    pub parties: BTreeSet<CentreCode>,
    /// For what; every disclosure cites one.
    pub purposes: BTreeSet<String>,
    onward_transfer: OnwardTransfer,
    /// How long what crossed is kept, days.
    pub retention_days: u32,
    legal_basis: Vec<LegalBasis>,
    release: BTreeMap<Tlp, Row>,
    #[serde(default)]
    levels: BTreeMap<String, BTreeMap<String, String>>,
}

/// Why a text is no agreement.
#[derive(Debug, thiserror::Error)]
pub enum AgreementError {
    /// Not TOML, or a key that is not known.
    #[error("the agreement cannot be read: {0}")]
    Syntax(#[from] toml::de::Error),
    /// Says something that cannot be carried out.
    #[error("the agreement `{name}` {what}")]
    Content {
        /// Its name.
        name: String,
        /// What is wrong.
        what: &'static str,
    },
}

impl Agreement {
    /// Reads and checks an agreement.
    pub fn read(text: &str) -> Result<Self, AgreementError> {
        let agreement: Self = toml::from_str(text)?;
        let wrong = |what| Err(AgreementError::Content { name: agreement.name.clone(), what });
        if agreement.format != 1 {
            return wrong("has a `format` that is not 1: this program reads format 1");
        }
        if agreement.parties.len() != 2 {
            return wrong("does not name two different `parties`");
        }
        if agreement.purposes.is_empty() {
            return wrong("names no purpose: nothing can be disclosed for none (principle 1)");
        }
        if agreement.release.contains_key(&Tlp::Red) {
            return wrong("has a row for RED, which goes to named persons only: remove it");
        }
        if agreement.parties.iter().any(|party| !agreement.legal_basis.iter().any(|basis| basis.party == *party)) {
            return wrong("has a party without `legal_basis`");
        }
        Ok(agreement)
    }

    /// Is there a legal basis of `party` in force at `now`?
    pub fn in_force(&self, party: &CentreCode, now: Timestamp) -> bool {
        self.basis(party, now).is_some()
    }

    /// The legal basis of `party` that is in force at `now`.
    pub fn basis(&self, party: &CentreCode, now: Timestamp) -> Option<&LegalBasis> {
        self.legal_basis
            .iter()
            .find(|basis| basis.party == *party && basis.from <= now && basis.until.is_none_or(|until| now < until))
    }

    /// The next moment at which a legal basis begins or ends: decisions made now hold until then.
    pub fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        let moments = self.legal_basis.iter().flat_map(|basis| [Some(basis.from), basis.until]).flatten();
        moments.filter(|moment| *moment > now).min()
    }

    /// May `audience` have what is marked `tlp`? What no row says is refused, and RED has no row. Nobody is registered yet
    /// as concerned by anything, so `concerned` is no.
    pub fn releases(&self, tlp: Tlp, audience: Audience) -> bool {
        let answer = self.release.get(&tlp).map(|row| match audience {
            Audience::Analysts => row.analysts,
            Audience::PartnerCentre => row.partner_centre,
            Audience::Operators => row.operators,
            Audience::PrivatePartners => row.private_partners,
            Audience::Public => row.public,
        });
        answer == Some(Answer::Yes)
    }

    /// May a national level cross from one country to another?
    pub fn level_crosses(&self, from: &str, to: &str, level: &str) -> bool {
        self.levels.get(&format!("{from}-to-{to}")).is_some_and(|table| table.contains_key(level))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_starter_is_the_table_of_the_design() {
        let agreement = Agreement::read(STARTER).unwrap();
        let row = |tlp| {
            [
                Audience::Analysts,
                Audience::PartnerCentre,
                Audience::Operators,
                Audience::PrivatePartners,
                Audience::Public,
            ]
            .map(|audience| agreement.releases(tlp, audience))
        };
        assert_eq!(row(Tlp::Clear), [true, true, true, true, true]);
        assert_eq!(row(Tlp::Green), [true, true, true, true, false]);
        assert_eq!(row(Tlp::Amber), [true, true, false, false, false]);
        assert_eq!(row(Tlp::AmberStrict), [true, true, false, false, false]);
        assert_eq!(row(Tlp::Red), [false; 5]);
    }

    #[test]
    fn a_law_that_lapses_is_a_date() {
        let text = STARTER.replacen(
            "from = \"2012-10-26T00:00:00Z\"",
            "from = \"2012-10-26T00:00:00Z\"\nuntil = \"2026-10-01T00:00:00Z\"",
            1,
        );
        let agreement = Agreement::read(&text).unwrap();
        let us = "us".parse().unwrap();
        let lapse: Timestamp = "2026-10-01T00:00:00Z".parse().unwrap();
        assert!(agreement.in_force(&us, lapse.plus_micros(-1)) && !agreement.in_force(&us, lapse));
        assert_eq!(agreement.next_change(lapse.plus_micros(-1)), Some(lapse));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for (old, new) in [
            ("format = 1", "format = 2"),
            ("format = 1", "format = 1\nsurprise = true"),
            ("\"yes\"", "\"Yes\""),
            ("[\"us\", \"ca\"]", "[\"us\"]"),
            ("onward_transfer = \"none\"", "onward_transfer = \"all\""),
            ("[release.CLEAR]", "[release.RED]"),
            ("[\"cyber_defence\"]", "[]"),
            ("party = \"us\"", "party = \"ca\""),
        ] {
            assert!(Agreement::read(&STARTER.replacen(old, new, 1)).is_err(), "{new}");
        }
    }
}
