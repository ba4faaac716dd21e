//! Gate out: the border.

use std::sync::Arc;

use model::marking::{Caveat, Country, Tlp};
use model::principal::CentreCode;
use model::time::Timestamp;

use crate::agreement::{Agreement, Audience};
use crate::class::{Class, ClassId, ClassTable};
use crate::principal::Principal;
use crate::reason::Reason;
use crate::visibility::Visibility;

/// The purpose of all sharing until an agreement names more.
pub const CYBER_DEFENCE: &str = "cyber_defence";

/// A partner centre, as the border sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partner {
    /// Its code.
    pub code: CentreCode,
    /// Its country.
    pub country: Country,
}

/// Leave to send statements of one class to one partner. Only [`Gate::crossing`] makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit {
    class: ClassId,
    partner: CentreCode,
    agreement: String,
    basis: String,
    rule: &'static str,
}

impl Permit {
    /// The class it is for.
    pub fn class(&self) -> ClassId {
        self.class
    }

    /// To whom.
    pub fn partner(&self) -> &CentreCode {
        &self.partner
    }

    /// Under which agreement.
    pub fn agreement(&self) -> &str {
        &self.agreement
    }

    /// On which legal basis.
    pub fn basis(&self) -> &str {
        &self.basis
    }

    /// By which rule: the row of the agreement, or `named`.
    pub fn rule(&self) -> &'static str {
        self.rule
    }
}

/// One centre's gates.
#[derive(Debug, Clone)]
pub struct Gate {
    centre: CentreCode,
    country: Country,
    agreement: Arc<Agreement>,
    table: Arc<ClassTable>,
}

impl Gate {
    /// The gates of `centre` under `agreement`.
    pub fn new(centre: CentreCode, country: Country, agreement: Agreement, table: Arc<ClassTable>) -> Self {
        Self { centre, country, agreement: Arc::new(agreement), table }
    }

    /// The centre's code.
    pub fn centre(&self) -> &CentreCode {
        &self.centre
    }

    /// The agreement's name.
    pub fn agreement(&self) -> &str {
        &self.agreement.name
    }

    /// The classes.
    pub fn table(&self) -> &Arc<ClassTable> {
        &self.table
    }

    /// What `principal` may see here and now.
    pub fn visibility(&self, principal: &Principal, now: Timestamp) -> Arc<Visibility> {
        Arc::new(Visibility::new(principal, &self.agreement, &self.table, now))
    }

    /// May statements of this class cross to `partner`? The hard rules first, in their order, then the agreement; the
    /// first that denies wins.
    pub fn crossing(&self, id: ClassId, partner: &Partner, now: Timestamp) -> Result<Permit, Reason> {
        let class = self.table.meaning(id).ok_or(Reason::UnknownMarking)?;
        self.hard_rules(&class, partner)?;
        let rule = match class.tlp {
            None => return Err(Reason::Unmarked),
            // The publisher of a RED indicator is at the partner centre when what crosses is our sighting of it.
            Some(Tlp::Red)
                if class.recipients.iter().chain(&class.publisher).any(|name| name.centre() == &partner.code) =>
            {
                "named"
            }
            Some(Tlp::Red) => return Err(Reason::Red),
            Some(tlp) if self.agreement.releases(tlp, Audience::PartnerCentre) => tlp.as_str(),
            Some(_) => return Err(Reason::Agreement),
        };
        let both = self.agreement.parties.contains(&self.centre) && self.agreement.parties.contains(&partner.code);
        let purpose = self.agreement.purposes.contains(CYBER_DEFENCE);
        match (both && purpose, self.agreement.basis(&self.centre, now), self.agreement.basis(&partner.code, now)) {
            (true, Some(basis), Some(_)) => Ok(Permit {
                class: id,
                partner: partner.code.clone(),
                agreement: self.agreement.name.clone(),
                basis: basis.name.clone(),
                rule,
            }),
            _ => Err(Reason::Agreement),
        }
    }

    fn hard_rules(&self, class: &Class, partner: &Partner) -> Result<(), Reason> {
        let country = |code: &str| partner.country.as_str() == code;
        if class.origin != self.centre {
            return Err(Reason::NotOurs);
        }
        if class.conflict {
            return Err(Reason::UnknownMarking);
        }
        if class.caveats.contains(&Caveat::NoForeign) && !country("USA") {
            return Err(Reason::Noforn);
        }
        if class.caveats.contains(&Caveat::CanadianEyesOnly) && !country("CAN") {
            return Err(Reason::CanadianEyesOnly);
        }
        if class.releasable_to.as_ref().is_some_and(|countries| !countries.contains(&partner.country)) {
            return Err(Reason::ReleasableTo);
        }
        let crosses = |(of, level): &(String, String)| {
            of == self.country.as_str() && self.agreement.level_crosses(of, partner.country.as_str(), level)
        };
        if class.levels.iter().all(crosses) { Ok(()) } else { Err(Reason::Ceiling) }
    }
}
