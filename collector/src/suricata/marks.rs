//! Where texts end and brackets stand, found for a whole block at once: lines are read by going from one mark to the next.

use wide::u8x16;

/// Bytes that a word of marks is about.
const WORD_BYTES: usize = u64::BITS as usize;

/// What stands where in some bytes.
#[derive(Debug, Default)]
pub(super) struct Marks(Vec<Word>);

/// A bit for each of as many bytes.
#[derive(Debug, Clone, Copy)]
struct Word {
    /// Quotes that no `\` escapes.
    quotes: u64,
    /// `\`, whatever it does.
    escapes: u64,
    /// Brackets, in texts as well.
    brackets: u64,
}

impl Marks {
    /// Marks those of `bytes` instead.
    pub(super) fn set(&mut self, bytes: &[u8]) {
        self.0.clear();
        let mut is_escaped = false;
        let (words, rest) = bytes.as_chunks();
        self.0.extend(words.iter().map(|word| Word::of(word, &mut is_escaped)));
        if !rest.is_empty() {
            let mut last = [0; WORD_BYTES];
            last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            self.0.push(Word::of(&last, &mut is_escaped));
        }
    }

    /// Where the text ends that begins there, behind its quote, and if it has escapes.
    #[inline(always)]
    pub(super) fn end_of_text(&self, start: usize) -> Option<(usize, bool)> {
        let word = self.0.get(start / WORD_BYTES)?;
        let (quotes, escapes) = (word.quotes >> (start % WORD_BYTES), word.escapes >> (start % WORD_BYTES));
        match quotes {
            0 => self.end_behind(start / WORD_BYTES + 1, escapes != 0),
            _ => Some((start + quotes.trailing_zeros() as usize, escapes & below(quotes) != 0)),
        }
    }

    /// The same of a text that goes on in that word.
    fn end_behind(&self, mut number: usize, mut escaped: bool) -> Option<(usize, bool)> {
        loop {
            let word = self.0.get(number)?;
            if word.quotes != 0 {
                let end = number * WORD_BYTES + word.quotes.trailing_zeros() as usize;
                return Some((end, escaped || word.escapes & below(word.quotes) != 0));
            }
            escaped |= word.escapes != 0;
            number += 1;
        }
    }

    /// Brackets from there on, where no text is, and each `\` that is in none.
    pub(super) fn outside(&self, start: usize) -> Outside<'_> {
        let words = self.0.get(start / WORD_BYTES..).unwrap_or_default();
        let mut outside = Outside { words: words.iter(), at: start - start % WORD_BYTES, marks: 0, texts: 0 };
        if let Some(word) = outside.words.next() {
            outside.enter(word, u64::MAX << (start % WORD_BYTES));
        }
        outside
    }
}

/// What is marked outside of texts, one after the other.
#[derive(Debug)]
pub(super) struct Outside<'a> {
    words: std::slice::Iter<'a, Word>,
    /// Where the word begins that is read.
    at: usize,
    /// What is left of it.
    marks: u64,
    /// All bits if its end is in a text.
    texts: u64,
}

impl Outside<'_> {
    /// Goes on with what `mask` leaves of that word.
    #[inline(always)]
    fn enter(&mut self, word: &Word, mask: u64) {
        let mut texts = word.quotes & mask;
        for distance in [1, 2, 4, 8, 16, 32] {
            texts ^= texts << distance;
        }
        texts ^= self.texts;
        self.marks = (word.brackets | word.escapes) & mask & !texts;
        self.texts = if texts >> 63 == 1 { u64::MAX } else { 0 };
    }
}

impl Iterator for Outside<'_> {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        while self.marks == 0 {
            let word = self.words.next()?;
            self.at += WORD_BYTES;
            self.enter(word, u64::MAX);
        }
        let at = self.at + self.marks.trailing_zeros() as usize;
        self.marks &= self.marks - 1;
        Some(at)
    }
}

/// The bits below the lowest of `bits`, which are some.
#[inline(always)]
fn below(bits: u64) -> u64 {
    !bits & bits.wrapping_sub(1)
}

impl Word {
    /// The marks of `bytes`, the first of which is escaped or not; then of those behind them.
    #[inline(always)]
    fn of(bytes: &[u8; WORD_BYTES], is_escaped: &mut bool) -> Self {
        let (parts, _) = bytes.as_chunks::<16>();
        let (quote, escape) = (u8x16::splat(b'"'), u8x16::splat(b'\\'));
        // Of `[` and `]` that bit is all that tells them from `{` and `}`.
        let (bit, open, close) = (u8x16::splat(b'{' ^ b'['), u8x16::splat(b'{'), u8x16::splat(b'}'));
        let mut word = Self { quotes: 0, escapes: 0, brackets: 0 };
        for part in parts.iter().rev() {
            let part = u8x16::new(*part);
            let curly = part | bit;
            let brackets = curly.simd_eq(open) | curly.simd_eq(close);
            word.quotes = word.quotes << 16 | u64::from(part.simd_eq(quote).to_bitmask());
            word.escapes = word.escapes << 16 | u64::from(part.simd_eq(escape).to_bitmask());
            word.brackets = word.brackets << 16 | u64::from(brackets.to_bitmask());
        }
        if word.escapes != 0 || *is_escaped {
            word.quotes &= !escaped(word.escapes, is_escaped);
        }
        word
    }
}

/// What `escapes` escape, of which the first may be escaped itself; then whether what comes behind them is.
fn escaped(escapes: u64, is_escaped: &mut bool) -> u64 {
    let mut all = u64::from(*is_escaped);
    let mut left = escapes & !all;
    *is_escaped = false;
    while left != 0 {
        let lowest = left & left.wrapping_neg();
        *is_escaped = lowest >> 63 == 1;
        all |= lowest << 1;
        left &= !(lowest | lowest << 1);
    }
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// For each byte: is it escaped, and does a text that begins at `start` go on there?
    fn plainly(bytes: &[u8], start: usize) -> Vec<(bool, bool)> {
        let (mut is_escaped, mut in_text) = (false, false);
        let each = bytes.iter().enumerate().map(|(at, byte)| {
            let this = is_escaped;
            is_escaped = *byte == b'\\' && !this;
            in_text ^= at >= start && *byte == b'"' && !this;
            (this, in_text)
        });
        each.collect()
    }

    proptest! {
        #[test]
        fn every_mark_is_found(
            bytes in prop::collection::vec(prop_oneof![prop::sample::select(b"\"\\\\{}[]".to_vec()), any::<u8>()], 0..300),
            start in 0..300_usize,
        ) {
            let mut marks = Marks::default();
            marks.set(b"what was there before\\");
            marks.set(&bytes);
            let plain = plainly(&bytes, start);
            let end = (start..bytes.len()).find(|at| bytes[*at] == b'"' && !plain[*at].0);
            let wanted = end.map(|end| (end, bytes[start..end].contains(&b'\\')));
            prop_assert_eq!(marks.end_of_text(start), wanted);
            let is_outside = |at: &usize| b"{}[]\\".contains(&bytes[*at]) && !plain[*at].1;
            let wanted: Vec<usize> = (start..bytes.len()).filter(is_outside).collect();
            prop_assert_eq!(marks.outside(start).collect::<Vec<usize>>(), wanted);
        }
    }
}
