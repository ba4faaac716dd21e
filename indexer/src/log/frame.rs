//! Frames: entries in one value (ADR 1).

use sha2::{Digest, Sha256};

use crate::error::StoreError;

/// A frame ends here; a larger entry is a frame by itself. The database rounds large values up to powers of two: this fills 64
/// KiB, few enough to read one entry by itself, enough to read many in a row.
pub(crate) const FRAME_BYTES_MAX: usize = 64_500;
const MAGIC: &[u8; 4] = b"BWF1";
const HEAD_BYTES: usize = 8;
const ENTRY_HEAD_BYTES: usize = 40;

/// One entry as a frame holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Framed<'a> {
    pub(crate) leaf: [u8; 32],
    pub(crate) envelope: &'a [u8],
    /// Sealed body; empty where an entry has none.
    pub(crate) body: &'a [u8],
}

/// leaf = SHA-256(0x00 ‖ envelope ‖ sealed body): RFC 6962 §2.1 over what is stored.
pub(crate) fn leaf(envelope: &[u8], body: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update([0]);
    hash.update(envelope);
    hash.update(body);
    hash.finalize().into()
}

/// A frame in the making.
#[derive(Debug)]
pub(crate) struct FrameBuilder {
    bytes: Vec<u8>,
    count: u32,
}

impl FrameBuilder {
    pub(crate) fn new() -> Self {
        let mut bytes = Vec::with_capacity(4096);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&[0; 4]);
        Self { bytes, count: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Would an entry of these lengths still fit?
    pub(crate) fn fits(&self, envelope: &[u8], body: &[u8]) -> bool {
        self.bytes.len() + ENTRY_HEAD_BYTES + envelope.len() + body.len() <= FRAME_BYTES_MAX
    }

    pub(crate) fn push(&mut self, envelope: &[u8], body: &[u8]) -> Result<(), StoreError> {
        let length =
            |bytes: &[u8]| u32::try_from(bytes.len()).map_err(|_| StoreError::Damaged("an entry is larger than 4 GiB"));
        self.bytes.extend_from_slice(&leaf(envelope, body));
        self.bytes.extend_from_slice(&length(envelope)?.to_le_bytes());
        self.bytes.extend_from_slice(&length(body)?.to_le_bytes());
        self.bytes.extend_from_slice(envelope);
        self.bytes.extend_from_slice(body);
        self.count += 1;
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        if let Some(place) = self.bytes.get_mut(4..HEAD_BYTES) {
            place.copy_from_slice(&self.count.to_le_bytes());
        }
        self.bytes
    }
}

/// Frames of one commit in the making.
pub(crate) struct Frames {
    done: Vec<(u64, Vec<u8>)>,
    open: FrameBuilder,
    open_first: u64,
}

impl Frames {
    /// `first` is the sequence that the first entry gets.
    pub(crate) fn new(first: u64) -> Self {
        Self { done: Vec::new(), open: FrameBuilder::new(), open_first: first }
    }

    pub(crate) fn push(&mut self, sequence: u64, envelope: &[u8], sealed: &[u8]) -> Result<(), StoreError> {
        if !self.open.is_empty() && !self.open.fits(envelope, sealed) {
            self.close(sequence);
        }
        self.open.push(envelope, sealed)
    }

    fn close(&mut self, next_first: u64) {
        let full = std::mem::replace(&mut self.open, FrameBuilder::new());
        if !full.is_empty() {
            self.done.push((self.open_first, full.finish()));
        }
        self.open_first = next_first;
    }

    /// The frames, each with the sequence of its first entry.
    pub(crate) fn finish(mut self) -> Vec<(u64, Vec<u8>)> {
        self.close(0);
        self.done
    }
}

const SHORT: StoreError = StoreError::Damaged("a frame ends early");

/// How many entries a frame says it has, and where the first begins.
pub(crate) fn opened(frame: &[u8]) -> Result<(u32, usize), StoreError> {
    let (magic, rest) = frame.split_first_chunk::<4>().ok_or(SHORT)?;
    if magic != MAGIC {
        return Err(StoreError::Damaged("a frame of an unknown format"));
    }
    let (count, _) = rest.split_first_chunk::<4>().ok_or(SHORT)?;
    Ok((u32::from_le_bytes(*count), HEAD_BYTES))
}

/// The entry that begins at a place of a frame, and where the next one does.
pub(crate) fn entry_at(frame: &[u8], place: usize) -> Result<(Framed<'_>, usize), StoreError> {
    let rest = frame.get(place..).ok_or(SHORT)?;
    let (leaf, rest) = rest.split_first_chunk::<32>().ok_or(SHORT)?;
    let (envelope, rest) = rest.split_first_chunk::<4>().ok_or(SHORT)?;
    let (body, rest) = rest.split_first_chunk::<4>().ok_or(SHORT)?;
    let (envelope, rest) = rest.split_at_checked(u32::from_le_bytes(*envelope) as usize).ok_or(SHORT)?;
    let (body, rest) = rest.split_at_checked(u32::from_le_bytes(*body) as usize).ok_or(SHORT)?;
    Ok((Framed { leaf: *leaf, envelope, body }, frame.len().saturating_sub(rest.len())))
}

/// The entries of a frame; whatever the bytes, an error and never a panic.
pub(crate) fn entries(frame: &[u8]) -> Result<Vec<Framed<'_>>, StoreError> {
    let (count, mut place) = opened(frame)?;
    let mut found = Vec::new();
    for _ in 0..count {
        let (entry, next) = entry_at(frame, place)?;
        found.push(entry);
        place = next;
    }
    let whole = place == frame.len();
    if whole { Ok(found) } else { Err(StoreError::Damaged("a frame has bytes behind its last entry")) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_framed_comes_back(parts in prop::collection::vec((any::<Vec<u8>>(), any::<Vec<u8>>()), 0..20)) {
            let mut builder = FrameBuilder::new();
            for (envelope, body) in &parts {
                builder.push(envelope, body).unwrap();
            }
            let frame = builder.finish();
            let found = entries(&frame).unwrap();
            prop_assert_eq!(found.len(), parts.len());
            for (found, (envelope, body)) in found.iter().zip(&parts) {
                prop_assert_eq!((found.envelope, found.body, found.leaf), (envelope.as_slice(), body.as_slice(), leaf(envelope, body)));
            }
            for cut in 0..frame.len() {
                prop_assert!(entries(&frame[..cut]).is_err());
            }
        }

        #[test]
        fn any_bytes_are_survived(bytes in any::<Vec<u8>>()) {
            let _ = entries(&bytes);
            let _ = entries(&[b"BWF1\x03\x00\x00\x00".as_slice(), &bytes].concat());
        }
    }
}
