//! Text → tokens.

use super::{PatternFault, Span};

/// A token and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) span: Span,
}

/// Kinds of token. Words keep their text: whether one is a keyword depends on its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// `[A-Za-z_][A-Za-z0-9_-]*`
    Word(String),
    /// `'…'`, escapes resolved.
    Text(String),
    /// `h'…'`, `b'…'`, `t'…'`, as written.
    Prefixed(char, String),
    /// Digits with an optional sign.
    Integer(String),
    /// Digits with a point.
    Float(String),
    /// Operators and brackets.
    Sign(&'static str),
    /// The end of the text.
    End,
}

const SIGNS: &[&str] = &["!=", "<>", ">=", "<=", "==", "=", ">", "<", "[", "]", "(", ")", ",", ":", ".", "*"];

pub(super) fn tokens(text: &str) -> Result<Vec<Token>, PatternFault> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..)
        && let Some(first) = rest.chars().next()
    {
        let (kind, length) = if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        } else if let Some(length) = comment(rest) {
            at += length;
            continue;
        } else if matches!(first, 'h' | 'b' | 't') && rest.get(1..2) == Some("'") {
            let (content, length) = quoted(rest.get(1..).unwrap_or_default(), at + 1)?;
            (Kind::Prefixed(first, content), length + 1)
        } else if first == '\'' {
            let (content, length) = quoted(rest, at)?;
            (Kind::Text(content), length)
        } else if first.is_ascii_alphabetic() || first == '_' {
            let length = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')).count();
            (Kind::Word(rest.get(..length).unwrap_or_default().to_owned()), length)
        } else if let Some((kind, length)) = number(rest) {
            (kind, length)
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            (Kind::Sign(sign), sign.len())
        } else {
            return Err(strange(first, at));
        };
        found.push(Token { kind, span: Span { start: at, end: at + length } });
        at += length;
    }
    found.push(Token { kind: Kind::End, span: Span { start: text.len(), end: text.len() } });
    Ok(found)
}

fn strange(first: char, at: usize) -> PatternFault {
    let span = Span { start: at, end: at + first.len_utf8() };
    let fault = PatternFault::new("pattern-token", span, format!("`{first}` has no meaning here"));
    match first {
        '"' | '‘' | '’' | '“' | '”' => fault.suggest("texts stand in straight single quotes: 'text'"),
        '&' => fault.suggest("write AND"),
        '|' => fault.suggest("write OR"),
        _ => fault,
    }
}

/// `/* … */` and `// …` are skipped, as the standard's grammar does.
fn comment(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    rest.strip_prefix("/*").and_then(|inner| inner.find("*/")).map(|end| end + 4)
}

/// A text in single quotes; `\'` and `\\` are the only escapes (§9.3). Returns content and length with quotes.
fn quoted(rest: &str, at: usize) -> Result<(String, usize), PatternFault> {
    let mut content = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((place, c)) = chars.next() {
        match c {
            '\'' => return Ok((content, place + 1)),
            '\\' => match chars.next() {
                Some((_, escaped @ ('\'' | '\\'))) => content.push(escaped),
                _ => {
                    let span = Span { start: at + place, end: at + place + 1 };
                    return Err(PatternFault::new(
                        "pattern-literal",
                        span,
                        "a backslash stands before `'` or `\\` only",
                    )
                    .suggest("write \\\\ for one backslash"));
                }
            },
            c => content.push(c),
        }
    }
    let span = Span { start: at, end: at + rest.len() };
    Err(PatternFault::new("pattern-literal", span, "the text that begins here has no end").suggest("close it with '"))
}

/// Integers and floats, with sign; `1.` and `.5` are not written so in STIX, but `.5` is in its grammar.
fn number(rest: &str) -> Option<(Kind, usize)> {
    let sign = usize::from(rest.starts_with(['-', '+']));
    let digits = |from: usize| rest.bytes().skip(from).take_while(u8::is_ascii_digit).count();
    let whole = digits(sign);
    let point = rest.as_bytes().get(sign + whole) == Some(&b'.');
    let fraction = if point { digits(sign + whole + 1) } else { 0 };
    if fraction > 0 {
        let length = sign + whole + 1 + fraction;
        return Some((Kind::Float(rest.get(..length)?.to_owned()), length));
    }
    (whole > 0).then(|| rest.get(..sign + whole).map(|text| (Kind::Integer(text.to_owned()), sign + whole)))?
}
