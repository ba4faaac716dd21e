//! Recorded inputs as if they were heard now: at their natural pace, with the present time. Ordinals stay those of the input.
//!
//! Flows are told apart by the packets' own times, so that a replay gives what [`crate::decode()`] gives, at whatever pace.

use std::fs::File;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::observation::{Detail, Observation};
use model::time::{Clock, Timestamp};
use serde::{Deserialize, Serialize};

use crate::sensor::Source;
use crate::{InputError, Listener, Summary};

/// How inputs are replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How fast.
    pub pace: Pace,
    /// A longer silence between two packets or lines is shortened to this, milliseconds.
    pub gap_ms: u64,
    /// Begin again at the end.
    pub repeat: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { pace: Pace::Natural, gap_ms: 2_000, repeat: false }
    }
}

/// How fast an input is replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pace {
    /// As it was recorded.
    Natural,
    /// As fast as it is taken.
    Fast,
}

/// An input to replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// What observations call it.
    pub name: Arc<str>,
    /// Where it lies.
    pub path: PathBuf,
}

impl Input {
    /// Inputs called by their file names, with as many folders before as it takes to tell them apart.
    pub fn named(paths: &[PathBuf]) -> Vec<Self> {
        let name = |path: &PathBuf| {
            let depth = path.components().count().max(1);
            let tells = |parts: &usize| {
                let own = tail(path, *parts);
                paths.iter().filter(|other| tail(other, *parts) == own).count() == 1
            };
            tail(path, (1..depth).find(tells).unwrap_or(depth))
        };
        paths.iter().map(|path| Self { name: name(path).into(), path: path.clone() }).collect()
    }
}

/// The last `parts` parts of a path.
fn tail(path: &Path, parts: usize) -> String {
    let names: Vec<_> = path
        .components()
        .filter(|part| matches!(part, Component::Normal(_)))
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    names.get(names.len().saturating_sub(parts)..).unwrap_or_default().join("/")
}

/// What became of one input.
pub type Outcome = (Input, Result<Summary, InputError>);

/// Replays `inputs` one after the other to `source`, until they end, or for ever if they repeat, or until the sensor hears no more.
/// Gives what became of each in the last round. Blocks: it wants a thread of its own.
pub fn replay(
    inputs: &[Input],
    reading: &crate::Settings,
    settings: &Settings,
    clock: &dyn Clock,
    source: &Source,
) -> Vec<Outcome> {
    loop {
        let round: Vec<Outcome> = inputs
            .iter()
            .take_while(|_| source.is_open())
            .map(|input| (input.clone(), replay_one(input, reading, settings, clock, source)))
            .collect();
        let empty = round.iter().all(|(_, outcome)| outcome.as_ref().map_or(0, |summary| summary.observations) == 0);
        if !settings.repeat || empty || !source.is_open() {
            return round;
        }
        if settings.pace == Pace::Natural {
            // An input of one packet shall not spin.
            wait_until(Instant::now() + Duration::from_millis(settings.gap_ms.min(PAUSE_MS)), source);
        }
    }
}

/// Between two rounds at natural pace, milliseconds.
const PAUSE_MS: u64 = 500;
/// While waiting, how often it is asked whether the sensor still hears.
const SLICE: Duration = Duration::from_millis(50);
/// How often silent flows are ended, microseconds of the packets' own times.
const SWEEP_US: i64 = 1_000_000;

fn replay_one(
    input: &Input,
    reading: &crate::Settings,
    settings: &Settings,
    clock: &dyn Clock,
    source: &Source,
) -> Result<Summary, InputError> {
    let mut player = Player {
        name: Arc::clone(&input.name),
        settings: *settings,
        clock,
        source,
        last: None,
        due: Instant::now(),
        swept: None,
    };
    let outcome =
        File::open(&input.path).map_err(InputError::from).and_then(|file| crate::read(file, reading, &mut player));
    match &outcome {
        Ok(summary) => tracing::info!(
            input = &*input.name,
            records = summary.records,
            observations = summary.observations,
            faults = summary.faults,
            "an input was replayed"
        ),
        Err(error) => tracing::error!(input = %input.path.display(), %error, "an input cannot be replayed"),
    }
    outcome
}

struct Player<'a> {
    name: Arc<str>,
    settings: Settings,
    clock: &'a dyn Clock,
    source: &'a Source,
    /// Time of the packet or line before.
    last: Option<Timestamp>,
    /// When that one was due.
    due: Instant,
    /// When flows were last swept, by the packets' own times.
    swept: Option<Timestamp>,
}

impl Listener for Player<'_> {
    fn due(&mut self, time: Timestamp) -> bool {
        if self.settings.pace == Pace::Natural {
            let gap = Duration::from_millis(self.settings.gap_ms);
            let since_us = self.last.map_or(0, |last| time.micros().saturating_sub(last.micros()).max(0));
            self.due += Duration::from_micros(since_us.unsigned_abs()).min(gap);
            // Who was held up for long goes on from now, instead of hurrying through all that was missed.
            if let Some(late) = Instant::now().checked_duration_since(self.due)
                && late > gap
            {
                self.due = Instant::now();
            }
            wait_until(self.due, self.source);
        }
        // A packet from before the last one does not turn the clock back.
        self.last = self.last.max(Some(time));
        self.source.is_open()
    }

    fn sweeps(&mut self, time: Timestamp) -> bool {
        let since = *self.swept.get_or_insert(time);
        let due = self.settings.pace == Pace::Natural && time.micros().saturating_sub(since.micros()) >= SWEEP_US;
        if due {
            self.swept = Some(time);
        }
        due
    }

    fn hear(&mut self, mut observation: Observation) -> bool {
        let now = self.clock.now();
        if let Detail::Flow(counts) = &mut observation.detail {
            let lasted = observation.time.micros().saturating_sub(counts.start.micros()).max(0);
            counts.start = now.plus_micros(-lasted);
        }
        observation.time = now;
        self.source.hear(observation, Some(Arc::clone(&self.name)))
    }
}

fn wait_until(due: Instant, source: &Source) {
    while source.is_open()
        && let Some(left) = due.checked_duration_since(Instant::now())
        && !left.is_zero()
    {
        std::thread::sleep(left.min(SLICE));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    struct Noon;

    impl Clock for Noon {
        fn now(&self) -> Timestamp {
            Timestamp::from_micros(1_000_000_000)
        }
    }

    fn eve(lines: &[(&str, &str)]) -> String {
        let line = |(time, name): &(&str, &str)| {
            format!(
                r#"{{"timestamp":"2026-11-24T12:00:{time}+0000","event_type":"dns","src_ip":"192.0.2.1","src_port":5353,"dest_ip":"192.0.2.2","dest_port":53,"proto":"UDP","dns":{{"type":"query","rrname":"{name}","rrtype":"A"}}}}"#
            )
        };
        lines.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
        path
    }

    #[test]
    fn inputs_are_called_by_what_tells_them_apart() {
        let paths = ["/a/x/eve.json", "/a/y/eve.json", "/b/one.pcap", "same", "same"].map(PathBuf::from);
        let names: Vec<_> = Input::named(&paths).into_iter().map(|input| input.name.to_string()).collect();
        assert_eq!(names, ["x/eve.json", "y/eve.json", "one.pcap", "same", "same"]);
    }

    #[test]
    fn a_replay_keeps_ordinals_and_pace_and_has_the_present_time() {
        let folder = tempfile::tempdir().unwrap();
        // 100 ms, then back in time, then a silence of 30 s, which is shortened to 50 ms.
        let text = eve(&[
            ("00.000000", "a.example"),
            ("00.100000", "b.example"),
            ("00.050000", "c.example"),
            ("30.0", "d.example"),
        ]);
        let inputs = Input::named(&[write(folder.path(), "eve.json", &text)]);
        let (source, mut heard) = Source::channel(100);
        let settings = Settings { gap_ms: 150, ..Settings::default() };
        let began = Instant::now();
        let outcome = replay(&inputs, &crate::Settings::default(), &settings, &Noon, &source);
        let took = began.elapsed();
        assert!(took >= Duration::from_millis(250) && took < Duration::from_secs(5), "{took:?}");
        assert_eq!(outcome[0].1.as_ref().unwrap().observations, 4);
        for record in 1..=4 {
            let (observation, input) = heard.try_recv().unwrap().heard().unwrap();
            assert_eq!((observation.record, observation.time), (record, Noon.now()));
            assert_eq!(input.as_deref(), Some("eve.json"));
        }
        assert!(heard.try_recv().is_err());
    }

    /// One datagram from port 1000 to port 9.
    fn packet(second: u32) -> Vec<u8> {
        let mut frame = vec![0; 12];
        frame.extend([0x08, 0x00, 0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
        frame.extend([0x03, 0xe8, 0, 9, 0, 8, 0, 0]);
        let length = frame.len() as u32;
        let head = [second, 0, length, length].map(u32::to_le_bytes).concat();
        [head, frame].concat()
    }

    #[test]
    fn flows_are_those_of_the_recording_at_any_pace() {
        let folder = tempfile::tempdir().unwrap();
        let mut pcap = [0xa1b2_c3d4_u32.to_le_bytes(), [2, 0, 4, 0]].concat();
        pcap.extend([0_u32, 0, 65_535, 1].map(u32::to_le_bytes).concat());
        // The silence of 90 s ends the flow, though in the replay it lasts 10 ms.
        pcap.extend([packet(100), packet(110), packet(200)].concat());
        let path = folder.path().join("a.pcap");
        std::fs::write(&path, &pcap).unwrap();
        let mut decoded = Vec::new();
        let summary = crate::decode(std::io::Cursor::new(pcap), &crate::Settings::default(), |observation| {
            decoded.push((observation.kind, observation.record));
            true
        });
        assert_eq!((summary.unwrap().faults, decoded.len()), (0, 4));
        for pace in [Pace::Fast, Pace::Natural] {
            let (source, mut heard) = Source::channel(100);
            let settings = Settings { pace, gap_ms: 10, repeat: false };
            replay(&Input::named(std::slice::from_ref(&path)), &crate::Settings::default(), &settings, &Noon, &source);
            let mut found = Vec::new();
            while let Ok(sound) = heard.try_recv() {
                let (observation, _) = sound.heard().unwrap();
                assert_eq!(observation.time, Noon.now());
                found.push((observation.kind, observation.record));
                if let Detail::Flow(counts) = observation.detail {
                    let lasted = if observation.record == 2 { 10_000_000 } else { 0 };
                    assert_eq!(counts.start, Noon.now().plus_micros(-lasted));
                }
            }
            assert_eq!(found, decoded, "{pace:?}");
        }
    }

    #[test]
    fn a_repeated_replay_ends_when_nobody_hears() {
        let folder = tempfile::tempdir().unwrap();
        let path = write(folder.path(), "eve.json", &eve(&[("00.000000", "a.example")]));
        let missing = folder.path().join("missing");
        let (source, mut heard) = Source::channel(4);
        let settings = Settings { pace: Pace::Fast, repeat: true, ..Settings::default() };
        let player = std::thread::spawn(move || {
            replay(&Input::named(&[path, missing]), &crate::Settings::default(), &settings, &Noon, &source)
        });
        for _ in 0..20 {
            assert_eq!(heard.blocking_recv().unwrap().heard().unwrap().0.record, 1);
        }
        heard.close();
        while heard.blocking_recv().is_some() {}
        player.join().unwrap();
    }

    #[test]
    fn a_replay_of_nothing_ends() {
        let (source, _heard) = Source::channel(4);
        let settings = Settings { repeat: true, ..Settings::default() };
        let inputs = Input::named(&[PathBuf::from("/nowhere/missing.pcap")]);
        let outcome = replay(&inputs, &crate::Settings::default(), &settings, &Noon, &source);
        assert!(matches!(outcome[0].1, Err(InputError::Read(_))));
    }
}
