//! An observation as observed data, by the table of ADR 2: what the plain evaluator of `model` reads. Values are in the form in
//! which ADR 2 compares them, since the evaluator compares texts as they are.

use std::collections::BTreeMap;
use std::net::IpAddr;

use model::observation::{Detail, Dns, Email, Endpoint, File, Http, Observation, Tls, Transport};
use model::pattern::evaluate::Sight;
use model::value::canonical_url;
use serde_json::{Map, Value, json};

use super::form::{caseless, composed};

#[derive(Default)]
struct Objects(BTreeMap<String, Map<String, Value>>);

impl Objects {
    /// Adds an object without its empty members; gives the name by which others refer to it.
    fn add(&mut self, object: Value) -> String {
        let name = format!("{}", self.0.len());
        let Value::Object(mut members) = object else { panic!("no object") };
        members.retain(|_, value| !value.is_null());
        self.0.insert(name.clone(), members);
        name
    }

    fn address(&mut self, ip: IpAddr) -> String {
        let kind = if ip.is_ipv4() { "ipv4-addr" } else { "ipv6-addr" };
        self.add(json!({"type": kind, "value": ip.to_string()}))
    }

    fn name(&mut self, name: &str) -> String {
        self.add(json!({"type": "domain-name", "value": name}))
    }
}

pub(super) fn sight(observation: &Observation) -> Sight {
    let mut objects = Objects::default();
    let traffic = traffic(observation, &mut objects);
    match &observation.detail {
        Detail::None | Detail::Flow(_) => {}
        Detail::Dns(dns) => names(dns, &mut objects),
        Detail::Http(http) => request(http, &traffic, &mut objects),
        Detail::Tls(tls) => certificate(tls, &mut objects),
        Detail::File(file, http) => {
            content(file, &mut objects);
            http.iter().for_each(|http| request(http, &traffic, &mut objects));
        }
        Detail::Email(email) => message(email, &mut objects),
    }
    Sight { first: observation.time, last: observation.time, number: 1, id: None, objects: objects.0 }
}

/// The conversation; gives the name of its object.
fn traffic(observation: &Observation, objects: &mut Objects) -> String {
    let transport = observation.transport.and_then(|transport| match transport {
        Transport::Tcp => Some("tcp"),
        Transport::Udp => Some("udp"),
        Transport::Icmp => Some("icmp"),
        Transport::Icmpv6 => Some("ipv6-icmp"),
        Transport::Other(_) => None,
    });
    let protocols: Vec<&str> = observation.protocol.as_deref().into_iter().chain(transport).collect();
    let mut reference = |end: Option<Endpoint>| end.map(|end| objects.address(end.ip));
    let (source, destination) = (reference(observation.source), reference(observation.destination));
    let port = |end: Option<Endpoint>| end.and_then(|end| end.port);
    let mut members = json!({"type": "network-traffic", "src_ref": source, "dst_ref": destination,
        "src_port": port(observation.source), "dst_port": port(observation.destination), "protocols": protocols});
    if let Detail::Flow(counts) = &observation.detail {
        members["src_byte_count"] = number(counts.source_bytes);
        members["dst_byte_count"] = number(counts.destination_bytes);
        members["src_packets"] = number(counts.source_packets);
        members["dst_packets"] = number(counts.destination_packets);
        members["start"] = counts.start.to_string().into();
    }
    objects.add(members)
}

/// STIX integers have 54 bits, those of patterns 64 with a sign: larger ones are held there.
fn number(count: u64) -> Value {
    i64::try_from(count).unwrap_or(i64::MAX).into()
}

/// Whoever answers, the question resolves to it.
fn names(dns: &Dns, objects: &mut Objects) {
    let mut resolved = Vec::new();
    let mut named = Vec::new();
    for answer in &dns.answers {
        named.push(objects.name(&answer.name));
        match &*answer.kind {
            "A" | "AAAA" => resolved.push(objects.address(answer.data.parse().unwrap())),
            "TXT" => {}
            _ => resolved.push(objects.name(&answer.data)),
        }
    }
    named.extend(dns.question_name.as_deref().map(|name| objects.name(name)));
    if let Some(asked) = named.last().and_then(|name| objects.0.get_mut(name)) {
        asked.insert("resolves_to_refs".to_owned(), resolved.into());
    }
}

fn request(http: &Http, traffic: &str, objects: &mut Objects) {
    let host = http.host.as_deref().map(|host| match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(ip) => {
            objects.address(ip);
            ip.to_string()
        }
        Err(_) => {
            objects.name(host);
            host.to_owned()
        }
    });
    if let Some(url) = &http.url {
        objects.add(json!({"type": "url", "value": composed(&canonical_url(url))}));
    }
    let mut header = json!({"Host": host, "User-Agent": http.user_agent.as_deref().map(composed)});
    let mut extension = json!({"request_value": http.target.as_deref().map(composed),
        "request_method": http.method.as_deref().map(caseless)});
    for part in [&mut header, &mut extension] {
        part.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    }
    extension["request_header"] = header;
    let traffic = objects.0.get_mut(traffic).unwrap();
    traffic.insert("extensions".to_owned(), json!({"http-request-ext": extension}));
}

fn certificate(tls: &Tls, objects: &mut Objects) {
    tls.server_name.iter().for_each(|name| {
        objects.name(name);
    });
    let hashes = hashes(&[("SHA-1", &tls.sha1), ("SHA1", &tls.sha1), ("sha1", &tls.sha1)]);
    objects.add(json!({"type": "x509-certificate", "subject": tls.subject.as_deref().map(composed),
        "issuer": tls.issuer.as_deref().map(composed), "hashes": hashes}));
}

fn hashes(all: &[(&str, &Option<Box<str>>)]) -> Map<String, Value> {
    let known = all.iter().filter_map(|(name, hash)| Some(((*name).to_owned(), caseless(hash.as_deref()?).into())));
    known.collect()
}

fn content(file: &File, objects: &mut Objects) {
    let hashes = hashes(&[
        ("MD5", &file.md5),
        ("md5", &file.md5),
        ("SHA-1", &file.sha1),
        ("sha1", &file.sha1),
        ("SHA-256", &file.sha256),
        ("SHA256", &file.sha256),
    ]);
    objects.add(json!({"type": "file", "name": file.name.as_deref().map(composed),
        "size": file.size_bytes.map(number), "hashes": hashes}));
}

fn message(email: &Email, objects: &mut Objects) {
    let mut address = |address: &str| objects.add(json!({"type": "email-addr", "value": caseless(address)}));
    let from: Vec<String> = email.from.iter().map(|from| address(from)).collect();
    let to: Vec<String> = email.to.iter().map(|to| address(to)).collect();
    objects.add(json!({"type": "email-message", "from_ref": from.first(), "to_refs": to,
        "subject": email.subject.as_deref().map(composed)}));
    // Of several senders each has an object, since `from_ref` names one.
    for from in from.iter().skip(1) {
        objects.add(json!({"type": "email-message", "from_ref": from}));
    }
}
