//! The live stream from outside.

use std::time::Duration;

use api::Listener;
use api::service::Shown;
use serde_json::Value;

use crate::harness::{GREEN, RED, Running, centre, centre_with, id_of, indicator, token};

/// A stream that is being read.
struct Reader {
    response: reqwest::Response,
    pending: String,
}

#[derive(Debug, Clone)]
struct Event {
    id: String,
    kind: String,
    data: Value,
}

impl Reader {
    async fn open(running: &Running, who: &str, query: &str) -> Self {
        let response = running.get(who, &format!("/api/v1/live{query}")).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, pending: String::new() }
    }

    /// The next event that is no `status`; none at the end of the stream.
    async fn next(&mut self) -> Option<Event> {
        loop {
            let event = self.any().await?;
            if event.kind != "status" {
                return Some(event);
            }
        }
    }

    async fn any(&mut self) -> Option<Event> {
        loop {
            if let Some(end) = self.pending.find("\n\n") {
                let block: String = self.pending.drain(..end + 2).collect();
                let field = |name: &str| {
                    block.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned()
                };
                let data = serde_json::from_str(&field("data:")).unwrap();
                return Some(Event { id: field("id:"), kind: field("event:"), data });
            }
            let chunk = self.response.chunk().await.ok()??;
            self.pending.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

#[tokio::test]
async fn events_arrive_and_a_cursor_resumes() {
    let running = centre().await;
    running.hold(&indicator(1, 1, GREEN), "ca").await;
    let mut reader = Reader::open(&running, "alice@ca", "").await;
    assert_eq!(reader.any().await.unwrap().kind, "status", "the first says how things are");
    running.hold(&indicator(2, 1, GREEN), "ca").await;
    running.hold(&indicator(3, 1, RED), "ca").await;
    running.hold(&indicator(4, 1, GREEN), "us").await;
    let first = reader.next().await.unwrap();
    assert_eq!((first.kind.as_str(), &first.data["name"]), ("object", &"indicator 2 of minute 1".into()));
    assert_eq!(first.data["marking"]["text"], "TLP:GREEN");
    let second = reader.next().await.unwrap();
    assert_eq!((&second.data["name"], &second.data["origin"]), (&"indicator 4 of minute 1".into(), &"us".into()));
    drop(reader);
    let mut resumed = Reader::open(&running, "alice@ca", &format!("?from={}", first.id)).await;
    assert_eq!(resumed.next().await.unwrap().data["name"], "indicator 4 of minute 1", "no double, no gap");
    for (who, cursor) in [("olga@ca", first.id.as_str()), ("alice@ca", "AAAA")] {
        assert_eq!(running.get(who, &format!("/api/v1/live?from={cursor}")).await.status(), 400);
    }
    assert!(!running.disclosures.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_one_commit_brings_is_one_record_and_comes_in_order() {
    let running = centre().await;
    let mut reader = Reader::open(&running, "alice@ca", "").await;
    reader.any().await.unwrap();
    let objects: Vec<Value> = (0..700).map(|n| indicator(n, 1, GREEN)).collect();
    running.hold_all(&objects, "ca").await;
    for n in 0..700 {
        assert_eq!(reader.next().await.unwrap().data["name"], format!("indicator {n} of minute 1"));
    }
    let recorded: Vec<usize> = running.disclosures.0.lock().unwrap().iter().map(|one| entries(&one.shown)).collect();
    assert_eq!(recorded.iter().sum::<usize>(), 700, "every event once");
    assert!(recorded.len() <= 10, "{recorded:?}");
}

fn entries(shown: &Shown) -> usize {
    match shown {
        Shown::Entries(entries) => entries.len(),
        Shown::Counts(_) | Shown::Log(_) => 0,
    }
}

#[tokio::test]
async fn a_slow_reader_is_dropped_and_resumes_without_gap_or_double() {
    let settings = api::Settings { write_timeout_s: 1, subscriber_events_max: 8, ..api::Settings::default() };
    let running = centre_with(settings).await;
    let mut reader = Reader::open(&running, "alice@ca", "").await;
    reader.any().await.unwrap();
    let pad = "x".repeat(100_000);
    for n in 0..100 {
        let mut object = indicator(n, 1, GREEN);
        object["name"] = format!("{n} {pad}").into();
        running.hold(&object, "ca").await;
    }
    let number =
        |event: &Event| -> u32 { event.data["name"].as_str().unwrap().split(' ').next().unwrap().parse().unwrap() };
    let first = reader.next().await.unwrap();
    assert_eq!(number(&first), 0);
    running.until_metric("bridgewatch_live_streams 0").await;
    assert!(running.metrics().await.contains("bridgewatch_http_limits_hit_total{limit=\"subscriber_events\"} 1"));
    let (mut last, mut seen) = (first.id, 1);
    while let Some(event) = reader.next().await {
        assert_eq!(number(&event), seen);
        (last, seen) = (event.id, seen + 1);
    }
    assert!(seen < 100, "dropped on the way");
    let url = running.url(Listener::Machines, "/api/v1/live?from=AAAA");
    let request = running.client().get(url).bearer_auth(token("alice@ca")).header("last-event-id", last);
    let mut resumed = Reader { response: request.send().await.unwrap(), pending: String::new() };
    for n in seen..100 {
        assert_eq!(number(&resumed.next().await.unwrap()), n);
    }
}

#[tokio::test]
async fn a_cursor_of_one_who_was_revoked_is_refused() {
    let running = centre().await;
    let mut reader = Reader::open(&running, "paul@ca", "").await;
    let start = reader.any().await.unwrap().id;
    let replay = format!("/api/v1/live?from={start}");
    assert_eq!(running.get("paul@ca", &replay).await.status(), 200);
    running.directory.revoke("paul@ca");
    assert_eq!(running.get("paul@ca", &replay).await.status(), 401);
    running.directory.enrol("paul@ca", &[sharing::Role::Partner]);
    assert_eq!(running.get("paul@ca", &replay).await.status(), 403);
}

#[tokio::test]
async fn what_is_taken_away_is_withdrawn_and_nothing_else_is_said() {
    let running = centre().await;
    let mut alice = Reader::open(&running, "alice@ca", "").await;
    let mut paul = Reader::open(&running, "paul@ca", "").await;
    running.hold(&indicator(1, 1, GREEN), "ca").await;
    assert_eq!(alice.next().await.unwrap().kind, "object");
    assert_eq!(paul.next().await.unwrap().kind, "object");
    running.hold(&indicator(1, 2, RED), "ca").await;
    running.hold(&indicator(1, 3, RED), "ca").await;
    running.hold(&indicator(9, 1, GREEN), "ca").await;
    let withdrawn = alice.next().await.unwrap();
    assert_eq!(withdrawn.kind, "withdrawal");
    assert_eq!(withdrawn.data["modified"], "2026-01-01T00:01:00.000000Z");
    assert!(!withdrawn.data.to_string().contains("minute 2"));
    assert_eq!(alice.next().await.unwrap().data["name"], "indicator 9 of minute 1", "nothing about the third");
    assert_eq!(paul.next().await.unwrap().data["name"], "indicator 1 of minute 2", "its publisher sees it");
}

/// What was never shown, because one of its ends is hidden, is not taken back either (attack 4).
#[tokio::test]
async fn what_was_never_shown_is_not_withdrawn() {
    let running = centre().await;
    let (open, hidden) = (indicator(1, 1, GREEN), indicator(2, 1, RED));
    let between = serde_json::json!({
        "type": "relationship", "spec_version": "2.1", "id": "relationship--00000000-0000-4000-8000-000000000003",
        "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z", "relationship_type": "related-to",
        "source_ref": open["id"], "target_ref": hidden["id"], "object_marking_refs": [GREEN],
    });
    running.hold_all(&[open, hidden, between.clone()], "ca").await;
    let mut alice = Reader::open(&running, "alice@ca", "").await;
    let mut paul = Reader::open(&running, "paul@ca", "").await;
    let (origin, version) = ("ca".parse().unwrap(), "2026-01-01T00:00:00.000Z".parse().unwrap());
    let version = model::stix::Version::Modified(version);
    let withdrawal = indexer::NewEntry::Withdrawal { origin, id: id_of(&between), version };
    running.store.append(vec![withdrawal]).await.unwrap();
    running.hold(&indicator(9, 1, GREEN), "ca").await;
    assert_eq!(alice.next().await.unwrap().kind, "object", "nothing of the withdrawal");
    assert_eq!(paul.next().await.unwrap().kind, "withdrawal", "who saw both ends is told");
}

#[tokio::test]
async fn a_status_comes_while_nothing_happens() {
    let running = centre().await;
    let mut reader = Reader::open(&running, "alice@ca", "").await;
    let (first, second) = (reader.any().await.unwrap(), reader.any().await.unwrap());
    assert_eq!((first.kind.as_str(), second.kind.as_str()), ("status", "status"));
    let time = |event: &Event| event.data["now"].as_str().unwrap().parse::<model::time::Timestamp>().unwrap().micros();
    assert!((4_500_000..6_500_000).contains(&(time(&second) - time(&first))));
}

#[tokio::test]
async fn a_revoked_principal_loses_its_stream_at_once() {
    let running = centre().await;
    let mut reader = Reader::open(&running, "alice@ca", "").await;
    reader.any().await.unwrap();
    running.directory.revoke("alice@ca");
    running.hold(&indicator(1, 1, GREEN), "ca").await;
    let rest = async {
        let mut last = None;
        while let Some(event) = reader.next().await {
            assert_ne!(event.kind, "object");
            last = Some(event);
        }
        last
    };
    let last = tokio::time::timeout(Duration::from_secs(1), rest).await.expect("closed within a second");
    assert_eq!(last.unwrap().kind, "end");
}

#[tokio::test]
async fn streams_are_counted_and_the_link_is_cut_on_revocation() {
    let running = centre_with(api::Settings { streams_per_principal_max: 2, ..api::Settings::default() }).await;
    let one = Reader::open(&running, "alice@ca", "").await;
    let _two = Reader::open(&running, "alice@ca", "").await;
    assert_eq!(running.get("alice@ca", "/api/v1/live").await.status(), 429);
    drop(one);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(running.get("alice@ca", "/api/v1/live").await.status(), 200, "a place is free again");

    let credential = running.link_authority.client("us");
    running.directory.certify("peer@ca", credential.digest);
    let client = running.client_with(Some(&credential));
    let url = running.url(Listener::Link, "/link/v1/releases?after=3");
    let mut lines = client.get(&url).send().await.unwrap();
    assert!(lines.chunk().await.unwrap().is_some());
    running.directory.revoke("peer@ca");
    let drained = async { while let Ok(Some(_)) = lines.chunk().await {} };
    tokio::time::timeout(Duration::from_secs(1), drained).await.expect("closed within a second");
    let beyond = running.url(Listener::Link, "/link/v1/releases?after=99");
    running.directory.enrol("peer@ca", &[sharing::Role::Peer]);
    assert_eq!(client.get(&beyond).send().await.unwrap().status(), 409);
}

#[tokio::test]
async fn the_end_of_the_program_ends_the_streams() {
    let running = centre().await;
    let mut reader = Reader::open(&running, "alice@ca", "").await;
    reader.any().await.unwrap();
    running.stop.send(true).unwrap();
    assert_eq!(reader.next().await.unwrap().kind, "end");
    tokio::time::timeout(Duration::from_secs(5), running.serving).await.expect("serving ends").unwrap();
}
