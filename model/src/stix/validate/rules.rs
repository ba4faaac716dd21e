//! Rules that join several properties of one object. Each is a row's `Rule` in the tables.

use super::check::{Check, identifier};
use super::kind::Family;
use super::place::Place;
use super::{catalogue, properties, text};
use crate::json::tree::{Fields, Node};
use crate::time::Timestamp;

/// A rule of an object type.
#[derive(Clone, Copy)]
pub(super) enum Rule {
    /// One of these properties at least.
    AnyOf(&'static [&'static str]),
    /// Where the first is, the second is too.
    Needs(&'static str, &'static str),
    /// The second moment is not before the first; whether they may be equal.
    Order(&'static str, &'static str, bool),
    /// Any other.
    Own(fn(&mut Check<'_>)),
}

/// A rule of an object within an object.
#[derive(Clone, Copy)]
pub(super) enum StructureRule {
    /// One of these properties at least.
    AnyOf(&'static [&'static str]),
    /// Any other.
    Own(fn(&mut Check<'_>, &Fields<'_>, &Place<'_>)),
}

impl Check<'_> {
    pub(super) fn rule(&mut self, rule: Rule) {
        match rule {
            Rule::AnyOf(names) => self.any_of(self.object, names, &Place::ROOT, self.section),
            Rule::Needs(one, other) => {
                if self.object.has(one) && !self.object.has(other) {
                    let message = format!("`{one}` means nothing without `{other}`: add it");
                    self.error("property-missing", &Place::ROOT.member(other), self.section, message);
                }
            }
            Rule::Order(first, second, equal) => self.ordered(first, second, self.section, equal),
            Rule::Own(rule) => rule(self),
        }
    }

    /// `second` is not before `first` (`equal`: they may be the same moment).
    pub(super) fn ordered(&mut self, first: &str, second: &str, section: &'static str, equal: bool) {
        let object = self.object;
        let time = |name: &str| object.text(name)?.parse::<Timestamp>().ok();
        if let (Some(a), Some(b)) = (time(first), time(second))
            && (a > b || (a == b && !equal))
        {
            let or = if equal { " or equal to it" } else { "" };
            let message = format!("`{second}` is later than `{first}`{or}: correct one of the two");
            self.error("time-order", &Place::ROOT.member(second), section, message);
        }
    }

    /// Two properties that are not there together.
    fn not_both(&mut self, one: &str, other: &str) {
        if self.object.has(one) && self.object.has(other) {
            let message = format!("`{one}` and `{other}` are not there together: remove one");
            self.error("property-conflict", &Place::ROOT.member(other), self.section, message);
        }
    }

    fn is(&self, name: &str, expected: bool) -> bool {
        matches!(self.object.get(name), Some(Node::Bool(value)) if *value == expected)
    }
}

/// §4.7.1: name and description should be there, so that people know what it is about.
pub(super) fn indicator_name(check: &mut Check<'_>) {
    for name in ["name", "description"] {
        if !check.object.has(name) {
            let message = format!("an indicator should have a `{name}` that says what it is about: add it");
            check.warning("property-advised", &Place::ROOT.member(name), check.section, message);
        }
    }
}

/// §4.10: a region, a country, or a point; a point has both coordinates, and only a point has a precision.
pub(super) fn location(check: &mut Check<'_>) {
    let object = check.object;
    let (latitude, longitude) = (object.has("latitude"), object.has("longitude"));
    let somewhere = object.has("region") || object.has("country") || (latitude && longitude);
    if !somewhere {
        let message = "a location has a `region`, a `country`, or `latitude` and `longitude`: add one of them";
        check.error("property-missing", &Place::ROOT, check.section, message);
    }
    for (one, other) in [("latitude", "longitude"), ("longitude", "latitude"), ("precision", "latitude")] {
        check.rule(Rule::Needs(one, other));
    }
}

/// §4.11: a family has a name.
pub(super) fn malware_family(check: &mut Check<'_>) {
    if check.is("is_family", true) && !check.object.has("name") {
        let message = "a family of malware has a `name`: add it";
        check.error("property-missing", &Place::ROOT.member("name"), check.section, message);
    }
}

/// §4.14: either references to observables, at least one, or the embedded objects of older versions.
pub(super) fn observed_objects(check: &mut Check<'_>) {
    check.not_both("objects", "object_refs");
    let object = check.object;
    if !object.has("objects") && !object.has("object_refs") {
        let message = "observed data has `object_refs`: add the identifiers of what was observed";
        check.error("property-missing", &Place::ROOT.member("object_refs"), check.section, message);
    }
    let observable = |id: &Node<'_>| {
        let name = id.as_str().and_then(identifier).map(|(name, _)| name);
        name.is_some_and(|name| catalogue::find(name).is_none_or(|known| known.family == Family::Observable))
    };
    let refs = object.list("object_refs");
    if !refs.is_empty() && !refs.iter().any(observable) {
        let message = "one of `object_refs` at least is a cyber-observable: add it";
        check.error("reference-type", &Place::ROOT.member("object_refs"), check.section, message);
    }
    let Some(Node::Object(objects)) = object.get("objects") else { return };
    for (key, value) in objects.iter() {
        if value.as_object().is_none_or(|member| member.text("type").is_none()) {
            let message = "an embedded object has a `type`: add it";
            let objects = Place::ROOT;
            let objects = objects.member("objects");
            check.error("property-missing", &objects.member(key).member("type"), check.section, message);
        }
    }
}

/// §6.1: the content itself or where it is, one of the two.
pub(super) fn artifact(check: &mut Check<'_>) {
    check.not_both("payload_bin", "url");
    check.any_of(check.object, &["payload_bin", "url"], &Place::ROOT, check.section);
}

/// §6.6: a body of parts only where `is_multipart` says so, one text only where it does not.
pub(super) fn email_parts(check: &mut Check<'_>) {
    for (multipart, name) in [(true, "body"), (false, "body_multipart")] {
        if check.is("is_multipart", multipart) && check.object.has(name) {
            let message = format!("`{name}` is not used where `is_multipart` is {multipart}: use the other of the two");
            check.error("property-conflict", &Place::ROOT.member(name), check.section, message);
        }
    }
}

/// §6.12: traffic that goes on has no end.
pub(super) fn network_end(check: &mut Check<'_>) {
    if check.is("is_active", true) && check.object.has("end") {
        let message = "traffic that is active has no `end`: remove it or set `is_active` to false";
        check.error("property-conflict", &Place::ROOT.member("end"), check.section, message);
    }
}

/// §6.12: both ports should be given.
pub(super) fn network_ports(check: &mut Check<'_>) {
    for name in ["src_port", "dst_port"] {
        if !check.object.has(name) {
            let message = format!("network traffic should have a `{name}`: add it if the protocol has ports");
            check.warning("property-advised", &Place::ROOT.member(name), check.section, message);
        }
    }
    let Some(Node::Object(elements)) = check.object.get("ipfix") else { return };
    for (name, _) in elements.iter() {
        if !text::is_ipfix_element(name) {
            let ipfix = Place::ROOT;
            let ipfix = ipfix.member("ipfix");
            let message =
                "the key is no element of the IANA IPFIX registry, such as `octetDeltaCount`: use its name there";
            check.warning("ipfix-element", &ipfix.member(name), check.section, message);
        }
    }
}

/// §6.13, §6.16, §6.17, §6.18: all properties are optional, yet one of the type's own is there.
pub(super) fn not_empty(check: &mut Check<'_>) {
    let own = |name: &str| name == "extensions" || !properties::OBSERVABLE.iter().any(|property| property.name == name);
    if !check.object.iter().any(|(name, _)| own(name)) {
        let message = format!("a {} has at least one property of its own: add what is known", check.type_name);
        check.error("object-empty", &Place::ROOT, check.section, message);
    }
}

/// §7.1: the keys of `contents` are languages.
pub(super) fn language_keys(check: &mut Check<'_>) {
    let Some(Node::Object(contents)) = check.object.get("contents") else { return };
    for (key, _) in contents.iter().filter(|(key, _)| !text::is_language(key)) {
        let place = Place::ROOT;
        let place = place.member("contents");
        let message = "the key is a language tag of RFC 5646, such as `en` or `fr-CA`: rename it";
        check.error("language-form", &place.member(key), check.section, message);
    }
}

/// §7.3: which properties an extension adds at the top level, and what it is for.
pub(super) fn extension_definition(check: &mut Check<'_>) {
    let object = check.object;
    let place = Place::ROOT.member("extension_properties");
    let top = object.list("extension_types").iter().any(|kind| kind.as_str() == Some("toplevel-property-extension"));
    if top && !object.has("extension_properties") {
        let message =
            "an extension that adds properties at the top level should name them in `extension_properties`: add it";
        check.warning("property-advised", &place, check.section, message);
    }
    if !top && object.has("extension_properties") {
        let message = "only a `toplevel-property-extension` has `extension_properties`: remove it or add that type";
        check.error("property-conflict", &place, check.section, message);
    }
    if !object.has("description") {
        let message = "an extension should have a `description` that says what it conveys and how it is used: add it";
        check.warning("property-advised", &Place::ROOT.member("description"), check.section, message);
    }
}

/// §2.5: something that leads to the source; catalogues are named as they name themselves.
pub(super) fn external_reference(check: &mut Check<'_>, members: &Fields<'_>, place: &Place<'_>) {
    let section = properties::EXTERNAL_REFERENCE.section;
    check.any_of(members, &["description", "url", "external_id"], place, section);
    if members.text("source_name") == Some("") {
        let message = "`source_name` says where the source is defined: fill it in";
        check.error("property-missing", &place.member("source_name"), section, message);
    }
    if members.has("url") && !members.has("hashes") {
        let message = "a reference with a `url` should have `hashes` of what is there: add them";
        check.warning("property-advised", &place.member("hashes"), section, message);
    }
    let (source, number) = (members.text("source_name").unwrap_or_default(), members.text("external_id"));
    // Who names the catalogue names the entry as it does (§4.1, §4.19).
    for (catalogue, named, form) in
        [("cve", "vulnerability", is_cve as fn(&str) -> bool), ("capec", "attack-pattern", is_capec)]
    {
        let wrong = if source == catalogue { !number.is_some_and(form) } else { number.is_some_and(form) };
        if wrong {
            let prefix = catalogue.to_uppercase();
            let message = format!(
                "an entry of {prefix} has the `source_name` `{catalogue}` and an `external_id` that begins with `{prefix}-`: correct both"
            );
            let at = place.member("external_id");
            if check.type_name == named || source == catalogue {
                check.error("catalogue-entry", &at, section, message);
            } else {
                check.warning("catalogue-entry", &at, section, message);
            }
        }
    }
}

fn is_cve(text: &str) -> bool {
    let Some((year, number)) = text.strip_prefix("CVE-").and_then(|rest| rest.split_once('-')) else { return false };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    year.len() == 4 && digits(year) && number.len() >= 4 && digits(number)
}

fn is_capec(text: &str) -> bool {
    text.strip_prefix("CAPEC-").is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
}

/// §7.2.3: a marking or a language, and what it is for.
pub(super) fn granular_marking(check: &mut Check<'_>, members: &Fields<'_>, place: &Place<'_>) {
    let section = properties::GRANULAR_MARKING.section;
    if members.has("marking_ref") == members.has("lang") {
        let message = "a granular marking has either a `marking_ref` to a marking definition or a `lang`";
        check.error("granular-marking", place, section, message);
    }
    let selectors = place.member("selectors");
    for (number, selector) in members.list("selectors").iter().enumerate() {
        if selector.as_str().is_some_and(|selector| !super::marking::selects(check.object, selector)) {
            let message = "the selector points at nothing in this object, or at its markings: correct or remove it";
            check.error("granular-selector", &selectors.item(number), "STIX 2.1 §7.2.3.1", message);
        }
    }
}

/// §6.7.4: the keys are those of the PDF's own dictionary.
pub(super) fn pdf_information(check: &mut Check<'_>, members: &Fields<'_>, place: &Place<'_>) {
    let at = place.member("document_info_dict");
    let keys = members.get("document_info_dict").and_then(Node::as_object);
    for (key, _) in keys.into_iter().flat_map(Fields::iter).filter(|(key, _)| !text::is_pdf_information(key)) {
        let message =
            "the key should be one of a document information dictionary, such as `Author`: use its name there";
        check.warning("pdf-information", &at.member(key), "STIX 2.1 §6.7.4", message);
    }
}

/// §6.12.2: header fields by their registered names.
pub(super) fn http_header(check: &mut Check<'_>, members: &Fields<'_>, place: &Place<'_>) {
    let at = place.member("request_header");
    let names = members.get("request_header").and_then(Node::as_object);
    for (name, _) in names.into_iter().flat_map(Fields::iter).filter(|(name, _)| !text::is_request_header(name)) {
        let message =
            "the key should be a registered field of an HTTP request, such as `User-Agent`: check its spelling";
        check.warning("http-header", &at.member(name), "STIX 2.1 §6.12.2", message);
    }
}

/// §6.12.4: options are named as the socket interface names them.
pub(super) fn socket_options(check: &mut Check<'_>, members: &Fields<'_>, place: &Place<'_>) {
    const FAMILIES: &[&str] = &["SO_", "ICMP_", "ICMP6_", "IP_", "IPV6_", "MCAST_", "TCP_", "IRLMP_"];
    let at = place.member("options");
    let names = members.get("options").and_then(Node::as_object);
    for (name, _) in names.into_iter().flat_map(Fields::iter) {
        if !FAMILIES.iter().any(|family| name.starts_with(family)) {
            let message = "the name of a socket option begins with its family, such as `SO_` or `TCP_`: correct it";
            check.error("socket-option", &at.member(name), "STIX 2.1 §6.12.4", message);
        }
    }
}
