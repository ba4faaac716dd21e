//! What of an object can be searched for: its words and its values. The same code reads documents and queries, so that
//! what was written either way is found.

use model::pattern::{Comparison, ComparisonOperator, Expression, Literal, Observation, Pattern};
use model::stix::{Need, Object, Typed};
use model::value::{ListValue, classify, refang};
use serde_json::Value;

use super::schema::analyser;

/// Longest value that is indexed, bytes.
const VALUE_BYTES_MAX: usize = 2_048;
/// Properties whose text people search for.
const SPOKEN: [&str; 7] = ["name", "abstract", "content", "description", "explanation", "labels", "aliases"];

/// What a document holds of an object's content.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Terms {
    /// Texts whose words can be searched for.
    pub(super) texts: Vec<String>,
    /// What people call it.
    pub(super) name: Option<String>,
    /// Canonical values.
    pub(super) values: Vec<String>,
    /// Of a sighting, what it is of.
    pub(super) of: Option<String>,
}

/// The bounds of one document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Bytes of text.
    pub(super) text_bytes: usize,
    /// Values.
    pub(super) values: usize,
}

/// Text without its combining accents: what was written decomposed reads as what was written composed.
pub(super) fn plain(text: &str) -> String {
    text.chars().filter(|c| !('\u{300}'..='\u{36f}').contains(c)).collect()
}

/// The words of a text, in order.
pub(super) fn words(text: &str) -> Vec<String> {
    let (text, mut analyser, mut found) = (plain(text), analyser(), Vec::new());
    analyser.token_stream(&text).process(&mut |token| found.push(token.text.clone()));
    found
}

/// A value as it is compared: without case. Its accents stay: `é.example` and `e.example` are two names.
fn lower(text: &str) -> String {
    text.trim().to_lowercase()
}

/// The one term that a value of a query is looked up by.
pub(super) fn value_term(text: &str) -> String {
    match classify(text) {
        Some(ListValue::Domain(name)) => lower(&name),
        Some(ListValue::Ip(ip) | ListValue::IpPort(ip, _)) => ip.to_string(),
        Some(ListValue::Network(ip, length)) => format!("{ip}/{length}"),
        Some(ListValue::Url(url)) => lower(&url),
        Some(ListValue::Md5(hash) | ListValue::Sha1(hash) | ListValue::Sha256(hash)) => hash,
        Some(ListValue::Email(address)) => lower(&address),
        None => lower(text),
    }
}

/// How a value of a query begins.
pub(super) fn value_prefix(text: &str) -> String {
    lower(&refang(text))
}

/// The values of a pattern: each of its string literals.
pub(super) fn pattern_literals(pattern: &Pattern) -> Vec<String> {
    let (mut found, mut waiting) = (Vec::new(), vec![&pattern.root]);
    while let Some(observation) = waiting.pop() {
        match observation {
            Observation::Single(expression) => literals(expression, &mut found),
            Observation::Joined(_, parts) => waiting.extend(parts.iter().rev()),
            Observation::Qualified(inner, _) => waiting.push(inner),
        }
    }
    found
}

fn literals(expression: &Expression, found: &mut Vec<String>) {
    let mut waiting = vec![expression];
    while let Some(expression) = waiting.pop() {
        match expression {
            Expression::Comparison(comparison) => found.extend(comparison_literals(comparison)),
            Expression::And(parts) | Expression::Or(parts) => waiting.extend(parts.iter().rev()),
        }
    }
}

fn comparison_literals(comparison: &Comparison) -> impl Iterator<Item = String> + '_ {
    comparison.values.iter().filter_map(|value| match value {
        // `%.evil.example` means the names below `evil.example`.
        Literal::Text(text) if comparison.operator == ComparisonOperator::Like => {
            Some(text.trim_matches('%').trim_start_matches('.').to_owned())
        }
        Literal::Text(text) => Some(text.clone()),
        _ => None,
    })
}

/// Every term under which a literal is found: a name under each of its suffixes, a URL and an address of mail under
/// their host too.
fn value_terms(text: &str, found: &mut Vec<String>) {
    if text.trim().is_empty() || text.len() > VALUE_BYTES_MAX {
        return;
    }
    match classify(text) {
        Some(ListValue::Domain(name)) => suffixes(&lower(&name), found),
        Some(ListValue::Url(url)) => {
            host_terms(&url, found);
            found.push(lower(&url));
        }
        Some(ListValue::Email(address)) => {
            if let Some((_, host)) = address.rsplit_once('@') {
                suffixes(&lower(host), found);
            }
            found.push(lower(&address));
        }
        _ => found.push(value_term(text)),
    }
}

fn host_terms(url: &str, found: &mut Vec<String>) {
    let authority = url.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or(""));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    match classify(host) {
        Some(ListValue::Domain(name)) => suffixes(&lower(&name), found),
        Some(ListValue::Ip(ip) | ListValue::IpPort(ip, _)) => found.push(ip.to_string()),
        _ => {
            let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
            if let Some(ListValue::Domain(name)) = classify(name) {
                suffixes(&lower(&name), found);
            }
        }
    }
}

/// The name and each name above it that has a dot left.
fn suffixes(name: &str, found: &mut Vec<String>) {
    let mut rest = name;
    found.push(rest.to_owned());
    while let Some((_, above)) = rest.split_once('.')
        && above.contains('.')
    {
        found.push(above.to_owned());
        rest = above;
    }
}

/// What of an object can be searched for.
pub(super) fn terms_of(object: &Object, bounds: Bounds) -> Terms {
    let mut terms = Terms { name: object.name.clone(), texts: texts(object), ..Terms::default() };
    let mut literals = Vec::new();
    match &object.typed {
        Typed::Indicator(indicator) => match &indicator.tree {
            Some(tree) => literals = pattern_literals(tree),
            None => terms.texts.push(indicator.pattern.clone()),
        },
        Typed::Sighting(sighting) => terms.of = Some(sighting.sighting_of_ref.to_string()),
        _ => {}
    }
    let own = |key: &str| object.value.get(key).and_then(Value::as_str).map(str::to_owned);
    literals.extend(own("value"));
    literals.extend(own("path"));
    if let Some(Value::Object(hashes)) = object.value.get("hashes") {
        literals.extend(hashes.values().filter_map(Value::as_str).map(str::to_owned));
    }
    terms.bounded(&literals, bounds)
}

/// What of a hit's evidence can be searched for: every text in it, as a value.
pub(super) fn terms_of_evidence(evidence: &[u8], indicator: &str, bounds: Bounds) -> Terms {
    let mut literals = Vec::new();
    let mut waiting: Vec<Value> = serde_json::from_slice(evidence).into_iter().collect();
    while let Some(value) = waiting.pop() {
        match value {
            Value::String(text) => literals.push(text),
            Value::Array(items) => waiting.extend(items),
            Value::Object(members) => waiting.extend(members.into_iter().map(|(_, value)| value)),
            _ => {}
        }
    }
    Terms { of: Some(indicator.to_owned()), ..Terms::default() }.bounded(&literals, bounds)
}

impl Terms {
    fn bounded(mut self, literals: &[String], bounds: Bounds) -> Self {
        for literal in literals.iter().take(bounds.values) {
            value_terms(literal, &mut self.values);
        }
        self.values.sort();
        self.values.dedup();
        let mut left = bounds.text_bytes;
        for text in &mut self.texts {
            let end = text.floor_char_boundary(left);
            text.truncate(end);
            *text = plain(text);
            left = left.saturating_sub(end);
        }
        self.texts.retain(|text| !text.is_empty());
        self.name = self.name.map(|name| plain(&name));
        self
    }
}

fn texts(object: &Object) -> Vec<String> {
    let mut found = Vec::new();
    for key in SPOKEN {
        match object.value.get(key) {
            Some(Value::String(text)) => found.push(text.clone()),
            Some(Value::Array(items)) => found.extend(items.iter().filter_map(Value::as_str).map(str::to_owned)),
            _ => {}
        }
    }
    if let Some(name) = object.name.as_ref().filter(|name| !found.contains(name)) {
        found.push(name.clone());
    }
    let external = object.value.get("external_references").and_then(Value::as_array);
    let external = external.into_iter().flatten().filter_map(|reference| reference.get("external_id")?.as_str());
    found.extend(external.map(str::to_owned));
    found
}

/// May it be shown whatever of what it refers to is hidden?
pub(super) fn stands_alone(object: &Object) -> bool {
    let plain_marks = object.marking_refs.iter().all(|id| model::marking::known_tlp(id).is_some());
    plain_marks && !object.granular && object.references.iter().all(|reference| reference.need == Need::Droppable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        value_terms(text, &mut found);
        found
    }

    #[test]
    fn words_are_without_case_and_accents_however_they_were_written() {
        assert_eq!(words("Réseau re\u{301}seau RÉSEAU"), ["reseau", "reseau", "reseau"]);
        assert_eq!(words("l'hameçonnage, cœur-à-cœur"), ["l", "hameconnage", "coeur", "a", "coeur"]);
        assert_eq!(words("— …"), Vec::<String>::new());
    }

    #[test]
    fn a_name_is_found_by_what_stands_above_it() {
        assert_eq!(found("A.Evil.example."), ["a.evil.example", "evil.example"]);
        assert_eq!(
            found("https://a.evil.example:8443/X?y"),
            ["a.evil.example", "evil.example", "https://a.evil.example:8443/x?y"]
        );
        assert_eq!(found("http://192.0.2.7/x"), ["192.0.2.7", "http://192.0.2.7/x"]);
        assert_eq!(found("bad@mail.evil.example"), ["mail.evil.example", "evil.example", "bad@mail.evil.example"]);
        assert_eq!(found("2001:DB8:0:0::1"), ["2001:db8::1"]);
        assert_eq!(found(&"A".repeat(64)), ["a".repeat(64)]);
        assert_eq!(found(" "), Vec::<String>::new());
    }

    #[test]
    fn a_query_is_looked_up_by_the_term_that_its_value_is_found_under() {
        for value in [
            "a.evil.example",
            "hxxps://Evil[.]Example:443/A",
            "192.0.2[.]1",
            "2001:db8::1",
            "x@evil.example",
            "HKLM\\Run\\é",
            "192.0.2.0/24",
        ] {
            assert!(found(&refang(value)).contains(&value_term(value)), "{value}");
        }
    }

    #[test]
    fn literals_of_a_pattern_are_all_there() {
        let pattern = "([domain-name:value LIKE '%.evil.example' OR url:value IN ('http://a.example/','x')] AND [file:size = 3]) WITHIN 5 SECONDS";
        let tree = model::pattern::parse(pattern).unwrap();
        assert_eq!(pattern_literals(&tree), ["evil.example", "http://a.example/", "x"]);
    }
}
