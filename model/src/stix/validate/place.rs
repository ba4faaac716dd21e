//! Where in an object a check is: a chain on the stack that becomes a pointer only when a fault needs one.

use std::fmt::Write;

/// One step into an object, and the steps before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    before: Option<&'a Place<'a>>,
    step: Step<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Whole,
    Member(&'a str),
    Item(usize),
}

impl<'a> Place<'a> {
    /// The whole object.
    pub(super) const ROOT: Place<'static> = Place { before: None, step: Step::Whole };

    pub(super) fn member(&'a self, name: &'a str) -> Place<'a> {
        Place { before: Some(self), step: Step::Member(name) }
    }

    pub(super) fn item(&'a self, number: usize) -> Place<'a> {
        Place { before: Some(self), step: Step::Item(number) }
    }

    /// The nearest name on the way here.
    pub(super) fn name(&self) -> &'a str {
        match (self.step, self.before) {
            (Step::Member(name), _) => name,
            (_, Some(before)) => before.name(),
            (_, None) => "the object",
        }
    }

    /// Writes the pointer at the end of `out` as RFC 6901 writes it.
    pub(super) fn write(&self, out: &mut String) {
        if let Some(before) = self.before {
            before.write(out);
        }
        match self.step {
            Step::Whole => {}
            Step::Item(number) => {
                // Writing to a text cannot fail.
                let _ = write!(out, "/{number}");
            }
            Step::Member(name) => {
                out.push('/');
                if memchr::memchr2(b'~', b'/', name.as_bytes()).is_none() {
                    return out.push_str(name);
                }
                out.push_str(&name.replace('~', "~0").replace('/', "~1"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_written_as_rfc_6901_writes_them() {
        let root = Place::ROOT;
        let (a, name) = (root.member("a/b"), "c~d");
        let item = a.item(3);
        let last = item.member(name);
        let mut out = String::from("#");
        root.write(&mut out);
        last.write(&mut out);
        assert_eq!(out, "#/a~1b/3/c~0d");
        assert_eq!((item.name(), last.name()), ("a/b", "c~d"));
    }
}
