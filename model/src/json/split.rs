//! Several objects in one text: a bundle, an envelope, a list.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::scan::{Refused, Scanner};
use super::{JsonError, Limits, Members, Named, encoded, not_too_deep};

/// The raw text of each object of a bundle, a TAXII envelope, a list, or of the one object that `text` is.
pub fn split_objects<'a>(text: &'a [u8], limits: &Limits) -> Result<Vec<&'a [u8]>, JsonError> {
    Ok(Split::read(text, limits)?.objects.into_iter().map(str::as_bytes).collect())
}

/// A text of several objects, taken apart.
#[derive(Debug)]
pub struct Split<'a> {
    /// The members of what holds the objects, without `objects` itself, or of the one object; none of a list.
    pub members: Option<Members<'a>>,
    /// Does what holds the objects have `objects`, and none in it?
    pub is_empty: bool,
    /// The raw text of each object.
    pub objects: Vec<&'a str>,
}

impl<'a> Split<'a> {
    /// Takes a bundle, a TAXII envelope, a list or one object apart.
    pub fn read(text: &'a [u8], limits: &Limits) -> Result<Self, JsonError> {
        let whole = encoded(text, limits)?;
        quick(whole, limits).or_else(|Refused| Self::read_plainly(whole, limits))
    }

    pub(super) fn read_plainly(whole: &'a str, limits: &Limits) -> Result<Self, JsonError> {
        not_too_deep(whole.as_bytes(), limits)?;
        let syntax = |error: serde_json::Error| JsonError::Syntax(error.to_string());
        let (members, items) = if whole.trim_ascii_start().starts_with('[') {
            (None, Some(serde_json::from_str(whole).map_err(syntax)?))
        } else {
            match serde_json::from_str::<Holder<'_>>(whole) {
                Ok(Holder { members, items }) if members.hold_objects() => (Some(members), items),
                // Seldom, so read again: one object, or what is wrong.
                _ => {
                    let members = Members::read(whole.as_bytes())?;
                    if let Some(objects) = members.get("objects").filter(|_| members.hold_objects()) {
                        let items = serde_json::from_str::<Vec<&RawValue>>(objects.get());
                        items.map_err(|error| JsonError::Syntax(format!("`objects`: {error}")))?;
                    }
                    return Ok(Self { members: Some(members), is_empty: false, objects: vec![whole.trim_ascii()] });
                }
            }
        };
        let is_empty = members.is_some() && items.as_ref().is_some_and(Vec::is_empty);
        let items: Vec<&RawValue> = items.unwrap_or_default();
        if items.len() > limits.objects {
            return Err(JsonError::TooMany { max: limits.objects });
        }
        Ok(Self { members, is_empty, objects: items.into_iter().map(|item| item.get()).collect() })
    }
}

/// What holds objects, read in one go: its members but `objects`, and the items of those.
struct Holder<'a> {
    members: Members<'a>,
    items: Option<Vec<&'a RawValue>>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Holder<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Holder<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let (mut members, mut items) = (Named::default(), None);
                while let Some(name) = map.next_key::<Cow<'de, str>>()? {
                    members.heard(&name)?;
                    if name == "objects" {
                        items = Some(map.next_value()?);
                    } else {
                        members.found.push((name, map.next_value()?));
                    }
                }
                Ok(Holder { members: Members(members.found), items })
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

/// Most members of what holds objects that are taken apart quickly: each name is compared with each.
pub(super) const COMPARED_ONE_BY_ONE: usize = 32;

/// Takes apart what is as usual: what is refused here may be in order.
pub(super) fn quick<'a>(whole: &'a str, limits: &Limits) -> Result<Split<'a>, Refused> {
    let mut scanner = Scanner::new(whole);
    if scanner.peek() == Some(b'[') {
        let objects = items(&mut scanner, 1, limits)?;
        scanner.end()?;
        return Ok(Split { members: None, is_empty: false, objects });
    }
    let (members, objects) = holder(&mut scanner, limits)?;
    scanner.end()?;
    if !members.hold_objects() {
        return Err(Refused);
    }
    let is_empty = objects.as_ref().is_some_and(Vec::is_empty);
    Ok(Split { members: Some(members), is_empty, objects: objects.unwrap_or_default() })
}

/// The object at hand: its members but `objects`, and the items of those.
fn holder<'a>(scanner: &mut Scanner<'a>, limits: &Limits) -> Result<(Members<'a>, Option<Vec<&'a str>>), Refused> {
    let (mut members, mut objects) = (Vec::new(), None);
    if scanner.peek() != Some(b'{') {
        return Err(Refused);
    }
    scanner.step();
    if scanner.peek() == Some(b'}') {
        scanner.step();
        return Ok((Members(members), objects));
    }
    loop {
        let name = scanner.name()?;
        let twice = members.iter().any(|(known, _)| *known == name) || (objects.is_some() && name == "objects");
        if scanner.escaped() || twice || members.len() > COMPARED_ONE_BY_ONE {
            return Err(Refused);
        }
        if name == "objects" && scanner.peek() == Some(b'[') {
            objects = Some(items(scanner, 2, limits)?);
        } else {
            let value: &RawValue = serde_json::from_str(scanner.value(1, limits)?).map_err(|_| Refused)?;
            members.push((Cow::Borrowed(name), value));
        }
        match scanner.peek() {
            Some(b',') => scanner.step(),
            Some(b'}') => break,
            _ => return Err(Refused),
        }
    }
    scanner.step();
    // A list that is none has its words from the plain reader.
    if members.iter().any(|(name, _)| name == "objects") { Err(Refused) } else { Ok((Members(members), objects)) }
}

/// The items of the list at hand, each `outside` levels deep, as they are written.
fn items<'a>(scanner: &mut Scanner<'a>, outside: usize, limits: &Limits) -> Result<Vec<&'a str>, Refused> {
    let mut items = Vec::new();
    if outside > limits.depth {
        return Err(Refused);
    }
    scanner.step();
    if scanner.peek() == Some(b']') {
        scanner.step();
        return Ok(items);
    }
    loop {
        if items.len() == limits.objects {
            return Err(Refused);
        }
        items.push(scanner.value(outside, limits)?);
        match scanner.peek() {
            Some(b',') => scanner.step(),
            Some(b']') => break,
            _ => return Err(Refused),
        }
    }
    scanner.step();
    Ok(items)
}
