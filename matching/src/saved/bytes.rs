//! Numbers and texts as bytes (little-endian), with a checksum of all of them.

use std::io::{self, Read, Write};

use xxhash_rust::xxh3::Xxh3;

use super::SavedError;
use crate::numbers::Numbers;

/// Bytes that are read or written at once.
const BLOCK_BYTES: usize = 1 << 16;
/// Most bytes of one text: keys, patterns and words are shorter.
const TEXT_BYTES_MAX: usize = 1 << 20;

/// A number of fixed size.
pub(crate) trait Number: bytemuck::Pod + Default {
    const BYTES: usize = size_of::<Self>();

    /// Between the order of this machine and little-endian, either way.
    #[must_use]
    fn little_endian(self) -> Self;
}

macro_rules! numbers {
    ($($kind:ty),*) => {
        $(impl Number for $kind {
            fn little_endian(self) -> Self {
                self.to_le()
            }
        })*
    };
}

numbers!(u8, u16, u32, u64, u128, i64);

/// Two that belong together.
impl Number for [i64; 2] {
    fn little_endian(self) -> Self {
        self.map(i64::to_le)
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
        self.block.extend_from_slice(bytemuck::bytes_of(&number.little_endian()));
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
    /// Bytes that can still come.
    left: u64,
}

impl<R: Read> Reading<R> {
    /// `bytes` is how many `from` has.
    pub(super) fn new(from: R, bytes: u64) -> Self {
        Self { from, sum: Xxh3::new(), left: bytes }
    }

    pub(crate) fn number<N: Number>(&mut self) -> Result<N, SavedError> {
        let mut number = N::default();
        self.fill(bytemuck::bytes_of_mut(&mut number))?;
        Ok(number.little_endian())
    }

    pub(crate) fn numbers<N: Number>(&mut self) -> Result<Numbers<N>, SavedError> {
        let length = self.length(N::BYTES)?;
        // A file may say that it is longer than any memory.
        let mut all: Numbers<N> = Numbers::zeroed(length).ok_or(SavedError::Damaged("a length"))?;
        // They are read where they stay; block by block, so that they are summed while they are near.
        for block in all.all_mut().chunks_mut(BLOCK_BYTES / N::BYTES) {
            self.fill(bytemuck::cast_slice_mut(block))?;
        }
        if cfg!(target_endian = "big") {
            all.all_mut().iter_mut().for_each(|number| *number = number.little_endian());
        }
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
