//! Everything that a centre shows, keeps or receives, by where it was found.

use anyhow::Result;
use tests::centre::Centre;
use tests::client::Person;
use tests::stix::Piece;
use tests::verdict::Verdict;
use tests::wait;

use super::cast::Cast;
use super::story::Story;
use super::{PATIENCE, words};

/// Lists that people read.
const LISTS: &[&str] = &[
    "search?limit=200&q=",
    "hits?limit=200",
    "sightings?limit=200",
    "quarantine?limit=200",
    "border",
    "sensors",
    "session",
];
/// Most pages of one list or collection.
const PAGES_MAX: usize = 100;

/// Texts and where they come from.
pub(super) struct Haystack {
    centre: &'static str,
    places: Vec<(String, String)>,
}

impl Haystack {
    /// All of `ca`: its log in clear, what everyone there is shown, the bytes of the link, the rule sets of its sensor.
    pub(super) async fn of_ca(story: &Story, ids: &[String]) -> Result<Self> {
        // Before anybody asks for an id, so that the question is not found as the answer.
        let mut places = vec![("log dump".to_owned(), story.pair.ca.dump()?)];
        let link = story.pair.us.link(&story.pair.ca).await?;
        wait::until("the link log to its end", PATIENCE, async || Ok(link.text().contains("\"idle\"").then_some(())))
            .await?;
        places.push(("link".to_owned(), link.text()));
        places.push(("rule sets since the start".to_owned(), story.rules.text()));
        Self::people(story, &story.pair.ca, ids, &mut places).await?;
        Ok(Self { centre: "ca", places })
    }

    /// All of `us`.
    pub(super) async fn of_us(story: &Story, ids: &[String]) -> Result<Self> {
        let mut places = vec![("log dump".to_owned(), story.pair.us.dump()?)];
        let link = story.pair.ca.link(&story.pair.us).await?;
        wait::until("the link log to its end", PATIENCE, async || Ok(link.text().contains("\"idle\"").then_some(())))
            .await?;
        places.push(("link".to_owned(), link.text()));
        Self::people(story, &story.pair.us, ids, &mut places).await?;
        Ok(Self { centre: "us", places })
    }

    async fn people(story: &Story, centre: &Centre, ids: &[String], places: &mut Vec<(String, String)>) -> Result<()> {
        for (name, text) in story.streams_of(&centre.code) {
            places.push((format!("stream of {name}"), text));
        }
        for person in centre.people()? {
            for (path, text) in everything(&person, ids).await? {
                places.push((format!("{} as {}", path, person.name), text));
            }
        }
        Ok(())
    }

    /// Neither its id nor any of its words, values and times are anywhere.
    pub(super) fn has_nothing_of(&self, piece: &Piece, verdict: &mut Verdict) {
        words(piece).for_each(|word| self.nowhere(word, piece, verdict));
    }

    /// None of the words, values and times of this version are anywhere; its id may be.
    pub(super) fn has_no_canary_of(&self, piece: &Piece, verdict: &mut Verdict) {
        words(piece).skip(1).for_each(|word| self.nowhere(word, piece, verdict));
    }

    /// The same search finds what may be there: in the log, on the link, and with everyone who signs in.
    pub(super) fn has(&self, piece: &Piece, verdict: &mut Verdict) {
        let everywhere: &[&str] =
            if self.centre == "ca" { &["log dump", "link", "/objects/?"] } else { &["log dump", "/objects/?"] };
        let in_rows = ["stream of", "/api/v1/search"];
        for (place, word) in everywhere.iter().flat_map(|place| words(piece).map(move |word| (*place, word))) {
            self.somewhere(place, word, piece, verdict);
        }
        for place in in_rows {
            [piece.id(), &piece.value].into_iter().for_each(|word| self.somewhere(place, word, piece, verdict));
        }
    }

    fn somewhere(&self, place: &str, word: &str, piece: &Piece, verdict: &mut Verdict) {
        let found = self.places.iter().any(|(name, text)| name.contains(place) && text.contains(word));
        verdict.expect(found, || {
            format!("positive control: `{word}` of {} is not in `{place}` at {}", piece.id(), self.centre)
        });
    }

    /// Of the RED indicator that names one analyst of `ca`, only that analyst, the log and the link know.
    pub(super) fn only_named_see(&self, cast: &Cast, verdict: &mut Verdict) {
        let allowed = |place: &str| place == "log dump" || place == "link" || place.contains("claude@ca");
        for word in words(&cast.red_named) {
            for (place, text) in self.places.iter().filter(|(place, _)| !allowed(place)) {
                verdict.expect(!text.contains(word), || format!("`{word}` of the named RED indicator is in `{place}`"));
            }
        }
    }

    fn nowhere(&self, word: &str, piece: &Piece, verdict: &mut Verdict) {
        for (place, text) in &self.places {
            verdict.expect(!text.contains(word), || {
                format!("`{word}` of {} is at {} in `{place}`: {}", piece.id(), self.centre, around(text, word))
            });
        }
    }
}

/// Everything that one person is answered: every list, every collection page by page, and every id asked for by name. What
/// is refused is kept too: an error may tell as much as an answer.
async fn everything(person: &Person, ids: &[String]) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for list in LISTS {
        pages(person, &format!("/api/v1/{list}"), "cursor", &mut found).await?;
    }
    for (id, _) in person.collections().await.unwrap_or_default() {
        let base = format!("/taxii2/root/collections/{id}");
        pages(person, &format!("{base}/objects/?match[version]=all"), "next", &mut found).await?;
        pages(person, &format!("{base}/manifest/?match[version]=all"), "next", &mut found).await?;
        for object in ids {
            for page in ["", "versions/"] {
                let path = format!("{base}/objects/{object}/{page}");
                let answer = person.get(&path).await?;
                found.push((format!("{base}/objects/…/{page}"), without_question(&answer.text, object, answer.status)));
            }
        }
    }
    for object in ids {
        let answer = person.get(&format!("/api/v1/objects/{object}")).await?;
        found.push(("/api/v1/objects/…".to_owned(), without_question(&answer.text, object, answer.status)));
        let answer = person.get(&format!("/api/v1/search?q={object}")).await?;
        found.push(("/api/v1/search?q=…".to_owned(), answer.text));
    }
    Ok(found)
}

/// A refusal may repeat the address that was asked for, which the asker knows; only an answer may not.
fn without_question(text: &str, asked: &str, status: u16) -> String {
    if status == 404 { text.replace(asked, "…") } else { text.to_owned() }
}

async fn pages(person: &Person, path: &str, cursor: &str, found: &mut Vec<(String, String)>) -> Result<()> {
    let mut next = String::new();
    for _ in 0..PAGES_MAX {
        let more = if next.is_empty() {
            String::new()
        } else {
            format!("{}{cursor}={next}", if path.contains('?') { "&" } else { "?" })
        };
        let answer = person.get(&format!("{path}{more}")).await?;
        let body: serde_json::Value = serde_json::from_str(&answer.text).unwrap_or_default();
        found.push((path.to_owned(), answer.text));
        match body.get(cursor).and_then(|cursor| cursor.as_str()) {
            Some(cursor) if body.get("more") == Some(&serde_json::Value::Bool(true)) => cursor.clone_into(&mut next),
            _ => break,
        }
    }
    Ok(())
}

/// The neighbourhood of a word, for the message.
fn around(text: &str, word: &str) -> String {
    let at = text.find(word).unwrap_or(0);
    let from = text.char_indices().map(|(place, _)| place).take_while(|place| *place + 80 < at).last().unwrap_or(0);
    text.get(from..).unwrap_or_default().chars().take(200).collect()
}
