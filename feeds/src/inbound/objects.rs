//! The objects of a STIX file, one at a time, however large the file is: a scanner that knows brackets and texts finds where
//! each ends; what is in it is for others to read. The same shapes as `model::json::split_objects` takes, and several of
//! them one after the other.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io::{self, BufRead};

use model::json::{Limits, check, split_objects};
use serde::Deserialize;

use super::{InboundError, InputFault, Item, Place, Settings};

/// Where the scanner is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between values.
    Outside,
    /// In a list of objects that stands alone, or in that of a bundle.
    List { bundle: bool, first: bool },
    /// In a bundle, behind its objects.
    BehindObjects,
}

pub(super) struct Objects<R> {
    reader: R,
    limits: Limits,
    ordinal: u64,
    state: State,
    waiting: VecDeque<Item>,
    /// What was passed since an object began that may stand alone; one byte too many tells that it is too long.
    record: Option<Vec<u8>>,
}

/// A value as it stands, none if it is longer than the bound.
type Raw = Option<Vec<u8>>;

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, rename = "type")]
    object_type: Option<Cow<'a, str>>,
}

impl<R: BufRead> Objects<R> {
    pub(super) fn new(reader: R, settings: &Settings) -> Self {
        let limits = Limits { body_bytes: settings.object_bytes, depth: settings.depth, ..Limits::default() };
        Self { reader, limits, ordinal: 0, state: State::Outside, waiting: VecDeque::new(), record: None }
    }

    /// The next object or fault; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Item>, InboundError> {
        loop {
            if let Some(item) = self.waiting.pop_front() {
                return Ok(Some(item));
            }
            let go_on = match self.state {
                State::Outside => self.outside()?,
                State::List { bundle, first } => self.list(bundle, first)?,
                State::BehindObjects => self.behind_objects()?,
            };
            if !go_on {
                return Ok(None);
            }
        }
    }

    fn outside(&mut self) -> Result<bool, InboundError> {
        match self.sign()? {
            None => return Ok(false),
            Some(b'[') => {
                self.pass(1)?;
                self.state = State::List { bundle: false, first: true };
            }
            Some(b'{') => self.object_or_bundle()?,
            Some(_) => return Err(self.broken("an object or a list of objects should begin here")),
        }
        Ok(true)
    }

    /// One item of a list, or its end.
    fn list(&mut self, bundle: bool, first: bool) -> Result<bool, InboundError> {
        match self.sign()?.ok_or_else(|| self.broken("it ends within a list"))? {
            b']' => {
                self.pass(1)?;
                self.state = if bundle { State::BehindObjects } else { State::Outside };
                return Ok(true);
            }
            b',' if !first => self.pass(1)?,
            _ if first => {}
            _ => return Err(self.broken("a comma is missing between two objects")),
        }
        self.state = State::List { bundle, first: false };
        self.sign()?;
        let raw = self.value()?;
        self.found(raw, !bundle);
        Ok(true)
    }

    /// The members behind `objects` tell nothing more, except that it was no bundle.
    fn behind_objects(&mut self) -> Result<bool, InboundError> {
        match self.sign()?.ok_or_else(|| self.broken("it ends within a bundle"))? {
            b'}' => {
                self.pass(1)?;
                self.state = State::Outside;
            }
            b',' => {
                self.pass(1)?;
                let name = self.name()?;
                let value = self.value()?;
                if name == "objects" {
                    return Err(self.broken("the name `objects` stands twice in one bundle"));
                }
                if name == "type" && value.as_deref() != Some(b"\"bundle\"") {
                    return Err(self.broken("what has a list of `objects` before its `type` is not a bundle"));
                }
            }
            _ => return Err(self.broken("a comma or the end of the bundle should stand here")),
        }
        Ok(true)
    }

    /// Reads members until it is clear which of the two it is: a bundle (or envelope) from its `objects` on, else an object
    /// when it ends.
    fn object_or_bundle(&mut self) -> Result<(), InboundError> {
        let (mut first, mut object_type): (bool, Raw) = (true, None);
        self.record = Some(Vec::new());
        self.pass(1)?;
        loop {
            match self.sign()?.ok_or_else(|| self.broken("it ends within an object"))? {
                b'}' => {
                    self.pass(1)?;
                    break;
                }
                b',' if !first => self.pass(1)?,
                _ if first => {}
                _ => return Err(self.broken("a comma is missing between two members")),
            }
            first = false;
            let name = self.name()?;
            let bundle = object_type.as_deref().is_none_or(|object_type| object_type == b"\"bundle\"");
            if name == "objects" && bundle && self.sign()? == Some(b'[') {
                self.record = None;
                self.pass(1)?;
                self.state = State::List { bundle: true, first: true };
                return Ok(());
            }
            let value = self.value()?;
            if name == "type" {
                object_type = value;
            }
        }
        let whole = self.record.take().unwrap_or_default();
        if !first && object_type.as_deref() != Some(b"\"bundle\"") {
            self.found((whole.len() <= self.limits.body_bytes).then_some(whole), false);
        }
        Ok(())
    }

    /// One object is whole. In a list that stands alone a bundle may stand for its objects.
    fn found(&mut self, raw: Raw, may_be_bundle: bool) {
        self.ordinal += 1;
        let place = Place::Object(self.ordinal);
        let mut fault = |code, message: String| {
            self.waiting.push_back(Item::Fault(InputFault::error(place, code, message)));
        };
        let Some(raw) = raw else {
            return fault("object-too-long", "the object is longer than `object_bytes` allows".to_owned());
        };
        if let Err(error) = check(&raw, &self.limits) {
            return fault("json", error.to_string());
        }
        let object_type = match serde_json::from_slice::<Head<'_>>(&raw) {
            Ok(head) if raw.first() == Some(&b'{') => head.object_type.unwrap_or_default().into_owned(),
            Ok(_) => return fault("not-an-object", "only objects may stand here".to_owned()),
            Err(error) => return fault("json", format!("this is not a JSON object: {error}")),
        };
        if may_be_bundle && object_type == "bundle" {
            match split_objects(&raw, &self.limits) {
                Err(error) => fault("json", error.to_string()),
                Ok(objects) => {
                    self.ordinal -= 1;
                    let objects: Vec<Vec<u8>> = objects.into_iter().map(<[u8]>::to_vec).collect();
                    for object in objects {
                        self.found(Some(object), false);
                    }
                }
            }
            return;
        }
        self.waiting.push_back(Item::Object { ordinal: self.ordinal, object_type, raw });
    }

    /// A member's name and the colon behind it.
    fn name(&mut self) -> Result<String, InboundError> {
        if self.sign()? != Some(b'"') {
            return Err(self.broken("the name of a member should stand here"));
        }
        let raw = self.value()?.unwrap_or_default();
        let name = serde_json::from_slice(&raw).map_err(|_| self.broken("the name of a member cannot be read"))?;
        if self.sign()? != Some(b':') {
            return Err(self.broken("a colon should stand behind the name of a member"));
        }
        self.pass(1)?;
        self.sign()?;
        Ok(name)
    }

    /// The value that begins here, up to its end.
    fn value(&mut self) -> Result<Raw, InboundError> {
        let mut raw = Vec::new();
        let (mut scan, mut fits) = (Scan::default(), true);
        loop {
            let ready = self.reader.fill_buf()?;
            if ready.is_empty() {
                return Err(self.broken("it ends within a value"));
            }
            let (used, done) = scan.through(ready);
            let part = ready.get(..used).unwrap_or(ready);
            fits = fits && raw.len() + part.len() <= self.limits.body_bytes;
            if fits {
                raw.extend_from_slice(part);
            }
            self.pass(used)?;
            if done {
                break;
            }
        }
        if raw.is_empty() && fits {
            return Err(self.broken("a value should stand here"));
        }
        Ok(fits.then_some(raw))
    }

    /// Goes on behind `bytes` bytes of those that are ready.
    fn pass(&mut self, bytes: usize) -> io::Result<()> {
        if let Some(record) = &mut self.record {
            let room = (self.limits.body_bytes + 1).saturating_sub(record.len());
            let ready = self.reader.fill_buf()?;
            record.extend_from_slice(ready.get(..bytes.min(room)).unwrap_or_default());
        }
        self.reader.consume(bytes);
        Ok(())
    }

    /// The next byte that is no white space, left where it is.
    fn sign(&mut self) -> io::Result<Option<u8>> {
        loop {
            let ready = self.reader.fill_buf()?;
            if ready.is_empty() {
                return Ok(None);
            }
            match ready.iter().position(|b| !matches!(b, b' ' | b'\t' | b'\n' | b'\r')) {
                Some(at) => {
                    let sign = ready.get(at).copied();
                    self.pass(at)?;
                    return Ok(sign);
                }
                None => {
                    let all = ready.len();
                    self.pass(all)?;
                }
            }
        }
    }

    fn broken(&self, what: &'static str) -> InboundError {
        InboundError::Json { ordinal: self.ordinal, what }
    }
}

/// Finds the end of one value.
#[derive(Default)]
struct Scan {
    depth: usize,
    quoted: bool,
    escaped: bool,
    begun: bool,
}

impl Scan {
    /// How many of these bytes belong to the value, and whether it ends with them.
    fn through(&mut self, bytes: &[u8]) -> (usize, bool) {
        for (at, b) in bytes.iter().enumerate() {
            if self.quoted {
                match b {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => {
                        self.quoted = false;
                        if self.depth == 0 {
                            return (at + 1, true);
                        }
                    }
                    _ => {}
                }
                continue;
            }
            match b {
                b'"' if self.depth == 0 && self.begun => return (at, true),
                b'"' => self.quoted = true,
                b'{' | b'[' if self.depth == 0 && self.begun => return (at, true),
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' | b',' | b':' | b' ' | b'\t' | b'\n' | b'\r' if self.depth == 0 => return (at, true),
                b'}' | b']' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return (at + 1, true);
                    }
                }
                _ => {}
            }
            self.begun = true;
        }
        (bytes.len(), false)
    }
}
