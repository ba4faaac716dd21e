//! Lines of a text, none longer than the bound.

use std::io::{self, BufRead};

/// A line's number, from 1, and its bytes without the line's end; none if it is too long.
pub(super) type NumberedLine = (u64, Option<Vec<u8>>);

pub(super) struct TextLines<R> {
    reader: R,
    number: u64,
    bytes_max: usize,
}

impl<R: BufRead> TextLines<R> {
    pub(super) fn new(reader: R, bytes_max: usize) -> Self {
        Self { reader, number: 0, bytes_max }
    }

    pub(super) fn next(&mut self) -> io::Result<Option<NumberedLine>> {
        let (mut line, mut any, mut fits) = (Vec::new(), false, true);
        loop {
            let ready = self.reader.fill_buf()?;
            if ready.is_empty() {
                break;
            }
            any = true;
            let end = ready.iter().position(|b| *b == b'\n');
            let (part, used) = match end {
                Some(end) => (ready.get(..end).unwrap_or_default(), end + 1),
                None => (ready, ready.len()),
            };
            fits = fits && line.len() + part.len() <= self.bytes_max;
            if fits {
                line.extend_from_slice(part);
            }
            self.reader.consume(used);
            if end.is_some() {
                break;
            }
        }
        if !any {
            return Ok(None);
        }
        self.number += 1;
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(Some((self.number, fits.then_some(line))))
    }
}
