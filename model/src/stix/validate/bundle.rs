//! A whole text: a bundle (STIX 2.1 §8), an envelope, a list or one object, with every fault in it.

use std::borrow::Cow;
use std::collections::HashSet;

use super::check::identifier;
use super::findings::Findings;
use super::look_at;
use super::place::Place;
use super::text::is_property_name;
use crate::fault::FaultView;
use crate::json::tree::{Fields, Node};
use crate::json::{Limits, Members, Quick, Split};

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
    let mut seen = HashSet::with_capacity(objects.len());
    let mut reader = Quick::default();
    for raw in objects {
        findings.clear();
        let Some(members) = look_at(reader.read(raw, limits), raw.as_bytes(), limits, &mut findings) else {
            findings.iter(None).try_for_each(&mut each)?;
            continue;
        };
        if let Some(version) = version(&members)
            && !seen.insert(version)
        {
            let message = "this version of this object stands twice in one bundle: keep one, or give the newer a later `modified`";
            let place = Place::ROOT.member("id");
            findings.warning("bundle-duplicate", &place, "STIX 2.1 §8", message);
        }
        findings.iter(members.text("id")).try_for_each(&mut each)?;
    }
    Ok(())
}

/// `id` and `modified` as they are written.
fn version<'a>(members: &Fields<'a>) -> Option<(Cow<'a, str>, Cow<'a, str>)> {
    let text = |name: &str| match members.get(name) {
        Some(Node::Text(text)) => Some(text.clone()),
        _ => None,
    };
    Some((text("id")?, text("modified").unwrap_or_default()))
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
