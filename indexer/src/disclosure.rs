//! The disclosure log: what left, to whom; durable before the first byte leaves. What is waiting becomes one frame.

use std::sync::{Arc, Mutex, PoisonError};

use model::time::{Clock, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use crate::error::StoreError;
use crate::keys::{KeyName, Keyring};
use crate::log::file::LogFile;
use crate::log::frame::Frames;
use crate::store::Settings;

/// The retention class of disclosures: they outlive what they tell of.
const RETENTION: u32 = 2;

/// The plain part of a disclosure's entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct DisclosureEnvelope {
    date: Timestamp,
    key: KeyName,
}

struct Request {
    disclosure: Vec<u8>,
    answer: oneshot::Sender<()>,
}

/// The disclosure log of one centre.
pub struct DisclosureLog {
    log: Arc<LogFile>,
    keys: Arc<Keyring>,
    requests: Mutex<Option<mpsc::Sender<Request>>>,
    writer: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl DisclosureLog {
    pub(crate) fn start(
        log: LogFile,
        settings: &Settings,
        keys: Arc<Keyring>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let log = Arc::new(log);
        let (sender, receiver) = mpsc::channel(settings.disclosure_queue.max(1));
        let mut writer = DisclosureWriter {
            next: log.next()?,
            last_date: last_date(&log)?,
            log: Arc::clone(&log),
            keys: Arc::clone(&keys),
            clock,
            commit_entries: settings.disclosure_commit_entries.max(1),
        };
        let thread = std::thread::Builder::new()
            .name("disclosure-writer".to_owned())
            .spawn(move || writer.run(receiver))
            .map_err(StoreError::Thread)?;
        Ok(Self { log, keys, requests: Mutex::new(Some(sender)), writer: Mutex::new(Some(thread)) })
    }

    /// Records what is about to leave. Durable when it returns.
    pub async fn record(&self, disclosure: Vec<u8>) -> Result<(), StoreError> {
        let (answer, receive) = oneshot::channel();
        let sender =
            self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or(StoreError::WriterGone)?;
        sender.send(Request { disclosure, answer }).await.map_err(|_| StoreError::WriterGone)?;
        receive.await.map_err(|_| StoreError::WriterGone)
    }

    /// Hands each disclosure from sequence `from` on to `each`, in order, until it says no: sequence, date, what was recorded
    /// (empty if its key was destroyed).
    pub fn each(&self, from: u64, each: impl FnMut(u64, Timestamp, &[u8]) -> bool) -> Result<(), StoreError> {
        each_disclosure(&self.log, &self.keys, from, each)
    }

    pub(crate) fn file(&self) -> &LogFile {
        &self.log
    }

    /// Takes no more disclosures and waits until those accepted are durable.
    pub(crate) fn close(&self) {
        drop(self.requests.lock().unwrap_or_else(PoisonError::into_inner).take());
        if let Some(thread) = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take()
            && thread.join().is_err()
        {
            tracing::error!("the disclosure log's writer ended in disorder");
        }
    }
}

impl Drop for DisclosureLog {
    fn drop(&mut self) {
        self.close();
    }
}

/// As [`DisclosureLog::each`], of a file that nobody writes.
pub(crate) fn each_disclosure(
    log: &LogFile,
    keys: &Keyring,
    from: u64,
    mut each: impl FnMut(u64, Timestamp, &[u8]) -> bool,
) -> Result<(), StoreError> {
    let mut body = Vec::new();
    log.each(from, |sequence, entry| {
        let envelope: DisclosureEnvelope = postcard::from_bytes(entry.envelope)?;
        body.clear();
        match keys.unseal(envelope.key, entry.envelope, entry.body, &mut body) {
            Ok(()) | Err(StoreError::Erased) => Ok(each(sequence, envelope.date, &body)),
            Err(error) => Err(error),
        }
    })
}

fn last_date(log: &LogFile) -> Result<Timestamp, StoreError> {
    let mut last = Timestamp::from_micros(0);
    log.each(log.next()?.saturating_sub(1), |_, entry| {
        last = postcard::from_bytes::<DisclosureEnvelope>(entry.envelope)?.date;
        Ok(true)
    })?;
    Ok(last)
}

struct DisclosureWriter {
    log: Arc<LogFile>,
    keys: Arc<Keyring>,
    clock: Arc<dyn Clock>,
    next: u64,
    last_date: Timestamp,
    commit_entries: usize,
}

impl DisclosureWriter {
    /// Until every sender is gone. A commit that fails ends it: nothing leaves that is not recorded.
    fn run(&mut self, mut requests: mpsc::Receiver<Request>) {
        while let Some(first) = requests.blocking_recv() {
            let mut batch = vec![first];
            while batch.len() < self.commit_entries
                && let Ok(more) = requests.try_recv()
            {
                batch.push(more);
            }
            if let Err(error) = self.commit(&batch) {
                tracing::error!(%error, "the disclosure log cannot be written; nothing is shown to anyone any more");
                return;
            }
            for request in batch {
                let _ = request.answer.send(()); // who asked may be gone
            }
        }
    }

    fn commit(&mut self, batch: &[Request]) -> Result<(), StoreError> {
        let mut frames = Frames::new(self.next);
        let mut next = self.next;
        for request in batch {
            let date = self.clock.now().max(self.last_date);
            self.last_date = date;
            let envelope = DisclosureEnvelope { date, key: KeyName::at(RETENTION, date) };
            let bytes = postcard::to_stdvec(&envelope)?;
            frames.push(next, &bytes, &self.keys.seal(envelope.key, &bytes, &request.disclosure)?)?;
            next = next.saturating_add(1);
        }
        self.log.append(&frames.finish())?;
        self.next = next;
        Ok(())
    }
}
