//! LIKE and MATCHES (STIX 2.1 §9.6.1) over one text, in time linear in the text, and the literals that such a text must hold.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;
use model::value::canonical_url;
use regex::{Regex, RegexBuilder};
use regex_syntax::hir::{Class, Hir, HirKind};

use crate::compile::NotMatched;

/// Shortest literal by which LIKE and MATCHES are looked up, bytes: shorter ones stand in nearly every text.
pub(crate) const LITERAL_BYTES_MIN: usize = 3;
/// Most alternative literals by which one comparison is looked up.
const LITERALS_MAX: usize = 64;
/// Longest stretch of LIKE without `%` that holds `_`, characters: it is compared at every place of the text.
const BLANK_CHARACTERS_MAX: usize = 256;
/// The first size that is tried for a regular expression, bytes; doubled until it fits or the bound is reached.
const REGEX_BYTES_FIRST: usize = 16 << 10;

/// What is left of the bounds on regular expressions, bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    /// For the pattern at hand.
    pub(crate) pattern: usize,
    /// For the set.
    pub(crate) set: usize,
    /// Cache of the lazy automaton of each regular expression.
    pub(crate) dfa: usize,
}

/// A text in Unicode normalisation form C, as §9.6.1 compares it.
pub(crate) fn composed(text: &str) -> Cow<'_, str> {
    if text.is_ascii() { Cow::Borrowed(text) } else { ComposingNormalizerBorrowed::new_nfc().normalize(text) }
}

/// The same of a text of one's own, which is kept where it is composed already.
pub(crate) fn composed_owned(text: String) -> String {
    if text.is_ascii() { text } else { composed(&text).into_owned() }
}

/// A URL in the form in which URLs are compared.
pub(crate) fn composed_url(text: &str) -> Cow<'_, str> {
    match canonical_url(text) {
        Cow::Borrowed(url) => composed(url),
        Cow::Owned(url) => Cow::Owned(composed_owned(url)),
    }
}

/// The names that a name stands below, the nearest first. Names are short: byte for byte is faster than a search.
pub(crate) fn parents(name: &str) -> impl Iterator<Item = &str> {
    let dots = name.bytes().enumerate().filter(|(_, byte)| *byte == b'.');
    dots.filter_map(|(dot, _)| name.get(dot + 1..))
}

/// A compiled LIKE: what stands between the `%`.
#[derive(Debug)]
pub(crate) struct Like {
    first: Segment,
    middle: Box<[Segment]>,
    /// None if there is no `%`: the first is the whole.
    last: Option<Segment>,
    literal: Option<Box<str>>,
}

#[derive(Debug)]
struct Segment {
    text: Box<str>,
    /// Has `_`, which stands for any one character.
    blanks: bool,
}

impl Like {
    /// From the right side, in the form in which the values are compared.
    pub(crate) fn compile(text: &str) -> Result<Self, NotMatched> {
        let mut segments: Vec<Segment> = text.split('%').map(Segment::new).collect();
        if segments.iter().any(|segment| segment.blanks && segment.text.chars().count() > BLANK_CHARACTERS_MAX) {
            return Err(NotMatched(format!(
                "LIKE has more than {BLANK_CHARACTERS_MAX} characters with `_` between two `%`"
            )));
        }
        let longest = text.split(['%', '_']).max_by_key(|literal| literal.len()).unwrap_or_default();
        let literal = (longest.len() >= LITERAL_BYTES_MIN).then(|| longest.to_ascii_lowercase().into_boxed_str());
        let last = if segments.len() > 1 { segments.pop() } else { None };
        let mut segments = segments.into_iter();
        let first = segments.next().unwrap_or_else(|| Segment::new(""));
        Ok(Self { first, middle: segments.filter(|segment| !segment.text.is_empty()).collect(), last, literal })
    }

    /// Is the whole of `text` like this?
    pub(crate) fn holds(&self, text: &str) -> bool {
        let Some(mut rest) = self.first.after_start(text) else { return false };
        let Some(last) = &self.last else { return rest.is_empty() };
        for segment in &self.middle {
            // The first place leaves most to what follows, so no other needs to be tried.
            let Some(behind) = segment.after_first(rest) else { return false };
            rest = behind;
        }
        last.ends(rest)
    }

    /// A literal, in lower case, that stands in every text that is like this; none if it is too short to look up.
    pub(crate) fn literal(&self) -> Option<&str> {
        self.literal.as_deref()
    }
}

impl Segment {
    fn new(text: &str) -> Self {
        Self { text: text.into(), blanks: text.contains('_') }
    }

    fn after_start<'a>(&self, text: &'a str) -> Option<&'a str> {
        if !self.blanks {
            return text.strip_prefix(&*self.text);
        }
        let mut rest = text.chars();
        self.text
            .chars()
            .all(|wanted| rest.next().is_some_and(|c| wanted == '_' || wanted == c))
            .then_some(rest.as_str())
    }

    fn after_first<'a>(&self, text: &'a str) -> Option<&'a str> {
        if !self.blanks {
            return text.split_once(&*self.text).map(|(_, behind)| behind);
        }
        text.char_indices().find_map(|(at, _)| self.after_start(text.get(at..)?))
    }

    fn ends(&self, text: &str) -> bool {
        if !self.blanks {
            return text.ends_with(&*self.text);
        }
        let mut rest = text.chars().rev();
        self.text.chars().rev().all(|wanted| rest.next().is_some_and(|c| wanted == '_' || wanted == c))
    }
}

/// A compiled MATCHES.
#[derive(Debug)]
pub(crate) struct Matcher {
    regex: Regex,
    /// One of these, in lower case, stands in every text that matches; none: nothing is known.
    literals: Box<[Box<str>]>,
    /// What it is charged with, bytes.
    pub(crate) bytes: usize,
}

impl Matcher {
    /// From the right side. As §9.6.1 says: PCRE, searched anywhere, `.` is any character; without case where values
    /// compare without case. Charges `budget`.
    pub(crate) fn compile(text: &str, caseless: bool, budget: &mut Budget) -> Result<Self, NotMatched> {
        let text = composed(text);
        let mut size = REGEX_BYTES_FIRST;
        let regex = loop {
            let bound = size.min(budget.pattern);
            let built = RegexBuilder::new(&text)
                .case_insensitive(caseless)
                .dot_matches_new_line(true)
                .size_limit(bound)
                .dfa_size_limit(budget.dfa)
                .build();
            match built {
                Ok(regex) => break regex,
                Err(regex::Error::CompiledTooBig(_)) if size < budget.pattern => size = size.saturating_mul(2),
                Err(regex::Error::CompiledTooBig(_)) => {
                    return Err(NotMatched("MATCHES needs more memory than one pattern may have".to_owned()));
                }
                Err(error) => return Err(NotMatched(format!("MATCHES: {}", last_line(&error.to_string())))),
            }
        };
        let bytes = size.min(budget.pattern).saturating_add(budget.dfa);
        budget.set = budget
            .set
            .checked_sub(bytes)
            .ok_or_else(|| NotMatched("regular expressions hold as much memory as they may already".to_owned()))?;
        budget.pattern = budget.pattern.saturating_sub(size);
        Ok(Self { literals: required(&text, caseless), regex, bytes })
    }

    pub(crate) fn holds(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    pub(crate) fn literals(&self) -> &[Box<str>] {
        &self.literals
    }
}

/// The last line of what the reader of regular expressions says: the others draw the expression.
fn last_line(message: &str) -> &str {
    message.lines().last().unwrap_or_default().trim_start_matches("error: ")
}

fn required(text: &str, caseless: bool) -> Box<[Box<str>]> {
    let parsed =
        regex_syntax::ParserBuilder::new().case_insensitive(caseless).dot_matches_new_line(true).build().parse(text);
    let Ok(tree) = parsed else { return Box::default() };
    let found = literals(&tree).unwrap_or_default();
    if found.iter().any(|literal| literal.len() < LITERAL_BYTES_MIN) || found.len() > LITERALS_MAX {
        return Box::default();
    }
    found.into_iter().map(String::into_boxed_str).collect()
}

/// Literals, in lower case, of which at least one stands in whatever matches; none if nothing is known.
fn literals(tree: &Hir) -> Option<Vec<String>> {
    match tree.kind() {
        HirKind::Literal(_) | HirKind::Class(_) => exact(tree).map(|literal| vec![literal]),
        HirKind::Capture(capture) => literals(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => literals(&repetition.sub),
        HirKind::Alternation(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(literals(part)?);
            }
            Some(all)
        }
        HirKind::Concat(parts) => concatenated(parts),
        _ => None,
    }
}

/// The best of the runs of plain characters and of the parts' own.
fn concatenated(parts: &[Hir]) -> Option<Vec<String>> {
    let mut best: Option<Vec<String>> = None;
    let mut run = String::new();
    let shortest = |found: &[String]| found.iter().map(String::len).min().unwrap_or(0);
    let mut offer = |found: Vec<String>| {
        if best.as_ref().is_none_or(|best| shortest(best) < shortest(&found)) {
            best = Some(found);
        }
    };
    for part in parts {
        match exact(part) {
            Some(text) => run.push_str(&text),
            None => {
                if !run.is_empty() {
                    offer(vec![std::mem::take(&mut run)]);
                }
                literals(part).into_iter().for_each(&mut offer);
            }
        }
    }
    if !run.is_empty() {
        offer(vec![run]);
    }
    best
}

/// The one text, in lower case, that a part stands for; letters of both cases count as one.
fn exact(part: &Hir) -> Option<String> {
    match part.kind() {
        HirKind::Literal(literal) => std::str::from_utf8(&literal.0).ok().map(str::to_ascii_lowercase),
        HirKind::Class(Class::Unicode(class)) => match class.ranges() {
            [upper, lower]
                if upper.start() == upper.end()
                    && lower.start() == lower.end()
                    && upper.start().is_ascii()
                    && upper.start().to_ascii_lowercase() == lower.start() =>
            {
                Some(lower.start().to_string())
            }
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDE: Budget = Budget { pattern: 1 << 20, set: 1 << 24, dfa: 1 << 17 };

    #[test]
    fn like_is_of_the_whole_text() {
        for (like, text, holds) in [
            ("%", "", true),
            ("", "a", false),
            ("a%", "abc", true),
            ("%bc", "abc", true),
            ("a%c", "ac", true),
            ("a%a", "a", false),
            ("_b%", "éb", true),
            ("%b_d%", "abbcd", true),
            ("%b_d", "abcdd", false),
            ("a.c", "abc", false),
            ("%a%b%", "xbxa", false),
        ] {
            assert_eq!(Like::compile(like).unwrap().holds(text), holds, "{like} {text}");
        }
    }

    #[test]
    fn texts_compare_composed() {
        assert_eq!(composed("e\u{301}"), "é");
        assert!(Matcher::compile("^e\u{301}$", false, &mut WIDE.clone()).unwrap().holds("é"));
    }

    #[test]
    fn required_literals_are_found() {
        for (text, caseless, wanted) in [
            ("abcd", false, &["abcd"][..]),
            ("ab.*cdef[0-9]", false, &["cdef"]),
            ("(abc|xyz)+", false, &["abc", "xyz"]),
            ("(abc|x)", false, &[]),
            ("(evil)?", false, &[]),
            ("EVIL\\.com", true, &["evil.com"][..]),
            ("(?i)hello", false, &["hello"]),
            ("(?i)mask", false, &[]), // `s` and `k` have letters beyond ASCII that differ by case alone
        ] {
            let found = Matcher::compile(text, caseless, &mut WIDE.clone()).unwrap();
            assert_eq!(found.literals().iter().map(|text| &**text).collect::<Vec<_>>(), wanted, "{text}");
        }
    }
}
