//! Reads a line of JSON in place. What nobody asks for is passed over: of it only the ends of texts, and that brackets match, are
//! looked at, which is what makes a log of a gigabyte a matter of a second.

use serde::de::value::Error;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

/// Deepest nesting of what is asked for.
const DEPTH_MAX: usize = 64;

/// Reads `line` as a `T`.
pub(super) fn read<'a, T: serde::Deserialize<'a>>(line: &'a [u8]) -> Result<T, Error> {
    let text = std::str::from_utf8(line).map_err(|fault| fail("this is no UTF-8", fault.valid_up_to()))?;
    let mut reader = Reader { text, bytes: line, at: 0, depth: 0 };
    let value = T::deserialize(&mut reader)?;
    match reader.peek() {
        None => Ok(value),
        Some(_) => Err(fail("something follows the end", reader.at)),
    }
}

fn fail(what: &str, at: usize) -> Error {
    Error::custom(format_args!("{what} at column {}", at + 1))
}

/// Where the first quote or backslash is. Texts of a log are short: eight bytes at a time are faster than a call.
#[inline]
fn quote_or_escape(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
    // The lowest high bit stands where the lowest byte is zero.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let (eights, rest) = bytes.as_chunks::<8>();
    for (number, eight) in eights.iter().enumerate() {
        let word = u64::from_le_bytes(*eight);
        let found = zeros(word ^ u64::from_ne_bytes([b'"'; 8])) | zeros(word ^ u64::from_ne_bytes([b'\\'; 8]));
        if found != 0 {
            return Some(number * 8 + (found.trailing_zeros() / 8) as usize);
        }
    }
    let found = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    Some(bytes.len() - rest.len() + found)
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    /// The next byte that is no space.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.bytes.get(self.at) {
                Some(b' ' | b'\t' | b'\r' | b'\n') => self.at += 1,
                other => return other.copied(),
            }
        }
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Result<(), Error> {
        if self.peek() == Some(byte) {
            self.at += 1;
            return Ok(());
        }
        Err(fail(&format!("`{}` is expected", char::from(byte)), self.at))
    }

    /// Passes the text whose quote is next. True if it has escapes; what stands between its quotes is handed back.
    fn quoted(&mut self) -> Result<(&'a str, bool), Error> {
        let start = self.at + 1;
        let (mut end, mut escaped) = (start, false);
        loop {
            let rest = self.bytes.get(end..).unwrap_or_default();
            let Some(next) = quote_or_escape(rest) else {
                return Err(fail("a text does not end that begins", self.at));
            };
            end += next;
            if self.bytes.get(end) == Some(&b'"') {
                self.at = end + 1;
                return Ok((self.text.get(start..end).unwrap_or_default(), escaped));
            }
            (end, escaped) = (end + 2, true);
        }
    }

    /// Passes a number or a word, and hands it back.
    fn word(&mut self) -> Result<&'a str, Error> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let is_end = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n');
        let length = rest.iter().position(is_end).unwrap_or(rest.len());
        let word = self.text.get(self.at..self.at + length).unwrap_or_default();
        if word.is_empty()
            || !rest.iter().take(length).all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte))
        {
            return Err(fail("a value is expected", self.at));
        }
        self.at += length;
        Ok(word)
    }

    /// Passes a value, whatever it is.
    fn pass(&mut self) -> Result<(), Error> {
        match self.peek() {
            Some(b'"') => self.quoted().map(drop),
            Some(b'{' | b'[') => self.pass_brackets(),
            _ => self.word().map(drop),
        }
    }

    fn pass_brackets(&mut self) -> Result<(), Error> {
        let start = self.at;
        // A bit for each open bracket: 1 is `{`. Deeper than that there is nothing in a log.
        let (mut open, mut depth) = (0_u128, 0_u32);
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b'"' => {
                    self.quoted()?;
                    continue;
                }
                b'{' | b'[' if depth == u128::BITS => return Err(fail("this is nested too deeply", self.at)),
                b'{' | b'[' => {
                    depth += 1;
                    open = open << 1 | u128::from(*byte == b'{');
                }
                b'}' | b']' => {
                    if (open & 1 == 1) != (*byte == b'}') {
                        return Err(fail("a bracket of another kind is open", self.at));
                    }
                    depth -= 1;
                    open >>= 1;
                    if depth == 0 {
                        self.at += 1;
                        return Ok(());
                    }
                }
                _ => {}
            }
            self.at += 1;
        }
        Err(fail("a bracket is not closed that opens", start))
    }

    fn enter(&mut self) -> Result<(), Error> {
        self.at += 1;
        self.depth += 1;
        if self.depth > DEPTH_MAX { Err(fail("this is nested too deeply", self.at)) } else { Ok(()) }
    }

    /// True if another item follows, after which `close` comes.
    fn another(&mut self, close: u8, is_first: bool) -> Result<bool, Error> {
        if self.peek() == Some(close) {
            self.at += 1;
            self.depth -= 1;
            return Ok(false);
        }
        if !is_first {
            self.expect(b',')?;
        }
        Ok(true)
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.peek() {
            Some(b'"') => match self.quoted()? {
                (text, false) => visitor.visit_borrowed_str(text),
                (text, true) => {
                    let text = serde_json::from_str(&format!("\"{text}\""));
                    visitor.visit_string(text.map_err(|fault| fail(&fault.to_string(), self.at))?)
                }
            },
            Some(b'{') => {
                self.enter()?;
                let mut items = Items { reader: self, is_first: true, ended: false };
                let value = visitor.visit_map(&mut items)?;
                items.finish(value)
            }
            Some(b'[') => {
                self.enter()?;
                let mut items = Items { reader: self, is_first: true, ended: false };
                let value = visitor.visit_seq(&mut items)?;
                items.finish(value)
            }
            _ => match self.word()? {
                "true" => visitor.visit_bool(true),
                "false" => visitor.visit_bool(false),
                "null" => visitor.visit_unit(),
                word => match word.parse::<u64>() {
                    Ok(number) => visitor.visit_u64(number),
                    Err(_) => visitor.visit_f64(word.parse().map_err(|_| fail("this is no number", self.at))?),
                },
            },
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.pass()?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier
    }
}

/// The items of an object or a list.
struct Items<'r, 'a> {
    reader: &'r mut Reader<'a>,
    is_first: bool,
    /// The closing bracket is passed: whoever asks on (a structure read from a list does) gets nothing of what follows.
    ended: bool,
}

impl Items<'_, '_> {
    fn another(&mut self, close: u8) -> Result<bool, Error> {
        if !self.ended {
            self.ended = !self.reader.another(close, std::mem::take(&mut self.is_first))?;
        }
        Ok(!self.ended)
    }

    /// Was everything taken?
    fn finish<T>(self, value: T) -> Result<T, Error> {
        if self.ended { Ok(value) } else { Err(fail("more follows than is expected", self.reader.at)) }
    }
}

impl<'a> MapAccess<'a> for Items<'_, 'a> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        if !self.another(b'}')? {
            return Ok(None);
        }
        if self.reader.peek() != Some(b'"') {
            return Err(fail("a name is expected", self.reader.at));
        }
        seed.deserialize(&mut *self.reader).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Error> {
        self.reader.expect(b':')?;
        seed.deserialize(&mut *self.reader)
    }
}

impl<'a> SeqAccess<'a> for Items<'_, 'a> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        if !self.another(b']')? {
            return Ok(None);
        }
        seed.deserialize(&mut *self.reader).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;

    /// What is asked for here: `a` whole, of `b` its `c`.
    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Asked {
        a: Value,
        b: Inner,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Inner {
        c: Value,
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            "[a-z\"\\\\{}\\[\\],:é\u{1f}]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-c]", inner, 0..4).prop_map(|map| json!(map)),
            ]
        })
    }

    proptest! {
        /// It reads what the library reads.
        #[test]
        fn it_reads_what_serde_json_reads(a in value(), c in value(), d in value(), spaced in any::<bool>()) {
            let line = json!({"x": d.clone(), "a": a, "b": {"y": d.clone(), "c": c}, "z": d});
            let text = if spaced { serde_json::to_string_pretty(&line).unwrap() } else { line.to_string() };
            let wanted: Asked = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(read::<Asked>(text.as_bytes()).unwrap(), wanted);
        }

        /// A line that was cut off is refused, and no bytes end in disorder.
        #[test]
        fn what_is_cut_off_is_refused(d in value(), cut in any::<prop::sample::Index>(), noise in any::<Vec<u8>>()) {
            let text = json!({"a": d.clone(), "x": d}).to_string();
            let end = cut.index(text.len());
            prop_assert!(read::<Asked>(&text.as_bytes()[..end]).is_err());
            let _ = read::<Asked>(&noise);
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = |count: usize, name: &str| format!("{{\"{name}\":{}{}}}", "[".repeat(count), "]".repeat(count));
        assert!(read::<Asked>(deep(60, "a").as_bytes()).is_ok());
        assert!(read::<Asked>(deep(100_000, "a").as_bytes()).is_err());
        assert!(read::<Asked>(deep(100, "x").as_bytes()).is_ok());
        assert!(read::<Asked>(deep(100_000, "x").as_bytes()).is_err());
        for wrong in [
            "",
            "{",
            "[1]x",
            "{\"a\":1}}",
            "{\"a\" 1}",
            "{a:1}",
            "{\"x\":[}",
            "{\"x\":}",
            "{\"a\":nul}",
            "{\"a\":1 \"b\":2}",
        ] {
            assert!(read::<Asked>(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
