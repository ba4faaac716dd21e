//! TAXII 2.1 over the wire.

use api::Listener;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::{AMBER, CLEAR, FOREIGN, GREEN, RED, Running, centre, centre_with, indicator, token};

const MEDIA: &str = "application/taxii+json;version=2.1";

fn path(name: &str, rest: &str) -> String {
    let id = api::taxii::collection_id(&"ca".parse().unwrap(), name);
    format!("/taxii2/root/collections/{id}/{rest}")
}

async fn json_of(running: &Running, who: &str, path: &str) -> Value {
    let response = running.get(who, path).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    assert_eq!(response.headers()["content-type"], MEDIA);
    response.json().await.unwrap()
}

fn names(page: &Value) -> Vec<String> {
    let objects = page["objects"].as_array().cloned().unwrap_or_default();
    objects.iter().map(|object| object["name"].as_str().unwrap_or_default().to_owned()).collect()
}

async fn push(running: &Running, who: &str, body: &Value) -> reqwest::Response {
    push_to(running, who, &path("all", "objects/"), body).await
}

async fn push_to(running: &Running, who: &str, path: &str, body: &Value) -> reqwest::Response {
    running
        .client()
        .post(running.url(Listener::Machines, path))
        .bearer_auth(token(who))
        .header("content-type", MEDIA)
        .body(body.to_string())
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn a_client_finds_its_way() {
    let running = centre().await;
    let discovery = json_of(&running, "alice@ca", "/taxii2/").await;
    let root = running.url(Listener::Machines, "/taxii2/root/");
    assert_eq!(discovery["default"], root.as_str());
    assert_eq!(discovery["api_roots"], json!([root]));
    let information = json_of(&running, "alice@ca", "/taxii2/root/").await;
    assert_eq!(information["versions"], json!([MEDIA]));
    assert_eq!(information["max_content_length"], 16 << 20);
    let collections = json_of(&running, "alice@ca", "/taxii2/root/collections/").await;
    assert_eq!(collections["collections"].as_array().unwrap().len(), 4);
    assert_eq!(collections["collections"][0]["can_write"], false);
    assert_eq!(json_of(&running, "paul@ca", &path("all", "")).await["can_write"], true);
    assert_eq!(json_of(&running, "paul@ca", &path("us", "")).await["can_write"], false);
    let in_20 = json_of(&running, "paul@ca", &path(api::taxii::ALL_IN_20, "")).await;
    assert_eq!(in_20["media_types"], json!(["application/stix+json;version=2.0"]));
    assert_eq!(in_20["can_write"], false);
    assert_eq!(running.get("alice@ca", "/taxii2/root/collections").await.status(), 404, "the slash belongs to it");
    assert_eq!(running.get("alice@ca", "/taxii2/root/collections/nonsense/").await.status(), 404);
}

#[tokio::test]
async fn what_is_pushed_is_read_and_has_a_status() {
    let running = centre().await;
    let bad = json!({ "type": "indicator", "id": "indicator--x" });
    let response = push(&running, "paul@ca", &json!({ "objects": [indicator(1, 1, GREEN), bad] })).await;
    assert_eq!(response.status(), 202);
    let status: Value = response.json().await.unwrap();
    assert_eq!((&status["status"], &status["total_count"]), (&json!("complete"), &json!(2)));
    assert_eq!((&status["success_count"], &status["failure_count"]), (&json!(1), &json!(1)));
    let address = format!("/taxii2/root/status/{}/", status["id"].as_str().unwrap());
    assert_eq!(json_of(&running, "paul@ca", &address).await, status);
    assert_eq!(running.get("alice@ca", &address).await.status(), 404, "only its poster sees it");

    let response = running.get("alice@ca", &path("all", "objects/")).await;
    let first = response.headers()["x-taxii-date-added-first"].to_str().unwrap().to_owned();
    assert_eq!(first.len(), "2026-11-24T19:03:07.042000Z".len());
    assert_eq!(response.headers()["x-taxii-date-added-last"], first);
    let page: Value = response.json().await.unwrap();
    assert_eq!(page, json!({ "objects": [indicator(1, 1, GREEN)] }));
    let manifest = json_of(&running, "alice@ca", &path("all", "manifest/")).await;
    let expected = json!({ "id": indicator(1, 1, GREEN)["id"], "date_added": first,
        "version": "2026-01-01T00:01:00.000Z", "media_type": "application/stix+json;version=2.1" });
    assert_eq!(manifest["objects"], json!([expected]));
    let disclosed = running.disclosures.0.lock().unwrap().len();
    assert_eq!(disclosed, 2, "one for the page, one for the manifest");
}

#[tokio::test]
async fn who_may_write_where() {
    let running = centre().await;
    let body = json!({ "objects": [indicator(1, 1, GREEN)] });
    assert_eq!(push(&running, "alice@ca", &body).await.status(), 403);
    let to = |rest: String| running.client().post(running.url(Listener::Machines, &rest)).bearer_auth(token("paul@ca"));
    let other = to(path("us", "objects/")).header("content-type", MEDIA).body(body.to_string());
    assert_eq!(other.send().await.unwrap().status(), 403);
    let plain = to(path("all", "objects/")).header("content-type", "application/json").body(body.to_string());
    assert_eq!(plain.send().await.unwrap().status(), 415);
    let url = running.url(Listener::Machines, &path("all", "objects/indicator--00000000-0000-4000-8000-000000000001/"));
    let deleted = running.client().delete(url).bearer_auth(token("paul@ca")).send().await.unwrap();
    assert_eq!(deleted.status(), 405);
    assert_eq!(deleted.headers()["allow"], "GET");
    let error: Value = deleted.json().await.unwrap();
    assert_eq!(error["http_status"], "405");
}

/// Marking of TLP 1.
const GREEN_1: &str = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da";
const STRICT: &str = "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003";

#[tokio::test]
async fn what_stix_2_0_can_say_is_read_in_2_0() {
    let running = centre().await;
    let seen = |n: u32, address: &str, marking: &str| {
        let id = format!("ipv4-addr--{}", uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, address.as_bytes()));
        let held = json!({
            "type": "observed-data", "spec_version": "2.1", "id": format!("observed-data--00000000-0000-4000-8000-{n:012}"),
            "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z",
            "first_observed": "2026-01-01T00:00:00Z", "last_observed": "2026-01-01T00:00:00Z", "number_observed": 1,
            "object_refs": [id], "object_marking_refs": [GREEN],
        });
        [
            json!({"type": "ipv4-addr", "spec_version": "2.1", "id": id, "value": address, "object_marking_refs": [marking]}),
            held,
        ]
    };
    let mut old = indicator(5, 1, GREEN_1);
    old.as_object_mut().unwrap().retain(|name, _| name != "spec_version" && name != "pattern_type");
    old["labels"] = json!(["malicious-activity"]);
    let mut old_strict = old.clone();
    old_strict["id"] = indicator(6, 1, STRICT)["id"].clone();
    old_strict["object_marking_refs"] = json!([STRICT]);
    let marked = [GREEN, STRICT, RED, CLEAR].into_iter().zip(1..).map(|(marking, n)| indicator(n, 1, marking));
    for object in marked.chain([old.clone(), old_strict]) {
        running.hold(&object, "ca").await;
    }
    running.hold_all(&seen(1, "192.0.2.1", CLEAR), "ca").await;
    running.hold_all(&seen(2, "192.0.2.2", RED), "ca").await;
    let path = |rest: &str| path(api::taxii::ALL_IN_20, rest);
    let page = json_of(&running, "alice@ca", &path("objects/")).await;
    let objects = page["objects"].as_array().unwrap();
    let id = |object: &Value| object["id"].as_str().unwrap().to_owned();
    assert_eq!(
        objects.iter().map(id).collect::<Vec<_>>(),
        [
            id(&indicator(1, 1, GREEN)),
            id(&indicator(4, 1, CLEAR)),
            id(&old),
            "observed-data--00000000-0000-4000-8000-000000000001".into()
        ],
        "not STRICT, in 2.0 neither, not what alice may not see, nor what holds that"
    );
    assert!(objects.iter().all(|object| object.get("spec_version").is_none()));
    assert_eq!(objects[0]["object_marking_refs"], json!([GREEN_1]));
    assert_eq!(objects[2], old, "what is 2.0 comes as it is");
    assert_eq!(objects[3]["objects"]["0"]["value"], "192.0.2.1");
    let noted = running.disclosures.0.lock().unwrap().last().cloned().unwrap();
    let api::service::Shown::Entries(entries) = noted.shown else { panic!("entries are noted") };
    assert_eq!(entries.len(), 5, "the address inside the observed-data too");

    let manifest = json_of(&running, "alice@ca", &path("manifest/")).await;
    let manifest = manifest["objects"].as_array().unwrap();
    assert_eq!(manifest.iter().map(id).collect::<Vec<_>>(), objects.iter().map(id).collect::<Vec<_>>());
    assert!(manifest.iter().all(|item| item["media_type"] == "application/stix+json;version=2.0"));
    let (mut one_by_one, mut next) = (Vec::new(), String::new());
    loop {
        let page = json_of(&running, "alice@ca", &path(&format!("objects/?limit=1{next}"))).await;
        one_by_one.extend(page["objects"].as_array().cloned().unwrap_or_default());
        match page["next"].as_str() {
            Some(cursor) => next = format!("&next={cursor}"),
            None => break,
        }
    }
    assert_eq!(&one_by_one, objects, "pages pass over what cannot be said");
    assert_eq!(json_of(&running, "alice@ca", &path("objects/?match[spec_version]=2.1")).await, json!({}));
    let strict = path(&format!("objects/{}/", id(&indicator(2, 1, STRICT))));
    assert_eq!(json_of(&running, "alice@ca", &strict).await, json!({}));
    let red = path(&format!("objects/{}/", id(&indicator(3, 1, RED))));
    assert_eq!(running.get("alice@ca", &red).await.status(), 404);
    assert_eq!(push_to(&running, "paul@ca", &path("objects/"), &json!({"objects": [old]})).await.status(), 403);
}

#[tokio::test]
async fn a_marking_that_is_defined_twice_is_for_2_0_what_it_said_most() {
    let running = centre().await;
    let definition = |n: u32, minute: u32, says: &Value| {
        let mut definition = json!({
            "type": "marking-definition", "spec_version": "2.1", "id": format!("marking-definition--00000000-0000-4000-8000-{n:012}"),
            "created": format!("2026-01-01T00:{minute:02}:00.000Z"),
        });
        definition.as_object_mut().unwrap().extend(says.as_object().unwrap().clone());
        definition
    };
    let national = json!({"extensions": {model::marking::NATIONAL_HANDLING_EXTENSION: {
        "extension_type": "property-extension", "country": "USA", "caveats": ["NOFORN"],
    }}});
    let statement = json!({"definition_type": "statement", "definition": {"statement": "said"}});
    for (n, said) in [(1, [&statement, &statement]), (2, [&national, &statement]), (3, [&statement, &national])] {
        for (says, minute) in said.into_iter().zip(1..) {
            running.hold(&definition(n, minute, says), "ca").await;
        }
        let mut marked = indicator(n, 1, GREEN);
        marked["object_marking_refs"] = json!([GREEN, definition(n, 1, &statement)["id"]]);
        running.hold(&marked, "ca").await;
    }
    let query = "objects/?match[type]=indicator";
    let page = json_of(&running, "alice@ca", &path("all", query)).await;
    assert_eq!(names(&page).len(), 3, "2.1 says what each is marked with");
    let in_20 = json_of(&running, "alice@ca", &path(api::taxii::ALL_IN_20, query)).await;
    assert_eq!(names(&in_20), ["indicator 1 of minute 1"]);
}

#[tokio::test]
async fn filters_choose() {
    let running = centre().await;
    for (n, minute) in [(1, 1), (1, 2), (1, 3), (2, 1)] {
        running.hold(&indicator(n, minute, GREEN), "ca").await;
    }
    running.hold(&indicator(3, 1, CLEAR), "us").await;
    let read = |query: &'static str| {
        let running = &running;
        async move { names(&json_of(running, "alice@ca", &path("all", &format!("objects/{query}"))).await) }
    };
    let last = ["indicator 1 of minute 3", "indicator 2 of minute 1", "indicator 3 of minute 1"];
    assert_eq!(read("").await, last);
    assert_eq!(read("?match[version]=last").await, last);
    assert_eq!(read("?match[version]=first").await[0], "indicator 1 of minute 1");
    assert_eq!(read("?match[version]=all").await.len(), 5);
    assert_eq!(read("?match[version]=2026-01-01T00:02:00Z").await, ["indicator 1 of minute 2"]);
    assert_eq!(read("?match[version]=first,last").await.len(), 4);
    assert_eq!(read("?match[type]=malware,indicator").await.len(), 3);
    assert!(read("?match[type]=malware").await.is_empty());
    let one = "?match%5Bid%5D=indicator--00000000-0000-4000-8000-000000000001";
    assert_eq!(read(one).await, ["indicator 1 of minute 3"]);
    assert!(read("?match[spec_version]=2.0").await.is_empty());
    assert_eq!(read("?match[spec_version]=2.0,2.1").await.len(), 3);
    assert!(read("?added_after=2100-01-01T00:00:00Z").await.is_empty());
    let us = json_of(&running, "alice@ca", &path("us", "objects/")).await;
    assert_eq!(names(&us), ["indicator 3 of minute 1"]);

    let object = path("all", "objects/indicator--00000000-0000-4000-8000-000000000001/");
    assert_eq!(names(&json_of(&running, "alice@ca", &object).await), ["indicator 1 of minute 3"]);
    let all = json_of(&running, "alice@ca", &format!("{object}?match[version]=all")).await;
    assert_eq!(names(&all).len(), 3);
    let versions = json_of(&running, "alice@ca", &format!("{object}versions/")).await;
    let expected = ["2026-01-01T00:01:00.000Z", "2026-01-01T00:02:00.000Z", "2026-01-01T00:03:00.000Z"];
    assert_eq!(versions, json!({ "versions": expected }));
    let nothing = json_of(&running, "alice@ca", &format!("{object}?match[version]=2020-01-01T00:00:00Z")).await;
    assert_eq!(nothing, json!({}), "an empty envelope");

    for bad in ["?match[name]=x", "?limit=0", "?added_after=x", "?next=AAAA", "?match[version]=x", "?limit=1&limit=2"] {
        let response = running.get("alice@ca", &path("all", &format!("objects/{bad}"))).await;
        assert_eq!(response.status(), 400, "{bad}");
    }
}

#[tokio::test]
async fn what_two_origins_state_is_one_object() {
    let running = centre().await;
    running.hold(&indicator(1, 1, GREEN), "us").await;
    running.hold(&indicator(1, 1, CLEAR), "ca").await;
    running.hold(&indicator(1, 2, CLEAR), "ca").await;
    let id = indicator(1, 1, GREEN)["id"].as_str().unwrap().to_owned();
    let of = |collection: &'static str, rest: &str| path(collection, &format!("objects/{id}/{rest}"));
    let first = json_of(&running, "alice@ca", &of("all", "?match[version]=first")).await;
    assert_eq!(first["objects"], json!([indicator(1, 1, GREEN)]), "the creator's own");
    assert_eq!(names(&json_of(&running, "alice@ca", &of("all", "")).await), ["indicator 1 of minute 2"]);
    let versions = json_of(&running, "alice@ca", &of("all", "versions/")).await;
    assert_eq!(versions["versions"].as_array().unwrap().len(), 2);
    assert_eq!(names(&json_of(&running, "alice@ca", &of("us", "")).await), ["indicator 1 of minute 1"]);
}

#[tokio::test]
async fn pages_follow_without_gap_or_double_and_cursors_are_bound() {
    let running = centre().await;
    for n in 0..25 {
        running.hold(&indicator(n, 1, GREEN), "ca").await;
    }
    for route in ["objects/", "manifest/"] {
        let mut seen = Vec::new();
        let mut query = "?limit=10&match[type]=indicator".to_owned();
        loop {
            let page = json_of(&running, "alice@ca", &path("all", &format!("{route}{query}"))).await;
            seen.extend(page["objects"].as_array().unwrap().iter().map(|o| o["id"].as_str().unwrap().to_owned()));
            let Some(next) = page["next"].as_str() else { break };
            assert_eq!(page["more"], true);
            query = format!("?limit=10&match[type]=indicator&next={next}");
        }
        let expected: Vec<_> = (0..25).map(|n| indicator(n, 1, GREEN)["id"].as_str().unwrap().to_owned()).collect();
        assert_eq!(seen, expected, "{route}");
    }
    let page = json_of(&running, "alice@ca", &path("all", "objects/?limit=10")).await;
    let next = page["next"].as_str().unwrap();
    let mut altered = next.to_owned();
    let flipped = if altered.ends_with('A') { "B" } else { "A" };
    altered.replace_range(altered.len() - 1.., flipped);
    let mut bodies = Vec::new();
    for (who, route) in [
        ("olga@ca", path("all", &format!("objects/?next={next}"))),
        ("alice@ca", path("all", &format!("objects/?match[type]=indicator&next={next}"))),
        ("alice@ca", path("ca", &format!("objects/?next={next}"))),
        ("alice@ca", path("all", &format!("manifest/?next={next}"))),
        ("alice@ca", path("all", &format!("objects/?next={altered}"))),
    ] {
        let response = running.get(who, &route).await;
        assert_eq!(response.status(), 400, "{route}");
        let mut body: Value = response.json().await.unwrap();
        body["error_id"].take();
        bodies.push(body);
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "one refusal for all: {bodies:?}");
}

#[tokio::test]
async fn what_a_cursor_gives_is_what_its_holder_may_see_now() {
    let running = centre().await;
    running.hold(&indicator(1, 1, GREEN), "ca").await;
    running.hold(&indicator(2, 1, AMBER), "ca").await;
    running.hold(&indicator(3, 1, GREEN), "ca").await;
    let first = json_of(&running, "alice@ca", &path("all", "objects/?limit=1")).await;
    let rest = path("all", &format!("objects/?limit=9&next={}", first["next"].as_str().unwrap()));
    let both = ["indicator 2 of minute 1", "indicator 3 of minute 1"];
    assert_eq!(names(&json_of(&running, "alice@ca", &rest).await), both);
    running.directory.enrol("alice@ca", &[sharing::Role::Partner]);
    assert_eq!(names(&json_of(&running, "alice@ca", &rest).await), ["indicator 3 of minute 1"]);
    running.directory.revoke("alice@ca");
    assert_eq!(running.get("alice@ca", &rest).await.status(), 401);
}

#[tokio::test]
async fn a_push_with_one_member_that_is_not_the_callers_is_refused_whole() {
    let running = centre().await;
    let mut foreign = indicator(2, 1, GREEN);
    foreign["created_by_ref"] = json!(FOREIGN);
    let response = push(&running, "paul@ca", &json!({ "objects": [indicator(1, 1, GREEN), foreign] })).await;
    assert_eq!(response.status(), 403);
    assert_eq!(response.headers()["content-type"], MEDIA);
    let error: Value = response.json().await.unwrap();
    assert_eq!((&error["http_status"], &error["error_code"]), (&json!("403"), &json!("forbidden")));
    assert_eq!(json_of(&running, "paul@ca", &path("all", "objects/")).await, json!({}), "none was applied");
}

#[tokio::test]
async fn what_a_push_leaves_out_is_no_way_around_a_check() {
    let running = centre().await;
    let to = |rest: String| running.client().post(running.url(Listener::Machines, &rest)).bearer_auth(token("paul@ca"));
    let body = json!({ "objects": [indicator(1, 1, GREEN)] }).to_string();
    let untyped = to(path("all", "objects/")).body(body.clone());
    assert_eq!(untyped.send().await.unwrap().status(), 415, "no media type");
    let encoded = to(path("all", "objects/")).header("content-type", MEDIA).header("content-encoding", "gzip");
    assert_eq!(encoded.body(body.clone()).send().await.unwrap().status(), 415, "nothing is unpacked");
    let nowhere = "/taxii2/root/collections/00000000-0000-4000-8000-000000000000/objects/".to_owned();
    assert_eq!(to(nowhere).header("content-type", MEDIA).body(body).send().await.unwrap().status(), 404);
    let mut typeless = indicator(1, 1, GREEN);
    typeless.as_object_mut().unwrap().remove("type");
    let response = push(&running, "paul@ca", &json!({ "objects": [typeless, {}] })).await;
    let status: Value = response.json().await.unwrap();
    assert_eq!((&status["success_count"], &status["failure_count"]), (&json!(0), &json!(2)));
    let empty: Value = push(&running, "paul@ca", &json!({})).await.json().await.unwrap();
    assert_eq!((&empty["status"], &empty["total_count"]), (&json!("complete"), &json!(0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_beside_writers_miss_nothing_and_double_nothing() {
    const WRITERS: u32 = 8;
    const EACH: u32 = 120;
    let running = std::sync::Arc::new(centre().await);
    let writers = (0..WRITERS).map(|writer| {
        let running = running.clone();
        tokio::spawn(async move {
            for n in 0..EACH / 2 {
                let pair = [writer * EACH + 2 * n, writer * EACH + 2 * n + 1];
                running.hold_all(&pair.map(|n| indicator(n, 1, GREEN)), "ca").await;
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    let read = |resume_by_date: bool| {
        let running = running.clone();
        async move {
            let (mut seen, mut query) = (Vec::new(), String::new());
            while seen.len() < (WRITERS * EACH) as usize {
                let page = running.get("alice@ca", &path("all", &format!("objects/?limit=7{query}"))).await;
                let last = page.headers().get("x-taxii-date-added-last").map(|last| last.to_str().unwrap().to_owned());
                let page: Value = page.json().await.unwrap();
                seen.extend(names(&page));
                query = match (page["next"].as_str(), last) {
                    (Some(next), _) if !resume_by_date => {
                        let after = query.split("&next=").next().unwrap();
                        format!("{after}&next={next}")
                    }
                    (_, Some(last)) => format!("&added_after={last}"),
                    _ => query,
                };
            }
            seen
        }
    };
    let readers = async { tokio::join!(read(false), read(true)) };
    let (following, resuming) = tokio::time::timeout(std::time::Duration::from_secs(60), readers).await.unwrap();
    for writer in writers {
        writer.await.unwrap();
    }
    for mut seen in [following, resuming] {
        seen.sort();
        let mut expected: Vec<_> = (0..WRITERS * EACH).map(|n| format!("indicator {n} of minute 1")).collect();
        expected.sort();
        assert_eq!(seen, expected);
    }
}

#[tokio::test]
async fn hidden_and_unknown_are_the_same_bytes() {
    let running = centre().await;
    running.hold(&indicator(1, 1, RED), "ca").await; // its publisher is paul
    let ask = |who: &'static str, n: u32, rest: &'static str| {
        let running = &running;
        async move {
            let id = indicator(n, 1, RED)["id"].as_str().unwrap().to_owned();
            let response = running.get(who, &path("all", &format!("objects/{id}/{rest}"))).await;
            let status = response.status().as_u16();
            let mut headers = response.headers().clone();
            headers.remove("x-request-id");
            headers.remove("date");
            let text = response.text().await.unwrap();
            let id = serde_json::from_str::<Value>(&text).ok().and_then(|v| Some(v["error_id"].as_str()?.to_owned()));
            (status, headers, text.replace(&id.unwrap_or_default(), ""))
        }
    };
    for rest in ["", "versions/"] {
        assert_eq!(ask("paul@ca", 1, rest).await.0, 200);
        assert_eq!(ask("alice@ca", 1, rest).await.0, 404);
        assert_eq!(ask("alice@ca", 1, rest).await, ask("alice@ca", 2, rest).await);
    }
    assert_eq!(json_of(&running, "alice@ca", &path("all", "objects/")).await, json!({}));
    assert_eq!(json_of(&running, "alice@ca", &path("all", "manifest/")).await, json!({}));
}

#[tokio::test]
async fn a_newer_hidden_version_takes_the_older_with_it() {
    let running = centre().await;
    running.hold(&indicator(1, 1, GREEN), "ca").await;
    running.hold(&indicator(1, 2, RED), "ca").await;
    for query in ["objects/?match[version]=all", "objects/?match[version]=first", "manifest/?match[version]=all"] {
        assert_eq!(json_of(&running, "alice@ca", &path("all", query)).await, json!({}), "{query}");
    }
    let versions = path("all", "objects/indicator--00000000-0000-4000-8000-000000000001/versions/");
    assert_eq!(running.get("alice@ca", &versions).await.status(), 404);
}

#[tokio::test]
async fn content_is_negotiated() {
    let running = centre().await;
    let url = running.url(Listener::Machines, "/taxii2/");
    for (accept, expected) in
        [(MEDIA, 200), ("*/*", 200), ("application/json", 406), ("application/taxii+json;version=2.0", 406)]
    {
        let request = running.client().get(&url).bearer_auth(token("alice@ca")).header("accept", accept);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), expected, "{accept}");
        assert_eq!(response.headers()["content-type"], MEDIA);
    }
}

#[tokio::test]
async fn a_page_ends_before_it_is_too_large() {
    let settings = api::Settings { page_bytes_max: 1_000, body_bytes_max: 2_000, ..api::Settings::default() };
    let running = centre_with(settings).await;
    for n in 0..5 {
        running.hold(&indicator(n, 1, GREEN), "ca").await;
    }
    let page = json_of(&running, "alice@ca", &path("all", "objects/")).await;
    assert!(page["more"] == true && names(&page).len() < 5);
    let many: Vec<Value> = (0..10).map(|n| indicator(n, 1, GREEN)).collect();
    let response = push(&running, "paul@ca", &json!({ "objects": many })).await;
    assert_eq!(response.status(), 413);
    assert_eq!(push(&running, "paul@ca", &json!("no envelope")).await.status(), 422);
}
