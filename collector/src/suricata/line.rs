//! Reads a line of JSON in place. What nobody asks for is passed over: of it only the ends of texts, and that brackets match, are
//! looked at, which is what makes a log of a gigabyte a matter of a second.

use std::fmt;

use typed_arena::Arena;

use super::marks::Marks;
use super::name::Name;

/// Deepest nesting of what is asked for.
const DEPTH_MAX: usize = 64;

/// A line of a block.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    /// The block up to the end of the line.
    pub(super) block: &'a [u8],
    /// The whole block, where it is UTF-8.
    pub(super) text: Option<&'a str>,
    /// Where the line begins in it.
    pub(super) start: usize,
    /// Those of the block.
    pub(super) marks: &'a Marks,
    /// Texts that are not in the block as they are meant.
    pub(super) unescaped: &'a Arena<String>,
}

impl<'a> Line<'a> {
    /// Its bytes.
    pub(super) fn bytes(&self) -> &'a [u8] {
        self.block.get(self.start..).unwrap_or_default()
    }
}

/// Why a line cannot be read. Boxed: what is read without one is handed on in a register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault(Box<(&'static str, usize)>);

impl Fault {
    #[cold]
    fn new(what: &'static str, at: usize) -> Self {
        Self(Box::new((what, at)))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, at) = *self.0;
        write!(f, "{what} at column {}", at + 1)
    }
}

/// What is read from a line.
pub(super) trait Read<'a>: Default {
    /// Reads the value that comes next into this, which is as it was made.
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Fault>;
}

/// Reads `line` into `value`, which is as it was made.
pub(super) fn read<'a, T: Read<'a>>(line: Line<'a>, value: &mut T) -> Result<(), Fault> {
    let (text, text_start) = match line.text {
        Some(text) => (text, 0),
        None => (own_text(&line)?, line.start),
    };
    let mut reader = Reader { line, text, text_start, at: line.start, depth: 0 };
    value.read(&mut reader)?;
    match reader.peek() {
        None => Ok(()),
        Some(_) => Err(reader.fault("something follows the end")),
    }
}

#[cold]
fn own_text<'a>(line: &Line<'a>) -> Result<&'a str, Fault> {
    std::str::from_utf8(line.bytes()).map_err(|fault| Fault::new("this is no UTF-8", fault.valid_up_to()))
}

/// A line, read up to somewhere. Places are those of the block.
pub(super) struct Reader<'a> {
    line: Line<'a>,
    /// What is known to be text, and where it begins.
    text: &'a str,
    text_start: usize,
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    /// A fault of what comes next.
    #[cold]
    pub(super) fn fault(&self, what: &'static str) -> Fault {
        self.fault_at(what, self.at)
    }

    /// A fault of a word that was just read.
    #[cold]
    pub(super) fn fault_of(&self, word: &str, what: &'static str) -> Fault {
        self.fault_at(what, self.at.saturating_sub(word.len()))
    }

    #[cold]
    fn fault_at(&self, what: &'static str, at: usize) -> Fault {
        Fault::new(what, at.saturating_sub(self.line.start))
    }

    /// The byte at that place, which is none behind the end of the line.
    #[inline(always)]
    fn byte(&self, at: usize) -> Option<u8> {
        self.line.block.get(at).copied()
    }

    /// The next byte that is no space.
    #[inline(always)]
    pub(super) fn peek(&mut self) -> Option<u8> {
        match self.byte(self.at) {
            Some(byte) if byte <= b' ' => self.peek_behind_spaces(),
            other => other,
        }
    }

    #[cold]
    fn peek_behind_spaces(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.byte(self.at) {
            self.at += 1;
        }
        self.byte(self.at)
    }

    #[inline(always)]
    fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), Fault> {
        if self.peek() == Some(byte) {
            self.at += 1;
            return Ok(());
        }
        Err(self.fault(what))
    }

    /// Passes the text whose quote is next: from where to where it goes, and if it has escapes.
    #[inline(always)]
    fn quoted(&mut self) -> Result<(usize, usize, bool), Fault> {
        let start = self.at + 1;
        let (end, escaped) = self.end_of_text(start)?;
        self.at = end + 1;
        Ok((start, end, escaped))
    }

    /// Where the text ends that begins at `start`, and if it has escapes.
    #[inline(always)]
    fn end_of_text(&self, start: usize) -> Result<(usize, bool), Fault> {
        match self.line.marks.end_of_text(start) {
            Some((end, escaped)) if end < self.line.block.len() => Ok((end, escaped)),
            _ => Err(self.fault_at("a text does not end that begins", start)),
        }
    }

    /// What is between two places, which are those of quotes or words.
    #[inline(always)]
    fn between(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start.saturating_sub(self.text_start)..end.saturating_sub(self.text_start)).unwrap_or_default()
    }

    /// Reads a text, whose quote is next.
    #[inline]
    pub(super) fn text(&mut self) -> Result<&'a str, Fault> {
        let (start, end, escaped) = self.quoted()?;
        if escaped { self.unescaped(start, end) } else { Ok(self.between(start, end)) }
    }

    /// Reads the name of a member, whose quote is next.
    #[inline(always)]
    fn name(&mut self) -> Result<Name, Fault> {
        let (start, end, escaped) = self.quoted()?;
        if escaped {
            return self.unescaped(start, end).map(|name| Name::new(name.as_bytes()));
        }
        Ok(Name::beginning(self.line.block.get(start..).unwrap_or_default(), end - start))
    }

    #[cold]
    fn unescaped(&self, start: usize, end: usize) -> Result<&'a str, Fault> {
        let quoted = format!("\"{}\"", self.between(start, end));
        let text: String =
            serde_json::from_str(&quoted).map_err(|_| self.fault_at("an escape is wrong in the text", start))?;
        Ok(self.line.unescaped.alloc(text))
    }

    /// Reads the number that comes next, if it is one of digits alone; otherwise nothing is read.
    #[inline]
    pub(super) fn digits(&mut self) -> Option<u64> {
        // More digits may be too many for it.
        const MOST: usize = 19;
        let (mut number, mut at) = (0_u64, self.at);
        while let Some(digit @ b'0'..=b'9') = self.byte(at) {
            number = number.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            at += 1;
        }
        let is_whole = (1..=MOST).contains(&(at - self.at)) && matches!(self.byte(at), Some(b',' | b'}' | b']'));
        is_whole.then(|| {
            self.at = at;
            number
        })
    }

    /// Reads a number or a word.
    #[inline]
    pub(super) fn word(&mut self) -> Result<&'a str, Fault> {
        let (start, mut end) = (self.at, self.at);
        // Most are long numbers.
        while self.line.block.get(end..).and_then(|rest| rest.first_chunk()).is_some_and(are_digits) {
            end += DIGITS;
        }
        while self.byte(end).is_some_and(in_word) {
            end += 1;
        }
        let ends = matches!(self.byte(end), None | Some(b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n'));
        if start == end || !ends {
            return Err(self.fault("a value is expected"));
        }
        self.at = end;
        Ok(self.between(start, end))
    }

    /// Passes a value, whatever it is.
    #[inline]
    pub(super) fn pass(&mut self) -> Result<(), Fault> {
        match self.peek() {
            Some(b'"') => self.quoted().map(drop),
            Some(b'{' | b'[') => self.pass_brackets(),
            _ => self.word().map(drop),
        }
    }

    /// Passes what the bracket opens that comes next.
    fn pass_brackets(&mut self) -> Result<(), Fault> {
        let start = self.at;
        // A bit for each open bracket: 1 is `{`. Deeper than that there is nothing in a log.
        let (mut open, mut depth) = (0_u128, 0_u32);
        for at in self.line.marks.outside(start) {
            let Some(byte) = self.byte(at) else { break };
            match byte {
                b'{' | b'[' if depth == u128::BITS => return Err(self.fault_at("this is nested too deeply", at)),
                b'{' | b'[' => {
                    depth += 1;
                    open = open << 1 | u128::from(byte == b'{');
                }
                b'}' | b']' => {
                    if (open & 1 == 1) != (byte == b'}') {
                        return Err(self.fault_at("a bracket of another kind is open", at));
                    }
                    depth -= 1;
                    open >>= 1;
                    if depth == 0 {
                        self.at = at + 1;
                        return Ok(());
                    }
                }
                _ => return Err(self.fault_at("a `\\` stands outside of texts", at)),
            }
        }
        Err(self.fault_at("a bracket is not closed that opens", start))
    }

    /// Reads an object, whose bracket is next: hands the name of each member to `member`, which reads or passes its value.
    #[inline]
    pub(super) fn object(&mut self, mut member: impl FnMut(&mut Self, Name) -> Result<(), Fault>) -> Result<(), Fault> {
        if self.peek() != Some(b'{') {
            return Err(self.fault("`{` is expected"));
        }
        self.enter()?;
        if self.peek() == Some(b'}') {
            self.leave();
            return Ok(());
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.fault("a name is expected"));
            }
            let name = self.name()?;
            self.expect(b':', "`:` is expected")?;
            member(self, name)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.leave();
                    return Ok(());
                }
                _ => return Err(self.fault("`,` or `}` is expected")),
            }
        }
    }

    /// Reads a list, whose bracket is next: has `each` read each of its values.
    pub(super) fn list(&mut self, mut each: impl FnMut(&mut Self) -> Result<(), Fault>) -> Result<(), Fault> {
        self.enter()?;
        let mut is_first = true;
        while self.peek() != Some(b']') {
            if !std::mem::take(&mut is_first) {
                self.expect(b',', "`,` or `]` is expected")?;
            }
            each(self)?;
        }
        self.leave();
        Ok(())
    }

    fn enter(&mut self) -> Result<(), Fault> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.fault("this is nested too deeply"));
        }
        self.at += 1;
        Ok(())
    }

    fn leave(&mut self) {
        self.depth -= 1;
        self.at += 1;
    }
}

/// May that byte be in a number or a word?
#[inline(always)]
fn in_word(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'+' | b'-' | b'.')
}

/// Bytes that [`are_digits`] looks at together.
const DIGITS: usize = 8;

/// Digits have 3 in the high half of the byte, also with 6 more: that carries into it from `:` on.
#[inline(always)]
fn are_digits(bytes: &[u8; DIGITS]) -> bool {
    const HIGH: u64 = 0xf0f0_f0f0_f0f0_f0f0;
    const THREES: u64 = 0x3030_3030_3030_3030;
    let bytes = u64::from_le_bytes(*bytes);
    bytes & HIGH == THREES && bytes.wrapping_add(0x0606_0606_0606_0606) & HIGH == THREES
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::super::event::{Scalar, Section, section};
    use super::*;

    section! {
        /// What is asked for here.
        Asked<'a> {
            b"a" => a: Scalar<'a>,
            b"b" => b: Section<Inner<'a>>,
        }
    }

    section! {
        Inner<'a> {
            b"c" => c: Scalar<'a>,
        }
    }

    /// A line in the midst of a block; what it says of `a`, and of the `c` of each `b`.
    fn read(bytes: &[u8]) -> Result<(String, Vec<String>), Fault> {
        read_before(b"\n{\"behind\":[\"\"]}", bytes)
    }

    fn read_before(behind: &[u8], bytes: &[u8]) -> Result<(String, Vec<String>), Fault> {
        let (before, mut marks) = (b"{\"before\":\"\\\"\"}\n", Marks::default());
        let block = [before.as_slice(), bytes, behind].concat();
        marks.set(&block);
        let end = before.len() + bytes.len();
        let unescaped = Arena::new();
        let mut asked = Asked::default();
        let line = Line {
            block: &block[..end],
            text: std::str::from_utf8(&block).ok(),
            start: before.len(),
            marks: &marks,
            unescaped: &unescaped,
        };
        super::read(line, &mut asked)?;
        Ok((format!("{:?}", asked.a), asked.b.0.iter().map(|inner| format!("{:?}", inner.c)).collect()))
    }

    /// The same as the library reads it.
    fn wanted(a: &Value, c: &Value) -> (String, Vec<String>) {
        let scalar = |value: &Value| match value {
            Value::String(text) => format!("{:?}", Scalar::Text(text)),
            Value::Number(number) => format!("{:?}", Scalar::Number(number.as_u64().unwrap())),
            _ => format!("{:?}", Scalar::Other),
        };
        (scalar(a), vec![scalar(c)])
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
            prop_assert_eq!(read(text.as_bytes()), Ok(wanted(&a, &c)));
            // Another line of the block is no UTF-8.
            prop_assert_eq!(read_before(b"\n\xff", text.as_bytes()), Ok(wanted(&a, &c)));
        }

        /// A line that was cut off is refused, and no bytes end in disorder.
        #[test]
        fn what_is_cut_off_is_refused(d in value(), cut in any::<prop::sample::Index>(), noise in any::<Vec<u8>>()) {
            let text = json!({"a": d.clone(), "x": d}).to_string();
            let end = cut.index(text.len());
            prop_assert!(read(&text.as_bytes()[..end]).is_err());
            let _ = read(&noise);
        }
    }

    /// What a line leaves open is not open in the next.
    #[test]
    fn a_bad_line_spoils_no_other() {
        for bad in ["\\", "\\\\\\", "\"", "{\"x\":\"", "{\"x\":[\"", "{\"x\":[\"\\", "{\"x\":[[[", "{\"\\"] {
            let (mut block, mut marks) = (format!("{bad}\n").into_bytes(), Marks::default());
            let start = block.len();
            block.extend_from_slice(b"{\"x\":[{\"\\\"\":\"[\"}],\"a\":\"b\"}");
            marks.set(&block);
            let unescaped = Arena::new();
            let text = std::str::from_utf8(&block).ok();
            let line = |end, start| Line { block: &block[..end], text, start, marks: &marks, unescaped: &unescaped };
            assert!(super::read(line(start - 1, 0), &mut Asked::default()).is_err(), "{bad}");
            let mut asked = Asked::default();
            assert_eq!(super::read(line(block.len(), start), &mut asked), Ok(()), "{bad}");
            assert_eq!(asked.a.text(), Some("b"), "{bad}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = |count: usize, name: &str| format!("{{\"{name}\":{}{}}}", "[".repeat(count), "]".repeat(count));
        assert!(read(deep(60, "b").as_bytes()).is_ok());
        assert!(read(deep(100_000, "b").as_bytes()).is_err());
        assert!(read(deep(100, "x").as_bytes()).is_ok());
        assert!(read(deep(100_000, "x").as_bytes()).is_err());
    }

    #[test]
    fn what_is_no_json_is_refused_where_it_is_wrong() {
        for (wrong, column) in [
            ("", 1),
            ("{", 2),
            ("[1]", 1),
            ("{\"a\":1}}", 8),
            ("{\"a\" 1}", 6),
            ("{a:1}", 2),
            ("{\"x\":[}", 7),
            ("{\"x\":}", 6),
            ("{\"x\":1234567:}", 6),
            ("{\"x\":/1234567}", 6),
            ("{\"a\":nul}", 6),
            ("{\"a\":1 \"b\":2}", 8),
            ("{\"a\":1,}", 8),
            ("{\"a\":1,\"a\":1}", 12),
            ("{\"b\":[{},]}", 10),
            ("{\"a\":\\1}", 6),
            ("{\"x\":[\\]}", 7),
            ("{\"a\":\"\\x\"}", 7),
            ("{\"a\":\"1}", 7),
        ] {
            let fault = read(wrong.as_bytes()).unwrap_err();
            assert!(fault.to_string().ends_with(&format!("column {column}")), "{wrong}: {fault}");
        }
        assert!(read(b"{\"\\u0061\":1}").unwrap().0.contains('1'), "names are compared as they are meant");
    }
}
