//! Indicators: plain ones of every kind that lists hold, the real patterns of the corpora, patterns over several observations.

use std::sync::Arc;

use matching::RuleSource;
use model::pattern::parse;

use crate::scattered;

/// The STIX pattern of the plain indicator of that number: of twenty 12 names (and what is below them), 5 addresses, 2 hashes, 1
/// URL. None of them is ever observed by [`crate::observations::made`].
pub fn plain(number: u64) -> String {
    let random = scattered(number);
    match number % 20 {
        0..12 => {
            let name = format!("host-{random:x}.evil-{}.example", number % 1_000);
            format!("[domain-name:value = '{name}' OR domain-name:value LIKE '%.{name}']")
        }
        12..17 => {
            // Class E, so that nothing observed is among them.
            let [a, b, c, ..] = random.to_le_bytes();
            format!("[ipv4-addr:value = '{}.{a}.{b}.{c}']", 240 + number % 15)
        }
        17..19 => format!("[file:hashes.'SHA-256' = '{random:016x}{:048x}']", scattered(random)),
        _ => format!("[url:value = 'http://evil-{random:x}.example/{number}']"),
    }
}

/// A pattern over several observations, of values that one of some thousand observations has.
pub fn windowed(number: u64) -> String {
    let (one, two) = (number * 7 % 5_000, number * 13 % 5_000);
    match number % 3 {
        0 => format!(
            "[domain-name:value = 'www.site-{one}.example'] FOLLOWEDBY [ipv4-addr:value = '198.18.{}.{}'] WITHIN 300 SECONDS",
            two / 256,
            two % 256
        ),
        1 => format!("[domain-name:value = 'www.site-{one}.example'] REPEATS 3 TIMES WITHIN 60 SECONDS"),
        _ => format!(
            "([domain-name:value = 'www.site-{one}.example'] AND [domain-name:value = 'www.site-{two}.example']) WITHIN 600 SECONDS"
        ),
    }
}

/// The real patterns of the corpora that can be read; none where there are no corpora.
pub fn real() -> Option<Vec<String>> {
    let file = std::fs::File::open(tests::place::corpora()?.join("patterns/real-world-patterns.json.xz")).ok()?;
    let patterns: Vec<String> = serde_json::from_reader(liblzma::read::XzDecoder::new(file)).ok()?;
    Some(patterns.into_iter().filter(|text| parse(text).is_ok()).collect())
}

/// The rule of a pattern, as a centre would name it. None if the pattern cannot be read.
pub fn source(pattern: &str, number: u64) -> Option<RuleSource> {
    let id = uuid::Uuid::from_u64_pair(scattered(number), number);
    let key: Arc<str> = format!("indicator--{id}").into();
    Some(RuleSource { key, pattern: parse(pattern).ok()?, valid_from: None, valid_until: None })
}
