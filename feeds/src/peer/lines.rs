//! Cuts what arrives into lines, however it was chunked.

use bytes::{Bytes, BytesMut};

use super::wire::WireError;

/// Whole lines of what was pushed. Holds at most one unfinished line and one chunk.
#[derive(Debug)]
pub(crate) struct Lines {
    waiting: BytesMut,
    searched: usize,
    bytes_max: usize,
}

impl Lines {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { waiting: BytesMut::new(), searched: 0, bytes_max }
    }

    pub(crate) fn push(&mut self, chunk: &[u8]) {
        self.waiting.extend_from_slice(chunk);
    }

    /// The next whole line without its newline; none if it has not come yet.
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, WireError> {
        let too_long = WireError::TooLong { max: self.bytes_max };
        match self.waiting.iter().skip(self.searched).position(|b| *b == b'\n') {
            Some(after) if self.searched + after > self.bytes_max => Err(too_long),
            Some(after) => {
                let mut line = self.waiting.split_to(self.searched + after + 1).freeze();
                line.truncate(line.len() - 1);
                self.searched = 0;
                Ok(Some(line))
            }
            None if self.waiting.len() > self.bytes_max => Err(too_long),
            None => {
                self.searched = self.waiting.len();
                Ok(None)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_without_end_is_refused() {
        let mut lines = Lines::new(4);
        lines.push(b"abcd");
        assert_eq!(lines.next().unwrap(), None);
        lines.push(b"e");
        assert!(lines.next().is_err());
        let mut lines = Lines::new(4);
        lines.push(b"abcd\nabcde\n");
        assert_eq!(lines.next().unwrap().unwrap(), "abcd");
        assert!(lines.next().is_err());
    }

    proptest! {
        #[test]
        fn chunks_do_not_matter(text in "[ab\n]{0,60}", cuts in proptest::collection::vec(0..9_usize, 0..30)) {
            let mut lines = Lines::new(1000);
            let mut found = Vec::new();
            let mut rest = text.as_bytes();
            for cut in cuts.into_iter().chain([usize::MAX]) {
                let (chunk, after) = rest.split_at(cut.min(rest.len()));
                lines.push(chunk);
                rest = after;
                while let Some(line) = lines.next().unwrap() {
                    found.push(String::from_utf8(line.to_vec()).unwrap());
                }
            }
            let whole: Vec<&str> = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')).collect();
            prop_assert_eq!(found, whole);
        }
    }
}
