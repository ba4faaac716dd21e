//! What is wrong with one object, noted in room that the next object uses again: a set of a hundred thousand objects has
//! half a million faults, and most of them are told once and dropped.

use std::fmt;

use super::place::Place;
use crate::fault::{Fault, FaultView, Severity};

/// The faults of one object in the order found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    found: Vec<Found>,
    /// Pointer and message of each, one after the other.
    words: String,
}

#[derive(Debug)]
struct Found {
    severity: Severity,
    code: &'static str,
    section: &'static str,
    /// Where its pointer begins, where its message begins, where that ends.
    pointer: usize,
    message: usize,
    end: usize,
}

impl Findings {
    /// Forgets all and keeps the room.
    pub(super) fn clear(&mut self) {
        self.found.clear();
        self.words.clear();
    }

    /// Notes an error.
    pub(super) fn error(&mut self, code: &'static str, place: &Place<'_>, section: &'static str, message: impl Words) {
        self.note(Severity::Error, code, place, section, message);
    }

    /// Notes a warning.
    pub(super) fn warning(
        &mut self,
        code: &'static str,
        place: &Place<'_>,
        section: &'static str,
        message: impl Words,
    ) {
        self.note(Severity::Warning, code, place, section, message);
    }

    /// Notes a fault.
    fn note(
        &mut self,
        severity: Severity,
        code: &'static str,
        place: &Place<'_>,
        section: &'static str,
        message: impl Words,
    ) {
        let pointer = self.words.len();
        place.write(&mut self.words);
        let middle = self.words.len();
        message.write(&mut self.words);
        self.found.push(Found { severity, code, section, pointer, message: middle, end: self.words.len() });
    }

    /// All of them, of the object with this identifier.
    pub(super) fn iter<'s>(&'s self, object: Option<&'s str>) -> impl Iterator<Item = FaultView<'s>> {
        self.found.iter().map(move |found| FaultView {
            object,
            pointer: self.words.get(found.pointer..found.message).unwrap_or_default(),
            severity: found.severity,
            code: found.code,
            section: found.section,
            message: self.words.get(found.message..found.end).unwrap_or_default(),
        })
    }

    /// The same, to keep.
    pub(super) fn to_faults(&self, object: Option<&str>) -> Vec<Fault> {
        self.iter(object).map(FaultView::to_fault).collect()
    }
}

/// What a message is made of, written where it stays.
pub(super) trait Words {
    /// Writes it at the end of `out`.
    fn write(self, out: &mut String);
}

impl Words for &str {
    fn write(self, out: &mut String) {
        out.push_str(self);
    }
}

impl Words for String {
    fn write(self, out: &mut String) {
        out.push_str(&self);
    }
}

/// One after the other: what most objects of some producer are told needs no formatting.
impl<const PARTS: usize> Words for [&str; PARTS] {
    fn write(self, out: &mut String) {
        for part in self {
            out.push_str(part);
        }
    }
}

impl Words for fmt::Arguments<'_> {
    fn write(self, out: &mut String) {
        // Writing to a text cannot fail.
        let _ = fmt::Write::write_fmt(out, self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noted_is_told_in_its_order_and_the_room_is_used_again() {
        let mut findings = Findings::default();
        for _ in 0..2 {
            findings.clear();
            let root = Place::ROOT;
            let name = root.member("a/b");
            findings.error("json", &root, "§1", "whole");
            findings.warning("id-form", &name, "§2", ["`", "a", "`"]);
            findings.warning("id-type", &name.item(4), "§3", format_args!("{}", 5));
            let faults = findings.to_faults(Some("id"));
            let expected = vec![
                Fault::error("json", "", "§1", "whole").of("id"),
                Fault::warning("id-form", "/a~1b", "§2", "`a`").of("id"),
                Fault::warning("id-type", "/a~1b/4", "§3", "5").of("id"),
            ];
            assert_eq!(faults, expected);
        }
        findings.clear();
        assert_eq!(findings.iter(None).count(), 0);
    }
}
