//! The observation record as ECS writes it: one nested JSON object.

use serde_json::{Map, Value, json};

use crate::field::transport_name;
use crate::observation::{Detail, Dns, Email, Endpoint, File, FlowCounts, Http, Observation, ObservationKind, Tls};

/// One observation, as a line of `bridgewatch decode` shows it. What ECS has no name for stands under `bridgewatch`.
pub fn to_ecs(observation: &Observation) -> Value {
    let (category, event_type) = match observation.kind {
        ObservationKind::FlowStart => ("network", json!(["connection", "start"])),
        ObservationKind::FlowEnd => ("network", json!(["connection", "end"])),
        ObservationKind::Dns | ObservationKind::Http | ObservationKind::Tls => {
            ("network", json!(["connection", "protocol"]))
        }
        ObservationKind::File => ("file", json!(["info"])),
        ObservationKind::Email => ("email", json!(["info"])),
        ObservationKind::Event => ("network", json!(["info"])),
    };
    let dataset = match &observation.protocol {
        Some(protocol) => format!("bridgewatch.{protocol}"),
        None => "bridgewatch.flow".to_owned(),
    };
    let mut ecs = Map::new();
    ecs.insert("@timestamp".to_owned(), json!(observation.time));
    ecs.insert(
        "event".to_owned(),
        json!({"kind": "event", "category": [category], "type": event_type, "dataset": dataset}),
    );
    ecs.insert("bridgewatch".to_owned(), json!({"record": observation.record}));
    ecs.insert("source".to_owned(), endpoint(observation.source));
    ecs.insert("destination".to_owned(), endpoint(observation.destination));
    let network = some([
        ("transport", observation.transport.and_then(transport_name).map(Into::into)),
        ("protocol", observation.protocol.as_deref().map(Into::into)),
        ("community_id", observation.community_id().map(|id| String::from(id).into())),
    ]);
    ecs.insert("network".to_owned(), network);
    match &observation.detail {
        Detail::None => {}
        Detail::Flow(counts) => flow(&mut ecs, counts),
        Detail::Dns(found) => merge(&mut ecs, "dns", dns(found)),
        Detail::Http(found) => http(&mut ecs, found),
        Detail::Tls(found) => merge(&mut ecs, "tls", tls(found)),
        Detail::File(found, carrier) => {
            merge(&mut ecs, "file", file(found));
            if let Some(carrier) = carrier {
                http(&mut ecs, carrier);
            }
        }
        Detail::Email(found) => merge(&mut ecs, "email", email(found)),
    }
    ecs.retain(|_, value| !value.is_null() && value.as_object().is_none_or(|members| !members.is_empty()));
    Value::Object(ecs)
}

/// An object of those members that have a value.
fn some<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    Value::Object(members.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect())
}

fn merge(ecs: &mut Map<String, Value>, key: &str, members: Value) {
    match (ecs.get_mut(key).and_then(Value::as_object_mut), members) {
        (Some(old), Value::Object(new)) => old.extend(new),
        (_, members) => {
            ecs.insert(key.to_owned(), members);
        }
    }
}

fn endpoint(end: Option<Endpoint>) -> Value {
    end.map_or(Value::Null, |end| some([("ip", Some(json!(end.ip))), ("port", end.port.map(Into::into))]))
}

fn flow(ecs: &mut Map<String, Value>, counts: &FlowCounts) {
    merge(ecs, "event", json!({"start": counts.start}));
    merge(ecs, "source", json!({"bytes": counts.source_bytes, "packets": counts.source_packets}));
    merge(ecs, "destination", json!({"bytes": counts.destination_bytes, "packets": counts.destination_packets}));
    let bytes = counts.source_bytes.saturating_add(counts.destination_bytes);
    let packets = counts.source_packets.saturating_add(counts.destination_packets);
    merge(ecs, "network", json!({"bytes": bytes, "packets": packets}));
}

fn dns(dns: &Dns) -> Value {
    let answers: Vec<Value> = dns
        .answers
        .iter()
        .map(|answer| json!({"name": answer.name, "type": answer.kind, "ttl": answer.ttl_s, "data": answer.data}))
        .collect();
    let question = some([
        ("name", dns.question_name.as_deref().map(Into::into)),
        ("type", dns.question_type.as_deref().map(Into::into)),
    ]);
    some([
        ("type", Some(if dns.answer { "answer" } else { "query" }.into())),
        ("id", Some(dns.id.to_string().into())),
        ("response_code", dns.response_code.as_deref().map(Into::into)),
        ("question", Some(question)),
        ("answers", (!answers.is_empty()).then(|| answers.into())),
    ])
}

fn http(ecs: &mut Map<String, Value>, http: &Http) {
    merge(
        ecs,
        "http",
        some([
            ("request", http.method.as_deref().map(|method| json!({"method": method}))),
            ("response", http.status.map(|status| json!({"status_code": status}))),
        ]),
    );
    merge(
        ecs,
        "url",
        some([
            ("domain", http.host.as_deref().map(Into::into)),
            ("full", http.url.as_deref().map(Into::into)),
            ("original", http.target.as_deref().map(Into::into)),
        ]),
    );
    if let Some(agent) = &http.user_agent {
        merge(ecs, "user_agent", json!({"original": agent}));
    }
}

fn tls(tls: &Tls) -> Value {
    let client = some([
        ("server_name", tls.server_name.as_deref().map(Into::into)),
        ("ja3", tls.ja3.as_deref().map(Into::into)),
    ]);
    let server = some([
        ("subject", tls.subject.as_deref().map(Into::into)),
        ("issuer", tls.issuer.as_deref().map(Into::into)),
        ("hash", tls.sha1.as_deref().map(|sha1| json!({"sha1": sha1}))),
    ]);
    some([("version", tls.version.as_deref().map(Into::into)), ("client", Some(client)), ("server", Some(server))])
}

fn file(file: &File) -> Value {
    let hash = some([
        ("md5", file.md5.as_deref().map(Into::into)),
        ("sha1", file.sha1.as_deref().map(Into::into)),
        ("sha256", file.sha256.as_deref().map(Into::into)),
    ]);
    some([
        ("name", file.name.as_deref().map(Into::into)),
        ("size", file.size_bytes.map(Into::into)),
        ("hash", Some(hash)),
    ])
}

fn email(email: &Email) -> Value {
    some([
        ("from", Some(json!({"address": email.from}))),
        ("to", Some(json!({"address": email.to}))),
        ("subject", email.subject.as_deref().map(Into::into)),
    ])
}
