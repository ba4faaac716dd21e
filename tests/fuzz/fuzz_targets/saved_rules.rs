//! Saved rules, as a damaged disk may hand them back: an error, or a set that can be scanned, changed and saved again, whatever
//! places it names.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use matching::{RuleSet, RuleSource, Settings};
use model::observation::{Detail, Dns, Observation, ObservationKind};
use model::pattern::parse;
use model::time::Timestamp;

const CHECKSUM_BYTES: usize = 8;

static WRITTEN: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let patterns = [
        "[domain-name:value = 'a.example' OR domain-name:value LIKE '%.a.example']",
        "[ipv4-addr:value = '192.0.2.1']",
        "[domain-name:value LIKE '%exam%']",
        "[network-traffic:dst_ref.value = '192.0.2.1' AND network-traffic:dst_port = 443]",
        "[domain-name:value = 'a.example'] FOLLOWEDBY [domain-name:value = 'b.example']",
        "[process:name = 'never shown']",
    ];
    let source = |number: usize| RuleSource {
        key: match number % 3 {
            0 => format!("indicator--94868c89-83c2-464b-929b-a1a8aa3c84{number:02x}").into(),
            1 => format!("list.txt:{number}").into(),
            _ => format!("rule {number} of some").into(),
        },
        pattern: parse(patterns[number % patterns.len()]).unwrap(),
        valid_from: None,
        valid_until: None,
    };
    let mut bytes = Vec::new();
    RuleSet::compile((0..40).map(source), Settings::default()).write(&mut bytes).unwrap();
    bytes
});

fn read(bytes: &[u8]) {
    let Ok(set) = RuleSet::read(bytes, bytes.len() as u64, Settings::default()) else { return };
    for name in ["a.example", "x.a.example", "b.example"] {
        let observation = Observation {
            time: Timestamp::from_micros(1),
            kind: ObservationKind::Dns,
            record: 1,
            source: None,
            destination: None,
            transport: None,
            protocol: None,
            community_id: None,
            detail: Detail::Dns(Box::new(Dns { question_name: Some(name), ..Dns::default() })),
        };
        set.scan(&observation, &mut Vec::new());
    }
    let _ = set.with_changes([], &["list.txt:1".into()]).write(std::io::sink());
}

fuzz_target!(|data: &[u8]| {
    read(data);
    // What was written, changed in some places (four bytes each: where, what), under a checksum that is right.
    let mut bytes = WRITTEN.clone();
    let end = bytes.len() - CHECKSUM_BYTES;
    for change in data.chunks_exact(4) {
        let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % end;
        bytes[at] = change[2];
    }
    let sum = xxhash_rust::xxh3::xxh3_64(&bytes[..end]);
    bytes[end..].copy_from_slice(&sum.to_le_bytes());
    read(&bytes);
});
