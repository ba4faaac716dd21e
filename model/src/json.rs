//! Bounded reading of JSON from outside: size, depth, duplicate names (RFC 8259 leaves open which of two counts, so a
//! signer and a reader could disagree: refused), nothing after the value.

mod pieces;
mod quick;
mod scan;
mod split;
pub mod tree;

pub(crate) use pieces::{OUTSIDE, Pieces};
pub(crate) use quick::Quick;
pub(crate) use scan::{Refused, Scanner};
pub use split::{Split, split_objects};

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};

/// Bounds of one body.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Longest body, bytes.
    pub body_bytes: usize,
    /// Deepest nesting of objects and lists; at most 120, where the JSON reader itself gives up.
    pub depth: usize,
    /// Most objects in one bundle or envelope.
    pub objects: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { body_bytes: 16 << 20, depth: 64, objects: 1_000_000 }
    }
}

/// Why a text is not accepted as JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Longer than the bound.
    #[error("the text has {bytes} bytes, {max} at the most: split it")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The bound.
        max: usize,
    },
    /// Nested deeper than the bound.
    #[error("objects and lists are nested deeper than {max} levels at byte {byte}")]
    TooDeep {
        /// Where the bound was passed.
        byte: usize,
        /// The bound.
        max: usize,
    },
    /// More objects than the bound.
    #[error("the text holds more than {max} objects: split it")]
    TooMany {
        /// The bound.
        max: usize,
    },
    /// Begins with a byte order mark or is not UTF-8.
    #[error("the text is not UTF-8 without byte order mark, which STIX 2.1 §1.5 and RFC 8259 §8.1 ask for")]
    Encoding,
    /// Not JSON, or a name twice in one object.
    #[error("the text is not JSON: {0}")]
    Syntax(String),
}

/// Checks size, encoding and depth without recursion, whatever the text.
pub fn check(text: &[u8], limits: &Limits) -> Result<(), JsonError> {
    not_too_deep(encoded(text, limits)?.as_bytes(), limits)
}

/// The text, if it is short enough and UTF-8.
fn encoded<'a>(text: &'a [u8], limits: &Limits) -> Result<&'a str, JsonError> {
    if text.len() > limits.body_bytes {
        return Err(JsonError::TooLong { bytes: text.len(), max: limits.body_bytes });
    }
    std::str::from_utf8(text).ok().filter(|text| !text.starts_with('\u{FEFF}')).ok_or(JsonError::Encoding)
}

fn not_too_deep(text: &[u8], limits: &Limits) -> Result<(), JsonError> {
    let (mut depth, mut byte) = (0_usize, 0_usize);
    while let Some(b) = text.get(byte) {
        match b {
            b'"' => byte = end_of_text(text, byte + 1),
            b'{' | b'[' => {
                depth += 1;
                if depth > limits.depth {
                    return Err(JsonError::TooDeep { byte, max: limits.depth });
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        byte += 1;
    }
    Ok(())
}

/// The place of the quote that ends the text which begins at `from`, or the end of all.
fn end_of_text(text: &[u8], mut from: usize) -> usize {
    while let Some(rest) = text.get(from..)
        && let Some(next) = memchr::memchr2(b'"', b'\\', rest)
    {
        if rest.get(next) == Some(&b'"') {
            return from + next;
        }
        // What a backslash stands before ends nothing.
        from += next + 2;
    }
    text.len()
}

/// One value, whole.
pub fn parse(text: &[u8], limits: &Limits) -> Result<Value, JsonError> {
    check(text, limits)?;
    parse_checked(text)
}

fn parse_checked(text: &[u8]) -> Result<Value, JsonError> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = Strict.deserialize(&mut reader).map_err(|error| JsonError::Syntax(error.to_string()))?;
    reader.end().map_err(|error| JsonError::Syntax(error.to_string()))?;
    Ok(value)
}

/// Members as they are read, no name twice.
#[derive(Default)]
struct Named<'a> {
    found: Vec<(Cow<'a, str>, &'a RawValue)>,
    seen: HashSet<String>,
}

impl Named<'_> {
    fn heard<E: de::Error>(&mut self, name: &str) -> Result<(), E> {
        if self.seen.insert(name.to_owned()) {
            return Ok(());
        }
        Err(E::custom(format!("the name `{name}` stands twice in one object")))
    }
}

/// The members of one object in the order received, their values as the bytes received.
#[derive(Debug)]
pub struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Members<'a> {
    /// Reads the members of the object that `text` is.
    pub fn read(text: &'a [u8]) -> Result<Self, JsonError> {
        serde_json::from_slice(text).map_err(|error| JsonError::Syntax(error.to_string()))
    }

    /// The value of a member.
    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| *value)
    }

    /// Is this what holds objects: a bundle, or an envelope, which has no type?
    fn hold_objects(&self) -> bool {
        self.get("type").is_none_or(|kind| kind.get() == "\"bundle\"")
    }

    /// The names of the members.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(key, _)| key.as_ref())
    }

    /// Writes the object anew, with each value as `replace` says: itself (`None`), another text, or dropped (`Some(None)`).
    pub fn rewrite(&self, mut replace: impl FnMut(&str) -> Option<Option<String>>) -> Vec<u8> {
        let mut out = String::from("{");
        for (key, value) in &self.0 {
            let text = match replace(key) {
                None => Cow::Borrowed(value.get()),
                Some(Some(text)) => Cow::Owned(text),
                Some(None) => continue,
            };
            if out.len() > 1 {
                out.push(',');
            }
            out.push_str(&Value::from(key.as_ref()).to_string());
            out.push(':');
            out.push_str(&text);
        }
        out.push('}');
        out.into_bytes()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Named::default();
                while let Some(name) = map.next_key::<Cow<'de, str>>()? {
                    members.heard(&name)?;
                    members.found.push((name, map.next_value()?));
                }
                Ok(Members(members.found))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

/// Reads a [`Value`], refusing a name that stands twice in one object.
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number is out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = seq.next_element_seed(Strict)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value_seed(Strict)?;
            if members.contains_key(&name) {
                return Err(de::Error::custom(format!("the name `{name}` stands twice in one object")));
            }
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Result<Value, JsonError> {
        parse(text, &Limits::default())
    }

    #[test]
    fn hostile_texts_are_refused() {
        let deep = "[".repeat(100_000);
        assert!(matches!(read(deep.as_bytes()), Err(JsonError::TooDeep { byte: 64, .. })));
        assert!(matches!(read(b"\xEF\xBB\xBF{}"), Err(JsonError::Encoding)));
        assert!(matches!(
            read("{}".encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>().as_slice()),
            Err(JsonError::Syntax(_))
        ));
        for bad in [
            &br#"{"a":1,"a":2}"#[..],
            br#"{"x":{"a":1,"\u0061":2}}"#,
            b"1e999",
            b"NaN",
            br#""\ud800""#,
            b"{} {}",
            b"",
            b"{\"a\":}",
        ] {
            assert!(matches!(read(bad), Err(JsonError::Syntax(_))), "{}", String::from_utf8_lossy(bad));
        }
        assert!(matches!(
            parse(b"[1]", &Limits { body_bytes: 2, ..Limits::default() }),
            Err(JsonError::TooLong { .. })
        ));
    }

    #[test]
    fn texts_end_where_their_quote_stands() {
        for (text, end) in [
            (&br#"a"b"#[..], 1),
            (br#"a\"b" "#, 4),
            (br#"\\" "#, 2),
            (b"abc", 3),
            (b"a\\", 2),
            (b"", 0),
            (br#"0123456789abcdefghi\"j"k"#, 22),
        ] {
            assert_eq!(end_of_text(text, 0), end, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn brackets_in_texts_are_no_depth() {
        let text = format!("\"{}\\\"{}\"", "[".repeat(100), "{".repeat(100));
        assert!(read(text.as_bytes()).is_ok());
    }

    #[test]
    fn objects_come_as_received() {
        let limits = Limits::default();
        let bundle = br#"{"type":"bundle","id":"bundle--1","objects":[ {"a": 1.0} , {"b":[]}]}"#;
        assert_eq!(split_objects(bundle, &limits).unwrap(), vec![&br#"{"a": 1.0}"#[..], br#"{"b":[]}"#]);
        assert_eq!(split_objects(br#"{"objects":[{}]}"#, &limits).unwrap().len(), 1);
        assert_eq!(split_objects(b"{}", &limits).unwrap().len(), 0);
        let late = br#" {"objects":[{"a":1}], "type":"grouping"} "#;
        assert_eq!(
            split_objects(late, &limits).unwrap(),
            vec![late.trim_ascii()],
            "one object, though it has such a list"
        );
        assert_eq!(split_objects(br#"{"objects":{},"type":"x"}"#, &limits).unwrap().len(), 1);
        for (bad, why) in [
            (&br#"{"objects":{}}"#[..], "`objects`: invalid type: map"),
            (br#"{"objects":[1],"objects":[2]}"#, "the name `objects` stands twice"),
            (br#"{"type":"bundle","objects":[{]}"#, "at line 1 column 30"),
        ] {
            let told = split_objects(bad, &limits).unwrap_err().to_string();
            assert!(told.contains(why), "{told}");
        }
        assert_eq!(
            split_objects(br#" {"type":"note","objects":1} "#, &limits).unwrap(),
            vec![&br#"{"type":"note","objects":1}"#[..]]
        );
        assert_eq!(split_objects(b"[{},{}]", &limits).unwrap().len(), 2);
        assert!(split_objects(br#"{"objects":[],"objects":[]}"#, &limits).is_err());
    }

    #[test]
    fn rewriting_keeps_what_is_not_replaced() {
        let members = Members::read(br#"{"b": 1.00 ,"a":{"z" : [1]},"c":"x"}"#).unwrap();
        let out = members.rewrite(|name| match name {
            "c" => Some(None),
            "a" => Some(Some("[2]".to_owned())),
            _ => None,
        });
        assert_eq!(String::from_utf8(out).unwrap(), r#"{"b":1.00,"a":[2]}"#);
    }
}
