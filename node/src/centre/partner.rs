//! What arrives over the partner link: through gate in like everything else, then one atomic append with the new cursor.

use std::sync::{Arc, Mutex, PoisonError};

use feeds::peer::{Received, Sink, SinkError};
use futures_util::future::BoxFuture;
use indexer::{NewEntry, NewStatement, Snapshot, StatementKey, Store, StoreError, references_of};
use model::fault::Fault;
use model::principal::CentreCode;
use model::stix::{StixId, Version};
use model::time::Clock;
use sharing::gate_in::{Admission, Admitted, Submission, admit};
use sharing::link::{LinkCursor, LinkKind};

use super::directory::Principals;
use super::held::{Holding, limits};
use super::intake::{Reception, is_spec_20};
use super::rules::is_unmatched;
use super::status::{Arrival, Arrivals};

/// Takes what the partner sends.
pub(crate) struct Inlet {
    store: Arc<Store>,
    partner: CentreCode,
    principals: Arc<Principals>,
    reception: Arc<Reception>,
    arrivals: Arc<Arrivals>,
    clock: Arc<dyn Clock>,
    body_bytes_max: usize,
    cursor: Mutex<LinkCursor>,
}

/// What a batch of lines comes to.
#[derive(Default)]
struct Decided {
    entries: Vec<NewEntry>,
    definitions: Vec<StixId>,
    not_matched: u64,
    arrivals: Vec<(LinkKind, StixId, Version)>,
}

impl Inlet {
    /// The inlet of what `partner` sends.
    pub(crate) fn new(
        store: Arc<Store>,
        partner: CentreCode,
        principals: Arc<Principals>,
        reception: Arc<Reception>,
        arrivals: Arc<Arrivals>,
        clock: Arc<dyn Clock>,
        body_bytes_max: usize,
    ) -> Result<Self, StoreError> {
        let cursor = Mutex::new(store.read()?.link_cursor(&partner)?);
        Ok(Self { store, partner, principals, reception, arrivals, clock, body_bytes_max, cursor })
    }

    fn decide(&self, received: Vec<Received>) -> Result<Decided, StoreError> {
        let snapshot = self.store.read()?;
        let book = self.principals.book();
        let mut holding = Holding::new(&snapshot, &book);
        let mut decided = Decided::default();
        for received in received {
            match received {
                Received::Release { id, version, rendering, publisher, bytes, .. } => {
                    decided.arrivals.push((LinkKind::Release, id.clone(), version));
                    holding.replacing(rendering);
                    let submission = Submission {
                        origin: self.partner.clone(),
                        publisher,
                        organisation: None,
                        source: None,
                        default_marking: None,
                        limits: limits(self.body_bytes_max),
                    };
                    let admission = as_told(admit(&bytes, &submission, &holding), &id, version);
                    if let Admission::Accept(admitted) = &admission {
                        holding.admitted(&admitted.object, admitted.digest);
                    }
                    self.note(&mut decided, admission, rendering, &bytes);
                }
                Received::Withdrawal { id, version, .. } => {
                    decided.arrivals.push((LinkKind::Withdrawal, id.clone(), version));
                    let origin = self.partner.clone();
                    if is_held(&snapshot, &decided, &origin, &id, version)? {
                        decided.entries.push(NewEntry::Withdrawal { origin, id, version });
                    }
                }
            }
        }
        holding.check()?;
        Ok(decided)
    }

    fn note(&self, decided: &mut Decided, admission: Admission, rendering: u32, bytes: &[u8]) {
        match admission {
            Admission::Accept(admitted) => {
                let Admitted { object, class, digest, .. } = *admitted;
                decided.not_matched += u64::from(is_unmatched(&object));
                if object.object_type() == "marking-definition" {
                    decided.definitions.push(object.id.clone());
                }
                decided.entries.push(NewEntry::Statement(Box::new(NewStatement {
                    key: StatementKey {
                        origin: self.partner.clone(),
                        id: object.id.clone(),
                        version: object.version,
                        rendering,
                    },
                    submitter: None,
                    source: None,
                    class,
                    refers_to: references_of(&object),
                    digest,
                    revoked: object.revoked,
                    spec_20: is_spec_20(&object),
                    bytes: bytes.to_vec(),
                })));
            }
            Admission::Unchanged(..) => {}
            Admission::Quarantine { faults, waits_for, .. } => {
                decided.entries.push(NewEntry::Quarantined {
                    submitter: None,
                    waits_for,
                    faults,
                    bytes: bytes.to_vec(),
                });
            }
            // Nothing that crossed is lost, whatever our gate says of it: the officers look at it.
            Admission::Refuse { faults, .. } => {
                let waits_for = Vec::new();
                decided.entries.push(NewEntry::Quarantined {
                    submitter: None,
                    waits_for,
                    faults,
                    bytes: bytes.to_vec(),
                });
            }
        }
    }
}

/// An object that is not the one that its row tells of is kept aside: the row is what the partner withdraws by.
fn as_told(admission: Admission, id: &StixId, version: Version) -> Admission {
    match &admission {
        Admission::Accept(admitted) if admitted.object.id != *id || admitted.object.version != version => {
            let why = format!("the object is not the version of `{id}` that its row in the link log tells of");
            let fault = Fault::error("not-as-told", "/id", "Bridgewatch partner link", why).of(id.as_str());
            Admission::Quarantine { id: Some(id.to_string()), faults: vec![fault], waits_for: Vec::new() }
        }
        _ => admission,
    }
}

/// Is there that version to take back, in the store or before it in this batch?
fn is_held(
    snapshot: &Snapshot,
    decided: &Decided,
    origin: &CentreCode,
    id: &StixId,
    version: Version,
) -> Result<bool, StoreError> {
    let coming = decided.entries.iter().any(|entry| match entry {
        NewEntry::Statement(new) => new.key.id == *id && new.key.version == version,
        _ => false,
    });
    Ok(coming || snapshot.digest(origin, id, &version)?.is_some())
}

impl Sink for Inlet {
    fn cursor(&self) -> LinkCursor {
        *self.cursor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, received: Vec<Received>, cursor: LinkCursor) -> BoxFuture<'_, Result<(), SinkError>> {
        Box::pin(async move {
            let mut decided = tokio::task::block_in_place(|| self.decide(received))?;
            let held = NewEntry::LinkCursor { partner: self.partner.clone(), cursor };
            decided.entries.push(held);
            self.store.append(decided.entries).await?;
            *self.cursor.lock().unwrap_or_else(PoisonError::into_inner) = cursor;
            self.reception.count_not_matched(decided.not_matched);
            let time = self.clock.now();
            for (kind, id, version) in decided.arrivals {
                self.arrivals.note(Arrival { time, kind, id, version });
            }
            if !decided.definitions.is_empty() {
                self.reception.reconsider(&decided.definitions).await?;
            }
            Ok(())
        })
    }
}
