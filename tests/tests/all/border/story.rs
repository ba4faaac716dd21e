//! Two centres, a sensor, open streams: how the table is played.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tests::capture;
use tests::centre::Centre;
use tests::pair::Pair;
use tests::sensor::Sensor;
use tests::stix::Piece;
use tests::tap::Tap;
use tests::wait;

use super::PATIENCE;
use super::cast::Cast;

/// Analysts, publishers and officers have a live stream; others do not.
const STREAMED: &[&str] = &["alice", "bob", "olivia", "charlotte", "claude", "denise", "etienne"];
/// How often the capture names everything before it begins anew.
const ROUNDS: usize = 3;

/// What runs.
pub(super) struct Story {
    pub(super) pair: Pair,
    pub(super) sensor: Sensor,
    /// The rule sets that the sensor's centre streamed to it from before the first object on.
    pub(super) rules: Tap,
    streams: BTreeMap<String, Tap>,
    names: usize,
}

impl Story {
    /// Starts both centres, enrols the sensor, and opens every stream before anything is published.
    pub(super) async fn begin(cast: &Cast) -> Result<Self> {
        let mut pair = Pair::make()?;
        let names = cast.values();
        let file: PathBuf = pair.root.path().join("traffic.pcap");
        std::fs::write(&file, capture::questions(&names, ROUNDS))?;
        let sensor = Sensor::enrol(&pair.ca, pair.root.path(), "sensor-1", &[file], true)?;
        pair.start().await?;
        let rules = sensor.rules().await?;
        let mut streams = BTreeMap::new();
        for centre in [&pair.us, &pair.ca] {
            for person in centre.people()? {
                let short = person.name.split('@').next().unwrap_or_default();
                if STREAMED.contains(&short) {
                    streams.insert(person.name.clone(), person.live().await?);
                }
            }
        }
        Ok(Self { pair, sensor, rules, streams, names: names.len() })
    }

    /// The definitions, `ca`'s own, and the opening bundle; the outcome of the latter.
    pub(super) async fn publish_opening(&self, cast: &Cast) -> Result<Value> {
        let (alice, charlotte) = (self.pair.us.person("alice")?, self.pair.ca.person("charlotte")?);
        alice.publish(&cast.definitions.iter().collect::<Vec<_>>()).await?;
        charlotte.publish(&[&cast.canadian_definition, &cast.canadian.object]).await?;
        alice.publish(&cast.opening()).await
    }

    /// The sensor begins to hear.
    pub(super) async fn hear(&mut self, cast: &Cast) -> Result<()> {
        // What the sensor may hold is there before the first packet, so that every row has the same chance.
        wait::until("the rule set reaches the sensor", PATIENCE, async || {
            Ok(self.rules.text().contains(cast.amber_strict.id()).then_some(()))
        })
        .await?;
        self.sensor.start()
    }

    /// The new versions.
    pub(super) async fn publish_second_half(&self, cast: &Cast) -> Result<()> {
        let said = self.pair.us.person("alice")?.publish(&[&cast.turned_red.object, &cast.freed.object]).await?;
        let accepted = said.get("accepted").and_then(Value::as_array).map_or(0, Vec::len);
        if accepted == 2 { Ok(()) } else { bail!("the second half is not accepted: {said}") }
    }

    /// How long the sensor needs to hear every name once, and a little more.
    pub(super) fn round(&self) -> Duration {
        Duration::from_millis(20 * self.names as u64 * 2 + 500)
    }

    /// Someone's live stream.
    pub(super) fn stream(&self, name: &str) -> Option<&Tap> {
        self.streams.get(name)
    }

    /// The text of all live streams of a centre, by name.
    pub(super) fn streams_of<'a>(&'a self, code: &'a str) -> impl Iterator<Item = (&'a str, String)> {
        let of = move |name: &&String| name.split('@').nth(1) == Some(code);
        self.streams.keys().filter(of).filter_map(|name| Some((name.as_str(), self.streams.get(name)?.text())))
    }

    /// This very version is on everyone's stream, page and search at `ca`.
    pub(super) async fn everyone_at_ca_sees(&self, piece: &Piece) -> Result<()> {
        for name in ["charlotte", "claude", "denise", "etienne"] {
            wait::until(&format!("on {name}'s stream"), PATIENCE, async || {
                let stream = self.stream(&format!("{name}@ca")).context("no stream")?;
                Ok(stream.event("object", "id", piece.id()).map(drop))
            })
            .await?;
            self.sees(&self.pair.ca, name, piece, true).await?;
        }
        Ok(())
    }

    /// Someone sees this version on its page and in TAXII, or (after the same wait for what could come) nothing of it.
    pub(super) async fn sees(&self, centre: &Centre, name: &str, piece: &Piece, may: bool) -> Result<()> {
        let person = centre.person(name)?;
        let (all, _) = person.collections().await?.into_iter().find(|(_, title)| title == "all").context("no `all`")?;
        let pages = [
            format!("/api/v1/objects/{}", piece.id()),
            format!("/taxii2/root/collections/{all}/objects/{}/?match[version]=all", piece.id()),
        ];
        let word = piece.canaries.get(2).context("a piece has words")?;
        for page in pages {
            let shown = async || person.get(&page).await.map(|answer| answer.text.contains(word.as_str()));
            if may {
                wait::until(&page, PATIENCE, async || Ok(shown().await?.then_some(()))).await?;
            } else if shown().await? {
                bail!("{page} is shown");
            }
        }
        Ok(())
    }

    /// The newest object as someone at `ca` is shown it.
    pub(super) async fn object(&self, name: &str, piece: &Piece) -> Result<Value> {
        let shown = self.pair.ca.person(name)?.get(&format!("/api/v1/objects/{}", piece.id())).await?.json()?;
        shown.pointer("/statements/0/versions/0/object").cloned().with_context(|| format!("no object in {shown}"))
    }

    /// Is there a sighting of it that this person sees, or (after time enough) none?
    pub(super) async fn sighted(&self, centre: &Centre, name: &str, piece: &Piece, may: bool) -> Result<()> {
        let person = centre.person(name)?;
        let query = format!("indicator={}", piece.id());
        let found = async || person.list("sightings", "sightings", &query).await.map(|rows| rows.len());
        if may {
            return wait::until("a sighting", PATIENCE, async || Ok((found().await? > 0).then_some(()))).await;
        }
        match found().await? {
            0 => Ok(()),
            n => bail!("{n} sightings"),
        }
    }

    /// How many hits of it someone at `ca` is shown.
    pub(super) async fn hits(&self, name: &str, piece: &Piece) -> Result<usize> {
        let person = self.pair.ca.person(name)?;
        Ok(person.list("hits", "hits", &format!("indicator={}", piece.id())).await?.len())
    }

    /// Ends everything cleanly.
    pub(super) fn end(&mut self) -> Result<()> {
        self.sensor.stop()?;
        self.pair.stop()
    }
}
