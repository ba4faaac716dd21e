//! The table as a file: a head, the arrays as they lie in memory (little-endian), a checksum. What is read is checked before it
//! is used: whatever the bytes, an error and never a wrong place.

use std::io::{self, Read, Write};

use xxhash_rust::xxh3::Xxh3;

use super::keys::Keys;
use super::{ExactTable, Kind, begin};

const MAGIC: [u8; 4] = *b"BWX1";
/// Most bytes of one text.
const TEXT_BYTES_MAX: u64 = 4_096;

/// Why a saved table cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SavedError {
    /// It cannot be read or written.
    #[error("cannot read or write the saved rules")]
    Io(#[from] io::Error),
    /// It is not what was written.
    #[error("the saved rules are damaged: {0}")]
    Damaged(&'static str),
}

impl ExactTable {
    /// Writes the table. Reading it gives the same.
    pub(crate) fn write(&self, to: impl Write) -> Result<(), SavedError> {
        let mut to = Checked { inner: to, sum: Xxh3::new() };
        to.write_all(&MAGIC)?;
        to.write_all(&self.seed.to_le_bytes())?;
        for length in [self.buckets.len(), self.tags.len(), self.valid.len(), self.kind_table.len()] {
            to.write_all(&(length as u64).to_le_bytes())?;
        }
        for kind in &self.kind_table {
            to.write_all(&kind.fields.to_le_bytes())?;
            to.write_all(&[u8::from(kind.itself), u8::from(kind.below)])?;
        }
        for texts in [&self.keys.prefixes, &self.keys.others] {
            to.write_all(&(texts.len() as u64).to_le_bytes())?;
            for text in texts {
                to.write_all(&(text.len() as u64).to_le_bytes())?;
                to.write_all(text.as_bytes())?;
            }
        }
        for bytes in [
            bytemuck::cast_slice(&self.buckets),
            bytemuck::cast_slice(&self.tags),
            bytemuck::cast_slice(&self.rules),
            &self.kinds,
            bytemuck::cast_slice(&self.valid),
            bytemuck::cast_slice(&self.keys.prefix),
            bytemuck::cast_slice(&self.keys.uuid),
        ] {
            to.write_all(bytes)?;
        }
        let sum = to.sum.digest();
        to.inner.write_all(&sum.to_le_bytes())?;
        to.inner.flush()?;
        Ok(())
    }

    /// Reads what [`ExactTable::write`] wrote; `bytes` is how many there are.
    pub(crate) fn read(from: impl Read, bytes: u64) -> Result<Self, SavedError> {
        let mut from = Checked { inner: from, sum: Xxh3::new() };
        if from.array::<4>()? != MAGIC {
            return Err(SavedError::Damaged("it is not of this format"));
        }
        let seed = from.number()?;
        let mut length = || -> Result<usize, SavedError> {
            let length = from.number()?;
            // Nothing is made room for that cannot be there.
            if length > bytes {
                Err(SavedError::Damaged("it ends early"))
            } else {
                usize::try_from(length).map_err(|_| SavedError::Damaged("a length"))
            }
        };
        let (buckets, entries, rules, kinds) = (length()?, length()?, length()?, length()?);
        let mut kind_table = Vec::with_capacity(kinds);
        for _ in 0..kinds {
            let fields = u32::from_le_bytes(from.array()?);
            let [itself, below] = from.array()?;
            kind_table.push(Kind { fields, itself: itself != 0, below: below != 0 });
        }
        let (prefixes, others) = (from.texts(bytes)?, from.texts(bytes)?);
        let table = Self {
            seed,
            buckets: from.values(buckets)?,
            tags: from.values(entries)?,
            rules: from.values(entries)?,
            kinds: from.values(entries)?,
            kind_table,
            valid: from.values(rules)?,
            keys: Keys { prefixes, others, prefix: from.values(rules)?, uuid: from.values(rules)? },
        };
        let (sum, mut said) = (from.sum.digest(), [0; 8]);
        from.inner.read_exact(&mut said)?;
        if sum != u64::from_le_bytes(said) {
            return Err(SavedError::Damaged("its checksum is another"));
        }
        table.is_sound().then_some(table).ok_or(SavedError::Damaged("it points outside itself"))
    }

    /// Every place that it names is there.
    fn is_sound(&self) -> bool {
        let ascending = self.buckets.iter().is_sorted_by_key(|head| begin(*head));
        let last = self.buckets.last().map_or(0, |head| begin(*head));
        ascending
            && last == self.tags.len()
            && self.rules.iter().all(|rule| (*rule as usize) < self.valid.len())
            && self.kinds.iter().all(|kind| usize::from(*kind) < self.kind_table.len())
    }
}

/// Counts what passes into a checksum.
struct Checked<T> {
    inner: T,
    sum: Xxh3,
}

impl<T: Write> Checked<T> {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sum.update(bytes);
        self.inner.write_all(bytes)
    }
}

impl<T: Read> Checked<T> {
    fn fill(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.inner.read_exact(bytes)?;
        self.sum.update(bytes);
        Ok(())
    }

    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn number(&mut self) -> io::Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn values<V: bytemuck::Pod>(&mut self, count: usize) -> io::Result<Vec<V>> {
        let mut values = vec![V::zeroed(); count];
        self.fill(bytemuck::cast_slice_mut(&mut values))?;
        Ok(values)
    }

    fn texts(&mut self, bytes: u64) -> Result<Vec<Box<str>>, SavedError> {
        let count = self.number()?;
        if count > bytes {
            return Err(SavedError::Damaged("it ends early"));
        }
        let mut texts = Vec::new();
        for _ in 0..count {
            let length = self.number()?;
            let length = usize::try_from(length.min(TEXT_BYTES_MAX + 1)).unwrap_or(0);
            if length as u64 > TEXT_BYTES_MAX {
                return Err(SavedError::Damaged("a text is too long"));
            }
            let mut text = vec![0; length];
            self.fill(&mut text)?;
            let text = String::from_utf8(text).map_err(|_| SavedError::Damaged("a text is none"))?;
            texts.push(text.into_boxed_str());
        }
        Ok(texts)
    }
}
