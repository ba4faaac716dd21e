//! A log in blocks of whole lines, so that several threads can read it.

use std::io::{self, BufRead, Read};

use typed_arena::Arena;

use super::line::Line;
use super::marks::Marks;
use crate::Settings;
use crate::input::{InputError, Reader};

/// Bytes of a block, unless a line is longer: what a core keeps near itself.
const BLOCK_BYTES: usize = 256 << 10;

/// Some lines.
#[derive(Default)]
pub(crate) struct Block {
    /// Ordinal of the first line, from 1.
    pub(crate) first: u64,
    /// After these lines the input cannot be read on.
    pub(crate) error: Option<io::Error>,
    bytes: Vec<u8>,
    /// Where its lines end.
    ends: Vec<usize>,
    marks: Marks,
    unescaped: Arena<String>,
}

impl Block {
    /// Its lines, without their ends.
    pub(super) fn lines(&mut self) -> impl Iterator<Item = Line<'_>> {
        self.marks.set(&self.bytes);
        if self.unescaped.len() > 0 {
            self.unescaped = Arena::new();
        }
        let (bytes, marks, unescaped) = (self.bytes.as_slice(), &self.marks, &self.unescaped);
        let text = simdutf8::basic::from_utf8(bytes).ok();
        let mut next = 0;
        self.ends.iter().filter_map(move |end| {
            let start = std::mem::replace(&mut next, end + 1);
            Some(Line { block: bytes.get(..*end)?, text, start, marks, unescaped })
        })
    }

    /// Finds its lines, the last of which need not be ended; how many there are.
    fn find_lines(&mut self) -> u64 {
        self.ends.clear();
        self.ends.extend(memchr::memchr_iter(b'\n', &self.bytes));
        if self.bytes.last().is_some_and(|last| *last != b'\n') {
            self.ends.push(self.bytes.len());
        }
        self.ends.len() as u64
    }
}

/// The blocks of a log, one after the other.
pub(crate) struct Blocks {
    reader: Reader,
    /// What was read beyond the end of the last block.
    beyond: Vec<u8>,
    /// Ordinal of the next line.
    next: u64,
    line_bytes: usize,
    ended: bool,
    /// The next bytes are the rest of a line that is too long.
    skipping: bool,
}

impl Blocks {
    pub(crate) fn new(reader: Reader, settings: &Settings) -> Self {
        let line_bytes = settings.line_bytes;
        Self { reader, beyond: Vec::new(), next: 1, line_bytes, ended: false, skipping: false }
    }

    /// Reads what there is, up to the size of a block but at least a line. False at the end.
    pub(crate) fn next(&mut self, block: &mut Block) -> Result<bool, InputError> {
        if self.ended {
            return Ok(false); // what cannot be read on is told once
        }
        if std::mem::take(&mut self.skipping) {
            skip_line(&mut self.reader)?;
        }
        block.first = self.next;
        block.error = None;
        block.bytes.clear();
        block.bytes.append(&mut self.beyond);
        loop {
            let before = block.bytes.len();
            self.read(block);
            let new = block.bytes.get(before..).unwrap_or_default();
            if let Some(end) = memchr::memrchr(b'\n', new) {
                self.beyond.extend_from_slice(new.get(end + 1..).unwrap_or_default());
                block.bytes.truncate(before + end + 1);
            } else if block.bytes.len() > self.line_bytes {
                // The reader of the lines sees that it is too long.
                self.skipping = !self.ended;
            } else if !self.ended {
                continue;
            }
            self.next += block.find_lines();
            return Ok(!block.bytes.is_empty() || block.error.is_some());
        }
    }

    /// What one read gives: from a pipe that may be little, and it is not waited for more.
    fn read(&mut self, block: &mut Block) {
        let before = block.bytes.len();
        block.bytes.resize(before + BLOCK_BYTES.saturating_sub(before).max(1 << 12), 0);
        let read = match self.reader.read(block.bytes.get_mut(before..).unwrap_or_default()) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return block.bytes.truncate(before),
            Err(error) => {
                block.error = Some(error);
                0
            }
            Ok(read) => read,
        };
        self.ended = read == 0;
        block.bytes.truncate(before + read);
    }
}

fn skip_line(reader: &mut dyn BufRead) -> Result<(), InputError> {
    loop {
        let available = reader.fill_buf()?;
        if available.is_empty() {
            return Ok(());
        }
        let (length, ended) = match memchr::memchr(b'\n', available) {
            Some(at) => (at + 1, true),
            None => (available.len(), false),
        };
        reader.consume(length);
        if ended {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use proptest::prelude::*;

    use super::*;

    /// Gives at most so many bytes at once.
    struct Trickle(io::Cursor<Vec<u8>>, usize);

    impl Read for Trickle {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let most = into.len().min(self.1);
            self.0.read(&mut into[..most])
        }
    }

    /// Gives some bytes, and from then on an error whenever it is asked, as a cut-off compressed input does.
    struct Cut(io::Cursor<Vec<u8>>);

    impl Read for Cut {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            match self.0.read(into)? {
                0 => Err(io::ErrorKind::UnexpectedEof.into()),
                read => Ok(read),
            }
        }
    }

    #[test]
    fn what_cannot_be_read_on_is_told_once() {
        let cut = Cut(io::Cursor::new(b"one\ntwo\nthr".to_vec()));
        let mut blocks = Blocks::new(Box::new(BufReader::new(cut)), &Settings::default());
        let (mut block, mut lines, mut errors) = (Block::default(), 0, 0);
        for _ in 0..10 {
            if !blocks.next(&mut block).unwrap() {
                assert_eq!((lines, errors), (3, 1));
                return;
            }
            lines += block.lines().count();
            errors += usize::from(block.error.is_some());
        }
        panic!("it does not end");
    }

    fn read(bytes: &[u8], at_once: usize, line_bytes: usize) -> Vec<(u64, Vec<u8>)> {
        let reader = Box::new(BufReader::with_capacity(1, Trickle(io::Cursor::new(bytes.to_vec()), at_once)));
        let mut blocks = Blocks::new(reader, &Settings { line_bytes, ..Settings::default() });
        let (mut block, mut all) = (Block::default(), Vec::new());
        while blocks.next(&mut block).unwrap() {
            all.extend((block.first..).zip(block.lines().map(|line| line.bytes().to_vec())));
        }
        all
    }

    proptest! {
        /// Whatever the reads, the lines and their ordinals are those of the whole; of one that is too long its beginning.
        #[test]
        fn lines_are_those_of_the_whole(lines in prop::collection::vec("[a-c]{0,12}", 0..20), at_once in 1..9_usize, ended in any::<bool>()) {
            let mut text = lines.join("\n");
            if ended {
                text.push('\n');
            }
            let wanted: Vec<(u64, Vec<u8>)> = (1..).zip(text.lines().map(|line| line.as_bytes().to_vec())).collect();
            prop_assert_eq!(&read(text.as_bytes(), at_once, 100), &wanted);
            let found = read(text.as_bytes(), at_once, 6);
            prop_assert_eq!(found.len(), wanted.len());
            for (found, wanted) in found.iter().zip(&wanted) {
                prop_assert_eq!(found.0, wanted.0);
                prop_assert!(wanted.1.starts_with(&found.1));
                prop_assert_eq!(found.1 == wanted.1, wanted.1.len() <= 6 || found.1.len() == wanted.1.len());
            }
        }
    }
}
