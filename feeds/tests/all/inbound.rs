//! Lists and CSV: what they mean, and that nothing in them stops the rest.

use std::io::{self, Read};

use feeds::inbound::{
    Entry, Found, Inbound, InboundError, InputFault, Item, Kind, Named, Part, Place, Settings, Source, rules, split,
};
use model::fault::Severity;
use model::json::Limits;
use model::stix::read;
use proptest::prelude::*;

/// Gives what it holds `size` bytes at a time.
pub(crate) struct Chunks {
    pub(crate) bytes: Vec<u8>,
    pub(crate) at: usize,
    pub(crate) size: usize,
}

impl Read for Chunks {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let rest = &self.bytes[self.at..];
        let count = rest.len().min(into.len()).min(self.size);
        into[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        Ok(count)
    }
}

pub(crate) fn open(bytes: &[u8], size: usize, settings: &Settings) -> Result<Inbound, InboundError> {
    Inbound::open(Box::new(Chunks { bytes: bytes.to_vec(), at: 0, size }), settings)
}

fn items(text: &str) -> (Kind, Vec<Item>) {
    let inbound = open(text.as_bytes(), 7, &Settings::default()).unwrap();
    (inbound.kind(), inbound.map(Result::unwrap).collect())
}

fn entries(text: &str) -> (Kind, Vec<Entry>) {
    let (kind, items) = items(text);
    let entry = |item| match item {
        Item::Entry(entry) => entry,
        other => panic!("not an entry: {other:?}"),
    };
    (kind, items.into_iter().map(entry).collect())
}

fn source(name: &str) -> Source {
    Source { name: name.to_owned(), published: None }
}

#[test]
fn a_plain_list_is_read_line_by_line() {
    let text = "\u{feff}# evil things\r\n\r\nEvil[.]Example.\r\n  hxxps://a[.]example/x#part \n192.0.2.1:80\t# their server\n\
                2001:db8::/32\nbad@evil.example\nD41D8CD98F00B204E9800998ECF8427E";
    let (kind, entries) = entries(text);
    assert_eq!(kind, Kind::List);
    let patterns: Vec<(u64, String)> = entries.iter().map(|entry| (entry.line, entry.pattern())).collect();
    let expected = [
        (3, "[domain-name:value = 'evil.example' OR domain-name:value LIKE '%.evil.example']"),
        (4, "[url:value = 'https://a.example/x#part']"),
        (5, "[network-traffic:dst_ref.value = '192.0.2.1' AND network-traffic:dst_port = 80]"),
        (6, "[ipv6-addr:value ISSUBSET '2001:db8::/32']"),
        (7, "[email-addr:value = 'bad@evil.example']"),
        (8, "[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']"),
    ];
    assert_eq!(patterns, expected.map(|(line, pattern)| (line, pattern.to_owned())));
    assert_eq!(entries[2].description.as_deref(), Some("their server"));
}

#[test]
fn what_cannot_be_read_is_told_with_its_line_and_stops_nothing() {
    let long = "a".repeat(100);
    let text = format!("evil.example\ntwo words\n192.0.2.0/99\n{long}.example\n\u{1b}[31m\n0.0.0.0/0\nlast.example\n");
    let settings = Settings { line_bytes: 64, ..Settings::default() };
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(b"\xff\xfe\n192.0.2.7");
    let found: Vec<Item> = open(&bytes, 3, &settings).unwrap().map(Result::unwrap).collect();
    let told: Vec<(Place, &str, Severity)> = found
        .iter()
        .filter_map(|item| match item {
            Item::Fault(InputFault { place, code, severity, .. }) => Some((*place, *code, *severity)),
            _ => None,
        })
        .collect();
    let line = Place::Line;
    assert_eq!(
        told,
        [
            (line(2), "not-a-value", Severity::Error),
            (line(3), "not-a-value", Severity::Error),
            (line(4), "line-too-long", Severity::Error),
            (line(5), "not-a-value", Severity::Error),
            (line(6), "too-broad", Severity::Warning),
            (line(8), "encoding", Severity::Error),
        ]
    );
    let kept: Vec<u64> = found
        .iter()
        .filter_map(|item| match item {
            Item::Entry(entry) => Some(entry.line),
            _ => None,
        })
        .collect();
    assert_eq!(kept, [1, 6, 7, 9], "what would match everything is kept, and warned of");
    let escape = |item: &Item| matches!(item, Item::Fault(fault) if fault.message.contains('\u{1b}'));
    assert!(!found.iter().any(escape), "no escape sequence reaches a terminal");
}

#[test]
fn a_table_with_a_header_says_what_its_columns_are() {
    let text = "first_seen,ioc_type,ioc_value,malware,tags,comment,confidence\n\
                2024-05-01 10:00:00,domain,evil.example,Emotet,\"epoch4, dropper\",\"says \"\"hello\"\", often\",90\n\
                2024-05-02 11:00:00,ip:port,192.0.2.1:443,Qakbot,,,75\n";
    let (kind, entries) = entries(text);
    assert_eq!((kind, entries.len()), (Kind::Csv, 2));
    let first = &entries[0];
    assert_eq!(first.line, 2);
    assert_eq!(first.name.as_deref(), Some("Emotet"));
    assert_eq!(first.description.as_deref(), Some("says \"hello\", often"));
    assert_eq!(first.labels, ["epoch4", "dropper"]);
    assert_eq!(first.valid_from.unwrap().to_string(), "2024-05-01T10:00:00.000000Z");
    assert_eq!(
        entries[1].pattern(),
        "[network-traffic:dst_ref.value = '192.0.2.1' AND network-traffic:dst_port = 443]"
    );
    assert!(entries[1].labels.is_empty() && entries[1].description.is_none());
}

#[test]
fn tables_without_a_header_are_understood_by_their_values() {
    let (kind, found) = entries("domain\tevil.example\tmalware/esfur\nipv4\t192.0.2.1\tmass_scanner\n");
    assert_eq!((kind, found.len()), (Kind::Csv, 2));
    assert_eq!(found[0].labels, ["malware/esfur"], "the kind of the value is no label");
    let hash = "0c2674c3a97c53082187d930efb645c2";
    let (kind, found) =
        entries(&format!("# MD5;COMMENT\n\n{hash};Sakula - http://goo.gl/R3\n# {hash};no\n{hash};a; b\n"));
    assert_eq!((kind, found.len()), (Kind::Csv, 2));
    assert_eq!(found[0].description.as_deref(), Some("Sakula - http://goo.gl/R3"));
    let (kind, found) = entries("# IP\tnumber of lists\n192.0.2.1\t10\n192.0.2.2\t9\n");
    assert_eq!((kind, found.len(), &found[0].description), (Kind::Csv, 2, &None));
    let commented = "# all of it\n# \"dateadded\",\"url\",\"malware\"\n\"2024-05-01\",\"http://a.example/,x\",\"Mozi\"\n\
                     \"2024-05-02\",\"http://b.example/\",\"Mirai\"\n";
    let (_, found) = entries(commented);
    assert_eq!(found[0].pattern(), "[url:value = 'http://a.example/,x']");
    assert_eq!((found[1].name.as_deref(), found[1].valid_from.is_some()), (Some("Mirai"), true));
    let (kind, found) = entries("http://a.example/1,2\nhttp://b.example/\nhttp://c.example/;jsessionid=1\n");
    assert_eq!((kind, found.len()), (Kind::List, 3), "a comma in a URL makes no table");
    let (kind, found) = entries("\"Domain\"\n\"evil.example\"\n\"other.example\" # seen twice\n");
    assert_eq!((kind, found.len(), found[0].line), (Kind::List, 2, 2), "one column, its name, quotation marks");
    let (kind, found) = entries("[2001:db8::1]:80\nevil.example\n");
    assert_eq!((kind, found.len()), (Kind::List, 2), "a bracket makes no JSON");
}

fn published(text: &str, source: &Source) -> Vec<Vec<u8>> {
    let bytes = text.as_bytes().to_vec();
    let open = move || Ok(Box::new(io::Cursor::new(bytes.clone())) as Box<dyn Read + Send>);
    let body = |part| match part {
        Ok(Part::Body(body)) => body,
        other => panic!("not a body: {other:?}"),
    };
    let bodies: Vec<_> = split(open, source.clone(), Settings::default()).unwrap().map(body).collect();
    let limits = Limits::default();
    let objects = |bytes: &[u8]| -> Vec<Vec<u8>> {
        model::json::split_objects(bytes, &limits).unwrap().into_iter().map(<[u8]>::to_vec).collect()
    };
    bodies.iter().flat_map(|body| objects(&body.bytes)).collect()
}

#[test]
fn importing_a_list_again_changes_nothing() {
    let text = "evil.example\nhttp://a.example/'x\\\n192.0.2.0/24\nEVIL.example.\n192.0.2.1:80\n";
    let first = published(text, &source("list"));
    assert_eq!(first.len(), 4, "equal values are one indicator");
    assert_eq!(first, published(text, &source("list")));
    let ids = |objects: &[Vec<u8>]| -> Vec<String> {
        objects.iter().map(|raw| read(raw, &Limits::default()).unwrap().0.id.to_string()).collect()
    };
    let mut reversed: Vec<&str> = text.lines().collect();
    reversed.reverse();
    let mut other = published(&reversed.join("\n"), &source("list"));
    other.sort();
    let mut sorted = first.clone();
    sorted.sort();
    assert_eq!(other, sorted, "neither line nor order count");
    assert!(ids(&first).iter().all(|id| !ids(&published(text, &source("another"))).contains(id)));
    let edition = Source { published: Some("2026-11-24T00:00:00Z".parse().unwrap()), ..source("list") };
    let newer = published(text, &edition);
    assert_eq!(ids(&newer), ids(&first), "another edition is another version of the same");
    assert_ne!(newer, first);
}

#[test]
fn the_ids_of_lists_are_fixed() {
    let raw = published("evil.example", &source("list")).remove(0);
    assert_eq!(
        String::from_utf8(raw).unwrap(),
        "{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"indicator--484c9d3c-88e4-5f73-9e8d-1f34ea67a203\",\
         \"created\":\"1970-01-01T00:00:00.000000Z\",\"modified\":\"1970-01-01T00:00:00.000000Z\",\
         \"name\":\"evil.example\",\
         \"pattern\":\"[domain-name:value = 'evil.example' OR domain-name:value LIKE '%.evil.example']\",\
         \"pattern_type\":\"stix\",\"pattern_version\":\"2.1\",\"valid_from\":\"1970-01-01T00:00:00.000000Z\"}"
    );
}

#[test]
fn rules_name_their_line() {
    let inbound = open(b"# x\nevil.example\nnot a value\n", 5, &Settings::default()).unwrap();
    let found: Vec<Found> = rules(inbound, &Settings::default()).map(Result::unwrap).collect();
    assert!(matches!(&found[0], Found::Rule(rule) if rule.named == Named::Line(2) && rule.valid_from.is_none()));
    assert!(matches!(&found[1], Found::Fault(fault) if fault.place == Place::Line(3)));
}

/// Texts made of what lists are made of.
fn listlike() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        proptest::sample::select(vec![
            "evil.example",
            "192.0.2.1",
            "192.0.2.1:80",
            "hxxp://a[.]b/c",
            "2001:db8::/32",
            "d41d8cd98f00b204e9800998ecf8427e",
            ",",
            ";",
            "\t",
            "\"",
            "\"\"",
            "#",
            " ",
            "\n",
            "\n",
            "\r\n",
            "value",
            "malware",
            "first_seen",
            "2024-05-01",
            "[",
            "{",
            "}",
            "]",
            ":",
            "\u{feff}",
            "é",
            "0.0.0.0/0",
            "\u{1b}[0m",
            "\0",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        proptest::collection::vec(any::<u8>(), 0..6),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn hostile_texts_are_read_the_same_however_they_are_chunked(bytes in listlike(), size in 1..40_usize) {
        let settings = Settings { line_bytes: 40, sample_bytes: 64, object_bytes: 80, ..Settings::default() };
        let all = |size| open(&bytes, size, &settings).map(|inbound| {
            inbound.map(|item| item.map_err(|error| error.to_string())).collect::<Vec<_>>()
        }).map_err(|error| error.to_string());
        let found = all(usize::MAX);
        prop_assert_eq!(&all(size), &found);
        for item in found.into_iter().flatten().flatten() {
            if let Item::Entry(entry) = item {
                let raw = entry.indicator(&source("x")).unwrap();
                let (object, faults) = read(&raw, &Limits::default()).unwrap();
                // Its identifier follows from what it says (version 5), and a list has no description: SHOULDs, both.
                prop_assert!(faults.iter().all(|fault| ["id-version", "property-advised"].contains(&&*fault.code)), "{faults:?}");
                prop_assert_eq!(object.id.as_str(), entry.id(&source("x")));
            }
        }
    }
}
