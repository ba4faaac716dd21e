//! A whole text: a bundle (STIX 2.1 §8), an envelope, a list or one object, with every fault in it.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use super::check::identifier;
use super::findings::Findings;
use super::look_at;
use super::place::Place;
use super::text::is_property_name;
use crate::fault::FaultView;
use crate::json::tree::{Fields, Node};
use crate::json::{JsonError, Limits, Members, OUTSIDE, Pieces, Quick, Refused, Scanner, Split};

/// Hands every fault of `text` to `each`: of the bundle, then of its objects in their order. One bad object says nothing of
/// the next. Stops at the first error of `each` and returns it.
pub fn faults_of_text<E>(
    text: &[u8],
    limits: &Limits,
    mut each: impl FnMut(FaultView<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut findings = Findings::default();
    let Split { members, is_empty, objects } = match Split::read(text, limits) {
        Ok(split) => split,
        Err(error) => {
            findings.error("json", &Place::ROOT, "STIX 2.1 §1.5", error.to_string());
            return findings.iter(None).try_for_each(each);
        }
    };
    if let Some(members) = members {
        let id = of_bundle(&members, is_empty, &mut findings);
        findings.iter(id.as_deref()).try_for_each(&mut each)?;
    }
    let mut checked = Checked::new(findings, *limits);
    let mut reader = Quick::default();
    objects.into_iter().try_for_each(|raw| checked.object(raw, reader.read(raw, limits), &mut each))
}

/// A bundle that is read twice, a window at a time, so that none but the window is held: [`faults_of_text`] tells the same
/// of the same text. First all of it goes through [`InPieces::pass`], since of what is no JSON to its end nothing else is
/// told; then again through [`Again::pass`].
#[derive(Debug)]
pub struct InPieces {
    limits: Limits,
    pieces: Pieces,
}

/// A text that is no bundle as usual, in order or not: [`faults_of_text`] is for all others.
#[derive(Debug, thiserror::Error)]
#[error("the text is no bundle as usual")]
pub struct NotInPieces;

impl InPieces {
    /// Before the first byte of a text of `limits.body_bytes`.
    pub fn new(limits: Limits) -> Self {
        Self { limits, pieces: Pieces::new(limits) }
    }

    /// Passes what is whole in `window`, which begins where the last one was passed to. Returns how far that was: not at all
    /// if the window is too small. `last`: nothing comes after the window.
    pub fn pass(&mut self, window: &str, last: bool) -> Result<usize, NotInPieces> {
        let limits = self.limits;
        let read = |scanner: &mut Scanner<'_>| scanner.value(OUTSIDE, &limits).map(drop);
        self.pieces.pass(window, last, read, drop).map_err(|Refused| NotInPieces)
    }

    /// Once all is passed: hands every fault of the bundle itself to `each`.
    pub fn again<E>(self, each: impl FnMut(FaultView<'_>) -> Result<(), E>) -> Result<Result<Again, E>, NotInPieces> {
        let Split { members, is_empty, .. } = self.pieces.around().map_err(|Refused| NotInPieces)?;
        let mut findings = Findings::default();
        let id = members.and_then(|members| of_bundle(&members, is_empty, &mut findings));
        let told = findings.iter(id.as_deref()).try_for_each(each);
        let pieces = Pieces::new(self.limits);
        Ok(told.map(|()| Again { pieces, checked: Checked::new(findings, self.limits) }))
    }
}

/// The second time that a bundle is read in windows.
#[derive(Debug)]
pub struct Again {
    pieces: Pieces,
    checked: Checked,
}

impl Again {
    /// As [`InPieces::pass`], and hands every fault of the objects that are whole in `window` to `each`.
    pub fn pass<'w, E>(
        &mut self,
        window: &'w str,
        last: bool,
        mut each: impl FnMut(FaultView<'_>) -> Result<(), E>,
    ) -> Result<Result<usize, E>, NotInPieces> {
        let (mut reader, mut told) = (Quick::default(), Ok(()));
        let Self { pieces, checked } = self;
        let limits = checked.limits;
        let read = |scanner: &mut Scanner<'w>| reader.read_next(scanner, OUTSIDE, &limits);
        let passed = pieces.pass(window, last, read, |(raw, node)| {
            if told.is_ok() {
                told = checked.object(raw, node, &mut each);
            }
        });
        passed.map(|passed| told.map(|()| passed)).map_err(|Refused| NotInPieces)
    }
}

/// Objects of one bundle under check.
#[derive(Debug)]
struct Checked {
    limits: Limits,
    findings: Findings,
    seen: Seen,
}

impl Checked {
    fn new(findings: Findings, limits: Limits) -> Self {
        Self { limits, findings, seen: Seen::default() }
    }

    /// Hands every fault of one object to `each`.
    fn object<E>(
        &mut self,
        raw: &str,
        node: Result<Node<'_>, JsonError>,
        mut each: impl FnMut(FaultView<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let findings = &mut self.findings;
        findings.clear();
        let members = look_at(node, raw.as_bytes(), &self.limits, findings);
        if members.as_ref().is_some_and(|members| self.seen.is_again(members)) {
            let message = "this version of this object stands twice in one bundle: keep one, or give the newer a later `modified`";
            findings.warning("bundle-duplicate", &Place::ROOT.member("id"), "STIX 2.1 §8", message);
        }
        findings.iter(members.as_ref().and_then(|members| members.text("id"))).try_for_each(&mut each)
    }
}

/// The versions of a bundle so far: the end of the identifier of each, and 64 bits of the whole under a key that nobody
/// outside knows. The versions of a million objects take room for numbers alone, and nobody can make two that are taken
/// for one.
#[derive(Debug, Default)]
struct Seen {
    versions: HashSet<(u64, u64)>,
    key: RandomState,
}

impl Seen {
    /// Was there an object of the same `id` and `modified`, as they are written?
    fn is_again(&mut self, members: &Fields<'_>) -> bool {
        let Some(id) = members.text("id") else { return false };
        let end = id.as_bytes().last_chunk().map_or(0, |end| u64::from_le_bytes(*end));
        !self.versions.insert((end, self.key.hash_one((id, members.text("modified").unwrap_or_default()))))
    }
}

/// Adds what is wrong with the bundle itself to `findings`; returns its identifier.
fn of_bundle(members: &Members<'_>, is_empty: bool, findings: &mut Findings) -> Option<String> {
    if members.get("type").is_none_or(|name| name.get() != "\"bundle\"") {
        return None;
    }
    let section = "STIX 2.1 §8";
    let root = Place::ROOT;
    let id = members.get("id").and_then(|id| serde_json::from_str::<String>(id.get()).ok());
    match id.as_deref().and_then(identifier) {
        Some(("bundle", 4)) => {}
        Some(("bundle", _)) => {
            let message = "the UUID of an identifier should be a random one (version 4)";
            findings.warning("id-version", &root.member("id"), "STIX 2.1 §2.9", message);
        }
        _ => {
            let message = "a bundle has an `id`: `bundle--` and a UUID in lower case";
            findings.error("bundle-id", &root.member("id"), section, message);
        }
    }
    if is_empty {
        let message = "`objects` is a list with at least one item: leave it out if there is none";
        findings.error("list-empty", &root.member("objects"), "STIX 2.1 §2.12", message);
    }
    for name in members.names().filter(|name| !matches!(*name, "type" | "id" | "objects" | "spec_version")) {
        let place = root.member(name);
        if !is_property_name(name) {
            let message = "a property name has 3 to 250 lower-case letters, digits and underscores: rename it";
            findings.error("property-name", &place, "STIX 2.1 §3.1", message);
        }
        let message = ["a bundle has no `", name, "`: put what it says into an object"];
        findings.warning("custom-property", &place, section, message);
    }
    id
}
