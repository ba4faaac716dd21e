//! Data on stdout, in lines; a reader that goes away (`| head`) ends the command quietly.

use std::io::{Stdout, Write};

use anyhow::Result;
use serde::Serialize;

/// So many bytes go out together.
const WAITING_BYTES: usize = 1 << 16;

/// Lines on stdout, written where they wait to go out.
pub(crate) struct Lines {
    out: Stdout,
    waiting: Vec<u8>,
}

/// The reader of stdout went away: no failure, but no reason to go on.
#[derive(Debug, thiserror::Error)]
#[error("the reader of the output is gone")]
pub(crate) struct Gone;

impl Lines {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self { out: std::io::stdout(), waiting: Vec::with_capacity(2 * WAITING_BYTES) }
    }

    /// One JSON line.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<()> {
        self.written(|line| {
            serde_json::to_writer(&mut *line, value)?;
            line.push(b'\n');
            Ok(())
        })
    }

    /// One line of text.
    pub(crate) fn text(&mut self, line: &str) -> Result<()> {
        self.bytes(line.as_bytes())?;
        self.bytes(b"\n")
    }

    /// Bytes as they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.written(|line| {
            line.extend_from_slice(bytes);
            Ok(())
        })
    }

    /// What `write` appends; nothing of it if it fails.
    pub(crate) fn written(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> Result<()> {
        let before = self.waiting.len();
        if let Err(error) = write(&mut self.waiting) {
            self.waiting.truncate(before);
            return Err(error);
        }
        if self.waiting.len() >= WAITING_BYTES { self.send() } else { Ok(()) }
    }

    /// Everything out.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.send()
    }

    fn send(&mut self) -> Result<()> {
        let sent = self.out.write_all(&self.waiting).and_then(|()| self.out.flush());
        self.waiting.clear();
        sent.map_err(|error| if error.kind() == std::io::ErrorKind::BrokenPipe { Gone.into() } else { error.into() })
    }
}

impl Drop for Lines {
    /// What was said before a failure is said.
    fn drop(&mut self) {
        let _ = self.send();
    }
}
