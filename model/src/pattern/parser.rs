//! Tokens → tree, by recursive descent with a bound on depth.

use super::lexer::{Kind, Token, tokens};
use super::{
    Comparison, ComparisonOperator, Expression, Literal, Observation, ObservationOperator, Path, Pattern, PatternFault,
    Qualifier, Span, Step,
};
use crate::time::Timestamp;

/// Longest pattern, bytes.
pub const TEXT_BYTES_MAX: usize = 64 << 10;
/// Deepest nesting of parentheses.
pub const DEPTH_MAX: usize = 64;

type Parsed<T> = Result<T, PatternFault>;

/// Reads a pattern.
pub fn parse(text: &str) -> Parsed<Pattern> {
    if text.len() > TEXT_BYTES_MAX {
        let span = Span { start: TEXT_BYTES_MAX, end: text.len() };
        return Err(PatternFault::new(
            "pattern-length",
            span,
            format!("a pattern has {TEXT_BYTES_MAX} bytes at the most"),
        ));
    }
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0 };
    let root = parser.followed_by()?;
    match parser.peek() {
        Kind::End => Ok(Pattern { root }),
        _ => Err(parser.unexpected("the end of the pattern or an operator between observations")),
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn token(&self) -> Option<&Token> {
        self.tokens.get(self.at).or(self.tokens.last())
    }

    fn peek(&self) -> &Kind {
        self.token().map_or(&Kind::End, |token| &token.kind)
    }

    fn span(&self) -> Span {
        self.token().map_or_else(Span::default, |token| token.span)
    }

    fn next(&mut self) -> Kind {
        let kind = self.peek().clone();
        self.at += 1;
        kind
    }

    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Kind::Sign(found) if *found == sign);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &str) -> Parsed<()> {
        if self.sign(sign) { Ok(()) } else { Err(self.unexpected(&format!("`{sign}`"))) }
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Kind::Word(found) if found == word)
    }

    fn word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    fn expect_word(&mut self, word: &str) -> Parsed<()> {
        if self.word(word) { Ok(()) } else { Err(self.unexpected(&format!("`{word}`"))) }
    }

    fn unexpected(&self, wanted: &str) -> PatternFault {
        let found = match self.peek() {
            Kind::End => "the pattern ends".to_owned(),
            Kind::Word(word) => format!("`{word}` stands"),
            Kind::Text(_) | Kind::Prefixed(..) => "a text stands".to_owned(),
            Kind::Integer(number) | Kind::Float(number) => format!("`{number}` stands"),
            Kind::Sign(sign) => format!("`{sign}` stands"),
        };
        let fault = PatternFault::new("pattern-syntax", self.span(), format!("{found} where {wanted} is expected"));
        match self.peek() {
            Kind::Word(word)
                if !word.chars().any(|c| c.is_ascii_uppercase())
                    && KEYWORDS.contains(&word.to_uppercase().as_str()) =>
            {
                fault.suggest(format!("write {} in capitals", word.to_uppercase()))
            }
            _ => fault,
        }
    }

    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= DEPTH_MAX {
            return Err(PatternFault::new(
                "pattern-depth",
                self.span(),
                format!("parentheses are nested deeper than {DEPTH_MAX}"),
            ));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn joined(
        &mut self,
        word: &str,
        operator: ObservationOperator,
        part: fn(&mut Self) -> Parsed<Observation>,
    ) -> Parsed<Observation> {
        let first = part(self)?;
        if !self.is_word(word) {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.word(word) {
            parts.push(part(self)?);
        }
        Ok(Observation::Joined(operator, parts))
    }

    fn followed_by(&mut self) -> Parsed<Observation> {
        self.joined("FOLLOWEDBY", ObservationOperator::FollowedBy, Self::observations_or)
    }

    fn observations_or(&mut self) -> Parsed<Observation> {
        self.joined("OR", ObservationOperator::Or, Self::observations_and)
    }

    fn observations_and(&mut self) -> Parsed<Observation> {
        self.joined("AND", ObservationOperator::And, Self::qualified)
    }

    fn qualified(&mut self) -> Parsed<Observation> {
        let mut observation = if self.sign("[") {
            let expression = self.any_of()?;
            self.expect("]")?;
            Observation::Single(expression)
        } else if self.sign("(") {
            let inner = self.nested(Self::followed_by)?;
            self.expect(")")?;
            inner
        } else {
            return Err(self.unexpected("an observation in `[ ]`"));
        };
        let mut start = self.span();
        while let Some(qualifier) = self.qualifier()? {
            if qualified_already(&observation, &qualifier) {
                return Err(PatternFault::new(
                    "pattern-syntax",
                    start,
                    "a qualifier of the same kind stands here already (§9.4)",
                ));
            }
            start = self.span();
            observation = Observation::Qualified(Box::new(observation), qualifier);
        }
        Ok(observation)
    }

    fn qualifier(&mut self) -> Parsed<Option<Qualifier>> {
        if self.word("WITHIN") {
            let span = self.span();
            let (Kind::Integer(text) | Kind::Float(text)) = self.next() else {
                self.at -= 1;
                return Err(self.unexpected("a number of seconds"));
            };
            if !text.parse::<f64>().is_ok_and(|seconds| seconds > 0.0) {
                return Err(PatternFault::new("pattern-literal", span, "the number of seconds is greater than 0"));
            }
            self.expect_word("SECONDS")?;
            return Ok(Some(Qualifier::Within(text)));
        }
        if self.word("REPEATS") {
            let span = self.span();
            let Kind::Integer(text) = self.next() else {
                self.at -= 1;
                return Err(self.unexpected("a whole number of times"));
            };
            let times = text.parse::<u64>().ok().filter(|times| *times > 0).ok_or_else(|| {
                PatternFault::new("pattern-literal", span, "the number of times is a whole number greater than 0")
            })?;
            self.expect_word("TIMES")?;
            return Ok(Some(Qualifier::Repeats(times)));
        }
        if self.word("START") {
            let start = self.timestamp()?;
            self.expect_word("STOP")?;
            return Ok(Some(Qualifier::StartStop(start, self.timestamp()?)));
        }
        Ok(None)
    }

    fn timestamp(&mut self) -> Parsed<String> {
        match self.literal()? {
            Literal::Timestamp(text) => Ok(text),
            _ => {
                self.at -= 1;
                Err(self.unexpected("a time such as t'2026-11-24T19:03:07Z'"))
            }
        }
    }

    fn any_of(&mut self) -> Parsed<Expression> {
        let mut parts = vec![self.all_of()?];
        while self.word("OR") {
            parts.push(self.all_of()?);
        }
        Ok(if parts.len() > 1 { Expression::Or(parts) } else { parts.remove(0) })
    }

    fn all_of(&mut self) -> Parsed<Expression> {
        let mut parts = vec![self.test()?];
        while self.word("AND") {
            parts.push(self.test()?);
        }
        Ok(if parts.len() > 1 { Expression::And(parts) } else { parts.remove(0) })
    }

    fn test(&mut self) -> Parsed<Expression> {
        if self.sign("(") {
            let inner = self.nested(Self::any_of)?;
            self.expect(")")?;
            return Ok(inner);
        }
        let start = self.span().start;
        let early = self.word("NOT");
        if self.word("EXISTS") {
            let path = self.path()?;
            return Ok(self.comparison(path, early, ComparisonOperator::Exists, vec![], start));
        }
        if early {
            return Err(self.unexpected("`EXISTS` (`NOT` stands before the operator, after the path)"));
        }
        let path = self.path()?;
        let negated = self.word("NOT");
        let operator = self.operator()?;
        let values = if operator == ComparisonOperator::In { self.set()? } else { vec![self.value_of(operator)?] };
        Ok(self.comparison(path, negated, operator, values, start))
    }

    fn comparison(
        &self,
        path: Path,
        negated: bool,
        operator: ComparisonOperator,
        values: Vec<Literal>,
        start: usize,
    ) -> Expression {
        let end = self.at.checked_sub(1).and_then(|last| self.tokens.get(last)).map_or(start, |token| token.span.end);
        Expression::Comparison(Comparison { path, negated, operator, values, span: Span { start, end } })
    }

    fn operator(&mut self) -> Parsed<ComparisonOperator> {
        use ComparisonOperator as Op;
        let operator = match self.peek() {
            Kind::Sign("=" | "==") => Op::Equal,
            Kind::Sign("!=" | "<>") => Op::NotEqual,
            Kind::Sign(">") => Op::Greater,
            Kind::Sign("<") => Op::Less,
            Kind::Sign(">=") => Op::GreaterOrEqual,
            Kind::Sign("<=") => Op::LessOrEqual,
            Kind::Word(word) => match word.as_str() {
                "IN" => Op::In,
                "LIKE" => Op::Like,
                "MATCHES" => Op::Matches,
                "ISSUBSET" => Op::IsSubset,
                "ISSUPERSET" => Op::IsSuperset,
                _ => return Err(self.unexpected("a comparison operator")),
            },
            _ => return Err(self.unexpected("a comparison operator")),
        };
        self.at += 1;
        Ok(operator)
    }

    fn set(&mut self) -> Parsed<Vec<Literal>> {
        self.expect("(")?;
        let mut values: Vec<Literal> = Vec::new();
        if self.sign(")") {
            return Ok(values); // the grammar has the empty set; nothing is in it
        }
        loop {
            let span = self.span();
            let value = self.literal()?;
            if values.first().is_some_and(|first| sort(first) != sort(&value)) {
                let message = "the values of a set are of one kind: all texts, all numbers, all times";
                return Err(PatternFault::new("pattern-literal", span, message));
            }
            values.push(value);
            if !self.sign(",") {
                break;
            }
        }
        self.expect(")")?;
        Ok(values)
    }

    /// LIKE, MATCHES, ISSUBSET and ISSUPERSET take a text (§9.6.1); order takes no boolean.
    fn value_of(&mut self, operator: ComparisonOperator) -> Parsed<Literal> {
        use ComparisonOperator as Op;
        let literal = self.literal()?;
        let wanted = match (operator, &literal) {
            (Op::Like | Op::Matches | Op::IsSubset | Op::IsSuperset, Literal::Text(_)) => None,
            (Op::Like | Op::Matches | Op::IsSubset | Op::IsSuperset, _) => Some("a text"),
            (Op::Greater | Op::Less | Op::GreaterOrEqual | Op::LessOrEqual, Literal::Boolean(_)) => {
                Some("a value that has an order")
            }
            _ => None,
        };
        match wanted {
            Some(wanted) => {
                self.at -= 1;
                Err(self.unexpected(wanted))
            }
            None => Ok(literal),
        }
    }

    fn literal(&mut self) -> Parsed<Literal> {
        let span = self.span();
        let bad = |message: &str| Err(PatternFault::new("pattern-literal", span, message));
        match self.next() {
            Kind::Text(text) => Ok(Literal::Text(text)),
            Kind::Integer(text) => match text.parse() {
                Ok(number) => Ok(Literal::Integer(number)),
                Err(_) => bad("the integer is out of range (64 bits)"),
            },
            Kind::Float(text) => Ok(Literal::Float(text)),
            Kind::Word(word) if word == "true" || word == "false" => Ok(Literal::Boolean(word == "true")),
            Kind::Prefixed('h', text) if text.len() % 2 == 0 && text.bytes().all(|b| b.is_ascii_hexdigit()) => {
                Ok(Literal::Hex(text))
            }
            Kind::Prefixed('h', _) => bad("a hexadecimal literal is an even number of hexadecimal digits"),
            Kind::Prefixed('b', text) => {
                let text = text.replace(['\r', '\n'], ""); // §9.2: line feeds are ignored
                match is_base64(&text) {
                    true => Ok(Literal::Binary(text)),
                    false => bad("a binary literal is base64 with padding (RFC 4648 §4)"),
                }
            }
            Kind::Prefixed(_, text) if text.parse::<Timestamp>().is_ok() => Ok(Literal::Timestamp(text)),
            Kind::Prefixed(..) => bad("a time is written t'2026-11-24T19:03:07.042Z'"),
            _ => {
                self.at -= 1;
                Err(self.unexpected("a literal"))
            }
        }
    }

    fn path(&mut self) -> Parsed<Path> {
        let Kind::Word(object_type) = self.peek().clone() else {
            return Err(self.unexpected("an object path such as `domain-name:value`"));
        };
        self.at += 1;
        self.expect(":")?;
        let mut steps = vec![self.key(true)?];
        loop {
            if self.sign(".") {
                steps.push(self.key(false)?);
            } else if self.sign("[") {
                steps.push(self.index()?);
                self.expect("]")?;
            } else {
                return Ok(Path { object_type, steps });
            }
        }
    }

    fn key(&mut self, first: bool) -> Parsed<Step> {
        match self.peek().clone() {
            Kind::Word(word) if !word.contains('-') => {
                self.at += 1;
                Ok(Step::Key(word))
            }
            Kind::Word(word) => {
                Err(self.unexpected("a property without hyphen").suggest(format!("quote it: '{word}'")))
            }
            Kind::Text(text) => {
                self.at += 1;
                Ok(Step::Key(text))
            }
            _ => Err(self.unexpected(if first { "a property" } else { "a property after `.`" })),
        }
    }

    fn index(&mut self) -> Parsed<Step> {
        if self.sign("*") {
            return Ok(Step::Any);
        }
        match self.peek().clone() {
            Kind::Integer(text) if text.bytes().all(|b| b.is_ascii_digit()) => {
                let index = text
                    .parse()
                    .map_err(|_| PatternFault::new("pattern-literal", self.span(), "the index is out of range"))?;
                self.at += 1;
                Ok(Step::Index(index))
            }
            _ => Err(self.unexpected("an index from 0, or `*`")),
        }
    }
}

fn qualified_already(observation: &Observation, new: &Qualifier) -> bool {
    let mut inner = observation;
    while let Observation::Qualified(next, old) = inner {
        if std::mem::discriminant(old) == std::mem::discriminant(new) {
            return true;
        }
        inner = next;
    }
    false
}

const KEYWORDS: &[&str] = &[
    "AND",
    "OR",
    "NOT",
    "FOLLOWEDBY",
    "LIKE",
    "MATCHES",
    "ISSUPERSET",
    "ISSUBSET",
    "EXISTS",
    "LAST",
    "IN",
    "START",
    "STOP",
    "SECONDS",
    "WITHIN",
    "REPEATS",
    "TIMES",
];

/// Literals of one sort can equal each other.
fn sort(literal: &Literal) -> u8 {
    match literal {
        Literal::Integer(_) | Literal::Float(_) => 0,
        Literal::Boolean(_) => 1,
        Literal::Timestamp(_) => 2,
        Literal::Text(_) | Literal::Hex(_) | Literal::Binary(_) => 3,
    }
}

fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    text.len().is_multiple_of(4)
        && text.len() - body.len() <= 2
        && body.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_patterns_end_in_faults() {
        let deep = format!("{}[a:b = 1]{}", "(".repeat(10_000), ")".repeat(10_000));
        assert_eq!(parse(&deep).unwrap_err().code, "pattern-depth");
        let inner = format!("[{}a:b = 1{}]", "(".repeat(10_000), ")".repeat(10_000));
        assert_eq!(parse(&inner).unwrap_err().code, "pattern-depth");
        let many = format!("[{}]", vec!["a:b = 1"; 2000].join(" OR "));
        assert!(parse(&many).is_ok());
        assert_eq!(parse(&"[".repeat(70_000)).unwrap_err().code, "pattern-length");
    }

    #[test]
    fn line_feeds_in_base64_are_ignored() {
        assert_eq!(parse("[a:b = b'AA\r\nAA']").unwrap().to_string(), "[a:b = b'AAAA']");
        assert_eq!(parse("[a:b = b'AA\nA']").unwrap_err().code, "pattern-literal");
    }

    #[test]
    fn faults_have_a_place_and_a_hint() {
        let fault = parse("[domain-name:value = \"evil.example\"]").unwrap_err();
        assert_eq!((fault.position, fault.suggestion.is_some()), (21, true));
        assert_eq!(parse("[a:b = 'x' and a:c = 'y']").unwrap_err().suggestion.unwrap(), "write AND in capitals");
        assert_eq!(parse("[domain-name:value = 'evil.example'").unwrap_err().position, 35);
        assert_eq!(parse("[file:hashes.SHA-256 = 'x']").unwrap_err().suggestion.unwrap(), "quote it: 'SHA-256'");
    }
}
