//! A plain reading of ADR 2 that is slow and obviously right, and what to try it on.

use std::net::IpAddr;

use model::observation::{Detail, Dns, DnsAnswer, Endpoint, Http, Observation, ObservationKind, Tls, Transport};
use model::pattern::{Comparison, ComparisonOperator as Op, Expression, Literal, Step};
use model::time::Timestamp;
use proptest::prelude::*;

/// (ECS field in the table's order, sort, value as text) of everything that an observation shows.
fn shown(observation: &Observation) -> Vec<(usize, char, String)> {
    let mut all = Vec::new();
    let mut add = |order: usize, sort: char, value: String| all.push((order, sort, value));
    for (step, end) in [(0, observation.source), (1, observation.destination)] {
        if let Some(end) = end {
            add(step, if end.ip.is_ipv4() { '4' } else { '6' }, end.ip.to_string());
            if let Some(port) = end.port {
                add(2 + step, 'n', port.to_string());
            }
        }
    }
    match &observation.detail {
        Detail::Dns(dns) => {
            if let Some(name) = &dns.question_name {
                add(6, 'd', name.to_string());
            }
            for answer in &dns.answers {
                add(7, 'd', answer.name.to_string());
                match &*answer.kind {
                    "A" => add(8, '4', answer.data.to_string()),
                    "CNAME" => add(8, 'd', answer.data.to_string()),
                    _ => {}
                }
            }
        }
        Detail::Http(http) => {
            if let Some(host) = &http.host {
                add(9, if host.parse::<IpAddr>().is_ok() { '4' } else { 'd' }, host.to_string());
            }
            if let Some(url) = &http.url {
                add(10, 'u', url.to_string());
            }
        }
        Detail::Tls(tls) => {
            if let Some(name) = &tls.server_name {
                add(14, 'd', name.to_string());
            }
        }
        _ => {}
    }
    all.sort();
    all
}

/// `%` any text, `_` any character.
fn is_like(text: &[char], like: &[char]) -> bool {
    match like.split_first() {
        None => text.is_empty(),
        Some(('%', rest)) => (0..=text.len()).any(|at| is_like(&text[at..], rest)),
        Some((wanted, rest)) => {
            text.split_first().is_some_and(|(found, text)| (*wanted == '_' || wanted == found) && is_like(text, rest))
        }
    }
}

/// Regular expressions and what they mean.
pub(crate) type Meaning = fn(&str) -> bool;
pub(crate) const EXPRESSIONS: &[(&str, Meaning)] = &[
    ("a\\.ex", |text| text.contains("a.ex")),
    ("^b\\.", |text| text.starts_with("b.")),
    ("example$", |text| text.ends_with("example")),
    ("(xa|c)", |text| text.contains("xa") || text.contains('c')),
    ("(b|c|x)\\.?a+\\.ex.{3,}e", |text| {
        ["b.a.example", "ba.example", "c.a.example", "ca.example", "x.a.example", "xa.example"]
            .iter()
            .any(|part| text.contains(part))
    }),
    ("^[0-9.]+$", |text| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.')),
    ("", |_| true),
];

fn comparison_holds(comparison: &Comparison, observation: &Observation) -> bool {
    let (sort, only): (char, Option<usize>) = match comparison.path.to_string().as_str() {
        "ipv4-addr:value" => ('4', None),
        "domain-name:value" => ('d', None),
        "network-traffic:dst_ref.type" => ('4', Some(1)),
        "url:value" => ('u', None),
        "network-traffic:src_port" => ('n', Some(2)),
        "network-traffic:dst_port" => ('n', Some(3)),
        "network-traffic:src_ref.value" => ('4', Some(0)),
        "network-traffic:dst_ref.value" => ('4', Some(1)),
        other => panic!("{other}"),
    };
    let values: Vec<String> = shown(observation)
        .into_iter()
        .filter(|(order, found, _)| *found == sort && only.is_none_or(|only| only == *order))
        .map(|(_, _, value)| value)
        .collect();
    let wanted: Vec<String> = comparison
        .values
        .iter()
        .map(|literal| match literal {
            Literal::Text(text) => text.clone(),
            Literal::Hex(digits) => String::from_utf8(hex::decode(digits).unwrap()).unwrap(),
            other => other.to_string(),
        })
        .collect();
    if comparison.operator == Op::Exists {
        return values.is_empty() == comparison.negated;
    }
    let values: Vec<String> = match comparison.path.steps.last() {
        Some(Step::Key(key)) if key == "type" => values.into_iter().map(|_| "ipv4-addr".to_owned()).collect(),
        _ => values,
    };
    let compared = |value: &String| {
        if sort == 'n' {
            value.parse::<f64>().unwrap().total_cmp(&wanted[0].parse().unwrap())
        } else {
            value.cmp(&wanted[0])
        }
    };
    let one = |value: &String| match comparison.operator {
        Op::Equal | Op::NotEqual | Op::In => wanted.contains(value),
        Op::Less => compared(value).is_lt(),
        Op::LessOrEqual => compared(value).is_le(),
        Op::Greater => compared(value).is_gt(),
        Op::GreaterOrEqual => compared(value).is_ge(),
        Op::IsSuperset => *value == wanted[0].trim_end_matches("/32"),
        Op::Matches => EXPRESSIONS.iter().find(|(text, _)| *text == wanted[0]).unwrap().1(value),
        Op::Like if sort == 'd' => {
            let like = wanted[0].strip_suffix('.').unwrap_or(&wanted[0]); // names have no final dot
            is_like(&value.chars().collect::<Vec<_>>(), &like.chars().collect::<Vec<_>>())
        }
        Op::Like => is_like(&value.chars().collect::<Vec<_>>(), &wanted[0].chars().collect::<Vec<_>>()),
        Op::IsSubset => {
            let (network, bits) = wanted[0].split_once('/').unwrap();
            let number = |text: &str| u32::from(text.parse::<std::net::Ipv4Addr>().unwrap());
            let mask = !0_u32 << (32 - bits.parse::<u32>().unwrap());
            number(value) & mask == number(network) & mask
        }
        other @ Op::Exists => panic!("{other}"),
    };
    let any = values.iter().any(one);
    if comparison.negated != (comparison.operator == Op::NotEqual) { !values.is_empty() && !any } else { any }
}

pub(crate) fn expression_holds(expression: &Expression, observation: &Observation) -> bool {
    match expression {
        Expression::Comparison(comparison) => comparison_holds(comparison, observation),
        Expression::And(parts) => parts.iter().all(|part| expression_holds(part, observation)),
        Expression::Or(parts) => parts.iter().any(|part| expression_holds(part, observation)),
    }
}

pub(crate) const NAMES: &[&str] = &["a.example", "b.a.example", "c.b.a.example", "xa.example", "example.org"];
pub(crate) const LIKES: &[&str] =
    &["a.example", "b.a.example", "example", "_.example", "b_a.example", "__.a.example", "_.a.example"];
pub(crate) const PIECES: &[&str] =
    &["a.exa", "b.a", "ample", "xa.", "example.org", "http://_", "192.0.2.", "a%exam", "/x"];
pub(crate) const IPS: &[&str] = &["192.0.2.1", "192.0.2.130", "198.51.100.7", "10.0.0.1"];

pub(crate) fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(NAMES)
}

pub(crate) fn ip() -> impl Strategy<Value = &'static str> {
    prop::sample::select(IPS)
}

pub(crate) fn comparison() -> impl Strategy<Value = String> {
    let operator = prop::sample::select(&["=", "!=", "NOT =", "NOT !="][..]);
    let order = prop::sample::select(&["<", "<=", ">", ">=", "NOT <", "NOT >="][..]);
    let text_path = prop::sample::select(&["domain-name:value", "url:value", "ipv4-addr:value"][..]);
    let not = || prop::sample::select(&["", "NOT "][..]);
    let end = || prop::sample::select(&["src", "dst"][..]);
    prop_oneof![
        (operator.clone(), name()).prop_map(|(op, name)| format!("domain-name:value {op} '{name}'")),
        (prop::sample::select(LIKES), prop::bool::ANY)
            .prop_map(|(name, not)| format!("domain-name:value {}LIKE '%.{name}'", if not { "NOT " } else { "" })),
        (name(), name(), prop::bool::ANY)
            .prop_map(|(a, b, not)| format!("domain-name:value {}IN ('{a}', '{b}')", if not { "NOT " } else { "" })),
        (operator.clone(), ip()).prop_map(|(op, ip)| format!("ipv4-addr:value {op} '{ip}'")),
        (ip(), 0_u8..32).prop_map(|(ip, bits)| format!("ipv4-addr:value ISSUBSET '{ip}/{}'", bits + 1)),
        (end(), operator.clone(), ip())
            .prop_map(|(end, op, ip)| format!("network-traffic:{end}_ref.value {op} '{ip}'")),
        (end(), operator, prop::sample::select(&[53, 80, 443][..]))
            .prop_map(|(end, op, port)| format!("network-traffic:{end}_port {op} {port}")),
        // An end as indicators name it, which has an index of its own.
        (end(), ip(), prop::sample::select(&[53, 80, 443][..])).prop_map(|(end, ip, port)| {
            format!("(network-traffic:{end}_ref.value = '{ip}' AND network-traffic:{end}_port = {port})")
        }),
        name().prop_map(|name| format!("url:value = 'http://{name}/x'")),
        (end(), order.clone(), prop::sample::select(&["53", "80", "442.5", "443"][..]))
            .prop_map(|(end, op, port)| format!("network-traffic:{end}_port {op} {port}")),
        (text_path.clone(), order, name()).prop_map(|(path, op, name)| format!("{path} {op} '{name}'")),
        (text_path.clone(), not(), "[%_abex.1]{0,5}")
            .prop_map(|(path, not, like)| format!("{path} {not}LIKE '{like}'")),
        (text_path.clone(), not(), prop::sample::select(PIECES))
            .prop_map(|(path, not, like)| format!("{path} {not}LIKE '%{like}%'")),
        (text_path.clone(), not(), prop::sample::select(EXPRESSIONS))
            .prop_map(|(path, not, (regex, _))| { format!("{path} {not}MATCHES '{}'", regex.replace('\\', "\\\\")) }),
        (text_path, not()).prop_map(|(path, not)| format!("{not}EXISTS {path}")),
        (ip(), not()).prop_map(|(ip, not)| format!("ipv4-addr:value {not}ISSUPERSET '{ip}/32'")),
        not().prop_map(|not| format!("network-traffic:dst_ref.type {not}= 'ipv4-addr'")),
        ip().prop_map(|ip| format!("ipv4-addr:value = h'{}'", hex::encode(ip))),
    ]
}

pub(crate) fn detail() -> impl Strategy<Value = Detail> {
    let text = |text: &str| Some(text.into());
    prop_oneof![
        Just(Detail::None),
        (prop::option::of(name()), prop::collection::vec((name(), ip(), prop::bool::ANY), 0..3)).prop_map(
            |(question, answers)| {
                let answers = answers
                    .into_iter()
                    .map(|(name, ip, address)| DnsAnswer {
                        name: name.into(),
                        kind: if address { "A" } else { "CNAME" }.into(),
                        ttl_s: 1,
                        data: if address { ip } else { name }.into(),
                    })
                    .collect();
                Detail::Dns(Box::new(Dns { question_name: question.map(Into::into), answers, ..Dns::default() }))
            }
        ),
        (prop_oneof![name(), ip()], prop::bool::ANY).prop_map(move |(host, full)| Detail::Http(Box::new(Http {
            host: text(host),
            url: full.then(|| format!("http://{host}/x").into()),
            ..Http::default()
        }))),
        name().prop_map(move |name| Detail::Tls(Box::new(Tls { server_name: text(name), ..Tls::default() }))),
    ]
}

pub(crate) fn observation() -> impl Strategy<Value = Observation> {
    let end = || {
        (ip(), prop::option::of(prop::sample::select(&[53_u16, 80, 443, 40000][..])))
            .prop_map(|(ip, port)| Endpoint { ip: ip.parse().unwrap(), port })
    };
    (prop::option::of(end()), prop::option::of(end()), detail()).prop_map(|(source, destination, detail)| Observation {
        time: Timestamp::from_micros(5),
        kind: ObservationKind::Event,
        record: 1,
        source,
        destination,
        transport: Some(Transport::Tcp),
        protocol: None,
        community_id: None,
        detail,
    })
}

pub(crate) fn expression() -> impl Strategy<Value = String> {
    comparison().prop_recursive(3, 12, 3, |inner| {
        (prop::collection::vec(inner, 2..4), prop_oneof![Just(" AND "), Just(" OR ")])
            .prop_map(|(parts, word)| format!("({})", parts.join(word)))
    })
}
