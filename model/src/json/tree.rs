//! A JSON value that borrows its texts from the bytes it was read from. What only looks at an object reads this: it costs
//! no allocation for a text without escapes, and a list of members is faster than a map at the sizes that objects have.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

use super::quick::Quick;
use super::{JsonError, Limits, check};
use crate::names::spread;

/// Up to so many members, names are compared each with each; beyond it through a map, so that no text is slow to read.
const COMPARED_ONE_BY_ONE: usize = 32;

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub enum Node<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    Text(Cow<'a, str>),
    /// A list.
    List(Vec<Node<'a>>),
    /// An object: its members in the order received, no name twice.
    Object(Fields<'a>),
}

/// The members of an object in the order received.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Fields<'a> {
    members: Vec<(Cow<'a, str>, Node<'a>)>,
    /// Where each name stands, of an object too large to look through: no object is slow to ask, however it is made.
    #[expect(clippy::box_collection, reason = "few objects have it, and every value of every object has room for it")]
    places: Option<Box<BTreeMap<Cow<'a, str>, usize>>>,
}

impl<'a> Fields<'a> {
    /// The value of a member.
    pub fn get(&self, name: &str) -> Option<&Node<'a>> {
        if let Some(places) = &self.places {
            let place = places.get(name)?;
            return self.members.get(*place).map(|(_, value)| value);
        }
        self.members.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The text of a member that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// The items of a member that is a list; none otherwise.
    pub fn list(&self, name: &str) -> &[Node<'a>] {
        self.get(name).map(Node::items).unwrap_or_default()
    }

    /// Is there such a member?
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// All members.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Node<'a>)> {
        self.members.iter().map(|(key, value)| (key.as_ref(), value))
    }

    /// True without members.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The same as a map of its own.
    pub fn into_map(self) -> serde_json::Map<String, Value> {
        self.members.into_iter().map(|(key, value)| (key.into_owned(), value.into_value())).collect()
    }

    /// From members as they were read, or the name that stands twice.
    pub(super) fn new(members: Vec<(Cow<'a, str>, Node<'a>)>) -> Result<Self, Cow<'a, str>> {
        if members.len() > COMPARED_ONE_BY_ONE {
            let mut places = BTreeMap::new();
            for (place, (name, _)) in members.iter().enumerate() {
                if places.insert(name.clone(), place).is_some() {
                    return Err(name.clone());
                }
            }
            return Ok(Self { members, places: Some(Box::new(places)) });
        }
        // Most names have a mark of their own: only those that share one are compared.
        let mut marks = 0_u64;
        for (place, (name, _)) in members.iter().enumerate() {
            let mark = 1 << (spread(name) & 63);
            if marks & mark != 0 && members.iter().take(place).any(|(other, _)| other == name) {
                return Err(name.clone());
            }
            marks |= mark;
        }
        Ok(Self { members, places: None })
    }
}

impl<'a> Node<'a> {
    /// Reads the one value that `text` is, with the same answers as [`super::parse`].
    pub fn read(text: &'a [u8], limits: &Limits) -> Result<Self, JsonError> {
        Quick::default().read(super::encoded(text, limits)?, limits)
    }

    /// The same by the plain reader, which knows the words for what is wrong.
    pub(super) fn read_plainly(text: &'a str, limits: &Limits) -> Result<Self, JsonError> {
        check(text.as_bytes(), limits)?;
        let syntax = |error: serde_json::Error| JsonError::Syntax(error.to_string());
        let mut reader = serde_json::Deserializer::from_str(text);
        let node = Reader { depth: limits.depth }.deserialize(&mut reader).map_err(syntax)?;
        reader.end().map_err(syntax)?;
        Ok(node)
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The items, if it is a list; none otherwise.
    pub fn items(&self) -> &[Node<'a>] {
        match self {
            Node::List(items) => items,
            _ => &[],
        }
    }

    /// The members, if it is an object.
    pub fn as_object(&self) -> Option<&Fields<'a>> {
        match self {
            Node::Object(fields) => Some(fields),
            _ => None,
        }
    }

    /// The same as a value of its own.
    pub fn into_value(self) -> Value {
        match self {
            Node::Null => Value::Null,
            Node::Bool(value) => Value::Bool(value),
            Node::Number(number) => Value::Number(number),
            Node::Text(text) => Value::String(text.into_owned()),
            Node::List(items) => Value::Array(items.into_iter().map(Node::into_value).collect()),
            Node::Object(fields) => Value::Object(fields.into_map()),
        }
    }
}

/// Reads a [`Node`] at most `depth` levels deep.
#[derive(Clone, Copy)]
struct Reader {
    depth: usize,
}

impl Reader {
    fn below<E: de::Error>(self) -> Result<Self, E> {
        let depth = self.depth.checked_sub(1).ok_or_else(|| E::custom("nested too deeply"))?;
        Ok(Self { depth })
    }
}

impl<'de> DeserializeSeed<'de> for Reader {
    type Value = Node<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node<'de>, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node<'de>, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node<'de>, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Node<'de>, E> {
        Number::from_f64(value).map(Node::Number).ok_or_else(|| E::custom("a number is out of range"))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Node<'de>, E> {
        Ok(Node::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node<'de>, A::Error> {
        let below = self.below()?;
        let mut list = Vec::new();
        while let Some(item) = seq.next_element_seed(below)? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node<'de>, A::Error> {
        let below = self.below()?;
        let mut fields = Vec::new();
        while let Some(name) = map.next_key_seed(Name)? {
            if fields.is_empty() {
                // An object of STIX has some ten members: one allocation rather than three.
                fields.reserve(12);
            }
            fields.push((name, map.next_value_seed(below)?));
        }
        Fields::new(fields)
            .map(Node::Object)
            .map_err(|name| de::Error::custom(format!("the name `{name}` stands twice in one object")))
    }
}

struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(value.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "[ -~é\n]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 64, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::hash_map("[a-z\"]{0,4}", inner, 0..40)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn reads_what_the_plain_reader_reads(value in value()) {
            let text = value.to_string();
            let limits = Limits::default();
            prop_assert_eq!(
                Node::read(text.as_bytes(), &limits).map(Node::into_value),
                super::super::parse(text.as_bytes(), &limits)
            );
        }
    }

    #[test]
    fn refuses_what_the_plain_reader_refuses_in_its_words() {
        let deep = "[".repeat(100_000);
        let many: Vec<String> = (0..50).map(|n| format!("\"{}\":1", n % 49)).collect();
        let many = format!("{{{}}}", many.join(","));
        let limits = Limits { body_bytes: 200_000, ..Limits::default() };
        for bad in
            [deep.as_str(), "\u{feff}{}", "", "{", "{} {}", "1e999", "\"\\ud800\"", r#"{"a":1,"\u0061":2}"#, &many]
        {
            let (ours, plain) = (Node::read(bad.as_bytes(), &limits), super::super::parse(bad.as_bytes(), &limits));
            match (&ours, &plain) {
                (Err(JsonError::Syntax(_)), Err(JsonError::Syntax(_))) => {}
                _ => assert_eq!(ours.as_ref().err(), plain.as_ref().err(), "{bad}"),
            }
            assert!(ours.is_err(), "{bad}");
        }
        assert!(Node::read(b"[1]", &Limits { body_bytes: 2, ..Limits::default() }).is_err());
        assert!(Node::read(b"[[1]]", &Limits { depth: 2, ..Limits::default() }).is_ok());
        assert!(Node::read(b"[[[]]]", &Limits { depth: 2, ..Limits::default() }).is_err());
    }
}
