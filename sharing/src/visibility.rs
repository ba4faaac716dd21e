//! What one principal may see: a decision for each class, made once and kept.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use model::marking::{Caveat, Tlp};
use model::time::Timestamp;
use sha2::{Digest, Sha256};

use crate::agreement::{Agreement, Audience};
use crate::class::{Class, ClassId, ClassSetId, ClassTable};
use crate::principal::{Principal, Role};

const UNDECIDED: u8 = 0;
const SEEN: u8 = 1;
const HIDDEN: u8 = 2;

/// What one principal may see, at this centre, for one purpose, until [`Visibility::holds_until`]. Only [`crate::Gate`] makes it.
#[derive(Debug)]
pub struct Visibility {
    principal: Principal,
    agreement: Arc<Agreement>,
    table: Arc<ClassTable>,
    at: Timestamp,
    holds_until: Option<Timestamp>,
    classes: Decisions,
    sets: Decisions,
}

/// One answer for each interned number, filled as they are asked.
#[derive(Debug, Default)]
struct Decisions(RwLock<Vec<AtomicU8>>);

impl Decisions {
    fn known(&self, number: u32) -> Option<bool> {
        let cells = self.0.read().unwrap_or_else(PoisonError::into_inner);
        match cells.get(number as usize)?.load(Ordering::Relaxed) {
            SEEN => Some(true),
            HIDDEN => Some(false),
            _ => None,
        }
    }

    fn keep(&self, number: u32, answer: bool) -> bool {
        let place = number as usize;
        let mut cells = self.0.write().unwrap_or_else(PoisonError::into_inner);
        while cells.len() <= place {
            cells.push(AtomicU8::new(UNDECIDED));
        }
        if let Some(cell) = cells.get(place) {
            cell.store(if answer { SEEN } else { HIDDEN }, Ordering::Relaxed);
        }
        answer
    }
}

impl Visibility {
    pub(crate) fn new(
        principal: &Principal,
        agreement: &Arc<Agreement>,
        table: &Arc<ClassTable>,
        now: Timestamp,
    ) -> Self {
        Self {
            principal: principal.clone(),
            agreement: Arc::clone(agreement),
            table: Arc::clone(table),
            at: now,
            holds_until: agreement.next_change(now),
            classes: Decisions::default(),
            sets: Decisions::default(),
        }
    }

    /// Whose it is.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The same for all that decide alike: what cursors are sealed to and disclosures record.
    pub fn fingerprint(&self) -> u64 {
        let mut hash = Sha256::new();
        let Principal { name, country, roles, revoked, .. } = &self.principal;
        hash.update(format!(
            "{name}\n{country}\n{roles:?}\n{revoked}\n{}\n{:?}",
            self.agreement.name, self.holds_until
        ));
        let digest: [u8; 32] = hash.finalize().into();
        digest.first_chunk::<8>().map_or(0, |first| u64::from_be_bytes(*first))
    }

    /// When it must be asked for anew: a legal basis begins or ends then.
    pub fn holds_until(&self) -> Option<Timestamp> {
        self.holds_until
    }

    /// May statements of this class be seen? A number that nobody has defined is hidden, and asked again next time.
    pub fn sees(&self, id: ClassId) -> bool {
        if let Some(known) = self.classes.known(id.0) {
            return known;
        }
        let Some(class) = self.table.meaning(id) else { return false };
        self.classes.keep(id.0, decide(&self.principal, &self.agreement, &class, self.at))
    }

    /// May everything of a set be seen? Of each member one alternative must be; a member without alternatives is not held
    /// here and hidden.
    pub fn sees_all(&self, id: ClassSetId) -> bool {
        if let Some(known) = self.sets.known(id.0) {
            return known;
        }
        let Some(set) = self.table.members(id) else { return false };
        self.sets.keep(id.0, set.iter().all(|member| member.iter().any(|class| self.sees(*class))))
    }

    /// The numbers of all classes defined now that may be seen.
    pub fn classes(&self) -> Vec<ClassId> {
        let (count, _) = self.table.counts();
        (0..u32::try_from(count).unwrap_or(u32::MAX)).map(ClassId).filter(|id| self.sees(*id)).collect()
    }

    /// The numbers of all sets defined now of which everything may be seen.
    pub fn sets(&self) -> Vec<ClassSetId> {
        let (_, count) = self.table.counts();
        (0..u32::try_from(count).unwrap_or(u32::MAX)).map(ClassSetId).filter(|id| self.sees_all(*id)).collect()
    }
}

fn decide(principal: &Principal, agreement: &Agreement, class: &Class, now: Timestamp) -> bool {
    if principal.revoked {
        return false;
    }
    let country = principal.country;
    let foreign = |caveat| class.caveats.contains(&caveat);
    if (foreign(Caveat::NoForeign) && country.as_str() != "USA")
        || (foreign(Caveat::CanadianEyesOnly) && country.as_str() != "CAN")
        || class.releasable_to.as_ref().is_some_and(|countries| !countries.contains(&country))
        || class.levels.iter().any(|(of, _)| of != country.as_str())
    {
        return false;
    }
    // What is classified is for cleared people: no agreement here says of a site, an operator or a company that it is.
    if !class.levels.is_empty() && !principal.reads_as_analyst() {
        return false;
    }
    // An own centre needs no basis to read what it holds itself; the other party's basis is asked when something crosses.
    let at_home = principal.name.centre() == &class.origin;
    match class.tlp {
        Some(Tlp::Red) => {
            let machine = principal.is(Role::Sensor) || principal.is(Role::Peer);
            !machine
                && (class.publisher.as_ref() == Some(&principal.name) || class.recipients.contains(&principal.name))
        }
        None => at_home && (principal.reads_as_analyst() || principal.is(Role::Sensor)),
        Some(tlp) => audiences(principal).any(|audience| {
            agreement.releases(tlp, audience)
                && (audience == Audience::Analysts || agreement.in_force(principal.name.centre(), now))
        }),
    }
}

/// A sensor stands with the analysts of its own centre, RED apart. The partner centre itself reads over the link alone.
fn audiences(principal: &Principal) -> impl Iterator<Item = Audience> + '_ {
    [
        (principal.reads_as_analyst() || principal.is(Role::Sensor)).then_some(Audience::Analysts),
        principal.is(Role::Operator).then_some(Audience::Operators),
        principal.is(Role::Partner).then_some(Audience::PrivatePartners),
    ]
    .into_iter()
    .flatten()
}
