//! Looks JSON through without recursion and without making anything of it. What this takes is JSON; what it refuses may
//! yet be JSON: whoever is refused asks the plain reader, which knows the words for what is wrong.

use super::Limits;

/// Not JSON, or not worth being quick about.
#[derive(Debug)]
pub(crate) struct Refused;

/// Deepest nesting that is looked through: one bit a level.
const DEPTH_MAX: usize = 120;

/// A place in a text of JSON.
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// Does the text have bytes that may not stand in a text of JSON as they are? Seldom asked for again if it has none.
    controls: bool,
    /// Was something in the last text written with a backslash?
    escaped: bool,
}

impl<'a> Scanner<'a> {
    /// Begins at the first byte of `text`.
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, controls: has_controls(text.as_bytes()), escaped: false }
    }

    /// The byte at hand after white space.
    pub(super) fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                byte => return byte.copied(),
            }
        }
    }

    /// Takes the byte at hand.
    pub(super) fn step(&mut self) {
        self.at += 1;
    }

    /// Where the byte at hand is.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Goes back to a place that was at hand.
    pub(super) fn back(&mut self, at: usize) {
        self.at = at;
    }

    /// What was passed since `from`.
    pub(super) fn since(&self, from: usize) -> Result<&'a str, Refused> {
        self.text.get(from..self.at).ok_or(Refused)
    }

    /// Nothing but white space is left.
    pub(super) fn end(&mut self) -> Result<(), Refused> {
        if self.peek().is_none() { Ok(()) } else { Err(Refused) }
    }

    /// Was something in the text passed last written with a backslash?
    pub(super) fn escaped(&self) -> bool {
        self.escaped
    }

    /// What stands between the quotes of the text that begins at hand.
    #[inline]
    pub(super) fn quoted(&mut self) -> Result<&'a str, Refused> {
        let from = self.at + 1;
        let rest = self.text.as_bytes().get(from..).ok_or(Refused)?;
        let mut to = from + memchr::memchr2(b'"', b'\\', rest).ok_or(Refused)?;
        self.escaped = self.text.as_bytes().get(to) == Some(&b'\\');
        if self.escaped {
            to = self.after_escapes(to)?;
        }
        self.at = to + 1;
        let raw = self.text.get(from..to).ok_or(Refused)?;
        if self.controls && has_controls(raw.as_bytes()) { Err(Refused) } else { Ok(raw) }
    }

    /// The place of the quote that ends the text which has its first backslash at `to`.
    fn after_escapes(&self, mut to: usize) -> Result<usize, Refused> {
        let bytes = self.text.as_bytes();
        while bytes.get(to) == Some(&b'\\') {
            to += escape(bytes.get(to + 1..).ok_or(Refused)?)?;
            to += memchr::memchr2(b'"', b'\\', bytes.get(to..).ok_or(Refused)?).ok_or(Refused)?;
        }
        Ok(to)
    }

    /// A name, which begins at hand, and the colon after it.
    #[inline]
    pub(super) fn name(&mut self) -> Result<&'a str, Refused> {
        if self.peek() != Some(b'"') {
            return Err(Refused);
        }
        let name = self.quoted()?;
        if self.peek() != Some(b':') {
            return Err(Refused);
        }
        self.step();
        Ok(name)
    }

    /// The word that begins at hand: `null`, `true` or `false`.
    pub(super) fn word(&mut self, word: &str) -> Result<(), Refused> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        if !rest.starts_with(word.as_bytes()) {
            return Err(Refused);
        }
        self.at += word.len();
        Ok(())
    }

    /// The number that begins at hand (RFC 8259 §6).
    pub(super) fn number(&mut self) -> Result<&'a str, Refused> {
        let from = self.at;
        let bytes = self.text.as_bytes();
        self.at += usize::from(bytes.get(from) == Some(&b'-'));
        let whole = self.at;
        if self.digits()? > 1 && bytes.get(whole) == Some(&b'0') {
            return Err(Refused);
        }
        if bytes.get(self.at) == Some(&b'.') {
            self.step();
            self.digits()?;
        }
        if matches!(bytes.get(self.at), Some(b'e' | b'E')) {
            self.step();
            self.at += usize::from(matches!(bytes.get(self.at), Some(b'+' | b'-')));
            self.digits()?;
        }
        self.since(from)
    }

    /// At least one digit; how many.
    fn digits(&mut self) -> Result<usize, Refused> {
        let from = self.at;
        while self.text.as_bytes().get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        if self.at == from { Err(Refused) } else { Ok(self.at - from) }
    }

    /// Passes one value, which lies `outside` levels deep, and returns it as it is written.
    pub(crate) fn value(&mut self, outside: usize, limits: &Limits) -> Result<&'a str, Refused> {
        let most = limits.depth.min(DEPTH_MAX).checked_sub(outside).ok_or(Refused)?;
        self.peek();
        let from = self.at;
        // What surrounds the place at hand, the innermost as the lowest bit: an object is 1, a list 0.
        let (mut around, mut depth) = (0_u128, 0_usize);
        loop {
            match self.peek().ok_or(Refused)? {
                b'"' => self.quoted().map(drop)?,
                opening @ (b'{' | b'[') => {
                    self.step();
                    depth += 1;
                    if depth > most {
                        return Err(Refused);
                    }
                    around = around << 1 | u128::from(opening == b'{');
                    match (opening, self.peek()) {
                        (b'{', Some(b'}')) | (b'[', Some(b']')) => {}
                        (b'{', _) => {
                            self.name()?;
                            continue;
                        }
                        _ => continue,
                    }
                }
                b't' => self.word("true")?,
                b'f' => self.word("false")?,
                b'n' => self.word("null")?,
                _ => self.number().map(drop)?,
            }
            loop {
                if depth == 0 {
                    return self.since(from);
                }
                let in_object = around & 1 == 1;
                match (self.peek().ok_or(Refused)?, in_object) {
                    (b',', _) => {
                        self.step();
                        if in_object {
                            self.name()?;
                        }
                        break;
                    }
                    (b'}', true) | (b']', false) => {
                        self.step();
                        around >>= 1;
                        depth -= 1;
                    }
                    _ => return Err(Refused),
                }
            }
        }
    }
}

/// How long the escape is whose backslash stands before `rest`.
fn escape(rest: &[u8]) -> Result<usize, Refused> {
    match rest {
        [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => Ok(2),
        [b'u', digits @ ..] if digits.iter().take(4).filter(|b| b.is_ascii_hexdigit()).count() == 4 => Ok(6),
        _ => Err(Refused),
    }
}

/// Is there a byte below a space? Through to the end, without a branch: many bytes at a time.
fn has_controls(bytes: &[u8]) -> bool {
    bytes.iter().fold(false, |found, b| found | (*b < b' '))
}
