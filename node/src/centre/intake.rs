//! The way in: every object of a body through gate in, everything that is to be kept in one atomic append, then the answer.

use std::collections::BTreeSet;
use std::sync::Arc;

use api::service::{Answer, Directory, Intake, NotTaken, Outcome, PublishOptions, ServiceError, Taken};
use bytes::Bytes;
use indexer::{NewEntry, NewStatement, Snapshot, StatementKey, Store, StoreError, references_of};
use model::json::{JsonError, split_objects};
use model::principal::CentreCode;
use model::stix::{Object, StixId, Version};
use prometheus::IntCounter;
use sharing::Principal;
use sharing::gate_in::{Admission, Admitted, FOREIGN_AUTHOR, Read, Submission, decide};

use super::claims::Claims;
use super::directory::Principals;
use super::held::{Holding, limits};
use super::order::rank;
use super::rules::is_unmatched;

/// Most quarantined objects that are looked at when a definition arrives.
const WAITING_MAX: usize = 100_000;

/// Takes what analysts and partners hand in.
pub(crate) struct Reception {
    store: Arc<Store>,
    centre: CentreCode,
    principals: Arc<Principals>,
    claims: Claims,
    not_matched: IntCounter,
    body_bytes_max: usize,
}

/// One object of a body: its bytes and what was read of them.
pub(crate) struct Item {
    raw: Vec<u8>,
    read: Read,
}

impl Item {
    /// Reads one object.
    pub(crate) fn read(raw: Vec<u8>, submission: &Submission) -> Self {
        let read = model::stix::read(&raw, &submission.limits);
        Self { raw, read }
    }

    fn id(&self) -> Option<&StixId> {
        self.read.as_ref().ok().map(|(object, _)| &object.id)
    }

    fn rank(&self) -> u8 {
        self.id().map_or(u8::MAX, |id| rank(id.object_type()))
    }
}

/// What a body comes to: what is to be appended, what the sender is told, which definitions are new.
#[derive(Default)]
pub(crate) struct Decided {
    /// Entries to append.
    pub(crate) entries: Vec<NewEntry>,
    /// What the sender is told.
    pub(crate) outcome: Outcome,
    /// Marking definitions that were admitted.
    pub(crate) definitions: Vec<StixId>,
    /// How many indicators were admitted that are not matched here.
    pub(crate) not_matched: u64,
    /// An object that the sender may not write: the whole body is refused.
    forbidden: Option<String>,
}

impl Reception {
    /// The way into `store`.
    pub(crate) fn new(
        store: Arc<Store>,
        centre: CentreCode,
        principals: Arc<Principals>,
        not_matched: IntCounter,
        body_bytes_max: usize,
    ) -> Self {
        Self { store, centre, principals, claims: Claims::default(), not_matched, body_bytes_max }
    }

    fn submission(&self, by: &Principal, options: &PublishOptions) -> Submission {
        Submission {
            origin: self.centre.clone(),
            publisher: Some(by.name.clone()),
            organisation: Some(by.organisation.clone()),
            source: options.source.clone(),
            default_marking: options.default_marking,
            limits: limits(self.body_bytes_max),
        }
    }

    /// Counts indicators that were taken, but are not matched here.
    pub(crate) fn count_not_matched(&self, count: u64) {
        self.not_matched.inc_by(count);
    }

    async fn items(&self, body: Bytes, submission: &Submission) -> Result<Vec<Item>, ServiceError> {
        let submission = submission.clone();
        let read = tokio::task::spawn_blocking(move || -> Result<Vec<Item>, JsonError> {
            let raws = split_objects(&body, &submission.limits)?;
            let mut items: Vec<Item> = raws.into_iter().map(|raw| Item::read(raw.to_vec(), &submission)).collect();
            items.sort_by_key(Item::rank);
            Ok(items)
        });
        match read.await.map_err(internal)? {
            Ok(items) => Ok(items),
            Err(error @ JsonError::Syntax(_)) => Err(ServiceError::BadRequest(error.to_string())),
            Err(error) => Err(ServiceError::Unprocessable(error.to_string())),
        }
    }

    /// Decides on every item as the store stands now; the caller holds the claims on their ids.
    async fn decided(&self, items: Vec<Item>, submission: Submission) -> Result<Decided, ServiceError> {
        let (store, principals) = (Arc::clone(&self.store), Arc::clone(&self.principals));
        let task = tokio::task::spawn_blocking(move || {
            let snapshot = store.read()?;
            decide_all(&snapshot, &principals, items, &submission)
        });
        task.await.map_err(internal)?.map_err(internal)
    }

    async fn take(&self, items: Vec<Item>, submission: Submission) -> Result<Outcome, ServiceError> {
        let ids: BTreeSet<StixId> = items.iter().filter_map(Item::id).cloned().collect();
        let claim = self.claims.take(ids).await;
        let decided = self.decided(items, submission).await?;
        if let Some(id) = decided.forbidden {
            return Err(ServiceError::Forbidden(format!(
                "`{id}` names another organisation as its author: nothing of the request was taken"
            )));
        }
        if !decided.entries.is_empty() {
            self.store.append(decided.entries).await.map_err(internal)?;
        }
        self.count_not_matched(decided.not_matched);
        drop(claim);
        if !decided.definitions.is_empty() {
            self.reconsider(&decided.definitions).await?;
        }
        Ok(decided.outcome)
    }

    /// What waited in quarantine for one of these definitions goes through the gate again, in its sender's name.
    pub(crate) async fn reconsider(&self, definitions: &[StixId]) -> Result<(), ServiceError> {
        let snapshot = self.store.read().map_err(internal)?;
        let (kept, _) = snapshot.quarantine(|_| true, 0, WAITING_MAX).map_err(internal)?;
        drop(snapshot);
        for kept in kept.into_iter().rev().filter(|kept| kept.waits_for.iter().any(|id| definitions.contains(id))) {
            let Some(sender) = kept.submitter.as_ref().and_then(|name| self.principals.by_name(name)) else { continue };
            let submission = self.submission(&sender, &PublishOptions::default());
            let item = Item::read(kept.bytes, &submission);
            let claim = self.claims.take(item.id().cloned().into_iter().collect()).await;
            let decided = self.decided(vec![item], submission).await?;
            if decided.outcome.accepted.is_empty() {
                continue; // it waits for another definition still, and stays where it is
            }
            let ended = NewEntry::QuarantineEnded { position: kept.position };
            self.store.append(decided.entries.into_iter().chain([ended]).collect()).await.map_err(internal)?;
            drop(claim);
        }
        Ok(())
    }
}

/// Decides on every item in turn, each with what was admitted before it.
pub(crate) fn decide_all(
    snapshot: &Snapshot,
    principals: &Principals,
    items: Vec<Item>,
    submission: &Submission,
) -> Result<Decided, StoreError> {
    let book = principals.book();
    let mut holding = Holding::new(snapshot, &book);
    let mut decided = Decided::default();
    for item in items {
        let admission = decide(&item.raw, item.read, submission, &holding);
        if let Admission::Accept(admitted) = &admission {
            holding.admitted(&admitted.object, admitted.digest);
        }
        decided.note(admission, item.raw, submission);
    }
    holding.check()?;
    Ok(decided)
}

impl Decided {
    fn note(&mut self, admission: Admission, raw: Vec<u8>, submission: &Submission) {
        match admission {
            Admission::Accept(admitted) => {
                let object = &admitted.object;
                self.outcome.accepted.push(Taken { id: object.id.to_string(), version: version_text(&object.version) });
                if object.object_type() == "marking-definition" {
                    self.definitions.push(object.id.clone());
                }
                self.not_matched += u64::from(is_unmatched(object));
                self.entries.extend(statements(*admitted, raw, submission));
            }
            Admission::Unchanged(id, version) => {
                self.outcome.unchanged.push(Taken { id: id.to_string(), version: version_text(&version) });
            }
            Admission::Quarantine { id, faults, waits_for } => {
                let id = id.unwrap_or_default();
                self.outcome.quarantined.push(NotTaken { id, faults: faults.clone() });
                let submitter = submission.publisher.clone();
                self.entries.push(NewEntry::Quarantined { submitter, waits_for, faults, bytes: raw });
            }
            Admission::Refuse { id, faults } => {
                if faults.iter().any(|fault| fault.code == FOREIGN_AUTHOR) {
                    self.forbidden.clone_from(&id);
                }
                let code = faults.first().map_or_else(String::new, |fault| fault.code.to_string());
                self.outcome.refused.push(NotTaken { id: id.unwrap_or_default(), faults });
                self.entries.push(NewEntry::Refused { submitter: submission.publisher.clone(), code });
            }
        }
    }
}

/// What is appended of an admitted object: the bytes as received, and behind them the rendering that leaves, if there is one.
fn statements(admitted: Admitted, raw: Vec<u8>, submission: &Submission) -> Vec<NewEntry> {
    let Admitted { object, class, digest, rendering, .. } = admitted;
    let statement = |rendering: u32, bytes: Vec<u8>| {
        NewEntry::Statement(Box::new(NewStatement {
            key: StatementKey {
                origin: submission.origin.clone(),
                id: object.id.clone(),
                version: object.version,
                rendering,
            },
            submitter: submission.publisher.clone(),
            source: submission.source.clone(),
            class: class.clone(),
            refers_to: references_of(&object),
            digest,
            revoked: object.revoked,
            spec_20: is_spec_20(&object),
            bytes,
        }))
    };
    [statement(0, raw)].into_iter().chain(rendering.map(|bytes| statement(1, bytes))).collect()
}

/// STIX 2.0 objects have no `spec_version` of their own (STIX 2.1 §3.2).
pub(crate) fn is_spec_20(object: &Object) -> bool {
    object.modified.is_some() && object.value.get("spec_version").is_none_or(|version| version == "2.0")
}

/// A version as an outcome tells it.
pub(crate) fn version_text(version: &Version) -> String {
    match version {
        Version::Modified(time) => time.to_string(),
        Version::Digest(digest) => hex::encode(digest),
    }
}

/// A failure of ours, for the log alone.
pub(crate) fn internal(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ServiceError {
    ServiceError::Internal(error.into())
}

impl Intake for Reception {
    fn publish<'a>(&'a self, body: Bytes, by: &'a Principal, options: &'a PublishOptions) -> Answer<'a, Outcome> {
        Box::pin(async move {
            let submission = self.submission(by, options);
            let items = self.items(body, &submission).await?;
            let outcome = self.take(items, submission).await?;
            tracing::info!(
                by = %by.name, source = options.source, accepted = outcome.accepted.len(),
                quarantined = outcome.quarantined.len(), refused = outcome.refused.len(), "published"
            );
            Ok(outcome)
        })
    }

    fn validate<'a>(&'a self, body: Bytes, by: &'a Principal) -> Answer<'a, Outcome> {
        Box::pin(async move {
            let submission = self.submission(by, &PublishOptions::default());
            let items = self.items(body, &submission).await?;
            Ok(self.decided(items, submission).await?.outcome)
        })
    }
}
