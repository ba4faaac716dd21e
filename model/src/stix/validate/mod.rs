//! Validation of STIX 2.1: every MUST is an error, every SHOULD a warning, all faults of an object are found.
//!
//! The tables (`domain.rs`, `observable.rs`, `extension.rs`, `properties.rs`, `vocabulary.rs`, `relations.rs`) say what the
//! standard says, one row a property; `check.rs` reads them; `rules.rs` and `marking.rs` hold what joins several
//! properties; `custom.rs` what producers add. `docs/faults.md` lists every code.

mod bundle;
mod catalogue;
mod check;
mod custom;
mod domain;
mod extension;
mod findings;
mod kind;
mod marking;
mod observable;
mod pattern;
mod place;
mod properties;
mod relations;
mod rules;
mod text;
pub(super) mod vocabulary;

pub use bundle::{Again, InPieces, NotInPieces, faults_of_text};

use serde_json::Value;

use self::check::{Check, Tally, identifier};
use self::findings::Findings;
use self::kind::{Family, ObjectType};
use self::place::Place;
use crate::fault::Fault;
use crate::json::tree::{Fields, Node};
use crate::json::{JsonError, Limits};
use crate::stix::edition::upgrade;
use crate::stix::id::is_type_name;
use crate::stix::is_observable;

/// The members of an object and what is wrong with them; faults alone if it is none.
pub(super) fn look_through<'a>(raw: &'a [u8], limits: &Limits) -> Result<(Fields<'a>, Vec<Fault>), Vec<Fault>> {
    let mut findings = Findings::default();
    match look_at(Node::read(raw, limits), raw, limits, &mut findings) {
        Some(members) => {
            let faults = findings.to_faults(members.text("id"));
            Ok((members, faults))
        }
        None => Err(findings.to_faults(None)),
    }
}

/// Adds what is wrong with an object, read from `raw`, to `findings`; returns its members if it is one.
fn look_at<'a>(
    node: Result<Node<'a>, JsonError>,
    raw: &[u8],
    limits: &Limits,
    findings: &mut Findings,
) -> Option<Fields<'a>> {
    match node {
        Ok(Node::Object(members)) => {
            if is_old(&members) {
                faults_of_old(raw, &members, limits, findings);
            } else {
                faults_of(&members, findings);
            }
            return Some(members);
        }
        Ok(_) => findings.error("not-an-object", &Place::ROOT, "STIX 2.1 §3.1", "a STIX object is a JSON object"),
        Err(error) => findings.error("json", &Place::ROOT, "STIX 2.1 §1.5", error.to_string()),
    }
    None
}

/// Is it an object of STIX 2.0? What it must be is then asked of what it says in 2.1.
fn is_old(object: &Fields<'_>) -> bool {
    match object.text("spec_version") {
        None => object.get("spec_version").is_none() && !is_observable(object.text("type").unwrap_or_default()),
        Some(version) => version == "2.0",
    }
}

/// The faults of an object of 2.0: those that it still has when it is read as 2.1, and that nothing says which it is.
fn faults_of_old(raw: &[u8], object: &Fields<'_>, limits: &Limits, findings: &mut Findings) {
    let read = || -> Option<Vec<u8>> {
        let Ok(Value::Object(old)) = serde_json::from_slice(raw) else { return None };
        upgrade(&old).first().map(serde_json::to_vec)?.ok()
    };
    let Some(new) = read() else { return faults_of(object, findings) };
    let Ok(Node::Object(new)) = Node::read(&new, limits) else { return faults_of(object, findings) };
    let mut own = Findings::default();
    faults_of(object, &mut own);
    for fault in own.iter(None).filter(|fault| fault.code == "spec-version-missing") {
        findings.warning(fault.code, &Place::ROOT.member("spec_version"), fault.section, fault.message);
    }
    faults_of(&new, findings);
}

/// Every fault of one object.
fn faults_of(object: &Fields<'_>, findings: &mut Findings) {
    let type_name = object.text("type").unwrap_or_default();
    let known = catalogue::find(type_name);
    let section = known.map_or("STIX 2.1 §11.2", |known| known.section);
    let mut check =
        Check { object, type_name, section, findings, errors: Tally::default(), warnings: Tally::default() };
    let family = family(&check, known);
    check.head(known, family);
    // What nothing else is known of has at least what all objects have.
    if let Some(rows) = catalogue::rows(type_name, family.unwrap_or(Family::Observable)) {
        check.members(rows, known.is_some());
    }
    for rule in known.map(|known| known.rules).unwrap_or_default() {
        check.rule(*rule);
    }
    if family == Some(Family::Versioned) {
        check.ordered("created", "modified", "STIX 2.1 §3.6.2", true);
    }
    marking::one_level(&mut check);
    check.say_if_more();
}

/// The family of the object's type; of a type of the producer's own, what an extension says or its times show.
fn family(check: &Check<'_>, known: Option<&ObjectType>) -> Option<Family> {
    let object = check.object;
    match (known, check.new_type()) {
        (Some(known), _) => Some(known.family),
        (None, Some("new-sco")) => Some(Family::Observable),
        (None, Some(_)) => Some(Family::Versioned),
        (None, None) if object.has("created") || object.has("modified") => Some(Family::Versioned),
        (None, None) => None,
    }
}

impl Check<'_> {
    /// `type`, `id` and `spec_version` (§3.2).
    fn head(&mut self, known: Option<&ObjectType>, family: Option<Family>) {
        let object = self.object;
        let place = Place::ROOT.member("type");
        match object.get("type") {
            Some(Node::Text(name)) if known.is_some() || is_type_name(name) => {}
            Some(Node::Text(_)) => {
                let message = "an object type is 3 to 250 lower-case letters, digits and single hyphens";
                self.error("type-name", &place, "STIX 2.1 §3.1", message);
            }
            Some(_) => self.error("property-type", &place, properties::COMMON, "`type` is a text"),
            None => self.error("property-missing", &place, properties::COMMON, "every object has a `type`: add it"),
        }
        self.identity(known, family);
        let place = Place::ROOT.member("spec_version");
        match object.get("spec_version") {
            Some(Node::Text(version)) if version == "2.1" || version == "2.0" => {}
            Some(_) => self.error("spec-version", &place, properties::COMMON, "`spec_version` is `2.1`"),
            None if matches!(family, Some(Family::Versioned | Family::Marking)) => {
                let message = "without `spec_version` an object is read as STIX 2.0: add `2.1`";
                self.warning("spec-version-missing", &place, properties::COMMON, message);
            }
            None => {}
        }
        if known.is_none() && object.has("type") {
            self.own_type();
        }
    }

    fn identity(&mut self, known: Option<&ObjectType>, family: Option<Family>) {
        let place = Place::ROOT.member("id");
        let object = self.object;
        let id = match object.get("id") {
            Some(Node::Text(id)) => id,
            Some(_) => return self.error("property-type", &place, properties::COMMON, "`id` is a text"),
            None => {
                return self.error("property-missing", &place, properties::COMMON, "every object has an `id`: add it");
            }
        };
        let Some((name, version)) = identifier(id) else {
            let message = "an identifier is an object type, `--` and a UUID in lower case (RFC 9562): correct it";
            return self.error("id-form", &place, "STIX 2.1 §2.9", message);
        };
        if name != self.type_name {
            let message = format!(
                "the identifier begins with `{name}`, the object's type is `{}`: they must be the same",
                self.type_name
            );
            self.error("id-type", &place, "STIX 2.1 §2.9", message);
        }
        let made = known.is_some_and(|known| known.contributing.iter().any(|name| object.has(name)));
        match family {
            Some(Family::Observable) if known.is_some() && !made && version != 4 => {
                let message = "nothing in this object makes its identifier: use a random UUID (version 4)";
                self.error("id-version", &place, "STIX 2.1 §2.9", message);
            }
            Some(Family::Observable) if made && version != 5 => {
                let message = "the identifier of a cyber-observable should be made from its content (UUID version 5)";
                self.warning("id-version", &place, "STIX 2.1 §2.9", message);
            }
            Some(Family::Versioned | Family::Marking) if version != 4 => {
                let message = "the UUID of an identifier should be a random one (version 4)";
                self.warning("id-version", &place, "STIX 2.1 §2.9", message);
            }
            _ => {}
        }
    }
}
