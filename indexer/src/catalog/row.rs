//! How the catalog writes statements, and where they stand.

use model::principal::CentreCode;
use model::stix::{StixId, Version};
use model::time::Timestamp;
use serde::Deserialize;
use sharing::{ClassId, ClassSetId};

use crate::error::StoreError;
use crate::keys::KeyName;
use crate::log::entry::{Envelope, Head, StatementHead};

const NEWEST: u8 = 1;
const OLDEST: u8 = 2;
const WITHDRAWN: u8 = 4;
const REVOKED: u8 = 8;
const SPEC_20: u8 = 16;
/// What a version with a time begins with among the places.
pub(crate) const TIMED: u8 = 1;
/// Bytes of a row before its envelope.
const PLAIN_BYTES: usize = 41;

/// The plain part of a row, of fixed length: all that decides whether a statement is shown, read without decoding more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) date: Timestamp,
    /// The sequence it came with; its position may be a later one.
    pub(crate) born: u64,
    pub(crate) key: KeyName,
    pub(crate) class: ClassId,
    pub(crate) set: ClassSetId,
    /// Class of the newest version of the same origin: governs the release of the older ones.
    pub(crate) governing: ClassId,
    /// Of the versions that were not withdrawn.
    pub(crate) newest: bool,
    /// Of the versions that were not withdrawn.
    pub(crate) oldest: bool,
    pub(crate) withdrawn: bool,
    pub(crate) revoked: bool,
    pub(crate) spec_20: bool,
}

impl Row {
    fn flags(&self) -> u8 {
        [
            (self.newest, NEWEST),
            (self.oldest, OLDEST),
            (self.withdrawn, WITHDRAWN),
            (self.revoked, REVOKED),
            (self.spec_20, SPEC_20),
        ]
        .iter()
        .fold(0, |flags, (set, flag)| if *set { flags | flag } else { flags })
    }
}

/// A row as stored: plain part, envelope, what the statement refers to. Its body stays in the log.
pub(crate) fn encode_row(row: &Row, envelope: &[u8], references: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(PLAIN_BYTES + envelope.len() + references.len());
    out.extend_from_slice(&row.date.micros().to_le_bytes());
    out.extend_from_slice(&row.born.to_le_bytes());
    out.extend_from_slice(&row.key.day.to_le_bytes());
    for number in [row.key.retention, row.class.0, row.set.0, row.governing.0] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out.push(row.flags());
    out.extend_from_slice(&u32::try_from(envelope.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(envelope);
    out.extend_from_slice(references);
    out
}

/// What [`encode_row`] made: row, envelope, references.
pub(crate) fn decode_row(bytes: &[u8]) -> Result<(Row, &[u8], &[u8]), StoreError> {
    const SHORT: StoreError = StoreError::Damaged("a row of the catalog ends early");
    fn number<'b>(bytes: &mut &'b [u8]) -> Result<&'b [u8; 4], StoreError> {
        let (number, rest) = bytes.split_first_chunk::<4>().ok_or(SHORT)?;
        *bytes = rest;
        Ok(number)
    }
    let (date, rest) = bytes.split_first_chunk::<8>().ok_or(SHORT)?;
    let (born, mut rest) = rest.split_first_chunk::<8>().ok_or(SHORT)?;
    let day = i32::from_le_bytes(*number(&mut rest)?);
    let mut next = || number(&mut rest).map(|bytes| u32::from_le_bytes(*bytes));
    let (retention, class, set, governing) = (next()?, next()?, next()?, next()?);
    let (flags, mut rest) = rest.split_first().ok_or(SHORT)?;
    let length = u32::from_le_bytes(*number(&mut rest)?) as usize;
    let (envelope, references) = rest.split_at_checked(length).ok_or(SHORT)?;
    let row = Row {
        date: Timestamp::from_micros(i64::from_le_bytes(*date)),
        born: u64::from_le_bytes(*born),
        key: KeyName { retention, day },
        class: ClassId(class),
        set: ClassSetId(set),
        governing: ClassId(governing),
        newest: flags & NEWEST != 0,
        oldest: flags & OLDEST != 0,
        withdrawn: flags & WITHDRAWN != 0,
        revoked: flags & REVOKED != 0,
        spec_20: flags & SPEC_20 != 0,
    };
    Ok((row, envelope, references))
}

/// What a statement refers to, as its row keeps it.
pub(crate) fn encode_references(references: &[StixId]) -> Result<Vec<u8>, StoreError> {
    Ok(postcard::to_stdvec(references)?)
}

/// What [`encode_references`] made.
pub(crate) fn decode_references(bytes: &[u8]) -> Result<Vec<StixId>, StoreError> {
    Ok(postcard::from_bytes(bytes)?)
}

/// The head of a statement as it stands now.
pub(crate) fn head_of(row: &Row, envelope: &[u8]) -> Result<StatementHead, StoreError> {
    match postcard::from_bytes::<Envelope>(envelope)?.head {
        Head::Statement(head) => Ok(StatementHead { set: row.set, ..head }),
        _ => Err(StoreError::Damaged("a row of the catalog is no statement")),
    }
}

/// A statement's envelope, read in place: a page decodes thousands, and allocates for none that it does not show.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct HeadView<'e> {
    #[serde(borrow)]
    pub(crate) key: KeyView<'e>,
    pub(crate) submitter: Option<&'e str>,
}

/// As [`crate::StatementKey`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct KeyView<'e> {
    pub(crate) origin: &'e str,
    pub(crate) id: &'e str,
    pub(crate) version: Version,
    pub(crate) rendering: u32,
}

/// As [`Envelope`] of a statement, up to what a page shows.
#[derive(Deserialize)]
struct EnvelopeView<'e> {
    #[serde(rename = "date")]
    _date: Timestamp,
    #[serde(rename = "key")]
    _key: KeyName,
    #[serde(borrow)]
    head: HeadOf<'e>,
}

/// As [`Head`], as far as rows hold it.
#[derive(Deserialize)]
enum HeadOf<'e> {
    #[serde(rename = "Definition")]
    Other,
    Statement(#[serde(borrow)] HeadView<'e>),
}

/// The head of a statement, read in place.
pub(crate) fn head_view(envelope: &[u8]) -> Result<HeadView<'_>, StoreError> {
    match postcard::from_bytes::<EnvelopeView<'_>>(envelope)?.head {
        HeadOf::Statement(head) => Ok(head),
        HeadOf::Other => Err(StoreError::Damaged("a row of the catalog is no statement")),
    }
}

/// All versions of one object: the prefix of their places.
pub(crate) fn id_prefix(id: &StixId) -> Vec<u8> {
    [id.as_str().as_bytes(), &[0]].concat()
}

pub(crate) fn origin_prefix(id: &StixId, origin: &CentreCode) -> Vec<u8> {
    [id.as_str().as_bytes(), &[0], origin.as_str().as_bytes(), &[0]].concat()
}

/// Where a version stands among the places, ordered by version.
pub(crate) fn place(id: &StixId, origin: &CentreCode, version: &Version) -> Vec<u8> {
    let mut key = origin_prefix(id, origin);
    key.extend_from_slice(&version_key(version));
    key
}

/// A version, ordered by time; those without time before all others.
pub(crate) fn version_key(version: &Version) -> Vec<u8> {
    match version {
        Version::Digest(digest) => [&[0], digest.as_slice()].concat(),
        Version::Modified(time) => {
            [&[TIMED], (time.micros().cast_unsigned() ^ (1 << 63)).to_be_bytes().as_slice()].concat()
        }
    }
}

/// Where a statement stands among those of its type, ordered by position.
pub(crate) fn type_place(object_type: &str, position: u64) -> Vec<u8> {
    [object_type.as_bytes(), &[0], &position.to_be_bytes()].concat()
}

/// The position at the end of a key.
pub(crate) fn position_of(key: &[u8]) -> Result<u64, StoreError> {
    let last = key.last_chunk().ok_or(StoreError::Damaged("a key of the catalog ends early"))?;
    Ok(u64::from_be_bytes(*last))
}

/// The first key that no longer begins with `prefix`, whose last byte is not 255.
pub(crate) fn after(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    if let Some(last) = end.last_mut() {
        *last = last.saturating_add(1);
    }
    end
}

pub(crate) fn hit_key(sensor: &str, spool: u64, indicator: &StixId, origin: &CentreCode) -> Vec<u8> {
    [sensor.as_bytes(), &[0], &spool.to_be_bytes(), indicator.as_str().as_bytes(), &[0], origin.as_str().as_bytes()]
        .concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::entry::StatementKey;

    #[test]
    fn a_row_and_its_head_are_read_as_they_were_written() {
        let key = StatementKey {
            origin: "us".parse().unwrap(),
            id: "indicator--94868c89-83c2-464b-929b-a1a8aa3c8487".parse().unwrap(),
            version: Version::Modified(Timestamp::from_micros(-5)),
            rendering: 300,
        };
        let head = StatementHead {
            key: key.clone(),
            submitter: Some("alice@us".parse().unwrap()),
            class: ClassId(70_000),
            set: ClassSetId(3),
            digest: [9; 32],
            revoked: true,
            spec_20: false,
            purpose: "cyber_defence".to_owned(),
            source: Some("list".to_owned()),
        };
        let (date, name) = (Timestamp::from_micros(77), KeyName { retention: 1, day: -2 });
        for submitter in [head.submitter.clone(), None] {
            let head = StatementHead { submitter, ..head.clone() };
            let envelope = Envelope { date, key: name, head: Head::Statement(head.clone()) };
            let envelope = postcard::to_stdvec(&envelope).unwrap();
            let references = encode_references(std::slice::from_ref(&key.id)).unwrap();
            for number in 0..32_u8 {
                let row = Row {
                    date,
                    born: 1 << 40,
                    key: name,
                    class: head.class,
                    set: ClassSetId(8),
                    governing: ClassId(2),
                    newest: number & 1 != 0,
                    oldest: number & 2 != 0,
                    withdrawn: number & 4 != 0,
                    revoked: number & 8 != 0,
                    spec_20: number & 16 != 0,
                };
                let bytes = encode_row(&row, &envelope, &references);
                let (read, read_envelope, read_references) = decode_row(&bytes).unwrap();
                assert_eq!((read, read_envelope), (row, envelope.as_slice()));
                assert_eq!(decode_references(read_references).unwrap(), std::slice::from_ref(&key.id));
                assert_eq!(head_of(&read, read_envelope).unwrap(), StatementHead { set: row.set, ..head.clone() });
                assert!((0..PLAIN_BYTES).all(|cut| decode_row(&bytes[..cut]).is_err()));
            }
            let view = head_view(&envelope).unwrap();
            let KeyView { origin, id, version, rendering } = view.key;
            assert_eq!((origin, id, version, rendering), ("us", key.id.as_str(), key.version, key.rendering));
            assert_eq!(view.submitter, head.submitter.as_ref().map(model::principal::PrincipalName::as_str));
        }
    }
}
