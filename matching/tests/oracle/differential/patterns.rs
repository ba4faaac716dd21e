//! Random patterns of every operator and qualifier, of the values that random observations have, in various spellings.

use model::observation::ObservationKind as Kind;
use model::pattern::{Pattern, parse};

use super::dice::Dice;
use crate::plain::{EXPRESSIONS, LIKES, NAMES, PIECES};

/// How values of a path compare.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    V4,
    V6,
    Address,
    Type,
    Name,
    Number,
    Text,
    Caseless,
    Url,
    Time,
}

type Values = &'static [&'static str];

const V4: Values = &["192.0.2.1", "192.0.2.130", "198.51.100.7", "10.0.0.1", "192.0.2.0/25", "10.0.0.1/32"];
const V6: Values = &["2001:db8::1", "2001:DB8:0::000A:1", "fe80::1", "2001:db8::/64", "fe80:0:0::1/128"];
const ANY: Values = &["192.0.2.1", "2001:0db8::1", "192.0.2.0/24", "a.example", "B.A.Example.", "198.51.100.7"];
const HOSTS: Values = &["a.example", "B.A.example", "xa.example.", "example.org", "c.b.a.example"];
const NUMBERS: Values = &["0", "1", "80", "443", "53", "1000", "80.0", "9223372036854775807", "-1"];
const HASHES: Values = &["00aa11", "00AB11", "ffee22", "FFEE22", "00"];
const EMAILS: Values = &["a@a.example", "b@A.example", "c@example.org", "b"];
const TEXTS: Values = &["a.exe", "A.exe", "r\u{e9}sum\u{e9}.pdf", "re\u{301}sume\u{301}.pdf", "b", "CN=a.example"];
const URLS: Values = &["http://a.example/x", "HTTP://A.example:80/x", "https://b.a.example", "http://192.0.2.1/X?a=1"];
const TARGETS: Values = &["/x", "/X?a=1", "/r\u{e9}sum\u{e9}", "/re\u{301}sume\u{301}"];
const TIMES: Values =
    &["1970-01-01T00:00:00Z", "1970-01-01T00:00:00.5Z", "1970-01-01T00:00:02.000Z", "1970-01-01T00:00:01.0000001Z"];
const PROTOCOLS: Values = &["tcp", "UDP", "dns", "http", "ipv6-icmp"];

/// Any kind of observation shows it.
const ALL: &[Kind] = &super::observations::KINDS;
const FLOW: &[Kind] = &[Kind::FlowEnd];
const NAMED: &[Kind] = &[Kind::Dns, Kind::Http, Kind::Tls, Kind::File];
const WEB: &[Kind] = &[Kind::Http, Kind::File];
const FILE: &[Kind] = &[Kind::File];
const MAIL: &[Kind] = &[Kind::Email];
const TLS: &[Kind] = &[Kind::Tls];

/// ADR 2: path, how its values compare, values to ask for, kinds of observation that show it.
pub(super) const PATHS: &[(&str, Sort, Values, &[Kind])] = &[
    ("ipv4-addr:value", Sort::V4, V4, ALL),
    ("ipv6-addr:value", Sort::V6, V6, ALL),
    ("network-traffic:src_ref.value", Sort::Address, ANY, ALL),
    ("network-traffic:dst_ref.value", Sort::Address, ANY, ALL),
    ("network-traffic:src_ref.type", Sort::Type, &["ipv4-addr", "IPv6-addr", "domain-name"], ALL),
    ("network-traffic:dst_ref.type", Sort::Type, &["ipv4-addr", "ipv6-addr"], ALL),
    ("network-traffic:src_port", Sort::Number, NUMBERS, ALL),
    ("network-traffic:dst_port", Sort::Number, NUMBERS, ALL),
    ("network-traffic:protocols[*]", Sort::Caseless, PROTOCOLS, ALL),
    ("network-traffic:src_byte_count", Sort::Number, NUMBERS, FLOW),
    ("network-traffic:dst_byte_count", Sort::Number, NUMBERS, FLOW),
    ("network-traffic:src_packets", Sort::Number, NUMBERS, FLOW),
    ("network-traffic:dst_packets", Sort::Number, NUMBERS, FLOW),
    ("network-traffic:start", Sort::Time, TIMES, FLOW),
    ("domain-name:value", Sort::Name, HOSTS, NAMED),
    ("domain-name:resolves_to_refs[*].value", Sort::Address, ANY, &[Kind::Dns]),
    ("url:value", Sort::Url, URLS, WEB),
    ("network-traffic:extensions.'http-request-ext'.request_value", Sort::Text, TARGETS, WEB),
    ("network-traffic:extensions.'http-request-ext'.request_method", Sort::Caseless, &["get", "POST", "PUT"], WEB),
    ("network-traffic:extensions.'http-request-ext'.request_header.Host", Sort::Address, ANY, WEB),
    (
        "network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'",
        Sort::Text,
        &["Mozilla/5.0 (X11)", "curl/8.5.0", "CURL/8.5.0"],
        WEB,
    ),
    ("x509-certificate:subject", Sort::Text, TEXTS, TLS),
    ("x509-certificate:issuer", Sort::Text, TEXTS, TLS),
    ("x509-certificate:hashes.'SHA-1'", Sort::Caseless, HASHES, TLS),
    ("file:name", Sort::Text, TEXTS, FILE),
    ("file:size", Sort::Number, NUMBERS, FILE),
    ("file:hashes.MD5", Sort::Caseless, HASHES, FILE),
    ("file:hashes.sha1", Sort::Caseless, HASHES, FILE),
    ("file:hashes.'SHA-256'", Sort::Caseless, HASHES, FILE),
    ("email-addr:value", Sort::Caseless, EMAILS, MAIL),
    ("email-message:from_ref.value", Sort::Caseless, EMAILS, MAIL),
    ("email-message:to_refs[*].value", Sort::Caseless, EMAILS, MAIL),
    ("email-message:subject", Sort::Text, TEXTS, MAIL),
];

const EXPRESSIONS_MORE: Values =
    &["^A", "\\.EXE$", "[0-9]{3}", "^(?:get|post)$", "s.m", "(?i)CURL", "\\d+\\.\\d+", "^$", "db8::", "é"];

/// A pattern that says something of observations of `kinds`, and its text.
pub(super) fn pattern(dice: &mut Dice, kinds: &[Kind]) -> (String, Pattern) {
    loop {
        let depth = dice.pick(&[0, 0, 1, 1, 2]);
        let text = outer(dice, kinds, depth);
        // Qualifiers of one kind may stand once only: some texts are none.
        if let Ok(pattern) = parse(&text) {
            return (text, pattern);
        }
    }
}

fn outer(dice: &mut Dice, kinds: &[Kind], depth: usize) -> String {
    if depth == 0 {
        let inner = expression(dice, kinds, 2);
        let leaf = format!("[{inner}]");
        return if dice.one_in(8) { format!("{leaf} {}", qualifier(dice)) } else { leaf };
    }
    let word = dice.pick(&[" AND ", " OR ", " FOLLOWEDBY "]);
    let parts: Vec<String> = (0..2 + dice.below(2)).map(|_| outer(dice, kinds, depth - 1)).collect();
    let joined = format!("({})", parts.join(word));
    match dice.below(5) {
        0 | 1 => joined,
        2 => format!("{joined} {} {}", qualifier(dice), qualifier(dice)),
        _ => format!("{joined} {}", qualifier(dice)),
    }
}

fn qualifier(dice: &mut Dice) -> String {
    match dice.below(8) {
        0..3 => format!("WITHIN {} SECONDS", dice.pick(&["1", "2", "1.5", "0.5", "5", "0.4999999", "2.0000001"])),
        3..6 => format!("REPEATS {} TIMES", 1 + dice.below(3)),
        _ => {
            let start = dice.below(5);
            let stop = start + 1 + dice.below(5);
            format!("START t'1970-01-01T00:00:0{start}Z' STOP t'1970-01-01T00:00:{stop:02}.5Z'")
        }
    }
}

fn expression(dice: &mut Dice, kinds: &[Kind], depth: usize) -> String {
    if depth == 0 || !dice.one_in(3) {
        return comparison(dice, kinds);
    }
    let word = dice.pick(&[" AND ", " OR "]);
    let parts: Vec<String> = (0..2 + dice.below(2)).map(|_| expression(dice, kinds, depth - 1)).collect();
    format!("({})", parts.join(word))
}

/// What holds of most observations, so that patterns of several are matched too.
const BROAD: Values = &[
    "network-traffic:dst_port >= 53",
    "EXISTS network-traffic:src_ref.value",
    "ipv4-addr:value LIKE '1%.%'",
    "network-traffic:protocols[*] != 'udp'",
    "ipv4-addr:value ISSUBSET '128.0.0.0/1'",
];

fn comparison(dice: &mut Dice, kinds: &[Kind]) -> String {
    if dice.one_in(4) {
        return dice.pick(BROAD).to_owned();
    }
    let (path, sort, values, _) = loop {
        let row = dice.pick(PATHS);
        // What telemetry of these kinds does not show is asked for now and then.
        if row.3.iter().any(|kind| kinds.contains(kind)) || dice.one_in(30) {
            break row;
        }
    };
    if dice.one_in(150) {
        // Of a type that such a value does not have, which the engine refuses.
        return format!("{path} = {}", dice.pick(&["true", "b'AAAA'", "t'2026-01-01T00:00:00Z'", "7"]));
    }
    let not = dice.pick(&["", "", "", "NOT "]);
    let text = !matches!(sort, Sort::Number | Sort::Time);
    match dice.below(16) {
        0 => format!("{not}EXISTS {path}"),
        1 if text => format!("{path} {not}MATCHES '{}'", escaped(&regex(dice))),
        2..4 if text => format!("{path} {not}LIKE '{}'", escaped(&like(dice, values))),
        4..7 if matches!(sort, Sort::V4 | Sort::V6 | Sort::Address) => network(dice, path, sort, not),
        7 | 8 => {
            let list: Vec<String> = (0..=dice.below(3)).map(|_| literal(dice, sort, values)).collect();
            format!("{path} {not}IN ({})", list.join(", "))
        }
        9 | 10 => {
            format!("{path} {not}{} {}", dice.pick(&["<", "<=", ">", ">="]), literal(dice, sort, values))
        }
        11 | 12 => format!("{path} {not}!= {}", literal(dice, sort, values)),
        _ => format!("{path} {not}= {}", literal(dice, sort, values)),
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\'', "\\'")
}

fn literal(dice: &mut Dice, sort: Sort, values: Values) -> String {
    let value = dice.pick(values);
    match sort {
        Sort::Number if dice.one_in(40) => "442.5".to_owned(),
        Sort::Number => value.to_owned(),
        Sort::Time => format!("t'{value}'"),
        _ => {
            // §9.2: an octet of a hexadecimal literal is the character of that number.
            let octets: Option<Vec<u8>> = value.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
            match octets.filter(|_| !value.contains('/') && dice.one_in(16)) {
                Some(octets) => format!("h'{}'", hex::encode(octets)),
                None => format!("'{}'", escaped(value)),
            }
        }
    }
}

fn network(dice: &mut Dice, path: &str, sort: Sort, not: &str) -> String {
    let (address, bits) = if sort == Sort::V6 || (sort == Sort::Address && dice.one_in(3)) {
        (dice.pick(&["2001:db8::1", "fe80::1", "2001:DB8::a:0"]), dice.pick(&[0, 10, 64, 112, 127, 128]))
    } else {
        (dice.pick(&["192.0.2.1", "198.51.100.7", "10.0.0.1"]), dice.pick(&[0, 1, 8, 24, 25, 30, 32]))
    };
    let single = if address.contains(':') { 128 } else { 32 };
    match dice.below(4) {
        0 => format!("{path} {not}ISSUPERSET '{address}/{single}'"),
        1 => format!("{path} {not}ISSUPERSET '{address}'"),
        2 if bits == single => format!("{path} {not}ISSUBSET '{address}'"),
        _ => format!("{path} {not}ISSUBSET '{address}/{bits}'"),
    }
}

fn regex(dice: &mut Dice) -> String {
    if dice.one_in(2) { dice.pick(EXPRESSIONS).0.to_owned() } else { dice.pick(EXPRESSIONS_MORE).to_owned() }
}

/// A value with wildcards in it, a piece of one, or the end of a name.
fn like(dice: &mut Dice, values: Values) -> String {
    match dice.below(5) {
        0 => format!("%{}%", dice.pick(PIECES)),
        1 => format!("%.{}", dice.pick(LIKES)),
        2 => format!("%{}", dice.pick(NAMES)),
        _ => {
            let blurred = |dice: &mut Dice, c: char| match dice.below(8) {
                0 => "%".to_owned(),
                1 => "_".to_owned(),
                _ => c.to_string(),
            };
            dice.pick(values).chars().map(|c| blurred(dice, c)).collect()
        }
    }
}
