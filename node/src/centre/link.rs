//! The origin's side of the partner link (ADR 4): the link log as lines, each row asked of gate out again when it is sent.

use std::sync::Arc;

use api::service::{Answer, Releases, ServiceError, Sha256};
use bytes::Bytes;
use feeds::peer::wire::{IDLE_EVERY, Line, Record};
use indexer::{LoggedRow, Snapshot, StatementKey, Store};
use model::marking::Tlp;
use sharing::link::{LinkCursor, LinkKind};
use sharing::{ClassTable, Principal};
use tokio::sync::mpsc;

use super::intake::internal;
use super::release::{Border, Verdict};

/// Rows that are read from the link log in one go.
const LOOK_ROWS: usize = 256;
/// Messages that wait for the partner; further rows stay in the link log.
const MESSAGES_WAITING: usize = 4;

/// What the partner follows.
pub(crate) struct Outlet {
    store: Arc<Store>,
    border: Option<Arc<Border>>,
    classes: Arc<ClassTable>,
}

impl Outlet {
    /// The outlet of `border`; none: this centre has no partner.
    pub(crate) fn new(store: Arc<Store>, border: Option<Arc<Border>>) -> Self {
        let classes = Arc::clone(store.classes());
        Self { store, border, classes }
    }
}

impl Releases for Outlet {
    fn follow<'a>(&'a self, peer: &'a Principal, after: u64, root: Sha256) -> Answer<'a, mpsc::Receiver<Bytes>> {
        Box::pin(async move {
            let Some(border) = self.border.as_ref().filter(|border| border.partner().code == *peer.name.centre())
            else {
                return Err(ServiceError::Forbidden("no link with your centre is configured here".to_owned()));
            };
            let log = Arc::clone(border.log());
            let chain = tokio::task::spawn_blocking(move || log.chain_at(after)).await.map_err(internal)?;
            if chain.map_err(internal)? != Some(root) {
                let why = format!("what you hold at number {after} is not what was sent: the logs differ");
                return Err(ServiceError::Conflict(why));
            }
            let (near, far) = mpsc::channel(MESSAGES_WAITING);
            let sender = Sender {
                store: Arc::clone(&self.store),
                border: Arc::clone(border),
                classes: Arc::clone(&self.classes),
                at: LinkCursor { number: after, chain: root },
            };
            tokio::spawn(async move {
                if let Err(error) = sender.run(near).await {
                    tracing::error!(%error, "the link log cannot be sent");
                }
            });
            Ok(far)
        })
    }
}

/// One open line to the partner.
struct Sender {
    store: Arc<Store>,
    border: Arc<Border>,
    classes: Arc<ClassTable>,
    at: LinkCursor,
}

impl Sender {
    async fn run(mut self, near: mpsc::Sender<Bytes>) -> anyhow::Result<()> {
        let mut head = self.border.log().watch();
        loop {
            head.borrow_and_update();
            loop {
                let (sender, message) = tokio::task::spawn_blocking(move || {
                    let message = self.next();
                    (self, message)
                })
                .await?;
                self = sender;
                let message = message?;
                if message.is_empty() {
                    break;
                }
                if near.send(message.into()).await.is_err() {
                    return Ok(());
                }
            }
            tokio::select! {
                changed = head.changed() => changed?,
                () = near.closed() => return Ok(()),
                () = tokio::time::sleep(IDLE_EVERY) => {
                    let idle = Line::Idle { n: self.at.number, chain: self.at.chain };
                    if near.send(idle.encode().into()).await.is_err() {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// The lines of the next rows; empty if there are none.
    fn next(&mut self) -> anyhow::Result<Vec<u8>> {
        let mut message = Vec::new();
        let rows = self.border.log().rows(self.at.number, LOOK_ROWS)?;
        if rows.is_empty() {
            return Ok(message);
        }
        let snapshot = self.store.read()?;
        for row in rows {
            self.at = LinkCursor { number: row.row.number, chain: row.chain };
            message.extend_from_slice(&self.line(&snapshot, &row)?.encode());
        }
        Ok(message)
    }

    /// A row as the partner may have it now.
    fn line(&self, snapshot: &Snapshot, logged: &LoggedRow) -> anyhow::Result<Line> {
        let record = Record::new(&logged.row, logged.salt, logged.chain)?;
        if logged.row.kind == LinkKind::Withdrawal {
            return Ok(Line::Withdrawal(record));
        }
        let void = Line::Void { n: record.n, leaf: record.leaf, chain: record.chain };
        let key = StatementKey {
            origin: self.border.centre().clone(),
            id: logged.row.id.clone(),
            version: logged.row.version,
            rendering: 0,
        };
        let Some(statement) = snapshot.statement(&key)? else { return Ok(void) };
        let class = self.classes.meaning(statement.head.class);
        let publisher = class.filter(|class| class.tlp == Some(Tlp::Red)).and_then(|class| class.publisher);
        match self.border.again(snapshot, &statement)? {
            Verdict::Send { bytes, digest, .. } if digest == logged.row.digest => {
                Ok(Line::Release { record, publisher, object: String::from_utf8(bytes)? })
            }
            // It may no longer leave, or a later row brings what it has become.
            Verdict::Send { .. } | Verdict::Stay(_) => Ok(void),
        }
    }
}
