//! Where texts may end and brackets stand, found for a whole block at once: lines are read by going from one mark to the next.

use wide::u8x16;

/// Bytes that a word of marks is about.
const WORD_BYTES: usize = u64::BITS as usize;

/// A bit for each byte of some: 1 for quotes, backslashes and brackets.
#[derive(Debug, Default)]
pub(super) struct Marks(Vec<u64>);

impl Marks {
    /// Is it a byte that is marked?
    #[inline]
    pub(super) fn has(byte: u8) -> bool {
        matches!(byte, b'"' | b'\\' | b'{' | b'}' | b'[' | b']')
    }

    /// Marks those of `bytes` instead.
    pub(super) fn set(&mut self, bytes: &[u8]) {
        self.0.clear();
        let (words, rest) = bytes.as_chunks::<WORD_BYTES>();
        self.0.extend(words.iter().map(marks));
        if !rest.is_empty() {
            let mut last = [0; WORD_BYTES];
            last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            self.0.push(marks(&last));
        }
    }

    /// The marks from there on.
    #[inline]
    pub(super) fn from(&self, at: usize) -> Cursor<'_> {
        let number = at / WORD_BYTES;
        let word = self.0.get(number).map_or(0, |word| word & (u64::MAX << (at % WORD_BYTES)));
        Cursor { words: &self.0, number, word }
    }
}

/// Some of the marks, one after the other.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    words: &'a [u64],
    number: usize,
    /// What is left of that word.
    word: u64,
}

impl Iterator for Cursor<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.word == 0 {
            self.word = *self.words.get(self.number + 1)?;
            self.number += 1;
        }
        let at = self.number * WORD_BYTES + self.word.trailing_zeros() as usize;
        self.word &= self.word - 1;
        Some(at)
    }
}

#[inline]
fn marks(bytes: &[u8; WORD_BYTES]) -> u64 {
    let (parts, _) = bytes.as_chunks::<16>();
    let (quote, escape) = (u8x16::splat(b'"'), u8x16::splat(b'\\'));
    // Of `[` and `]` that bit is all that tells them from `{` and `}`.
    let (bit, open, close) = (u8x16::splat(b'{' ^ b'['), u8x16::splat(b'{'), u8x16::splat(b'}'));
    parts.iter().rev().fold(0, |word, part| {
        let part = u8x16::new(*part);
        let curly = part | bit;
        let marked = part.simd_eq(quote) | part.simd_eq(escape) | curly.simd_eq(open) | curly.simd_eq(close);
        word << 16 | u64::from(marked.to_bitmask())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_mark_is_found(
            bytes in prop::collection::vec(prop_oneof![prop::sample::select(b"\"\\{}[]".to_vec()), any::<u8>()], 0..300),
            at in 0..300_usize,
        ) {
            let mut marks = Marks::default();
            marks.set(b"what was there before");
            marks.set(&bytes);
            let wanted: Vec<usize> = (at..bytes.len()).filter(|place| Marks::has(bytes[*place])).collect();
            prop_assert_eq!(marks.from(at).collect::<Vec<usize>>(), wanted);
        }
    }
}
