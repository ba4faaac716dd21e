//! What producers add: extensions (STIX 2.1 §7.3), and properties, types and extensions without a definition, which §11
//! still allows and advises against.

use super::check::{Check, identifier};
use super::kind::Kind;
use super::place::Place;
use super::vocabulary::EXTENSION_TYPE;
use super::{catalogue, properties, text};
use crate::json::tree::{Fields, Node};

/// Longest name of a property, in characters, and longest key (§3.1, §2.3), as `text.rs` checks them.
const WHAT_A_NAME_IS: &str =
    "a property name has 3 to 250 lower-case letters, digits and underscores, a letter first: rename it";

impl Check<'_> {
    /// The `extension_type` of every extension that has one.
    fn extension_types(&self) -> impl Iterator<Item = &str> {
        let extensions = self.object.get("extensions").and_then(Node::as_object);
        extensions
            .into_iter()
            .flat_map(Fields::iter)
            .filter_map(|(_, extension)| extension.as_object()?.text("extension_type"))
    }

    /// May the object have properties at the top level that the standard does not name (§7.3)?
    pub(super) fn has_top_level_extension(&self) -> bool {
        self.extension_types().any(|kind| kind == "toplevel-property-extension")
    }

    /// Is the object's type said to be a new one by an extension, and which?
    pub(super) fn new_type(&self) -> Option<&str> {
        self.extension_types().find(|kind| matches!(*kind, "new-sdo" | "new-sco" | "new-sro"))
    }

    /// A type of the producer's own.
    pub(super) fn own_type(&mut self) {
        if self.new_type().is_some() {
            return;
        }
        let place = Place::ROOT.member("type");
        let message = "a type of one's own should be defined by an extension: add it to `extensions` with `new-sdo`, `new-sco` or `new-sro`";
        self.warning("custom-object", &place, "STIX 2.1 §11.2", message);
        self.own_name(self.type_name, '-', &place, "STIX 2.1 §11.2");
    }

    fn own_name(&mut self, name: &str, mark: char, place: &Place<'_>, section: &'static str) {
        let prefix = if mark == '-' { "x-" } else { "x_" };
        if !name.starts_with(prefix) {
            let message = [
                "a name of one's own should begin with `",
                prefix,
                "`, so that no later version of the standard means something else by it: rename it",
            ];
            self.warning("custom-prefix", place, section, message);
        } else if !text::is_own_name(name, mark) {
            let message =
                format!("a name of one's own should say whose it is: `{prefix}`, the producer, `{mark}`, the name");
            self.warning("custom-name", place, section, message);
        }
    }

    /// A property at the top level that neither the type nor the common properties name. `free`: an extension or the
    /// producer's own type may add any. `known`: the type is one of the standard's.
    pub(super) fn added(&mut self, name: &str, value: &Node<'_>, place: &Place<'_>, free: bool, known: bool) {
        if !text::is_property_name(name) {
            self.error("property-name", place, "STIX 2.1 §3.1", WHAT_A_NAME_IS);
        }
        if known && properties::RESERVED.contains(&name) {
            let message = format!("the standard keeps the name `{name}` for itself: rename the property");
            self.error("property-reserved", place, "STIX 2.1 §3.8", message);
        } else if known && matches!(name, "created" | "modified") {
            let message = format!("an object of this type has no `{name}`: remove it");
            self.error("property-forbidden", place, properties::COMMON, message);
        } else if known && properties::ELSEWHERE.contains(&name) {
            let message = ["the standard gives objects of this type no `", name, "`: remove it"];
            self.warning("custom-property", place, properties::COMMON, message);
        } else if !free {
            self.warn_of_own_property(name, place);
        }
        self.unnamed(name, value, place);
    }

    /// A property of an object within the object that its table does not name.
    pub(super) fn own_property(&mut self, name: &str, value: &Node<'_>, place: &Place<'_>) {
        if !text::is_property_name(name) {
            self.error("property-name", place, "STIX 2.1 §3.1", WHAT_A_NAME_IS);
        }
        self.warn_of_own_property(name, place);
        self.unnamed(name, value, place);
    }

    fn warn_of_own_property(&mut self, name: &str, place: &Place<'_>) {
        let message = ["the standard has no property `", name, "` here: add it by an extension"];
        self.warning("custom-property", place, "STIX 2.1 §11.1", message);
        self.own_name(name, '_', place, "STIX 2.1 §11.1");
    }

    /// The `extensions` of the object.
    pub(super) fn extensions(&mut self, entries: &Fields<'_>, place: &Place<'_>) {
        self.not_empty_dictionary(entries, place);
        let predefined = catalogue::find(self.type_name).map(|known| known.extensions).unwrap_or_default();
        for (key, value) in entries.iter() {
            let at = place.member(key);
            let Node::Object(members) = value else {
                self.error("property-type", &at, "STIX 2.1 §7.3", "an extension is an object");
                continue;
            };
            if let Some((_, structure)) = predefined.iter().find(|(name, _)| *name == key) {
                self.structure(structure, members, &at);
            } else if key.starts_with("extension-definition--") {
                self.defined_extension(key, members, &at);
            } else {
                self.own_extension(key, members, &at);
            }
        }
    }

    fn defined_extension(&mut self, key: &str, members: &Fields<'_>, place: &Place<'_>) {
        static TYPE: Kind = Kind::Word(&EXTENSION_TYPE);
        if identifier(key).is_none() {
            let message = "the key is the identifier of an extension definition: `extension-definition--` and a UUID";
            self.error("extension-key", place, "STIX 2.1 §7.3", message);
        }
        let at = place.member("extension_type");
        match members.get("extension_type") {
            Some(value) => self.value(&TYPE, value, &at, "STIX 2.1 §7.3"),
            None => {
                let message = "an extension says of which type it is: add `extension_type`";
                self.error("property-missing", &at, "STIX 2.1 §7.3", message);
            }
        }
        for (name, value) in members.iter().filter(|(name, _)| *name != "extension_type") {
            self.unnamed(name, value, &place.member(name));
        }
    }

    fn own_extension(&mut self, key: &str, members: &Fields<'_>, place: &Place<'_>) {
        let section = "STIX 2.1 §11.3";
        let hyphenated = key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !hyphenated || !key.ends_with("-ext") {
            let message = "the key of an extension is the identifier of its definition; one of one's own is lower-case words with hyphens and ends with `-ext`: rename it";
            self.error("extension-key", place, section, message);
        }
        let message = "an extension of one's own should have a definition: use the identifier of an `extension-definition` as its key";
        self.warning("custom-extension", place, section, message);
        self.own_name(key.strip_suffix("-ext").unwrap_or(key), '-', place, section);
        self.not_empty_dictionary(members, place);
        for (name, value) in members.iter() {
            self.unnamed(name, value, &place.member(name));
        }
    }
}
