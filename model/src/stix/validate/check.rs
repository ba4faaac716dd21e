//! The one reader of the tables: looks at every member of an object and notes what is wrong with it.

use super::catalogue::{Owner, Rows};
use super::findings::{Findings, Words};
use super::kind::{Family, Form, Kind, Property, Structure, Targets};
use super::place::Place;
use super::rules::StructureRule;
use super::vocabulary::{HASH_ALGORITHM, Vocabulary};
use super::{catalogue, properties, text};
use crate::json::tree::{Fields, Node};
use crate::stix::id::is_type_name;
use crate::time::Timestamp;

/// An object under check and what was found.
pub(super) struct Check<'a> {
    pub(super) object: &'a Fields<'a>,
    /// The object's `type`, empty where it has none.
    pub(super) type_name: &'a str,
    /// Section of the object's type.
    pub(super) section: &'static str,
    pub(super) findings: &'a mut Findings,
    pub(super) errors: Tally,
    pub(super) warnings: Tally,
}

/// Most errors and most warnings told of one object: a text made of faults must not become many times its size.
const FAULTS_MAX: usize = 1_000;

/// How many faults of one severity were told.
#[derive(Debug, Default)]
pub(super) struct Tally {
    told: usize,
    passed: bool,
}

impl Tally {
    fn takes(&mut self) -> bool {
        self.passed = self.told >= FAULTS_MAX;
        self.told += usize::from(!self.passed);
        !self.passed
    }
}

/// The type of an identifier and the version of its UUID (§2.9), or none if it is no identifier.
pub(super) fn identifier(text: &str) -> Option<(&str, u8)> {
    let (name, uuid) = text.split_at_checked(text.len().checked_sub(text::UUID_BYTES)?)?;
    let name = name.strip_suffix("--").filter(|name| is_type_name(name))?;
    Some((name, text::uuid_version(uuid)?))
}

impl Check<'_> {
    pub(super) fn error(&mut self, code: &'static str, place: &Place<'_>, section: &'static str, message: impl Words) {
        if self.errors.takes() {
            self.findings.error(code, place, section, message);
        }
    }

    pub(super) fn warning(
        &mut self,
        code: &'static str,
        place: &Place<'_>,
        section: &'static str,
        message: impl Words,
    ) {
        if self.warnings.takes() {
            self.findings.warning(code, place, section, message);
        }
    }

    /// Says so where more was wrong than is told.
    pub(super) fn say_if_more(&mut self) {
        if self.errors.passed || self.warnings.passed {
            let message = format!("more than {FAULTS_MAX} errors or warnings: mend these and ask again");
            self.findings.warning("faults-more", &Place::ROOT, "STIX 2.1 §3.1", message);
        }
    }

    /// Notes required properties that `seen`, one bit a row, does not have.
    pub(super) fn missing(&mut self, properties: &[Property], seen: u64, place: &Place<'_>, section: &'static str) {
        for (row, property) in properties.iter().enumerate() {
            let head = matches!(property.kind, Kind::Head);
            if property.required && !head && seen & bit(row) == 0 {
                let name = property.name;
                self.error("property-missing", &place.member(name), section, ["`", name, "` is required here: add it"]);
            }
        }
    }

    /// Checks `value` against what the table says of it.
    pub(super) fn value(&mut self, kind: &'static Kind, value: &Node<'_>, place: &Place<'_>, section: &'static str) {
        match (kind, value) {
            (Kind::Any, _) => self.unknown(value, place),
            (Kind::Head, _) | (Kind::Boolean, Node::Bool(_)) | (Kind::Text, Node::Text(_)) => {}
            (Kind::Dictionary(of), Node::Object(entries)) => self.dictionary(of, entries, place, section),
            (Kind::Extensions, Node::Object(entries)) => self.extensions(entries, place),
            (Kind::Float(least, most), Node::Number(number)) => {
                if !number.as_f64().is_some_and(|number| (*least..=*most).contains(&number)) {
                    self.error("number-range", place, section, between(place, least, most));
                }
            }
            (Kind::Hashes, Node::Object(entries)) => self.hashes(entries, place),
            (Kind::Integer(least, most), Node::Number(number)) => match number.as_i64() {
                Some(number) if (*least..=*most).contains(&number) => {}
                Some(_) => self.error("number-range", place, section, between(place, least, most)),
                None if number.is_u64() => self.error("number-range", place, section, between(place, least, most)),
                None => self.mismatch(kind, place),
            },
            (Kind::List(of), Node::List(items)) => {
                for (number, item) in items.iter().enumerate() {
                    self.value(of, item, &place.item(number), section);
                }
                self.not_empty_list(items, place);
            }
            (Kind::Reference(targets), Node::Text(id)) => self.reference(*targets, id, place, section),
            (Kind::Structure(structure), Node::Object(members)) => self.structure(structure, members, place),
            (Kind::TextOf(form), Node::Text(text)) => self.form(form, text, place),
            (Kind::Time | Kind::TimeToTheMillisecond | Kind::TimeToTheSecond, Node::Text(text)) => {
                self.time(kind, text, place, section);
            }
            (Kind::Word(vocabulary), Node::Text(word)) => self.word(vocabulary, word, place),
            _ => self.mismatch(kind, place),
        }
    }

    fn mismatch(&mut self, kind: &Kind, place: &Place<'_>) {
        let (section, what) = match kind {
            Kind::Any | Kind::Head | Kind::Text => ("STIX 2.1 §2.15", "a text"),
            Kind::Boolean => ("STIX 2.1 §2.2", "true or false, without quotes"),
            Kind::Dictionary(_) | Kind::Extensions => ("STIX 2.1 §2.3", "an object of keys and values"),
            Kind::Float(..) => ("STIX 2.1 §2.6", "a number, without quotes"),
            Kind::Hashes => ("STIX 2.1 §2.7", "an object of algorithms and digests"),
            Kind::Integer(..) => ("STIX 2.1 §2.10", "a whole number, without quotes"),
            Kind::List(_) => ("STIX 2.1 §2.12", "a list, also for one item: put it into brackets"),
            Kind::Reference(_) => ("STIX 2.1 §2.9", "the identifier of an object"),
            Kind::Structure(structure) => (structure.section, "an object"),
            Kind::TextOf(form) => (form.section, form.is),
            Kind::Time | Kind::TimeToTheMillisecond | Kind::TimeToTheSecond => ("STIX 2.1 §2.16", "a time as a text"),
            Kind::Word(vocabulary) => (vocabulary.section, "a text"),
        };
        self.error("property-type", place, section, format!("`{}` is {what}", place.name()));
    }

    fn not_empty_list(&mut self, items: &[Node<'_>], place: &Place<'_>) {
        if items.is_empty() {
            let message = format!("`{}` is a list with at least one item: leave it out if there is none", place.name());
            self.error("list-empty", place, "STIX 2.1 §2.12", message);
        }
    }

    /// What the table says nothing of: a producer's own content, in which the rules of §2 can only be advice.
    pub(super) fn unknown(&mut self, value: &Node<'_>, place: &Place<'_>) {
        match value {
            Node::List(items) => {
                if items.is_empty() {
                    let message = format!("`{}` is an empty list: leave it out", place.name());
                    self.warning("list-empty", place, "STIX 2.1 §2.12", message);
                }
                for (number, item) in items.iter().enumerate() {
                    self.unknown(item, &place.item(number));
                }
            }
            Node::Object(members) => {
                for (name, value) in members.iter() {
                    self.unknown(value, &place.member(name));
                }
            }
            Node::Null => {
                let message = format!("`{}` has no value: leave it out", place.name());
                self.warning("value-null", place, "STIX 2.1 §2", message);
            }
            Node::Bool(_) | Node::Number(_) | Node::Text(_) => {}
        }
    }

    /// A member that no table names: what the end of its name promises (§3.1) is advice as well.
    pub(super) fn unnamed(&mut self, name: &str, value: &Node<'_>, place: &Place<'_>) {
        if let Node::List(items) = value {
            self.not_empty_list(items, place);
        }
        let identifies = |value: &Node<'_>| value.as_str().and_then(identifier).is_some();
        let (good, what) = match name.as_bytes() {
            [.., b'_', b'r', b'e', b'f'] => (identifies(value), "an identifier"),
            [.., b'_', b'r', b'e', b'f', b's'] => (value.items().iter().all(identifies), "a list of identifiers"),
            [.., b'_', b'h', b'e', b'x'] => (value.as_str().is_some_and(text::is_hex), "hexadecimal digits"),
            [.., b'_', b'b', b'i', b'n'] => (value.as_str().is_some_and(text::is_base64), "bytes in base64"),
            _ => return self.unknown(value, place),
        };
        if !good {
            let message =
                format!("the end of the name says that this is {what}: correct the value or rename the property");
            self.warning("custom-suffix", place, "STIX 2.1 §3.1", message);
        }
    }

    fn dictionary(&mut self, of: &'static Kind, entries: &Fields<'_>, place: &Place<'_>, section: &'static str) {
        self.not_empty_dictionary(entries, place);
        for (key, value) in entries.iter() {
            let at = place.member(key);
            if !text::is_dictionary_key(key) {
                let message = "a key has 1 to 250 letters, digits, hyphens and underscores: rename it";
                self.error("dictionary-key", &at, "STIX 2.1 §2.3", message);
            }
            self.value(of, value, &at, section);
        }
    }

    pub(super) fn not_empty_dictionary(&mut self, entries: &Fields<'_>, place: &Place<'_>) {
        if entries.is_empty() {
            let message = format!("`{}` has at least one entry: leave it out if there is none", place.name());
            self.error("dictionary-empty", place, "STIX 2.1 §2.3", message);
        }
    }

    fn hashes(&mut self, entries: &Fields<'_>, place: &Place<'_>) {
        self.not_empty_dictionary(entries, place);
        for (algorithm, digest) in entries.iter() {
            let at = place.member(algorithm);
            if !text::is_dictionary_key(algorithm) || algorithm.len() < 3 {
                let message =
                    "the name of an algorithm has 3 to 250 letters, digits, hyphens and underscores: rename it";
                self.error("dictionary-key", &at, "STIX 2.1 §2.7", message);
            }
            if !HASH_ALGORITHM.words.contains(&algorithm) && !algorithm.starts_with("x_") {
                self.not_in(&HASH_ALGORITHM, algorithm, &at);
            }
            match digest.as_str() {
                Some(digest) if text::is_digest(algorithm, digest) => {}
                Some(_) => {
                    let message = format!("this is no digest of {algorithm}: check its length and its letters");
                    self.error("hash-form", &at, "STIX 2.1 §2.7", message);
                }
                None => self.mismatch(&Kind::Text, &at),
            }
        }
    }

    fn reference(&mut self, targets: Targets, id: &str, place: &Place<'_>, section: &'static str) {
        let parts = identifier(id).map(|(name, _)| name).or_else(|| self.cut_identifier(id));
        let Some(name) = parts else {
            let message = format!("`{}` is an identifier: an object type, `--` and a UUID in lower case", place.name());
            return self.error("reference-form", place, "STIX 2.1 §2.9", message);
        };
        let (good, but) = match targets {
            Targets::All => (true, String::new()),
            Targets::AllBut(none) if none.contains(&name) => (false, format!("not to a {name}")),
            Targets::AllBut(_) => (true, String::new()),
            Targets::Only(some) if some.contains(&name) => (true, String::new()),
            Targets::Only(some) => (false, format!("to {}, not to {name}", some.join(" or "))),
            Targets::Observables => match catalogue::find(name) {
                Some(known) if known.family != Family::Observable => {
                    (false, format!("to cyber-observables, not to {name}"))
                }
                _ => (true, String::new()),
            },
        };
        if !good {
            self.error("reference-type", place, section, format!("`{}` points {but}", place.name()));
        }
    }

    /// In references between cyber-observables a UUID that was cut is let pass as one that leads nowhere: content that
    /// the reference validator holds valid has them, and no reader follows them.
    fn cut_identifier<'i>(&self, id: &'i str) -> Option<&'i str> {
        let (name, rest) = id.split_once("--")?;
        let observable = catalogue::find(self.type_name).is_some_and(|known| known.family == Family::Observable);
        let digits = rest.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b) || b == b'-');
        (observable && is_type_name(name) && digits && !rest.is_empty()).then_some(name)
    }

    fn form(&mut self, form: &Form, text: &str, place: &Place<'_>) {
        if (form.has)(text) {
            return;
        }
        let message = ["`", place.name(), "` is ", form.is];
        if form.only_advised {
            self.warning(form.code, place, form.section, message);
        } else {
            self.error(form.code, place, form.section, message);
        }
    }

    fn time(&mut self, kind: &Kind, text: &str, place: &Place<'_>, section: &'static str) {
        let name = place.name();
        if text.parse::<Timestamp>().is_err() {
            let message = format!("`{name}` is a time in UTC such as `2026-11-24T19:03:07.042Z`");
            return self.error("timestamp-form", place, "STIX 2.1 §2.16", message);
        }
        // What `2026-11-24T19:03:07.Z` would have none of.
        let decimals = text.len().saturating_sub("2026-11-24T19:03:07.Z".len());
        match kind {
            Kind::TimeToTheMillisecond if decimals < 3 => {
                let message =
                    format!("`{name}` has at least three decimals: write milliseconds, also if they are `.000`");
                self.error("timestamp-precision", place, section, message);
            }
            Kind::TimeToTheSecond if decimals > 0 => {
                let message = format!("`{name}` is precise to the second: leave the decimals out");
                self.error("timestamp-precision", place, section, message);
            }
            _ => {}
        }
    }

    fn word(&mut self, vocabulary: &Vocabulary, word: &str, place: &Place<'_>) {
        if vocabulary.words.contains(&word) {
            return;
        }
        self.not_in(vocabulary, word, place);
        if vocabulary.open && !vocabulary.free_form && !text::is_lower_word(word) {
            let message =
                "a word of one's own is in lower case with hyphens in place of spaces and underscores: rename it";
            self.warning("vocabulary-form", place, "STIX 2.1 §2.14", message);
        }
    }

    fn not_in(&mut self, vocabulary: &Vocabulary, word: &str, place: &Place<'_>) {
        /// Enough of a word for a person to see which is meant.
        const SHOWN: usize = 60;
        let word: String = word.chars().take(SHOWN).collect();
        if vocabulary.open {
            let message = ["`", &word, "` is not in ", vocabulary.name, ": use one of its words if one fits"];
            self.warning("vocabulary-value", place, vocabulary.section, message);
        } else {
            let message = format!("`{word}` is not in {}: use one of {}", vocabulary.name, vocabulary.words.join(", "));
            self.error("enumeration-value", place, vocabulary.section, message);
        }
    }

    /// Checks the members of an object within the object.
    pub(super) fn structure(&mut self, structure: &'static Structure, members: &Fields<'_>, place: &Place<'_>) {
        let mut seen = 0;
        for (name, value) in members.iter() {
            let at = place.member(name);
            match row(structure.properties, name) {
                Some((number, property)) => {
                    seen |= bit(number);
                    self.value(&property.kind, value, &at, structure.section);
                }
                None if name == "extension_type" => {}
                None => self.own_property(name, value, &at),
            }
        }
        self.missing(structure.properties, seen, place, structure.section);
        if structure.not_empty && members.is_empty() {
            let message = format!("`{}` has at least one property: leave it out if there is none", place.name());
            self.error("object-empty", place, structure.section, message);
        }
        for rule in structure.rules {
            match rule {
                StructureRule::AnyOf(names) => self.any_of(members, names, place, structure.section),
                StructureRule::Own(rule) => rule(self, members, place),
            }
        }
    }

    pub(super) fn any_of(&mut self, members: &Fields<'_>, names: &[&str], place: &Place<'_>, section: &'static str) {
        if !names.iter().any(|name| members.has(name)) {
            let message = format!("at least one of `{}` is required here: add it", names.join("`, `"));
            self.error("property-missing", place, section, message);
        }
    }

    /// The members of the object itself: those of its type, common ones, and what a producer added.
    pub(super) fn members(&mut self, rows: &'static Rows, known: bool) {
        let (mut seen_own, mut seen_common) = (0, 0);
        let free = !known || self.has_top_level_extension();
        for (name, value) in self.object.iter() {
            let at = Place::ROOT;
            let at = at.member(name);
            match rows.find(name) {
                Some((Owner::Type, number, property)) => {
                    seen_own |= bit(number);
                    self.value(&property.kind, value, &at, self.section);
                }
                Some((Owner::All, number, property)) => {
                    seen_common |= bit(number);
                    self.value(&property.kind, value, &at, properties::COMMON);
                }
                None => self.added(name, value, &at, free, known),
            }
        }
        self.missing(rows.common, seen_common, &Place::ROOT, properties::COMMON);
        self.missing(rows.own, seen_own, &Place::ROOT, self.section);
    }
}

fn between(place: &Place<'_>, least: impl std::fmt::Display, most: impl std::fmt::Display) -> String {
    format!("`{}` lies between {least} and {most}", place.name())
}

/// The mark of a row; the tables have at most 64 (a test sees to it).
fn bit(row: usize) -> u64 {
    u32::try_from(row).ok().and_then(|row| 1_u64.checked_shl(row)).unwrap_or(0)
}

fn row(properties: &'static [Property], name: &str) -> Option<(usize, &'static Property)> {
    properties.iter().enumerate().find(|(_, property)| property.name == name)
}
