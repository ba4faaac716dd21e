//! What others know, read from files: plain lists and CSV, whose values become indicators ([`entry`] says how), and STIX.
//! Told apart by content, plain or compressed, streaming: memory holds one line or object at a time. What cannot be read is
//! an [`InputFault`] with its place and never stops the rest.

pub mod entry;
mod input;
mod lines;
mod objects;
mod rule;
mod split;
mod table;

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, BufRead, Read};

use model::fault::Severity;
use serde::{Deserialize, Serialize};

pub use entry::{Entry, Source};
pub use rule::{Found, Named, Rule, rules};
pub use split::{Bodies, Body, Part, split};

use lines::TextLines;
use objects::Objects;
use table::Layout;

/// The bounds of reading.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Longest line of a list, bytes; a longer one is a fault.
    pub line_bytes: usize,
    /// Longest object of a STIX file, bytes; a longer one is a fault.
    pub object_bytes: usize,
    /// Deepest nesting within an object.
    pub depth: usize,
    /// Most bytes that an input may hold once decompressed.
    pub decompressed_bytes: u64,
    /// Bytes at its beginning by which an input is told apart.
    pub sample_bytes: usize,
    /// Longest body to publish at once, bytes; a longer object is one by itself.
    pub body_bytes: usize,
    /// Most objects to publish at once.
    pub body_objects: usize,
    /// Of so many values of a list, doubles are noticed.
    pub distinct_values: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            line_bytes: 64 << 10,
            object_bytes: 15 << 20,
            depth: 62, // two less than a body may have, which puts each object into a list in an object
            decompressed_bytes: 16 << 30,
            sample_bytes: 64 << 10,
            body_bytes: 8 << 20,
            body_objects: 5_000,
            distinct_values: 4_000_000,
        }
    }
}

/// What an input is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// STIX: bundles, envelopes, lists of objects, single objects, one after the other.
    Stix,
    /// Columns.
    Csv,
    /// A value a line.
    List,
}

/// Where in an input, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A line of a list.
    Line(u64),
    /// An object of a STIX file, by its ordinal.
    Object(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(n) => write!(f, "line {n}"),
            Self::Object(n) => write!(f, "object {n}"),
        }
    }
}

/// One thing that is wrong with an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputFault {
    /// Where.
    pub place: Place,
    /// An error is left out; what is warned of is kept.
    pub severity: Severity,
    /// Stable kebab-case code.
    pub code: &'static str,
    /// One lower-case sentence, without a full stop.
    pub message: String,
}

impl InputFault {
    fn error(place: Place, code: &'static str, message: impl Into<String>) -> Self {
        Self { place, severity: Severity::Error, code, message: message.into() }
    }

    fn warning(place: Place, code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(place, code, message) }
    }
}

/// Why an input cannot be read any further.
#[derive(Debug, thiserror::Error)]
pub enum InboundError {
    /// Not to be read, or longer than the bound once decompressed.
    #[error("the input cannot be read: {0}")]
    Read(#[from] io::Error),
    /// Between the objects it is not JSON.
    #[error("the input is not JSON after object {ordinal}: {what}")]
    Json {
        /// The last object that was whole.
        ordinal: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// Compressed again and again.
    #[error("the input is compressed more than twice over: unpack it first")]
    Layers,
    /// An indicator cannot be written.
    #[error("an indicator cannot be written as JSON")]
    Write(#[from] serde_json::Error),
}

/// What an input holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A value of a list.
    Entry(Entry),
    /// An object of a STIX file.
    Object {
        /// Its ordinal, from 1.
        ordinal: u64,
        /// Its `type`, empty if it has none.
        object_type: String,
        /// Its bytes.
        raw: Vec<u8>,
    },
    /// What cannot be read there, or is to be looked at.
    Fault(InputFault),
}

type Reader = Box<dyn BufRead + Send>;

enum Content {
    Stix(Objects<Reader>),
    Text(TextLines<Reader>, Layout),
}

/// An input, item by item.
pub struct Inbound {
    content: Content,
    waiting: VecDeque<Item>,
    ended: bool,
}

impl Inbound {
    /// Tells `input` apart by its first bytes.
    pub fn open(input: Box<dyn Read + Send>, settings: &Settings) -> Result<Self, InboundError> {
        let (sample, reader) = input::open(input, settings)?;
        let content = if input::is_json(&sample) {
            Content::Stix(Objects::new(reader, settings))
        } else {
            let layout = Layout::of(&sample, sample.len() < settings.sample_bytes);
            Content::Text(TextLines::new(reader, settings.line_bytes), layout)
        };
        Ok(Self { content, waiting: VecDeque::new(), ended: false })
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        match &self.content {
            Content::Stix(_) => Kind::Stix,
            Content::Text(_, Layout::Table(_)) => Kind::Csv,
            Content::Text(_, Layout::List { .. }) => Kind::List,
        }
    }

    /// Reads on until something waits; false at the end.
    fn read_on(&mut self) -> Result<bool, InboundError> {
        match &mut self.content {
            Content::Stix(objects) => match objects.next()? {
                Some(item) => self.waiting.push_back(item),
                None => return Ok(false),
            },
            Content::Text(lines, layout) => match lines.next()? {
                Some((line, text)) => self.waiting.extend(layout.read(line, text.as_deref())),
                None => return Ok(false),
            },
        }
        Ok(true)
    }
}

impl Iterator for Inbound {
    type Item = Result<Item, InboundError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(item) = self.waiting.pop_front() {
                return Some(Ok(item));
            }
            if self.ended {
                return None;
            }
            match self.read_on() {
                Ok(more) => self.ended = !more,
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
    }
}
