//! Numbers and texts as bytes (little-endian), with a checksum of all of them.

use std::io::{self, Read, Write};

use xxhash_rust::xxh3::Xxh3;

use super::SavedError;

/// Bytes that are read or written at once.
const BLOCK_BYTES: usize = 1 << 16;
/// Most bytes of one text: keys, patterns and words are shorter.
const TEXT_BYTES_MAX: usize = 1 << 20;

/// A number of fixed size.
pub(crate) trait Number: Copy + Default {
    const BYTES: usize;
    fn put(self, into: &mut Vec<u8>);
    fn get(from: &[u8]) -> Self;
}

macro_rules! numbers {
    ($($kind:ty),*) => {
        $(impl Number for $kind {
            const BYTES: usize = size_of::<Self>();

            fn put(self, into: &mut Vec<u8>) {
                into.extend_from_slice(&self.to_le_bytes());
            }

            fn get(from: &[u8]) -> Self {
                from.try_into().map_or_else(|_| Self::default(), Self::from_le_bytes)
            }
        })*
    };
}

numbers!(u8, u16, u32, u64, u128, i64);

/// Two that belong together.
impl Number for [i64; 2] {
    const BYTES: usize = size_of::<Self>();

    fn put(self, into: &mut Vec<u8>) {
        self.into_iter().for_each(|number| number.put(into));
    }

    fn get(from: &[u8]) -> Self {
        let (one, other) = from.split_at(from.len() / 2);
        [i64::get(one), i64::get(other)]
    }
}

/// Writes, and knows the checksum of what it wrote.
pub(crate) struct Writing<W> {
    to: W,
    sum: Xxh3,
    block: Vec<u8>,
}

impl<W: Write> Writing<W> {
    pub(super) fn new(to: W) -> Self {
        Self { to, sum: Xxh3::new(), block: Vec::with_capacity(BLOCK_BYTES + 16) }
    }

    pub(crate) fn number(&mut self, number: impl Number) -> io::Result<()> {
        number.put(&mut self.block);
        if self.block.len() >= BLOCK_BYTES { self.flush() } else { Ok(()) }
    }

    /// How many there are, and each of them.
    pub(crate) fn numbers(&mut self, all: &[impl Number]) -> io::Result<()> {
        self.number(all.len() as u64)?;
        all.iter().try_for_each(|number| self.number(*number))
    }

    pub(crate) fn text(&mut self, text: &str) -> io::Result<()> {
        self.number(text.len() as u64)?;
        self.flush()?;
        self.block.extend_from_slice(text.as_bytes());
        self.flush()
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        let sum = self.sum.digest();
        self.to.write_all(&sum.to_le_bytes())?;
        self.to.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sum.update(&self.block);
        self.to.write_all(&self.block)?;
        self.block.clear();
        Ok(())
    }
}

/// Reads what [`Writing`] wrote. Nothing is made room for that cannot be there.
pub(crate) struct Reading<R> {
    from: R,
    sum: Xxh3,
    block: Vec<u8>,
    /// Bytes that can still come.
    left: u64,
}

impl<R: Read> Reading<R> {
    /// `bytes` is how many `from` has.
    pub(super) fn new(from: R, bytes: u64) -> Self {
        Self { from, sum: Xxh3::new(), block: vec![0; BLOCK_BYTES], left: bytes }
    }

    pub(crate) fn number<N: Number>(&mut self) -> Result<N, SavedError> {
        let mut bytes = [0; 16];
        let bytes = bytes.get_mut(..N::BYTES).ok_or(SavedError::Damaged("a number"))?;
        self.fill(bytes)?;
        Ok(N::get(bytes))
    }

    pub(crate) fn numbers<N: Number>(&mut self) -> Result<Vec<N>, SavedError> {
        let mut left = self.length(N::BYTES)?;
        let mut all = Vec::with_capacity(left);
        let mut block = std::mem::take(&mut self.block);
        while left > 0 {
            let many = left.min(BLOCK_BYTES / N::BYTES);
            let bytes = block.get_mut(..many * N::BYTES).unwrap_or_default();
            self.fill(bytes)?;
            all.extend(bytes.chunks_exact(N::BYTES).map(N::get));
            left -= many;
        }
        self.block = block;
        Ok(all)
    }

    /// How many of that size follow.
    pub(crate) fn length(&mut self, bytes_each: usize) -> Result<usize, SavedError> {
        let length: u64 = self.number()?;
        if length > self.left / (bytes_each.max(1) as u64) {
            return Err(SavedError::Damaged("it ends early"));
        }
        usize::try_from(length).map_err(|_| SavedError::Damaged("a length"))
    }

    pub(crate) fn text(&mut self) -> Result<String, SavedError> {
        let length = self.length(1)?;
        if length > TEXT_BYTES_MAX {
            return Err(SavedError::Damaged("a text is too long"));
        }
        let mut text = vec![0; length];
        self.fill(&mut text)?;
        String::from_utf8(text).map_err(|_| SavedError::Damaged("a text is none"))
    }

    /// Was all of it what was written?
    pub(super) fn finish(mut self) -> Result<(), SavedError> {
        let sum = self.sum.digest();
        let mut said = [0; 8];
        self.from.read_exact(&mut said)?;
        if sum == u64::from_le_bytes(said) { Ok(()) } else { Err(SavedError::Damaged("its checksum is another")) }
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), SavedError> {
        self.left = self.left.checked_sub(bytes.len() as u64).ok_or(SavedError::Damaged("it ends early"))?;
        self.from.read_exact(bytes)?;
        self.sum.update(bytes);
        Ok(())
    }
}
