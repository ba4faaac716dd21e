//! Data on stdout, in lines; a reader that goes away (`| head`) ends the command quietly.

use std::io::{BufWriter, Stdout, Write};

use anyhow::Result;
use serde::Serialize;

/// Buffered lines on stdout.
pub(crate) struct Lines {
    out: BufWriter<Stdout>,
    /// The line at hand; kept, so that each finds room.
    line: Vec<u8>,
}

/// The reader of stdout went away: no failure, but no reason to go on.
#[derive(Debug, thiserror::Error)]
#[error("the reader of the output is gone")]
pub(crate) struct Gone;

impl Lines {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self { out: BufWriter::with_capacity(1 << 16, std::io::stdout()), line: Vec::new() }
    }

    /// One JSON line.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, value)?;
        self.line.push(b'\n');
        self.out.write_all(&self.line).map_err(Self::gone)
    }

    /// One line of text.
    pub(crate) fn text(&mut self, line: &str) -> Result<()> {
        self.write(line.as_bytes())?;
        self.write(b"\n")
    }

    /// Bytes as they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.write(bytes)
    }

    /// Everything out.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.out.flush().map_err(Self::gone)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.out.write_all(bytes).map_err(Self::gone)
    }

    fn gone(error: std::io::Error) -> anyhow::Error {
        if error.kind() == std::io::ErrorKind::BrokenPipe { Gone.into() } else { error.into() }
    }
}
