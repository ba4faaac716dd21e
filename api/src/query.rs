//! The query of a URL: percent-decoded once, each name once, nothing that the route does not know.

use std::borrow::Cow;

use crate::error::{Code, Failure};

/// Longest query, bytes.
const QUERY_BYTES_MAX: usize = 32 << 10;

/// The parameters of one request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Query<'a> {
    /// Reads the part of a URL after `?`. A name that is not in `known`, or stands there twice, is refused: a filter that is
    /// silently ignored would show more than was asked for.
    pub fn read(text: &'a str, known: &[&str]) -> Result<Self, Failure> {
        if text.len() > QUERY_BYTES_MAX {
            let detail = format!("the query has at most {QUERY_BYTES_MAX} bytes: ask in parts");
            return Err(Failure::new(Code::BadRequest, detail));
        }
        let mut pairs: Vec<(Cow<'a, str>, Cow<'a, str>)> = Vec::new();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            if !known.contains(&name.as_ref()) {
                let list = if known.is_empty() { "no parameter".to_owned() } else { known.join(", ") };
                let detail = format!("`{}` is not a parameter here; known: {list}", shown(&name));
                return Err(Failure::new(Code::BadRequest, detail));
            }
            if pairs.iter().any(|(other, _)| *other == name) {
                let detail = format!("`{}` stands there twice: give several values with commas", shown(&name));
                return Err(Failure::new(Code::BadRequest, detail));
            }
            pairs.push((name, value));
        }
        Ok(Self { pairs })
    }

    /// The value of a parameter, none if it is absent or empty.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_ref()).filter(|v| !v.is_empty())
    }

    /// The value parsed, or 400.
    pub fn parsed<T: std::str::FromStr>(&self, name: &str, what: &str) -> Result<Option<T>, Failure> {
        let Some(value) = self.value(name) else { return Ok(None) };
        value
            .parse()
            .map(Some)
            .map_err(|_| Failure::new(Code::BadRequest, format!("`{name}` is `{}`, but must be {what}", shown(value))))
    }

    /// A number of rows: at least 1, lowered to `max`, `default` where none is given.
    pub fn limit(&self, default: usize, max: usize) -> Result<usize, Failure> {
        let limit: Option<u64> = self.parsed("limit", "a whole number from 1")?;
        match limit {
            None => Ok(default.min(max)),
            Some(0) => Err(Failure::new(Code::BadRequest, "`limit` is 0, but must be a whole number from 1")),
            Some(limit) => Ok(usize::try_from(limit).unwrap_or(max).min(max)),
        }
    }

    /// Everything but the names in `without`, in one canonical text: what a cursor is bound to.
    pub fn canonical(&self, without: &[&str]) -> String {
        let mut kept: Vec<_> = self.pairs.iter().filter(|(name, _)| !without.contains(&name.as_ref())).collect();
        kept.sort();
        form_urlencoded::Serializer::new(String::new()).extend_pairs(kept.iter().map(|(n, v)| (n, v))).finish()
    }
}

/// Foreign text as an answer may show it: short, without control characters.
fn shown(text: &str) -> String {
    text.chars().take(64).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_known_and_single() {
        let known = ["match[type]", "limit", "next"];
        let query = Query::read("match%5Btype%5D=indicator,malware&limit=5000&next=", &known).unwrap();
        assert_eq!(query.value("match[type]"), Some("indicator,malware"));
        assert_eq!(query.value("next"), None);
        assert_eq!(query.limit(100, 1_000).unwrap(), 1_000);
        for bad in ["match[id]=x", "limit=1&limit=2", "limit=0", "limit=-1", "limit=x", "LIMIT=1"] {
            let refused = Query::read(bad, &known).and_then(|query| query.limit(1, 1));
            assert_eq!(refused.unwrap_err().code(), Code::BadRequest, "{bad}");
        }
    }

    #[test]
    fn order_does_not_change_what_a_cursor_is_bound_to() {
        let known = ["a", "b", "next"];
        let one = Query::read("a=1&b=2&next=x", &known).unwrap().canonical(&["next"]);
        let other = Query::read("b=2&a=1", &known).unwrap().canonical(&["next"]);
        assert_eq!(one, other);
        assert_ne!(one, Query::read("a=1&b=3", &known).unwrap().canonical(&["next"]));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in ".{0,200}") {
            let _ = Query::read(&text, &["limit"]).and_then(|query| query.limit(1, 2));
        }
    }
}
