//! Marking definitions and what marks an object (STIX 2.1 §7.2).

use super::check::Check;
use super::place::Place;
use crate::json::tree::{Fields, Node};
use crate::marking;
use crate::stix::StixId;

/// The extension that says TLP 2.0, and the identifiers of TLP 1 (§7.2.1.4).
const TLP_1: &[&str] = &[
    "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9",
    "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da",
    "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82",
    "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed",
];

/// §7.2.1: what a marking definition defines.
pub(super) fn definition(check: &mut Check<'_>) {
    let (object, section) = (check.object, check.section);
    let place = Place::ROOT;
    let extended = object.has("extensions");
    if object.has("definition_type") != object.has("definition") {
        let message = "`definition_type` and `definition` come together or not at all";
        check.error("marking-definition", &place, section, message);
    } else if !object.has("definition_type") && !extended {
        let message = "a marking definition has a `definition` or an extension: add it";
        check.error("marking-definition", &place, section, message);
    }
    match object.text("definition_type") {
        None | Some("tlp") => {}
        Some("statement") => {
            let definition = object.get("definition").and_then(Node::as_object);
            if definition.is_none_or(|definition| definition.text("statement").is_none()) {
                let at = place.member("definition");
                let message = "a statement marking has a text `statement`: add it";
                check.error("property-missing", &at.member("statement"), "STIX 2.1 §7.2.1.3", message);
            }
        }
        Some(_) => {
            let message = "a marking of one's own should be an extension: use `extensions` in place of `definition`";
            check.warning("custom-marking", &place.member("definition_type"), section, message);
        }
    }
    tlp(check);
    circular(check);
}

/// §7.2.1.4: the levels of TLP are given, nobody defines others.
fn tlp(check: &mut Check<'_>) {
    let object = check.object;
    let section = "STIX 2.1 §7.2.1.4";
    let Some(id) = object.text("id").and_then(|id| id.parse::<StixId>().ok()) else { return };
    if marking::redefines(&id, &Node::Object(object.clone()).into_value()) {
        check.error("marking-redefined", &Place::ROOT.member("id"), section,
            "this identifier is a level of TLP that everyone knows, and it cannot be given another meaning: use an identifier of your own");
    } else if object.text("definition_type") == Some("tlp") && !TLP_1.contains(&id.as_str()) {
        let message = "a marking of type `tlp` is one of the four that the standard gives: use its identifier";
        check.error("marking-tlp", &Place::ROOT.member("id"), section, message);
    }
}

/// §7.2.2, §7.2.3: a marking does not mark itself.
fn circular(check: &mut Check<'_>) {
    let object = check.object;
    let Some(id) = object.text("id") else { return };
    let message = "a marking definition does not mark itself: remove the reference";
    for (number, marking) in object.list("object_marking_refs").iter().enumerate() {
        if marking.as_str() == Some(id) {
            let list = Place::ROOT;
            let list = list.member("object_marking_refs");
            check.error("marking-circular", &list.item(number), "STIX 2.1 §7.2.2", message);
        }
    }
    for (number, marking) in object.list("granular_markings").iter().enumerate() {
        if marking.as_object().and_then(|marking| marking.text("marking_ref")) == Some(id) {
            let list = Place::ROOT;
            let list = list.member("granular_markings");
            check.error("marking-circular", &list.item(number), "STIX 2.1 §7.2.3", message);
        }
    }
}

/// §7.2.1.4: an object has one level of TLP. A reader takes the strictest, so that two are no danger, only doubt.
pub(super) fn one_level(check: &mut Check<'_>) {
    let object = check.object;
    let markings = object.list("object_marking_refs");
    if markings.len() < 2 {
        return;
    }
    let known = markings.iter().filter_map(Node::as_str).filter(|id| TLP_1.contains(id)).count();
    if known > 1 {
        let message = "an object has one level of TLP: keep the one that is meant";
        check.warning("marking-tlp-several", &Place::ROOT.member("object_marking_refs"), "STIX 2.1 §7.2.1.4", message);
    }
}

/// Does a selector (§7.2.3.1) point at something that may be marked?
pub(super) fn selects(object: &Fields<'_>, selector: &str) -> bool {
    let mut steps = selector.split('.');
    let Some(first) = steps.next() else { return false };
    if matches!(first, "object_marking_refs" | "granular_markings" | "") {
        return false;
    }
    let Some(mut value) = object.get(first) else { return false };
    for step in steps {
        let next = match (step.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')), value) {
            (Some(number), Node::List(items)) => number.parse::<usize>().ok().and_then(|number| items.get(number)),
            (None, Node::Object(members)) => members.get(step),
            _ => None,
        };
        match next {
            Some(next) => value = next,
            None => return false,
        }
    }
    true
}
