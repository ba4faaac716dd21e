//! The logs in clear, entry by entry: for those who run the centre, and for tests that look for what must not be there.

use std::path::Path;

use model::principal::CentreCode;
use model::time::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::disclosure::each_disclosure;
use crate::error::StoreError;
use crate::keys::Keyring;
use crate::link::{LinkLog, LoggedRow};
use crate::log::entry::{Envelope, Head};
use crate::log::file::LogFile;
use crate::store::Store;

/// An entry of one of a centre's logs in clear.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DumpedEntry {
    /// Which log: `objects`, `disclosures`, or `link` and the partner.
    pub log: String,
    /// Its sequence in that log.
    pub sequence: u64,
    /// Its date.
    pub date: Timestamp,
    /// What it is.
    pub kind: String,
    /// Its plain part.
    pub head: Value,
    /// Its content as text; none if it has none, or its key was destroyed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Its key was destroyed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub erased: bool,
}

impl Store {
    /// Hands every entry of the object log from sequence `from` on, then of the disclosure log, in clear to `each`, until it
    /// says no.
    pub fn dump(&self, from: u64, mut each: impl FnMut(DumpedEntry) -> bool) -> Result<(), StoreError> {
        let shared = self.shared();
        let more = dump_objects(&shared.log, &shared.keys, from, &mut each)?;
        if more { dump_disclosures(self.disclosures().file(), &shared.keys, each) } else { Ok(()) }
    }

    /// As [`Store::dump`], all of it and the link logs too, of the folder of a centre that does not run.
    pub fn dump_folder(
        folder: &Path,
        master: &[u8],
        mut each: impl FnMut(DumpedEntry) -> bool,
    ) -> Result<(), StoreError> {
        let keys = Keyring::open_existing(&folder.join("keys.redb"), master)?;
        let mut going = dump_objects(&LogFile::open_checked(&folder.join("objects.redb"))?, &keys, 1, &mut each)?;
        if going {
            let disclosures = LogFile::open_checked(&folder.join("disclosures.redb"))?;
            dump_disclosures(&disclosures, &keys, |entry| {
                going = each(entry);
                going
            })?;
        }
        for (partner, path) in LinkLog::all_in(folder)? {
            if going {
                LinkLog::open(&path, partner)?.dump(|entry| {
                    going = each(entry);
                    going
                })?;
            }
        }
        Ok(())
    }
}

impl LinkLog {
    /// Hands every row to `each`, until it says no.
    pub fn dump(&self, mut each: impl FnMut(DumpedEntry) -> bool) -> Result<(), StoreError> {
        let mut failed = None;
        self.each(sharing::link::LinkCursor::default(), |row| match dumped_row(&row) {
            Ok(entry) => each(entry),
            Err(error) => {
                failed = Some(error);
                false
            }
        })?;
        failed.map_or(Ok(()), Err)
    }
}

fn dump_objects(
    log: &LogFile,
    keys: &Keyring,
    from: u64,
    mut each: impl FnMut(DumpedEntry) -> bool,
) -> Result<bool, StoreError> {
    let mut going = true;
    log.each(from, |sequence, entry| {
        let envelope: Envelope = postcard::from_bytes(entry.envelope)?;
        let mut body = Vec::new();
        let erased = match keys.unseal(envelope.key, entry.envelope, entry.body, &mut body) {
            _ if entry.body.is_empty() => false,
            Ok(()) => false,
            Err(StoreError::Erased) => true,
            Err(error) => return Err(error),
        };
        let quarantined = matches!(envelope.head, Head::Quarantined { .. });
        let (kind, mut head) = named(&envelope.head)?;
        if quarantined && !erased {
            let (faults, bytes): (String, Vec<u8>) = postcard::from_bytes(&body)?;
            if let Value::Object(head) = &mut head {
                head.insert("faults".to_owned(), serde_json::from_str(&faults).unwrap_or(Value::String(faults)));
            }
            body = bytes;
        }
        let body = (!entry.body.is_empty() && !erased).then(|| String::from_utf8_lossy(&body).into_owned());
        let log = "objects".to_owned();
        going = each(DumpedEntry { log, sequence, date: envelope.date, kind, head, body, erased });
        Ok(going)
    })?;
    Ok(going)
}

fn dump_disclosures(
    log: &LogFile,
    keys: &Keyring,
    mut each: impl FnMut(DumpedEntry) -> bool,
) -> Result<(), StoreError> {
    each_disclosure(log, keys, 1, |sequence, date, body| {
        each(DumpedEntry {
            log: "disclosures".to_owned(),
            sequence,
            date,
            kind: "disclosure".to_owned(),
            head: Value::Null,
            body: Some(String::from_utf8_lossy(body).into_owned()),
            erased: false,
        })
    })
}

fn dumped_row(logged: &LoggedRow) -> Result<DumpedEntry, StoreError> {
    let mut head = json(logged)?;
    readable(&mut head);
    let kind = head.pointer("/row/kind").and_then(Value::as_str).unwrap_or_default().to_owned();
    let partner: &CentreCode = &logged.row.partner;
    let (log, sequence, date) = (format!("link {partner}"), logged.row.number, logged.row.time);
    Ok(DumpedEntry { log, sequence, date, kind, head, body: None, erased: false })
}

/// A head's kind, as it is called in dumps, and its fields.
fn named(head: &Head) -> Result<(String, Value), StoreError> {
    let Value::Object(tagged) = json(head)? else { return Err(StoreError::Damaged("the head of an entry")) };
    let (kind, mut fields) = tagged.into_iter().next().ok_or(StoreError::Damaged("the head of an entry"))?;
    readable(&mut fields);
    Ok((kind.to_lowercase(), fields))
}

fn json(value: &impl Serialize) -> Result<Value, StoreError> {
    serde_json::to_value(value).map_err(|_| StoreError::Damaged("the head of an entry cannot be written as JSON"))
}

/// Digests and salts, which JSON would write as lists of numbers, in hexadecimal.
fn readable(value: &mut Value) {
    match value {
        Value::Array(items) if items.len() == 32 || items.len() == 16 => {
            let bytes: Option<Vec<u8>> =
                items.iter().map(|item| item.as_u64().and_then(|number| u8::try_from(number).ok())).collect();
            match bytes {
                Some(bytes) => *value = Value::String(bytes.iter().map(|byte| format!("{byte:02x}")).collect()),
                None => items.iter_mut().for_each(readable),
            }
        }
        Value::Array(items) => items.iter_mut().for_each(readable),
        Value::Object(fields) => fields.values_mut().for_each(readable),
        _ => {}
    }
}
