//! A file read from its beginning to its end through one window, which holds what a reader of it has not passed yet.

use std::fs::File;
use std::io::{Read, Seek};

use anyhow::Result;

/// Length of a window, bytes: it stays in the processor's own memory. It grows while nothing in it is whole.
const WINDOW_BYTES: usize = 1 << 18;
/// Longest window: whoever needs more may as well have the whole file.
const WINDOW_BYTES_MAX: usize = 1 << 24;

/// A window on a file.
pub(super) struct Windows<'f> {
    file: &'f File,
    window: Vec<u8>,
}

impl<'f> Windows<'f> {
    pub(super) fn new(file: &'f File) -> Self {
        Self { file, window: vec![0; WINDOW_BYTES] }
    }

    /// Hands the text at hand to `pass`, with whether nothing comes after it, until all is passed. `pass` returns how far it
    /// came, or nothing if it goes no further; then, and where the file is no UTF-8, longer than `bytes_max` or whole only in a
    /// window that is too long, this is false.
    pub(super) fn each(
        &mut self,
        bytes_max: usize,
        mut pass: impl FnMut(&str, bool) -> Result<Option<usize>>,
    ) -> Result<bool> {
        self.file.rewind()?;
        let (mut held, mut all) = (0, 0);
        loop {
            let Some(room) = self.window.get_mut(held..) else { return Ok(false) };
            let read = self.file.read(room)?;
            (held, all) = (held + read, all + read);
            let last = read == 0;
            if all > bytes_max {
                return Ok(false);
            }
            if !last && held < self.window.len() {
                continue;
            }
            let Some(text) = self.window.get(..held).and_then(|bytes| begin_of_text(bytes, last)) else {
                return Ok(false);
            };
            let Some(passed) = pass(text, last)? else { return Ok(false) };
            if last {
                return Ok(passed == held);
            }
            self.window.copy_within(passed..held, 0);
            held -= passed;
            if passed == 0 {
                if self.window.len() >= WINDOW_BYTES_MAX {
                    return Ok(false);
                }
                self.window.resize(self.window.len() * 2, 0);
            }
        }
    }
}

/// The text that `bytes` are, without a character that is cut at its end unless it is the `last`.
fn begin_of_text(bytes: &[u8], last: bool) -> Option<&str> {
    match simdutf8::compat::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) if error.error_len().is_none() && !last => {
            simdutf8::compat::from_utf8(bytes.get(..error.valid_up_to())?).ok()
        }
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file_of(text: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text).unwrap();
        file
    }

    #[test]
    fn windows_together_are_the_file_and_grow_with_what_is_in_them() {
        let text: String = (0..200_000).map(|number| format!("{number}é")).collect();
        let file = file_of(text.as_bytes());
        let mut windows = Windows::new(&file);
        for least in [1, 700_000] {
            let mut read = String::new();
            let whole = windows.each(text.len(), |window, last| {
                let passed = if window.len() < least && !last { 0 } else { window.len() };
                read.push_str(window.get(..passed).unwrap());
                Ok(Some(passed))
            });
            assert!(whole.unwrap());
            assert_eq!(read.len(), text.len());
            assert!(read == text);
        }
        assert!(!windows.each(text.len() - 1, |window, _| Ok(Some(window.len()))).unwrap(), "longer than allowed");
        assert!(!windows.each(text.len(), |_, _| Ok(None)).unwrap());
        let long = file_of(&vec![b' '; WINDOW_BYTES_MAX + 1]);
        assert!(!Windows::new(&long).each(usize::MAX, |_, _| Ok(Some(0))).unwrap(), "nothing is ever whole");
    }

    #[test]
    fn what_is_no_text_is_not_handed_on() {
        for bytes in [&b"ab\xff"[..], b"ab\xc3"] {
            assert!(!Windows::new(&file_of(bytes)).each(10, |window, _| Ok(Some(window.len()))).unwrap());
        }
    }
}
