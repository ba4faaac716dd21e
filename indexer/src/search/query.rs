//! What may be asked (docs/rest-api.md, `GET /search`): words, `"phrases"`, values in any spelling, `field:value`, a STIX
//! pattern, `begins*`. All parts must hold.

use model::marking::Tlp;
use model::stix::StixId;
use model::time::Timestamp;
use model::value::classify;

use super::Settings;
use super::terms::{pattern_literals, value_prefix, value_term, words};

/// The fields that a query can name.
const FIELDS: &str = "type, origin, marking, id, name, value";
/// The word for what has no TLP level.
pub(super) const UNMARKED: &str = "UNMARKED";
/// A name before a colon that is shorter is no slip of the pen: addresses of network cards are written so.
const FIELD_CHARACTERS_MIN: usize = 3;

/// A query that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at character {at}: {message}")]
pub struct QueryFault {
    /// Where, characters from 1.
    pub at: usize,
    /// What is wrong, and what to do.
    pub message: String,
}

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Clause {
    /// These words in this order, or this value, or what has this id or is of it.
    Anywhere { words: Vec<String>, value: String, id: Option<StixId> },
    /// The same for what begins so.
    Begins { words: Vec<String>, value: String },
    /// What it is called.
    Name { words: Vec<String>, begins: bool },
    /// A value, exactly or by its beginning.
    Value { value: String, begins: bool },
    /// All of these values.
    Values(Vec<String>),
    /// This object.
    Id(String),
    /// One of these types.
    Types(Vec<String>),
    /// Of one of these origins.
    Origins(Vec<String>),
    /// Of one of these levels.
    Markings(Vec<Option<Tlp>>),
}

/// A search: conditions, range, page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SearchQuery {
    pub(super) clauses: Vec<Clause>,
    /// Added at this time or later.
    pub since: Option<Timestamp>,
    /// Added before this time.
    pub until: Option<Timestamp>,
    /// May hits be found, where the query asks for the type `hit`?
    pub hits: bool,
    /// The page begins behind this position; 0: with the newest. Never leaves the node but sealed.
    pub behind: u64,
    /// Most items of the page.
    pub limit: usize,
}

/// The text that is left, and where it stands.
struct Reader<'t> {
    rest: &'t str,
    at: usize,
}

impl SearchQuery {
    /// Reads a query. The empty one finds everything that the reader may see.
    pub fn read(text: &str, settings: &Settings) -> Result<Self, QueryFault> {
        let mut reader = Reader { rest: text, at: 1 };
        if text.len() > settings.query_bytes_max {
            let message = format!("the query has more than {} bytes: ask in parts", settings.query_bytes_max);
            return Err(reader.fault(message));
        }
        let mut query = Self::default();
        reader.skip_space();
        if reader.rest.starts_with('[') || reader.rest.starts_with("([") {
            let literals = reader.pattern()?;
            query.clauses.push(Clause::Values(literals));
        }
        while let Some(clause) = reader.clause()? {
            query.clauses.push(clause);
            if query.terms() > settings.terms_max {
                let message = format!("the query has more than {} words and values: ask in parts", settings.terms_max);
                return Err(reader.fault(message));
            }
        }
        Ok(query)
    }

    /// Adds `field:values` as another condition; several values stand with commas between them.
    pub fn narrow(&mut self, field: &str, values: &str) -> Result<(), QueryFault> {
        let reader = Reader { rest: values, at: 1 };
        self.clauses.push(reader.of_field(field, values, false)?);
        Ok(())
    }

    /// Does it ask for the type `name`?
    pub(super) fn names_type(&self, name: &str) -> bool {
        self.clauses.iter().any(|clause| matches!(clause, Clause::Types(types) if types.iter().any(|one| one == name)))
    }

    fn terms(&self) -> usize {
        let terms = |clause: &Clause| match clause {
            Clause::Anywhere { words, .. } | Clause::Begins { words, .. } => words.len() + 1,
            Clause::Name { words, .. } => words.len(),
            Clause::Values(values) | Clause::Types(values) | Clause::Origins(values) => values.len(),
            Clause::Markings(levels) => levels.len(),
            Clause::Value { .. } | Clause::Id(_) => 1,
        };
        self.clauses.iter().map(terms).sum()
    }
}

impl<'t> Reader<'t> {
    fn fault(&self, message: impl Into<String>) -> QueryFault {
        QueryFault { at: self.at, message: message.into() }
    }

    fn take(&mut self, bytes: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.at += taken.chars().count();
        self.rest = rest;
        taken
    }

    fn skip_space(&mut self) {
        let space = self.rest.len() - self.rest.trim_start().len();
        self.take(space);
    }

    /// The whole is a pattern, or everything up to the last `]` is, and other conditions follow.
    fn pattern(&mut self) -> Result<Vec<String>, QueryFault> {
        let whole = model::pattern::parse(self.rest).ok();
        let bracket = self.rest.rfind(']').map_or(self.rest.len(), |at| at + 1);
        let end = if whole.is_some() { self.rest.len() } else { bracket };
        let text = self.rest.split_at_checked(end).map_or(self.rest, |(text, _)| text);
        let tree = whole.map_or_else(|| model::pattern::parse(text), Ok).map_err(|fault| {
            let before = text.get(..fault.span.start).map_or(0, |before| before.chars().count());
            QueryFault { at: self.at + before, message: format!("this is no STIX pattern: {}", fault.message) }
        })?;
        let literals = pattern_literals(&tree);
        if literals.is_empty() {
            return Err(self.fault("the pattern compares with no text, so there is nothing to find others by"));
        }
        self.take(end);
        Ok(literals.iter().map(|literal| value_term(literal)).collect())
    }

    fn clause(&mut self) -> Result<Option<Clause>, QueryFault> {
        self.skip_space();
        if self.rest.is_empty() {
            return Ok(None);
        }
        let start = self.at;
        let token = self.rest.split(char::is_whitespace).next().unwrap_or_default();
        let clause = match field_in(token) {
            Some(name) if is_field(&name) => {
                self.take(name.len() + 1);
                let (text, quoted) = self.text()?;
                Reader { rest: "", at: start }.of_field(&name, &text, quoted)?
            }
            Some(name) if name.len() >= FIELD_CHARACTERS_MIN && classify(token).is_none() => {
                let message =
                    format!("`{name}` is no field, they are {FIELDS}: put the text in quotes to search for it");
                return Err(self.fault(message));
            }
            _ => {
                let (text, quoted) = self.text()?;
                Reader { rest: "", at: start }.anywhere(&text, quoted)?
            }
        };
        Ok(Some(clause))
    }

    /// A quoted text, or everything up to the next space; and whether it was quoted.
    fn text(&mut self) -> Result<(String, bool), QueryFault> {
        let Some(quoted) = self.rest.strip_prefix('"') else {
            let end = self.rest.find(char::is_whitespace).unwrap_or(self.rest.len());
            return Ok((self.take(end).to_owned(), false));
        };
        let Some(end) = quoted.find('"') else { return Err(self.fault("this quote is not closed: add `\"`")) };
        self.take(1);
        let text = self.take(end).to_owned();
        self.take(1);
        Ok((text, true))
    }

    fn of_field(&self, field: &str, text: &str, quoted: bool) -> Result<Clause, QueryFault> {
        if text.trim().is_empty() {
            return Err(self.fault(format!("`{field}:` needs a value behind it")));
        }
        let list = || text.split(',').map(str::trim).filter(|value| !value.is_empty());
        Ok(match field {
            "type" => Clause::Types(list().map(str::to_lowercase).collect()),
            "origin" => Clause::Origins(list().map(str::to_lowercase).collect()),
            "marking" => Clause::Markings(list().map(|word| self.level(word)).collect::<Result<_, _>>()?),
            "id" => Clause::Id(text.trim().to_lowercase()),
            "name" => {
                let (text, begins) = self.beginning(text, quoted)?;
                Clause::Name { words: words(text), begins }
            }
            "value" => match self.beginning(text, quoted)? {
                (text, true) => Clause::Value { value: value_prefix(text), begins: true },
                (text, false) => Clause::Value { value: value_term(text), begins: false },
            },
            _ => return Err(self.fault(format!("`{field}` is no field, they are {FIELDS}"))),
        })
    }

    fn anywhere(&self, text: &str, quoted: bool) -> Result<Clause, QueryFault> {
        if text.trim().is_empty() {
            return Err(self.fault("there is nothing between these quotes"));
        }
        Ok(match self.beginning(text, quoted)? {
            (text, true) => Clause::Begins { words: words(text), value: value_prefix(text) },
            (text, false) => {
                Clause::Anywhere { words: words(text), value: value_term(text), id: text.to_lowercase().parse().ok() }
            }
        })
    }

    /// The text without a final `*`, and whether there is one.
    fn beginning<'b>(&self, text: &'b str, quoted: bool) -> Result<(&'b str, bool), QueryFault> {
        if quoted {
            return Ok((text, false));
        }
        match text.strip_suffix('*') {
            Some("") => Err(self.fault("`*` needs the beginning of a word before it")),
            Some(start) if !start.contains('*') => Ok((start, true)),
            None if !text.contains('*') || classify(text).is_some() => Ok((text, false)),
            _ => Err(self.fault("`*` stands at the end of a word only: put the text in quotes to search for the sign")),
        }
    }

    fn level(&self, word: &str) -> Result<Option<Tlp>, QueryFault> {
        if word.eq_ignore_ascii_case(UNMARKED) {
            return Ok(None);
        }
        let known = || Tlp::ALL.map(Tlp::as_str).join(", ");
        Tlp::from_label(word)
            .map(Some)
            .ok_or_else(|| self.fault(format!("`marking:` takes one of {}, {UNMARKED}", known())))
    }
}

fn is_field(name: &str) -> bool {
    FIELDS.split(", ").any(|field| field == name)
}

/// The name before the first colon of a word, if it can be one.
fn field_in(token: &str) -> Option<String> {
    let (name, rest) = token.split_once(':')?;
    let letters = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphabetic());
    (letters && !rest.starts_with("//")).then(|| name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Vec<Clause>, QueryFault> {
        SearchQuery::read(text, &Settings::default()).map(|query| query.clauses)
    }

    fn fault(text: &str) -> String {
        read(text).unwrap_err().to_string()
    }

    #[test]
    fn every_part_is_a_condition() {
        let clauses = read(
            "  Réseau \"Deux  mots\" type:indicator,Report marking:tlp:amber+strict name:\"gros chat\" value:evil* ",
        )
        .unwrap();
        assert_eq!(clauses[0], Clause::Anywhere { words: vec!["reseau".into()], value: "réseau".into(), id: None });
        assert_eq!(
            clauses[1],
            Clause::Anywhere { words: vec!["deux".into(), "mots".into()], value: "deux  mots".into(), id: None }
        );
        assert_eq!(clauses[2], Clause::Types(vec!["indicator".into(), "report".into()]));
        assert_eq!(clauses[3], Clause::Markings(vec![Some(Tlp::AmberStrict)]));
        assert_eq!(clauses[4], Clause::Name { words: vec!["gros".into(), "chat".into()], begins: false });
        assert_eq!(clauses[5], Clause::Value { value: "evil".into(), begins: true });
        assert_eq!(read(" ").unwrap(), []);
        assert_eq!(read("marking:unmarked").unwrap(), [Clause::Markings(vec![None])]);
    }

    #[test]
    fn values_are_understood_in_every_spelling() {
        for (text, expected) in [
            ("evil[.]example", "evil.example"),
            ("hxxps://Evil[.]example/A", "https://evil.example/a"),
            ("2001:DB8:0::1", "2001:db8::1"),
            ("192.0.2.1:443", "192.0.2.1"),
            ("*.evil.example", "evil.example"),
            ("de:ad:be:ef:00:11", "de:ad:be:ef:00:11"),
        ] {
            let clauses = read(text).unwrap();
            assert!(
                matches!(&clauses[..], [Clause::Anywhere { value, .. }] if value == expected),
                "{text}: {clauses:?}"
            );
        }
        let pattern = "[domain-name:value = 'evil.example' OR domain-name:value LIKE '%.evil.example'] chat";
        let clauses = read(pattern).unwrap();
        assert_eq!(clauses[0], Clause::Values(vec!["evil.example".into(), "evil.example".into()]));
        assert_eq!(clauses.len(), 2);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        assert_eq!(fault("chat \"noir"), "at character 6: this quote is not closed: add `\"`");
        assert!(fault("é typ:indicator").starts_with("at character 3: `typ` is no field"));
        assert!(fault("TLP:RED").contains("`tlp` is no field"));
        assert!(fault("a type: b").contains("`type:` needs a value"));
        assert!(fault("marking:pink").contains("CLEAR, GREEN, AMBER, AMBER+STRICT, RED, UNMARKED"));
        assert!(fault("*").contains("needs the beginning"));
        assert!(fault("ev*il").contains("at the end"));
        assert!(fault("\"\"").contains("nothing between"));
        assert!(
            fault("[domain-name:value = ]").starts_with("at character 22: this is no STIX pattern"),
            "{}",
            fault("[domain-name:value = ]")
        );
        assert!(fault("[file:size = 3]").contains("no text"));
        assert!(fault(&"a ".repeat(2_000)).contains("ask in parts"));
        assert!(fault(&"a".repeat(100_000)).contains("ask in parts"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "[\\[\\]\"*: a-zé.,'=0-9]{0,60}") {
            let _ = read(&text);
        }
    }
}
