//! A bundle of which only a window is at hand: whoever reads a large file so needs no room for the whole of it.

use super::scan::{Refused, Scanner};
use super::split::{COMPARED_ONE_BY_ONE, quick};
use super::{Limits, Split};

/// Most bytes around the objects: a bundle's own members are few.
const AROUND_BYTES_MAX: usize = 1 << 16;

/// How many levels an object of a bundle lies deep: the bundle and its list.
pub(crate) const OUTSIDE: usize = 2;

/// Takes a bundle or an envelope apart, window after window. It refuses what is out of the ordinary, in order or not.
#[derive(Debug)]
pub(crate) struct Pieces {
    limits: Limits,
    stage: Stage,
    objects: usize,
    /// The text without its objects: JSON as well.
    around: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Before the first object.
    Before,
    /// Where an object stands, with those before it.
    Objects,
    /// Where the list of objects ends.
    Behind,
}

impl Pieces {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, stage: Stage::Before, objects: 0, around: String::new() }
    }

    /// Passes what is whole in `window`, which begins where the last one was passed to: `read` passes an object, and what it
    /// makes of one that is whole goes to `each`. Returns how far that was: not at all if the window is too small. `last`:
    /// nothing comes after the window.
    pub(crate) fn pass<'w, T>(
        &mut self,
        window: &'w str,
        last: bool,
        mut read: impl FnMut(&mut Scanner<'w>) -> Result<T, Refused>,
        mut each: impl FnMut(T),
    ) -> Result<usize, Refused> {
        let mut scanner = Scanner::new(window);
        let mut passed = 0;
        if self.stage == Stage::Before {
            let stage = match begin(&mut scanner, &self.limits).map(|()| scanner.peek()) {
                Ok(Some(b']')) => Stage::Behind,
                Ok(Some(_)) => Stage::Objects,
                // Perhaps the rest of it is in the next window.
                _ if last || window.len() > AROUND_BYTES_MAX => return Err(Refused),
                _ => return Ok(0),
            };
            self.stage = stage;
            passed = scanner.at();
            self.around.push_str(window.get(..passed).ok_or(Refused)?);
        }
        while self.stage == Stage::Objects {
            let object = read(&mut scanner);
            let (object, more) = match (object, scanner.peek()) {
                (Ok(object), Some(b',')) => (object, true),
                (Ok(object), Some(b']')) => (object, false),
                // Perhaps the rest of it is in the next window.
                _ if last => return Err(Refused),
                _ => return Ok(passed),
            };
            self.objects += 1;
            if self.objects > self.limits.objects {
                return Err(Refused);
            }
            each(object);
            if more {
                scanner.step();
            } else {
                self.stage = Stage::Behind;
            }
            passed = scanner.at();
        }
        if !last {
            return if window.len() - passed > AROUND_BYTES_MAX { Err(Refused) } else { Ok(passed) };
        }
        self.around.push_str(window.get(passed..).ok_or(Refused)?);
        Ok(window.len())
    }

    /// What is around the objects, once all is passed, and whether there is none.
    pub(crate) fn around(&self) -> Result<Split<'_>, Refused> {
        let split = quick(&self.around, &self.limits)?;
        // What holds a second list of objects, or anything in the first, is not what was passed.
        if split.members.is_none() || !split.is_empty || self.stage != Stage::Behind {
            return Err(Refused);
        }
        Ok(Split { is_empty: self.objects == 0, ..split })
    }
}

/// Passes all up to the first object.
fn begin(scanner: &mut Scanner<'_>, limits: &Limits) -> Result<(), Refused> {
    if scanner.peek() != Some(b'{') {
        return Err(Refused);
    }
    scanner.step();
    for _ in 0..COMPARED_ONE_BY_ONE {
        let name = scanner.name()?;
        if name == "objects" && scanner.peek() == Some(b'[') {
            scanner.step();
            return Ok(());
        }
        scanner.value(1, limits)?;
        if scanner.peek() != Some(b',') {
            return Err(Refused);
        }
        scanner.step();
    }
    Err(Refused)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Passes `text` in windows that grow from `size`; its objects and whether it was refused.
    fn objects(text: &str, size: usize) -> Option<Vec<String>> {
        let mut pieces = Pieces::new(Limits::default());
        let (mut from, mut wide, mut found) = (0, size, Vec::new());
        while from < text.len() {
            let to = text.ceil_char_boundary(from + wide);
            let read = |scanner: &mut Scanner<'_>| scanner.value(OUTSIDE, &Limits::default()).map(str::to_owned);
            let passed = pieces.pass(text.get(from..to)?, to == text.len(), read, |object| found.push(object)).ok()?;
            wide = if passed == 0 { wide * 2 } else { size };
            from += passed;
        }
        pieces.around().ok()?;
        Some(found)
    }

    fn whole(text: &str) -> Option<Vec<String>> {
        let split = Split::read(text.as_bytes(), &Limits::default()).ok()?;
        split.members?;
        Some(split.objects.into_iter().map(str::to_owned).collect())
    }

    #[test]
    fn objects_are_the_same_in_windows_of_any_size() {
        let text = r#" {"type":"bundle","id":"é\"","x":[{"objects":[1]}],"objects": [{"a":"]},"} , 12,3 ,{"b":[{}]}] ,"y":1} "#;
        for size in 1..text.len() + 1 {
            assert_eq!(objects(text, size), whole(text), "{size}");
            assert_eq!(objects(text, size).unwrap().len(), 4);
        }
        for refused in [
            r#"{"objects":[1,2"#,
            r#"{"objects":[1,]}"#,
            r#"{"objects":[1]} 2"#,
            r#"{"objects":[1],"objects":[2]}"#,
            r#"{"objects":[1],"type":"grouping"}"#,
            r#"{"objects":[1]]}"#,
            r#"{"objects":{}}"#,
            r#"{"type":"bundle"}"#,
            "[1]",
            "1",
        ] {
            assert_eq!(objects(refused, 4), None, "{refused}");
        }
        assert_eq!(objects(r#"{"objects":[]}"#, 3), Some(Vec::new()));
    }

    proptest! {
        #[test]
        fn what_is_passed_in_windows_is_what_the_plain_reader_takes(
            at in 0_usize..120, new in prop::sample::select(vec!["", "\"", "\\", "{", "}", "[", "]", ",", ":", "1", "\u{1}", "é"]),
            cut in 0_usize..3, size in 1_usize..60,
        ) {
            let mut text =
                r#"{"type":"bundle","id":"b","objects":[{"a":"\n\u00e9","b":[1.5e3,-0,true]},{"c":{}},null,[],{"d":"e"}],"z":{"y":"x"}}"#
                    .to_owned();
            let at = at.min(text.len());
            let to = (at + cut).min(text.len());
            text.replace_range(at..to, new);
            let plain = Split::read_plainly(&text, &Limits::default());
            if let Some(found) = objects(&text, size) {
                prop_assert_eq!(&plain.as_ref().unwrap().objects, &found);
            }
            if let Ok(split) = quick(&text, &Limits::default()) {
                prop_assert_eq!(split.objects, plain.unwrap().objects);
            }
        }
    }
}
