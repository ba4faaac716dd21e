//! A whole text: a bundle (STIX 2.1 §8), an envelope, a list or one object, with every fault in it.

use std::borrow::Cow;
use std::collections::HashSet;

use super::check::identifier;
use super::look_through;
use super::text::is_property_name;
use crate::fault::Fault;
use crate::json::tree::{Fields, Node};
use crate::json::{Limits, Members, Split};

/// Hands every fault of `text` to `each`: of the bundle, then of its objects in their order. One bad object says nothing of
/// the next. Stops at the first error of `each` and returns it.
pub fn faults_of_text<E>(text: &[u8], limits: &Limits, mut each: impl FnMut(Fault) -> Result<(), E>) -> Result<(), E> {
    let Split { members, is_empty, objects } = match Split::read(text, limits) {
        Ok(split) => split,
        Err(error) => return each(Fault::error("json", "", "STIX 2.1 §1.5", error.to_string())),
    };
    for fault in members.iter().flat_map(|members| of_bundle(members, is_empty)) {
        each(fault)?;
    }
    let mut seen = HashSet::with_capacity(objects.len());
    for raw in objects {
        let (version, faults) = match look_through(raw.as_bytes(), limits) {
            Ok((members, faults)) => (version(&members), faults),
            Err(faults) => (None, faults),
        };
        for fault in faults {
            each(fault)?;
        }
        if let Some((id, modified)) = version
            && !seen.insert((id.clone(), modified))
        {
            let message = "this version of this object stands twice in one bundle: keep one, or give the newer a later `modified`";
            each(Fault::warning("bundle-duplicate", "/id", "STIX 2.1 §8", message).of(id))?;
        }
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

/// What is wrong with the bundle itself.
fn of_bundle(members: &Members<'_>, is_empty: bool) -> Vec<Fault> {
    if members.get("type").is_none_or(|name| name.get() != "\"bundle\"") {
        return Vec::new();
    }
    let section = "STIX 2.1 §8";
    let mut found = Vec::new();
    let id = members.get("id").and_then(|id| serde_json::from_str::<String>(id.get()).ok());
    match id.as_deref().and_then(identifier) {
        Some(("bundle", 4)) => {}
        Some(("bundle", _)) => {
            let message = "the UUID of an identifier should be a random one (version 4)";
            found.push(Fault::warning("id-version", "/id", "STIX 2.1 §2.9", message));
        }
        _ => {
            let message = "a bundle has an `id`: `bundle--` and a UUID in lower case";
            found.push(Fault::error("bundle-id", "/id", section, message));
        }
    }
    if is_empty {
        let message = "`objects` is a list with at least one item: leave it out if there is none";
        found.push(Fault::error("list-empty", "/objects", "STIX 2.1 §2.12", message));
    }
    for name in members.names().filter(|name| !matches!(*name, "type" | "id" | "objects" | "spec_version")) {
        let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        if !is_property_name(name) {
            let message = "a property name has 3 to 250 lower-case letters, digits and underscores: rename it";
            found.push(Fault::error("property-name", pointer.clone(), "STIX 2.1 §3.1", message));
        }
        let message = format!("a bundle has no `{name}`: put what it says into an object");
        found.push(Fault::warning("custom-property", pointer, section, message));
    }
    match id {
        Some(id) => found.into_iter().map(|fault| fault.of(id.as_str())).collect(),
        None => found,
    }
}
