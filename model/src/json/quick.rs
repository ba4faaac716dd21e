//! The quick reader of trees: takes what objects are usually made of, one look at each byte, one allocation for each list
//! and each object; leaves the rest to the plain reader. Both make the same of the same text.

use std::borrow::Cow;

use super::scan::{Refused, Scanner};
use super::tree::{Fields, Node};
use super::{JsonError, Limits};

/// Deepest nesting that is read here: this reader calls itself.
const DEPTH_MAX: usize = 120;

/// Room that is used again for object after object: what of those lists and objects is read that have not ended yet.
#[derive(Default)]
pub(crate) struct Quick<'a> {
    members: Vec<(Cow<'a, str>, Node<'a>)>,
    items: Vec<Node<'a>>,
}

impl<'a> Quick<'a> {
    /// Reads the one value that `text` is.
    pub(crate) fn read(&mut self, text: &'a str, limits: &Limits) -> Result<Node<'a>, JsonError> {
        let mut scanner = Scanner::new(text);
        let quick = self.value(&mut scanner, limits.depth.min(DEPTH_MAX)).and_then(|node| {
            scanner.end()?;
            Ok(node)
        });
        match quick {
            Ok(node) if text.len() <= limits.body_bytes => Ok(node),
            _ => {
                self.members.clear();
                self.items.clear();
                Node::read_plainly(text, limits)
            }
        }
    }

    /// Reads the value at hand, which lies `outside` levels deep, and returns it beside how it is written.
    pub(crate) fn read_next(
        &mut self,
        scanner: &mut Scanner<'a>,
        outside: usize,
        limits: &Limits,
    ) -> Result<(&'a str, Result<Node<'a>, JsonError>), Refused> {
        scanner.peek();
        let from = scanner.at();
        if let Ok(node) = self.value(scanner, limits.depth.min(DEPTH_MAX)) {
            return Ok((scanner.since(from)?, Ok(node)));
        }
        self.members.clear();
        self.items.clear();
        scanner.back(from);
        let raw = scanner.value(outside, limits)?;
        Ok((raw, Node::read_plainly(raw, limits)))
    }

    fn value(&mut self, scanner: &mut Scanner<'a>, depth: usize) -> Result<Node<'a>, Refused> {
        match scanner.peek().ok_or(Refused)? {
            b'"' => {
                let raw = scanner.quoted()?;
                text(raw, scanner.escaped()).map(Node::Text)
            }
            b'{' => self.object(scanner, depth.checked_sub(1).ok_or(Refused)?),
            b'[' => self.list(scanner, depth.checked_sub(1).ok_or(Refused)?),
            b't' => scanner.word("true").map(|()| Node::Bool(true)),
            b'f' => scanner.word("false").map(|()| Node::Bool(false)),
            b'n' => scanner.word("null").map(|()| Node::Null),
            _ => serde_json::from_str(scanner.number()?).map(Node::Number).map_err(|_| Refused),
        }
    }

    fn object(&mut self, scanner: &mut Scanner<'a>, depth: usize) -> Result<Node<'a>, Refused> {
        let before = self.members.len();
        scanner.step();
        if scanner.peek() != Some(b'}') {
            loop {
                let raw = scanner.name()?;
                let name = text(raw, scanner.escaped())?;
                if scanner.peek() == Some(b'"') {
                    // Most values: written where it stays, without a way through the caller.
                    let raw = scanner.quoted()?;
                    self.members.push((name, Node::Text(text(raw, scanner.escaped())?)));
                } else {
                    let value = self.value(scanner, depth)?;
                    self.members.push((name, value));
                }
                match scanner.peek() {
                    Some(b',') => scanner.step(),
                    Some(b'}') => break,
                    _ => return Err(Refused),
                }
            }
        }
        scanner.step();
        Fields::new(self.members.drain(before..).collect()).map(Node::Object).map_err(|_| Refused)
    }

    fn list(&mut self, scanner: &mut Scanner<'a>, depth: usize) -> Result<Node<'a>, Refused> {
        let before = self.items.len();
        scanner.step();
        if scanner.peek() != Some(b']') {
            loop {
                let item = self.value(scanner, depth)?;
                self.items.push(item);
                match scanner.peek() {
                    Some(b',') => scanner.step(),
                    Some(b']') => break,
                    _ => return Err(Refused),
                }
            }
        }
        scanner.step();
        Ok(Node::List(self.items.drain(before..).collect()))
    }
}

/// What a text says.
#[inline]
fn text(raw: &str, escaped: bool) -> Result<Cow<'_, str>, Refused> {
    if escaped { unescaped(raw).map(Cow::Owned) } else { Ok(Cow::Borrowed(raw)) }
}

fn unescaped(raw: &str) -> Result<String, Refused> {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((plain, escape)) =
        memchr::memchr(b'\\', rest.as_bytes()).and_then(|place| rest.split_at_checked(place))
    {
        out.push_str(plain);
        out.push(match escape.as_bytes().get(1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            // By its number: pairs of surrogates are for the plain reader to join.
            _ => return serde_json::from_str(&format!("\"{raw}\"")).map_err(|_| Refused),
        });
        rest = escape.get(2..).ok_or(Refused)?;
    }
    out.push_str(rest);
    Ok(out)
}
