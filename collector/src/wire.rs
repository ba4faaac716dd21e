//! What sensor and centre say to each other, for both sides.
//!
//! | request of the sensor | body | answer |
//! |---|---|---|
//! | `POST /sensor/v1/observations` | [`Batch`], postcard | [`Acknowledged`], JSON |
//! | `GET /sensor/v1/cursor` | – | [`Acknowledged`], JSON |
//! | `GET /sensor/v1/rules` | – | endless ndjson, a [`RuleLine`] a line |
//!
//! Nothing here panics or allocates without bound on bytes from outside: counts are checked before what they count is made.

use std::sync::Arc;

use model::observation::Observation;
use model::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The format of a batch that this program writes and reads.
pub const FORMAT: u8 = 1;

/// Bounds of what goes over the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Most observations in a batch.
    pub observations: usize,
    /// Most bytes of a batch. One observation with its hits has to fit.
    pub bytes: usize,
    /// Most hits of one observation.
    pub hits: usize,
    /// Most bytes of the value of a hit; the rest is cut off, it stands whole in the observation.
    pub value_bytes: usize,
    /// Most rules that one line of the rules stream adds and removes.
    pub changes: usize,
    /// Most bytes of one line of the rules stream.
    pub line_bytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            observations: 1_000,
            bytes: 4 << 20,
            hits: 1_000,
            value_bytes: 1 << 10,
            changes: 1_000,
            line_bytes: 4 << 20,
        }
    }
}

/// Why something from the wire cannot be read, or may not be sent.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// A batch of another version of the program.
    #[error("the batch has format {0}, but format {FORMAT} is read here: bring sensor and centre to the same version")]
    Format(u8),
    /// Not a batch.
    #[error("the batch is damaged at {0}: send it again")]
    Damaged(&'static str),
    /// Something of a batch or line is over its bound.
    #[error("{what} number {found}, but at most {limit} are read: send smaller batches")]
    TooMany {
        /// What was counted.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// The bound.
        limit: usize,
    },
    /// Not a line of the rules stream.
    #[error("the line of the rules stream cannot be read")]
    Line(#[source] serde_json::Error),
    /// A line of the rules stream that says nothing known here, or several things at once.
    #[error("the line of the rules stream says none of begin, add and remove, ready, idle, or more than one")]
    UnknownLine,
}

/// One rule that an observation satisfied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleHit {
    /// The rule's key, as the centre gave it.
    pub key: String,
    /// The first field that satisfied it, by its ECS name.
    pub field: String,
    /// The value of that field, cut off at [`Settings::value_bytes`].
    pub value: String,
}

/// One observation as a sensor tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// What was heard.
    pub observation: Observation,
    /// The sensor's rules that it satisfied.
    pub hits: Vec<RuleHit>,
    /// The file name of the input that `observation.record` counts in; none for what was heard live.
    pub input: Option<Arc<str>>,
}

/// Observations with consecutive sequence numbers of the sensor's spool. (sensor, spool sequence) is an observation's identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Spool sequence of the first observation. Dense from 1; a batch that begins beyond the next number tells that what lies
    /// between was dropped by a full spool.
    pub first: u64,
    /// The observations.
    pub observations: Vec<Heard>,
}

/// What the centre holds durably of a sensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {
    /// Everything up to this spool sequence; 0: nothing yet.
    pub spool: u64,
}

impl Heard {
    /// As bytes, of which [`frame`] makes batches.
    pub fn encode(&self, settings: &Settings) -> Result<Vec<u8>, WireError> {
        let bytes = postcard::to_stdvec(self).map_err(|_| WireError::Damaged("an observation"))?;
        match bytes.len() > settings.bytes.saturating_sub(HEAD_BYTES_MAX) {
            true => Err(too_many("bytes of an observation", bytes.len(), settings.bytes)),
            false => Ok(bytes),
        }
    }
}

/// Format, first sequence and count of a batch take at most this.
const HEAD_BYTES_MAX: usize = 1 + 10 + 10;

/// A batch's bytes, from its observations' bytes.
pub fn frame<'a>(first: u64, observations: impl ExactSizeIterator<Item = &'a [u8]>) -> Result<Vec<u8>, WireError> {
    let head = postcard::to_stdvec(&(FORMAT, first, observations.len()));
    let mut bytes = head.map_err(|_| WireError::Damaged("its head"))?;
    for observation in observations {
        bytes.extend_from_slice(observation);
    }
    Ok(bytes)
}

impl Batch {
    /// The sequence of the last observation; the one before `first` if there is none.
    pub fn last(&self) -> u64 {
        self.first.saturating_sub(1).saturating_add(self.observations.len() as u64)
    }

    /// As the body of a request.
    pub fn encode(&self, settings: &Settings) -> Result<Vec<u8>, WireError> {
        let observations: Vec<Vec<u8>> =
            self.observations.iter().map(|heard| heard.encode(settings)).collect::<Result<_, _>>()?;
        frame(self.first, observations.iter().map(Vec::as_slice))
    }

    /// From the body of a request.
    pub fn decode(bytes: &[u8], settings: &Settings) -> Result<Self, WireError> {
        if bytes.len() > settings.bytes {
            return Err(too_many("bytes of the batch", bytes.len(), settings.bytes));
        }
        let (format, rest) = bytes.split_first().ok_or(WireError::Damaged("its head"))?;
        if *format != FORMAT {
            return Err(WireError::Format(*format));
        }
        let ((first, count), mut rest) =
            postcard::take_from_bytes::<(u64, usize)>(rest).map_err(|_| WireError::Damaged("its head"))?;
        if count > settings.observations {
            return Err(too_many("observations of the batch", count, settings.observations));
        }
        if first == 0 || first.checked_add(count as u64).is_none() {
            return Err(WireError::Damaged("its first sequence number"));
        }
        // Each observation takes more than one byte.
        let mut observations = Vec::with_capacity(count.min(rest.len()));
        for _ in 0..count {
            let (heard, after) =
                postcard::take_from_bytes::<Heard>(rest).map_err(|_| WireError::Damaged("an observation"))?;
            if heard.hits.len() > settings.hits {
                return Err(too_many("hits of an observation", heard.hits.len(), settings.hits));
            }
            observations.push(heard);
            rest = after;
        }
        match rest.is_empty() {
            true => Ok(Self { first, observations }),
            false => Err(WireError::Damaged("its end: more bytes follow")),
        }
    }
}

fn too_many(what: &'static str, found: usize, limit: usize) -> WireError {
    WireError::TooMany { what, found, limit }
}

/// A rule as the centre hands it to a sensor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleText {
    /// What names it in hits; means something to the centre alone.
    pub key: String,
    /// Its STIX pattern.
    pub pattern: String,
    /// From when it matches; none: always did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Timestamp>,
    /// Until when, that moment not included; none: for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
}

/// One line of the rules stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub enum RuleLine {
    /// A whole new set follows; it replaces what is held when it is ready.
    Begin,
    /// Some rules come (replacing those of the same key) and some go.
    Change {
        /// Those that come.
        add: Vec<RuleText>,
        /// Keys of those that go.
        remove: Vec<String>,
    },
    /// What came since the last `Begin` or `Ready` applies now; so many rules are held then.
    Ready(u64),
    /// Nothing new: the stream lives.
    Idle,
}

/// A line as it is written.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Written {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    begin: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    add: Vec<RuleText>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    remove: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ready: Option<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    idle: bool,
}

impl From<RuleLine> for Written {
    fn from(line: RuleLine) -> Self {
        match line {
            RuleLine::Begin => Self { begin: true, ..Self::default() },
            RuleLine::Change { add, remove } => Self { add, remove, ..Self::default() },
            RuleLine::Ready(rules) => Self { ready: Some(rules), ..Self::default() },
            RuleLine::Idle => Self { idle: true, ..Self::default() },
        }
    }
}

impl TryFrom<Written> for RuleLine {
    type Error = WireError;

    fn try_from(line: Written) -> Result<Self, WireError> {
        let change = !line.add.is_empty() || !line.remove.is_empty();
        match (line.begin, change, line.ready, line.idle) {
            (true, false, None, false) => Ok(Self::Begin),
            (false, true, None, false) => Ok(Self::Change { add: line.add, remove: line.remove }),
            (false, false, Some(rules), false) => Ok(Self::Ready(rules)),
            (false, false, None, true) => Ok(Self::Idle),
            _ => Err(WireError::UnknownLine),
        }
    }
}

impl RuleLine {
    /// As a line, its end included.
    pub fn encode(&self) -> Result<Vec<u8>, WireError> {
        let mut line = serde_json::to_vec(self).map_err(WireError::Line)?;
        line.push(b'\n');
        Ok(line)
    }

    /// From a line, with or without its end.
    pub fn decode(line: &[u8], settings: &Settings) -> Result<Self, WireError> {
        if line.len() > settings.line_bytes {
            return Err(too_many("bytes of the line", line.len(), settings.line_bytes));
        }
        let line = serde_json::from_slice(line).map_err(WireError::Line)?;
        if let Self::Change { add, remove } = &line
            && add.len().saturating_add(remove.len()) > settings.changes
        {
            return Err(too_many("changes of the line", add.len().saturating_add(remove.len()), settings.changes));
        }
        Ok(line)
    }
}

/// Splits changes into lines within the bounds of both count and length. Ends with no `Ready`: that is for who knows the count.
pub fn changes(add: Vec<RuleText>, remove: Vec<String>, settings: &Settings) -> Vec<RuleLine> {
    let mut lines = Vec::new();
    let mut open = (Vec::new(), Vec::new());
    let mut bytes = 0;
    let mut room = |length: usize, open: &mut (Vec<RuleText>, Vec<String>)| {
        let full = open.0.len() + open.1.len() >= settings.changes.max(1);
        if full || bytes + length > settings.line_bytes.saturating_sub(LINE_FRAME_BYTES) {
            let (add, remove) = std::mem::take(open);
            if !add.is_empty() || !remove.is_empty() {
                lines.push(RuleLine::Change { add, remove });
            }
            bytes = 0;
        }
        bytes += length;
    };
    for rule in add {
        room(written_bytes(&rule), &mut open);
        open.0.push(rule);
    }
    for key in remove {
        room(written_bytes(&key), &mut open);
        open.1.push(key);
    }
    if !open.0.is_empty() || !open.1.is_empty() {
        lines.push(RuleLine::Change { add: open.0, remove: open.1 });
    }
    lines
}

/// What a line has around its changes.
const LINE_FRAME_BYTES: usize = 64;

fn written_bytes(value: &impl Serialize) -> usize {
    serde_json::to_vec(value).map_or(0, |bytes| bytes.len() + 1)
}

#[cfg(test)]
mod tests {
    use model::observation::{Detail, Dns, DnsAnswer, Endpoint, ObservationKind, Transport};
    use proptest::prelude::*;

    use super::*;

    fn settings() -> Settings {
        Settings::default()
    }

    prop_compose! {
        fn heard()(
            record in any::<u64>(), time in any::<i64>(), name in "\\PC{0,40}", port in any::<Option<u16>>(),
            ip in any::<std::net::IpAddr>(), hits in prop::collection::vec(("\\PC{0,20}", "[a-z.]{1,20}", "\\PC{0,20}"), 0..4),
            input in prop::option::of("[a-z.]{1,12}"),
        ) -> Heard {
            let answer = DnsAnswer { name: name.clone().into(), kind: "A".into(), ttl_s: 60, data: ip.to_string().into() };
            Heard {
                observation: Observation {
                    time: Timestamp::from_micros(time),
                    kind: ObservationKind::Dns,
                    record,
                    source: Some(Endpoint { ip, port }),
                    destination: None,
                    transport: Some(Transport::Udp),
                    protocol: Some("dns".into()),
                    community_id: None,
                    detail: Detail::Dns(Box::new(Dns { question_name: Some(name.into()), answers: vec![answer], ..Dns::default() })),
                },
                hits: hits.into_iter().map(|(key, field, value)| RuleHit { key, field, value }).collect(),
                input: input.map(Into::into),
            }
        }
    }

    fn batch() -> impl Strategy<Value = Batch> {
        (1..u64::MAX / 2, prop::collection::vec(heard(), 0..5))
            .prop_map(|(first, observations)| Batch { first, observations })
    }

    fn rule() -> impl Strategy<Value = RuleText> {
        // Years that RFC 3339 can write.
        let time = || {
            prop::option::of((-60_000_000_000_000_000_i64..250_000_000_000_000_000).prop_map(Timestamp::from_micros))
        };
        ("\\PC{1,30}", "\\PC{0,60}", time(), time()).prop_map(|(key, pattern, valid_from, valid_until)| RuleText {
            key,
            pattern,
            valid_from,
            valid_until,
        })
    }

    proptest! {
        #[test]
        fn a_batch_comes_back_as_it_was_sent(batch in batch()) {
            let bytes = batch.encode(&settings()).unwrap();
            prop_assert_eq!(&Batch::decode(&bytes, &settings()).unwrap(), &batch);
            prop_assert_eq!(batch.last(), batch.first - 1 + batch.observations.len() as u64);
            for cut in 0..bytes.len() {
                prop_assert!(Batch::decode(&bytes[..cut], &settings()).is_err(), "cut at {}", cut);
            }
        }

        #[test]
        fn hostile_bytes_are_refused_or_read(mut bytes in prop::collection::vec(any::<u8>(), 0..300), own in any::<bool>()) {
            if own && let Some(format) = bytes.first_mut() {
                *format = FORMAT;
            }
            if let Ok(batch) = Batch::decode(&bytes, &settings()) {
                prop_assert!(batch.observations.len() <= bytes.len());
            }
            let _ = RuleLine::decode(&bytes, &settings());
        }

        #[test]
        fn a_changed_byte_never_ends_the_process(batch in batch(), place in any::<prop::sample::Index>(), to in any::<u8>()) {
            let mut bytes = batch.encode(&settings()).unwrap();
            let place = place.index(bytes.len());
            bytes[place] = to;
            let _ = Batch::decode(&bytes, &settings());
        }

        #[test]
        fn changes_are_split_within_the_bounds(add in prop::collection::vec(rule(), 0..20), remove in prop::collection::vec("\\PC{1,9}", 0..20)) {
            let bounds = Settings { changes: 7, line_bytes: 2_000, ..settings() };
            let (mut added, mut removed) = (Vec::new(), Vec::new());
            for line in changes(add.clone(), remove.clone(), &bounds) {
                let bytes = line.encode().unwrap();
                prop_assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), 1);
                let RuleLine::Change { add, remove } = RuleLine::decode(bytes.trim_ascii_end(), &bounds).unwrap() else {
                    panic!("not a change");
                };
                added.extend(add);
                removed.extend(remove);
            }
            prop_assert_eq!(added, add);
            prop_assert_eq!(removed, remove);
        }
    }

    #[test]
    fn counts_are_checked_before_what_they_count_is_made() {
        let head = |count: usize| postcard::to_stdvec(&(FORMAT, 1_u64, count)).unwrap();
        let error = Batch::decode(&head(usize::MAX), &settings()).unwrap_err();
        assert!(matches!(error, WireError::TooMany { limit: 1_000, .. }), "{error}");
        assert!(matches!(Batch::decode(&head(1_000), &settings()).unwrap_err(), WireError::Damaged(_)));
        assert!(matches!(Batch::decode(&[2, 1, 0], &settings()).unwrap_err(), WireError::Format(2)));
        assert!(matches!(Batch::decode(&[FORMAT, 0, 0], &settings()).unwrap_err(), WireError::Damaged(_)));
        let small = Settings { bytes: 10, ..settings() };
        assert!(matches!(Batch::decode(&[1; 11], &small).unwrap_err(), WireError::TooMany { .. }));
    }

    #[test]
    fn lines_are_written_as_documented() {
        let line = |line: RuleLine| String::from_utf8(line.encode().unwrap()).unwrap();
        assert_eq!(line(RuleLine::Begin), "{\"begin\":true}\n");
        assert_eq!(line(RuleLine::Ready(3)), "{\"ready\":3}\n");
        assert_eq!(line(RuleLine::Idle), "{\"idle\":true}\n");
        let rule = RuleText {
            key: "k".into(),
            pattern: "[domain-name:value = 'a.example']".into(),
            valid_from: Some(Timestamp::from_micros(0)),
            valid_until: None,
        };
        assert_eq!(
            line(RuleLine::Change { add: vec![rule], remove: vec!["old".into()] }),
            "{\"add\":[{\"key\":\"k\",\"pattern\":\"[domain-name:value = 'a.example']\",\
             \"valid_from\":\"1970-01-01T00:00:00.000000Z\"}],\"remove\":[\"old\"]}\n"
        );
        for bad in ["{}", "[]", "{\"idle\":true,\"ready\":1}", "{\"ready\":-1}", "nonsense", "{\"later\":1}"] {
            assert!(RuleLine::decode(bad.as_bytes(), &settings()).is_err(), "{bad}");
        }
        let deep = "[".repeat(100_000);
        assert!(RuleLine::decode(deep.as_bytes(), &settings()).is_err());
    }
}
