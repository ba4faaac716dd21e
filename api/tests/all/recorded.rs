//! What the OASIS reference server answered, asked of ours: the recorded exchanges of the corpora.

use std::path::{Path, PathBuf};

use api::Listener;
use indexer::NewEntry;
use model::time::Timestamp;
use serde_json::Value;

use crate::harness::{Running, TestIntake, centre, token};

/// The collection that the recordings read.
const READ: &str = "91a7b528-80eb-42ed-a74d-c6fbd5a26116";

/// The corpora, or none: the test is then skipped.
fn corpora() -> Option<PathBuf> {
    let place = std::env::var_os("BRIDGEWATCH_CORPORA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpora"), PathBuf::from);
    place.join("taxii").exists().then_some(place)
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// A centre that holds what the reference server held, added when it was added there.
async fn holding(data: &Value, spec_20: bool) -> Running {
    let running = centre().await;
    let collections = data["trustgroup1"]["collections"].as_array().unwrap();
    let collection = collections.iter().find(|one| one["id"] == READ).unwrap();
    let version = |object: &Value| object.get("modified").unwrap_or(&object["created"]).clone();
    for added in collection["manifest"].as_array().unwrap() {
        let objects = collection["objects"].as_array().unwrap();
        let of_it = |object: &&Value| object["id"] == added["id"] && version(object) == added["version"];
        let object = objects.iter().find(of_it).unwrap();
        if !spec_20 && object.get("spec_version").is_none() {
            continue;
        }
        // A little earlier: our dates are unique to the microsecond, so that some come a little later.
        let date: Timestamp = added["date_added"].as_str().unwrap().parse().unwrap();
        running.clock.stand_still_at(date.plus_micros(-100));
        let raw = serde_json::to_vec(object).unwrap();
        let entry = TestIntake::entry(&raw, &"ca".parse().unwrap(), &"paul@ca".parse().unwrap()).unwrap().0;
        let NewEntry::Statement(mut statement) = entry else { panic!("not a statement") };
        // What is referred to comes later, and would date the object anew.
        statement.refers_to.clear();
        running.store.append(vec![NewEntry::Statement(statement)]).await.unwrap();
    }
    running
}

/// What an answer says, apart from how it is written: versions of objects in any order, and whether more follow.
fn said(body: &Value) -> (Vec<String>, bool) {
    let version = |item: &Value| match item {
        Value::String(version) => version.clone(),
        object => {
            let version = ["version", "modified", "created"].iter().find_map(|name| object.get(*name));
            format!("{} {}", object["id"], version.unwrap_or(&Value::Null))
        }
    };
    let items = body.get("objects").or(body.get("versions")).and_then(Value::as_array).cloned().unwrap_or_default();
    let mut items: Vec<String> = items.iter().map(version).collect();
    items.sort();
    (items, body["more"] == true)
}

#[tokio::test]
async fn what_the_reference_server_answered_we_answer() {
    let Some(corpora) = corpora() else {
        println!("skipped: no corpora");
        return;
    };
    let data: Value = serde_json::from_str(&read(&corpora.join("taxii/medallion-default-data.json"))).unwrap();
    // In a list, an object that is held in both versions of STIX is not folded into its 2.1 form yet.
    let (whole, only_21) = (holding(&data, true).await, holding(&data, false).await);
    let mut compared = 0;
    for line in read(&corpora.join("taxii/recorded-exchanges.jsonl")).lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let exchanges = case["exchanges"].as_array().unwrap();
        if exchanges.iter().any(|exchange| exchange["request"]["method"] != "GET") {
            continue;
        }
        let mut next = String::new();
        for exchange in exchanges {
            let (path, query) = (&exchange["request"]["path"], &exchange["request"]["query"]);
            let (path, query) = (path.as_str().unwrap(), query.as_str().unwrap());
            let one = path.contains("--");
            let running = if one || query.contains("spec_version") { &whole } else { &only_21 };
            compared += u32::from(compare(running, exchange, path, query, &mut next).await);
        }
    }
    assert!(compared >= 45, "{compared} exchanges compared");
}

async fn compare(running: &Running, exchange: &Value, path: &str, query: &str, next: &mut String) -> bool {
    let expected = &exchange["response"];
    if !["12345678", "carbon1", "/status/22", READ].iter().any(|known| path.contains(known)) {
        return false;
    }
    let all = api::taxii::collection_id(&"ca".parse().unwrap(), "all").to_string();
    let path =
        path.replace("/trustgroup1/", "/taxii2/root/").replace("/carbon1/", "/taxii2/carbon1/").replace(READ, &all);
    let pairs =
        query.split('&').map(|pair| if pair.starts_with("next=") { format!("next={next}") } else { pair.into() });
    let query = pairs.collect::<Vec<String>>().join("&");
    let url = running.url(Listener::Machines, &format!("{path}?{query}"));
    let mut request = running.client().get(&url);
    for (name, value) in exchange["request"]["headers"].as_object().unwrap() {
        request = match name.as_str() {
            "Authorization" => request.bearer_auth(token("alice@ca")),
            _ => request.header(name, value.as_str().unwrap()),
        };
    }
    let response = request.send().await.unwrap();
    assert_eq!(response.status().as_u16(), expected["status"], "{url}");
    for name in ["X-TAXII-Date-Added-First", "X-TAXII-Date-Added-Last"] {
        let ours = response.headers().get(name).map(|value| value.to_str().unwrap());
        assert!(ours.is_none_or(|time| time.len() == 27), "{url}: six decimals");
        let micros = |time: &str| time.parse::<Timestamp>().unwrap().micros();
        let apart = match (ours, expected["headers"][name].as_str()) {
            (Some(ours), Some(theirs)) => micros(ours).abs_diff(micros(theirs)),
            (None, None) => 0,
            _ => u64::MAX,
        };
        assert!(apart <= 100, "{url}: {ours:?} for {}", expected["headers"][name]);
    }
    let body: Value = response.json().await.unwrap();
    if expected["status"] == 200 {
        assert_eq!(said(&body), said(&expected["body"]), "{url}");
    } else {
        let status = expected["status"].to_string();
        assert!(body["title"].is_string() && body["http_status"] == *status, "{url}: {body}");
    }
    *next = body["next"].as_str().unwrap_or_default().to_owned();
    true
}
