//! Inputs larger than one body, cut into bodies to publish one after the other. Marking definitions go first, then
//! identities, then the rest as it stands, so that nothing is kept aside for what stands later in the same file. A STIX file
//! is read three times for that and never held; a list is read once.

use std::collections::HashSet;
use std::io::{self, Read};

use uuid::Uuid;

use super::entry::Source;
use super::{Inbound, InboundError, InputFault, Item, Kind, Settings};

/// One body to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// A TAXII envelope: `{"objects":[…]}`.
    pub bytes: Vec<u8>,
    /// How many objects it holds.
    pub objects: usize,
}

/// What comes of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Objects to publish.
    Body(Body),
    /// What was left out, or is to be looked at.
    Fault(InputFault),
}

/// What is taken out of a STIX file, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pass {
    Definitions,
    Identities,
    Rest,
}

impl Pass {
    fn of(object_type: &str) -> Self {
        match object_type {
            "marking-definition" => Self::Definitions,
            "identity" => Self::Identities,
            _ => Self::Rest,
        }
    }

    fn next(self) -> Option<Self> {
        match self {
            Self::Definitions => Some(Self::Identities),
            Self::Identities => Some(Self::Rest),
            Self::Rest => None,
        }
    }
}

/// The bodies of an input. After an error nothing follows.
pub struct Bodies<'a> {
    open: Box<dyn FnMut() -> io::Result<Box<dyn Read + Send>> + Send + 'a>,
    source: Source,
    settings: Settings,
    pass: Pass,
    inbound: Option<Inbound>,
    filling: Filling,
    seen: HashSet<Uuid>,
    failed: Option<InboundError>,
}

/// Cuts the input that `open` opens, up to three times over, into bodies. Values of a list become indicators of `source`.
pub fn split<'a>(
    mut open: impl FnMut() -> io::Result<Box<dyn Read + Send>> + Send + 'a,
    source: Source,
    settings: Settings,
) -> Result<Bodies<'a>, InboundError> {
    let inbound = Inbound::open(open()?, &settings)?;
    let pass = if inbound.kind() == Kind::Stix { Pass::Definitions } else { Pass::Rest };
    Ok(Bodies {
        open: Box::new(open),
        source,
        settings,
        pass,
        inbound: Some(inbound),
        filling: Filling::default(),
        seen: HashSet::new(),
        failed: None,
    })
}

impl Bodies<'_> {
    /// What the input is.
    pub fn kind(&self) -> Option<Kind> {
        self.inbound.as_ref().map(Inbound::kind)
    }

    /// The object that an item gives in this pass, or a fault.
    fn object(&mut self, item: Item) -> Result<Option<Vec<u8>>, Part> {
        match item {
            Item::Object { object_type, raw, .. } => Ok((Pass::of(&object_type) == self.pass).then_some(raw)),
            Item::Fault(fault) if self.first_pass() => Err(Part::Fault(fault)),
            Item::Fault(_) => Ok(None), // told in the first pass
            Item::Entry(entry) => {
                let id = entry.uuid(&self.source);
                if self.seen.contains(&id) {
                    return Ok(None); // the first of equal values counts
                }
                if self.seen.len() < self.settings.distinct_values {
                    self.seen.insert(id);
                }
                match entry.indicator(&self.source) {
                    Ok(bytes) => Ok(Some(bytes)),
                    Err(error) => {
                        self.failed = Some(error.into());
                        Ok(None)
                    }
                }
            }
        }
    }

    fn first_pass(&self) -> bool {
        let stix = self.kind() == Some(Kind::Stix);
        self.pass == if stix { Pass::Definitions } else { Pass::Rest }
    }

    /// The end of a pass, by an error or not: the next one goes as far, and the last one tells of it.
    fn end_pass(&mut self, error: Option<InboundError>) {
        self.inbound = None;
        match self.pass.next() {
            Some(next) => {
                self.pass = next;
                match (self.open)().map_err(InboundError::from).and_then(|input| Inbound::open(input, &self.settings)) {
                    Ok(inbound) => self.inbound = Some(inbound),
                    Err(error) => self.failed = Some(error),
                }
            }
            None => self.failed = self.failed.take().or(error),
        }
    }
}

impl Iterator for Bodies<'_> {
    type Item = Result<Part, InboundError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(inbound) = &mut self.inbound else {
                return match self.filling.take() {
                    Some(body) => Some(Ok(Part::Body(body))),
                    None => self.failed.take().map(Err),
                };
            };
            let object = match inbound.next() {
                None => {
                    self.end_pass(None);
                    continue;
                }
                Some(Err(error)) => {
                    self.end_pass(Some(error));
                    continue;
                }
                Some(Ok(item)) => match self.object(item) {
                    Ok(Some(object)) => object,
                    Ok(None) => continue,
                    Err(fault) => return Some(Ok(fault)),
                },
            };
            if let Some(full) = self.filling.add(&object, &self.settings) {
                return Some(Ok(Part::Body(full)));
            }
        }
    }
}

const BEFORE: &[u8] = b"{\"objects\":[";
const BEHIND: &[u8] = b"]}";

/// A body that is not full yet.
#[derive(Default)]
struct Filling {
    bytes: Vec<u8>,
    objects: usize,
}

impl Filling {
    /// Adds an object; gives the body that stood there if both together are too much.
    fn add(&mut self, object: &[u8], settings: &Settings) -> Option<Body> {
        let together = self.bytes.len() + 1 + object.len() + BEHIND.len();
        let full = self.objects > 0 && (self.objects >= settings.body_objects || together > settings.body_bytes);
        let body = if full { self.take() } else { None };
        self.bytes.extend_from_slice(if self.objects == 0 { BEFORE } else { b"," });
        self.bytes.extend_from_slice(object);
        self.objects += 1;
        body
    }

    fn take(&mut self) -> Option<Body> {
        let Self { mut bytes, objects } = std::mem::take(self);
        bytes.extend_from_slice(BEHIND);
        (objects > 0).then_some(Body { bytes, objects })
    }
}
