//! The lines of the partner link (ADR 4): one JSON object a line. The origin encodes them, the follower decodes them.

use std::fmt::Write as _;
use std::time::Duration;

use model::principal::PrincipalName;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;
use sharing::link::{Hash, LinkRow, leaf};

/// After so much silence the origin sends an [`Line::Idle`], so that the follower knows that it lives.
pub const IDLE_EVERY: Duration = Duration::from_secs(5);

/// One row of the link log, with what proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its number.
    pub n: u64,
    /// Its leaf hash.
    pub leaf: Hash,
    /// The chain hash at it.
    pub chain: Hash,
    /// The salt of its leaf.
    pub salt: [u8; 16],
    /// The row as compact JSON: exactly the bytes that the leaf was made of.
    pub row: String,
}

impl Record {
    /// Of a row, its salt and the chain hash at it.
    pub fn new(row: &LinkRow, salt: [u8; 16], chain: Hash) -> Result<Self, serde_json::Error> {
        Ok(Self { n: row.number, leaf: leaf(&salt, row)?, chain, salt, row: serde_json::to_string(row)? })
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// A statement that was released, or another rendering of it.
    Release {
        /// Its row.
        record: Record,
        /// Whose it is, if it is TLP:RED.
        publisher: Option<PrincipalName>,
        /// The object, byte for byte.
        object: String,
    },
    /// A version that was released before and is taken back.
    Withdrawal(Record),
    /// A row whose bytes may no longer leave, or that a later row replaced: only its place in the chain is sent.
    Void {
        /// Its number.
        n: u64,
        /// Its leaf hash.
        leaf: Hash,
        /// The chain hash at it.
        chain: Hash,
    },
    /// Nothing to tell: where the stream stands.
    Idle {
        /// The last number that was sent.
        n: u64,
        /// The chain hash at it.
        chain: Hash,
    },
}

/// Why a line cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// Longer than the bound.
    #[error("a line has more than {max} bytes: raise `line_bytes_max` if the partner's objects are that large")]
    TooLong {
        /// The bound.
        max: usize,
    },
    /// Not JSON of the right shape.
    #[error("a line cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// Something is not there.
    #[error("line {n} is a {kind} without `{field}`")]
    Missing {
        /// The line's number.
        n: u64,
        /// Its kind.
        kind: &'static str,
        /// What it lacks.
        field: &'static str,
    },
}

impl Line {
    /// The line with its newline.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = String::new();
        match self {
            Self::Release { record, publisher, object } => {
                write_record(&mut out, "release", record);
                if let Some(publisher) = publisher {
                    write_text(&mut out, "publisher", publisher.as_str());
                }
                write_text(&mut out, "object", object);
            }
            Self::Withdrawal(record) => write_record(&mut out, "withdrawal", record),
            Self::Void { n, leaf, chain } => write_place(&mut out, "void", *n, Some(leaf), chain),
            Self::Idle { n, chain } => write_place(&mut out, "idle", *n, None, chain),
        }
        out.push_str("}\n");
        out.into_bytes()
    }

    /// Reads a line of at most `bytes_max` bytes, its newline not counted.
    pub fn decode(line: &[u8], bytes_max: usize) -> Result<Self, WireError> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        if line.len() > bytes_max {
            return Err(WireError::TooLong { max: bytes_max });
        }
        let flat: Flat<'_> = serde_json::from_slice(line)?;
        let n = flat.n;
        let missing = |kind, field| move || WireError::Missing { n, kind, field };
        match flat.kind {
            Kind::Release => Ok(Self::Release {
                record: flat.record("release")?,
                object: flat.object.ok_or_else(missing("release", "object"))?,
                publisher: flat.publisher,
            }),
            Kind::Withdrawal => flat.record("withdrawal").map(Self::Withdrawal),
            Kind::Void => {
                let leaf = flat.leaf.ok_or_else(missing("void", "leaf"))?;
                Ok(Self::Void { n, leaf: leaf.0, chain: flat.chain.0 })
            }
            Kind::Idle => Ok(Self::Idle { n, chain: flat.chain.0 }),
        }
    }
}

fn write_record(out: &mut String, kind: &str, record: &Record) {
    write_place(out, kind, record.n, Some(&record.leaf), &record.chain);
    write_text(out, "salt", &hex::encode(record.salt));
    out.push_str(",\"row\":");
    out.push_str(&record.row);
}

fn write_place(out: &mut String, kind: &str, n: u64, leaf: Option<&Hash>, chain: &Hash) {
    let _ = write!(out, "{{\"kind\":\"{kind}\",\"n\":{n}"); // a String takes everything
    if let Some(leaf) = leaf {
        write_text(out, "leaf", &hex::encode(leaf));
    }
    write_text(out, "chain", &hex::encode(chain));
}

fn write_text(out: &mut String, key: &str, text: &str) {
    let _ = write!(out, ",\"{key}\":{}", Value::from(text)); // a String takes everything
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Release,
    Withdrawal,
    Void,
    Idle,
}

/// Every field of every kind. A name that stands twice is refused; a name that is not known here is passed over.
#[derive(Deserialize)]
struct Flat<'a> {
    kind: Kind,
    n: u64,
    leaf: Option<Hex<32>>,
    chain: Hex<32>,
    salt: Option<Hex<16>>,
    #[serde(borrow)]
    row: Option<&'a RawValue>,
    publisher: Option<PrincipalName>,
    object: Option<String>,
}

impl Flat<'_> {
    fn record(&self, kind: &'static str) -> Result<Record, WireError> {
        let missing = |field| move || WireError::Missing { n: self.n, kind, field };
        Ok(Record {
            n: self.n,
            leaf: self.leaf.as_ref().ok_or_else(missing("leaf"))?.0,
            chain: self.chain.0,
            salt: self.salt.as_ref().ok_or_else(missing("salt"))?.0,
            row: self.row.ok_or_else(missing("row"))?.get().to_owned(),
        })
    }
}

struct Hex<const N: usize>([u8; N]);

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        let mut bytes = [0; N];
        hex::decode_to_slice(text.as_bytes(), &mut bytes).map_err(serde::de::Error::custom)?;
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use model::stix::Version;
    use model::time::Timestamp;
    use proptest::prelude::*;
    use sharing::link::{CHAIN_START, LinkKind, chain};

    use super::*;

    fn record() -> Record {
        let row = LinkRow {
            number: 1,
            kind: LinkKind::Release,
            partner: "ca".parse().unwrap(),
            id: "indicator--aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa".parse().unwrap(),
            version: Version::Modified(Timestamp::from_micros(1)),
            rendering: 2,
            digest: [7; 32],
            agreement: "us-ca-starter".to_owned(),
            rule: "CLEAR".to_owned(),
            purpose: "cyber_defence".to_owned(),
            time: Timestamp::from_micros(2),
        };
        Record::new(&row, [3; 16], chain(&CHAIN_START, &leaf(&[3; 16], &row).unwrap())).unwrap()
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let lines = [
            Line::Release {
                record: record(),
                publisher: Some("bob@us".parse().unwrap()),
                object: "{\"a\": \"\\u0007 é\\n\"}\n".to_owned(),
            },
            Line::Release { record: record(), publisher: None, object: String::new() },
            Line::Withdrawal(record()),
            Line::Void { n: u64::MAX, leaf: [1; 32], chain: [2; 32] },
            Line::Idle { n: 0, chain: CHAIN_START },
        ];
        for line in lines {
            let bytes = line.encode();
            assert_eq!(bytes.iter().filter(|b| **b == b'\n').count(), 1, "one line is one line");
            assert_eq!(Line::decode(&bytes, bytes.len() - 1).unwrap(), line);
            assert!(matches!(Line::decode(&bytes, bytes.len() - 2), Err(WireError::TooLong { .. })));
        }
    }

    #[test]
    fn the_row_travels_as_it_was_hashed() {
        let Line::Withdrawal(back) = Line::decode(&Line::Withdrawal(record()).encode(), 4096).unwrap() else {
            panic!("another kind")
        };
        let row: LinkRow = serde_json::from_str(&back.row).unwrap();
        assert_eq!(leaf(&back.salt, &row).unwrap(), back.leaf);
    }

    #[test]
    fn incomplete_lines_are_refused() {
        let text = String::from_utf8(Line::Withdrawal(record()).encode()).unwrap();
        for (from, to) in [
            ("\"salt\"", "\"salz\""),
            ("\"leaf\"", "\"leav\""),
            ("\"row\"", "\"raw\""),
            ("\"n\":1", "\"n\":-1"),
            ("\"n\":1", "\"n\":1,\"n\":1"),
            ("\"kind\":\"withdrawal\"", "\"kind\":\"release\""),
            ("\"kind\":\"withdrawal\"", "\"kind\":\"grant\""),
            ("\"chain\":\"", "\"chain\":\"00"),
        ] {
            assert!(text.contains(from), "{from}");
            assert!(Line::decode(text.replacen(from, to, 1).as_bytes(), 4096).is_err(), "{to}");
        }
    }

    proptest! {
        #[test]
        fn hostile_lines_are_refused_or_read(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(line) = Line::decode(&bytes, 256) {
                prop_assert_eq!(Line::decode(&line.encode(), 4096).unwrap(), line);
            }
        }

        #[test]
        fn a_damaged_line_never_reads_as_another_row(at in 0..400_usize, bit in 0..8_u8) {
            let line = Line::Withdrawal(record());
            let mut bytes = line.encode();
            let at = at % (bytes.len() - 1);
            bytes[at] ^= 1 << bit;
            if let Ok(Line::Withdrawal(read)) = Line::decode(&bytes, 4096) {
                let row = serde_json::from_str::<LinkRow>(&read.row);
                let whole = row.is_ok_and(|row| leaf(&read.salt, &row).unwrap() == read.leaf);
                // Upper-case digits of a hash mean the same; a change of number or chain is the cursor's to find.
                prop_assert!(!whole || read.row == record().row);
            }
        }
    }
}
