//! The release worker: follows the object log, asks gate out about every statement of this centre, and writes what may cross
//! into the link log. What waits becomes one commit.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use indexer::{Change, LinkLog, NewLinkRow, Released, Snapshot, Store, StoreError, Unchecked};
use model::json::Limits;
use model::principal::CentreCode;
use model::stix::{StixId, Version};
use model::time::{Clock, Timestamp};
use sha2::{Digest, Sha256};
use sharing::link::LinkKind;
use sharing::release::{CYBER_DEFENCE, Partner};
use sharing::render::{Rendering, render};
use sharing::{ClassId, Gate, Permit, Reason};
use tokio::sync::watch;

use super::order::rank;

/// Entries of the log that are decided in one commit of the link log.
const LOOK_ENTRIES: usize = 2_000;

/// The rule of every withdrawal.
const WITHDRAWN: &str = "withdrawn";

/// The border towards one partner.
pub(crate) struct Border {
    store: Arc<Store>,
    gate: Arc<Gate>,
    partner: Partner,
    log: Arc<LinkLog>,
    clock: Arc<dyn Clock>,
}

/// What gate out says of one version now.
pub(crate) enum Verdict {
    /// It may cross as these bytes.
    Send {
        /// The leave.
        permit: Permit,
        /// What leaves.
        bytes: Vec<u8>,
        /// Its SHA-256.
        digest: [u8; 32],
    },
    /// It stays, by the first rule that denies.
    Stay(Reason),
}

/// What is decided of one version.
struct Decision {
    version: Version,
    class: ClassId,
    verdict: Result<(Permit, [u8; 32]), Reason>,
}

/// One look at the log: each id once, with the entry that touched it last.
struct Work {
    queue: BTreeSet<(u8, StixId)>,
    causes: HashMap<StixId, u64>,
    visible: HashMap<StixId, bool>,
    decided: BTreeMap<(u8, StixId), Vec<Decision>>,
}

impl Border {
    /// The border towards `partner`, with its link log.
    pub(crate) fn new(
        store: Arc<Store>,
        gate: Arc<Gate>,
        partner: Partner,
        log: Arc<LinkLog>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { store, gate, partner, log, clock }
    }

    /// Whose statements cross.
    pub(crate) fn centre(&self) -> &CentreCode {
        self.gate.centre()
    }

    /// The link log.
    pub(crate) fn log(&self) -> &Arc<LinkLog> {
        &self.log
    }

    /// The partner.
    pub(crate) fn partner(&self) -> &Partner {
        &self.partner
    }

    /// The object log's entries that are not decided yet.
    pub(crate) fn behind(&self) -> u64 {
        self.store.head().borrow().saturating_sub(self.log.applied())
    }

    /// Decides whatever comes, until `stop`.
    pub(crate) async fn follow(self: Arc<Self>, mut stop: watch::Receiver<bool>) -> anyhow::Result<()> {
        let mut head = self.store.head();
        loop {
            head.borrow_and_update();
            let border = Arc::clone(&self);
            tokio::task::spawn_blocking(move || border.keep_up()).await??;
            tokio::select! {
                changed = head.changed() => changed?,
                _ = stop.wait_for(|stop| *stop) => return Ok(()),
            }
        }
    }

    /// Decides all that the log has now.
    fn keep_up(&self) -> Result<(), StoreError> {
        loop {
            let snapshot = self.store.read()?;
            let changes = snapshot.changes(self.log.applied().saturating_add(1), LOOK_ENTRIES)?;
            let Some((upto, _)) = changes.last() else { return Ok(()) };
            let upto = *upto;
            let mut work = Work::new();
            for (sequence, change) in changes {
                if let Change::Statement(key) = change
                    && key.origin == *self.gate.centre()
                {
                    work.touch(key.id, sequence);
                }
            }
            self.decide(&snapshot, &mut work)?;
            let (rows, withheld) = self.rows(work)?;
            self.log.append(rows, withheld, upto)?;
        }
    }

    /// Decides each id of the work, what it refers to first. Where a decision changes what others may refer to, those are
    /// decided again.
    fn decide(&self, snapshot: &Snapshot, work: &mut Work) -> Result<(), StoreError> {
        let now = self.clock.now();
        while let Some(place) = work.queue.pop_first() {
            let id = place.1.clone();
            let before = self.is_visible(snapshot, &work.visible, &id)?;
            let mut decisions = Vec::new();
            for statement in snapshot.statements(&id)? {
                if statement.head.key.origin != *self.gate.centre() {
                    continue;
                }
                let verdict = match self.verdict(snapshot, &work.visible, &statement, now)? {
                    Verdict::Send { permit, digest, .. } => Ok((permit, digest)),
                    Verdict::Stay(reason) => Err(reason),
                };
                let (version, class) = (statement.head.key.version, statement.head.class);
                decisions.push(Decision { version, class, verdict });
            }
            let crosses = decisions.iter().any(|decision| decision.verdict.is_ok());
            work.visible.insert(id.clone(), crosses);
            let cause = work.causes.get(&id).copied().unwrap_or_default();
            work.decided.insert(place, decisions);
            if crosses != before {
                for key in snapshot.referring_keys(&id)?.into_iter().filter(|key| key.origin == *self.gate.centre()) {
                    work.touch(key.id, cause);
                }
            }
        }
        Ok(())
    }

    /// Has the partner this object, as it stands with the decisions made so far? What it stated itself it has.
    fn is_visible(
        &self,
        snapshot: &Snapshot,
        decided: &HashMap<StixId, bool>,
        id: &StixId,
    ) -> Result<bool, StoreError> {
        let ours = match decided.get(id) {
            Some(crosses) => *crosses,
            None => self.log.released(id)?.iter().any(|released| !released.withdrawn),
        };
        Ok(ours || snapshot.is_held_of(id, &self.partner.code)?)
    }

    /// Asks gate out about one version: its class, the class of the newest, and everything that it refers to.
    fn verdict(
        &self,
        snapshot: &Snapshot,
        decided: &HashMap<StixId, bool>,
        statement: &Unchecked,
        now: Timestamp,
    ) -> Result<Verdict, StoreError> {
        let crossing = |class| self.gate.crossing(class, &self.partner, now);
        let permit =
            match crossing(statement.head.class).and_then(|permit| crossing(statement.governing).map(|_| permit)) {
                Ok(permit) => permit,
                Err(reason) => return Ok(Verdict::Stay(reason)),
            };
        let (object, _) = model::stix::read(&statement.bytes, &Limits::default())
            .map_err(|_| StoreError::Damaged("a stored object cannot be read"))?;
        let mut failed = None;
        let visible = std::cell::RefCell::new(&mut failed);
        let rendering = render(&object, &statement.bytes, |id| {
            self.is_visible(snapshot, decided, id).unwrap_or_else(|error| {
                visible.borrow_mut().replace(error);
                false
            })
        });
        if let Some(error) = failed {
            return Err(error);
        }
        let bytes = match rendering.map_err(|_| StoreError::Damaged("a stored object cannot be read"))? {
            Rendering::Whole => statement.bytes.clone(),
            Rendering::Redacted(bytes) => bytes,
            Rendering::Withheld(reason) => return Ok(Verdict::Stay(reason)),
        };
        let digest = Sha256::digest(&bytes).into();
        Ok(Verdict::Send { permit, bytes, digest })
    }

    /// What gate out says now of a version that was released before; none if it is not held any more.
    pub(crate) fn again(&self, snapshot: &Snapshot, statement: &Unchecked) -> Result<Verdict, StoreError> {
        self.verdict(snapshot, &HashMap::new(), statement, self.clock.now())
    }

    /// What changes at the partner, and what is withheld from it.
    fn rows(&self, work: Work) -> Result<(Vec<NewLinkRow>, Vec<WithheldKey>), StoreError> {
        let (mut rows, mut withheld) = (Vec::new(), Vec::new());
        for ((_, id), decisions) in work.decided {
            let released = self.log.released(&id)?;
            let cause = work.causes.get(&id).copied().unwrap_or_default();
            for decision in decisions {
                let before = released.iter().find(|released| released.version == decision.version);
                if before.is_none() {
                    let reason = decision.verdict.as_ref().err().map(|reason| reason.as_str().to_owned());
                    withheld.push((id.clone(), decision.version, reason));
                }
                rows.extend(self.row(&id, &decision, before, cause));
            }
        }
        // What is taken back goes before what comes instead of it.
        rows.sort_by_key(|row| row.kind == LinkKind::Release);
        Ok((rows, withheld))
    }

    fn row(&self, id: &StixId, decision: &Decision, before: Option<&Released>, cause: u64) -> Option<NewLinkRow> {
        let row = |kind, rendering, digest, agreement: String, rule: String| NewLinkRow {
            kind,
            id: id.clone(),
            version: decision.version,
            rendering,
            digest,
            agreement,
            rule,
            purpose: CYBER_DEFENCE.to_owned(),
            time: self.clock.now(),
            class: decision.class,
            cause,
        };
        match (&decision.verdict, before) {
            (Ok((_, digest)), Some(before)) if before.digest == *digest && !before.withdrawn => None,
            (Ok((permit, digest)), before) => {
                let rendering = before.map_or(0, |before| before.rendering.saturating_add(1));
                let rule = permit.rule().to_owned();
                Some(row(LinkKind::Release, rendering, *digest, permit.agreement().to_owned(), rule))
            }
            (Err(_), Some(before)) if !before.withdrawn => {
                // The row travels with the withdrawal: why it is taken back is not the partner's to know.
                let agreement = self.gate.agreement().to_owned();
                Some(row(LinkKind::Withdrawal, before.rendering, before.digest, agreement, WITHDRAWN.to_owned()))
            }
            (Err(_), _) => None,
        }
    }
}

/// A statement of ours and why it is withheld, if it is.
type WithheldKey = (StixId, Version, Option<String>);

impl Work {
    fn new() -> Self {
        Self { queue: BTreeSet::new(), causes: HashMap::new(), visible: HashMap::new(), decided: BTreeMap::new() }
    }

    fn touch(&mut self, id: StixId, cause: u64) {
        self.causes.insert(id.clone(), cause);
        self.queue.insert((rank(id.object_type()), id));
    }
}
