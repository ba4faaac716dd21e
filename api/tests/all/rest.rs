//! The REST interface over the wire.

use api::Listener;
use api::service::PublishOptions;
use model::marking::Tlp;
use serde_json::{Value, json};

use crate::harness::{CLEAR, GREEN, RED, Running, centre, id_of, indicator, token};

async fn get(running: &Running, who: &str, path: &str) -> Value {
    let response = running.get(who, path).await;
    assert_eq!(response.status(), 200, "{path}");
    response.json().await.unwrap()
}

fn relationship(n: u32, source: &Value, target: &Value, marking: &str) -> Value {
    json!({
        "type": "relationship", "spec_version": "2.1", "id": format!("relationship--00000000-0000-4000-8000-{n:012}"),
        "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z",
        "relationship_type": "related-to", "source_ref": source["id"], "target_ref": target["id"],
        "object_marking_refs": [marking],
    })
}

#[tokio::test]
async fn an_object_stands_with_what_may_be_seen_around_it() {
    let running = centre().await;
    let (green, red, clear) = (indicator(1, 1, GREEN), indicator(2, 1, RED), indicator(3, 1, CLEAR));
    for object in [&green, &red, &clear, &relationship(1, &green, &clear, GREEN), &relationship(2, &green, &red, GREEN)]
    {
        running.hold(object, "ca").await;
    }
    running.hold(&indicator(1, 2, GREEN), "ca").await;
    let path = format!("/api/v1/objects/{}", id_of(&green));
    let seen = get(&running, "alice@ca", &path).await;
    assert_eq!(seen["statements"][0]["versions"].as_array().unwrap().len(), 2);
    assert_eq!(seen["statements"][0]["versions"][0]["object"], indicator(1, 2, GREEN), "newest first, as stored");
    assert_eq!(seen["statements"][0]["marking"]["text"], "TLP:GREEN");
    let relations = seen["relations"].as_array().unwrap();
    assert_eq!(relations.len(), 1, "the relationship with a hidden end is not there");
    assert_eq!((&relations[0]["direction"], &relations[0]["property"]), (&json!("in"), &json!("source_ref")));
    assert_eq!(seen["matching"]["state"], "matched");
    assert!(!seen.to_string().contains(id_of(&red).as_str()));
    assert_eq!(get(&running, "paul@ca", &path).await["relations"].as_array().unwrap().len(), 2);
    let hidden = running.get("alice@ca", &format!("/api/v1/objects/{}", id_of(&red))).await;
    assert_eq!(hidden.status(), 404);
    let error: Value = hidden.json().await.unwrap();
    assert_eq!(error["code"], "not_found");
}

#[tokio::test]
async fn hidden_and_unknown_are_the_same_bytes() {
    let running = centre().await;
    running.hold(&indicator(1, 1, RED), "ca").await; // its publisher is paul
    let ask = |n: u32, query: &'static str| {
        let running = &running;
        async move {
            let response =
                running.get("alice@ca", &format!("/api/v1/objects/{}{query}", id_of(&indicator(n, 1, RED)))).await;
            let (status, mut headers) = (response.status(), response.headers().clone());
            let request_id = headers.remove("x-request-id").unwrap();
            headers.remove("date");
            assert!(!headers.contains_key("etag") && !headers.contains_key("last-modified"));
            (status, headers, response.text().await.unwrap().replace(request_id.to_str().unwrap(), ""))
        }
    };
    for query in ["", "?x=1"] {
        assert_eq!(ask(1, query).await, ask(2, query).await);
    }
    assert_eq!(ask(1, "").await.0, 404);
    for list in ["sightings", "hits"] {
        let of = |n: u32| format!("/api/v1/{list}?indicator={}", id_of(&indicator(n, 1, RED)));
        assert_eq!(get(&running, "alice@ca", &of(1)).await, get(&running, "alice@ca", &of(2)).await);
    }
}

#[tokio::test]
async fn publishing_answers_object_by_object() {
    let running = centre().await;
    let send = |who: &'static str, path: &'static str, body: String| {
        let request = running.client().post(running.url(Listener::Machines, path)).bearer_auth(token(who));
        request.header("content-type", "application/json").body(body).send()
    };
    let bundle = json!({ "type": "bundle", "id": "bundle--00000000-0000-4000-8000-000000000001",
        "objects": [indicator(1, 1, GREEN), { "type": "indicator" }] });
    let outcome: Value = send("paul@ca", "/api/v1/objects", bundle.to_string()).await.unwrap().json().await.unwrap();
    assert_eq!(outcome["accepted"].as_array().unwrap().len(), 1);
    assert_eq!(outcome["quarantined"].as_array().unwrap().len(), 1);
    let outcome: Value = send("alice@ca", "/api/v1/validate", bundle.to_string()).await.unwrap().json().await.unwrap();
    assert_eq!(outcome["refused"][0]["faults"][0]["code"], "test");
    assert_eq!(send("alice@ca", "/api/v1/objects", bundle.to_string()).await.unwrap().status(), 403);
    assert_eq!(send("paul@ca", "/api/v1/objects", "{".into()).await.unwrap().status(), 422);
}

#[tokio::test]
async fn an_import_says_where_it_is_from() {
    let running = centre().await;
    let send = |who: &'static str, query: &'static str| {
        let url = running.url(Listener::Machines, &format!("/api/v1/objects{query}"));
        let request = running.client().post(url).bearer_auth(token(who)).header("content-type", "application/json");
        request.body(indicator(1, 1, GREEN).to_string()).send()
    };
    assert_eq!(send("paul@ca", "").await.unwrap().status(), 200);
    assert_eq!(send("paul@ca", "?source=mitre-attack&marking=tlp:amber%2Bstrict").await.unwrap().status(), 200);
    let said = running.intake.options.lock().unwrap().clone();
    let expected = PublishOptions { source: Some("mitre-attack".into()), default_marking: Some(Tlp::AmberStrict) };
    assert_eq!(said, [PublishOptions::default(), expected]);
    for bad in ["?marking=tlp:red", "?marking=white", "?source=a%20b", "?origin=us"] {
        assert_eq!(send("paul@ca", bad).await.unwrap().status(), 400, "{bad}");
    }
    assert_eq!(send("firm@ca", "").await.unwrap().status(), 200);
    for only_publishers in ["?source=x", "?marking=tlp:clear"] {
        assert_eq!(send("firm@ca", only_publishers).await.unwrap().status(), 403, "{only_publishers}");
    }
    assert_eq!(running.intake.options.lock().unwrap().len(), 3, "nothing refused was taken in");
}

#[tokio::test]
async fn sightings_carry_the_name_of_what_was_seen() {
    let running = centre().await;
    let green = indicator(1, 1, GREEN);
    running.hold(&green, "us").await;
    for n in 1..=3 {
        let sighting = json!({
            "type": "sighting", "spec_version": "2.1", "id": format!("sighting--00000000-0000-4000-8000-{n:012}"),
            "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z", "count": n,
            "first_seen": format!("2026-01-01T0{n}:10:00Z"), "last_seen": format!("2026-01-01T0{n}:20:00Z"),
            "sighting_of_ref": green["id"], "object_marking_refs": [GREEN],
        });
        running.hold(&sighting, "ca").await;
    }
    let page = get(&running, "alice@ca", "/api/v1/sightings?limit=2").await;
    let rows = page["sightings"].as_array().unwrap();
    assert_eq!((rows.len(), &page["more"], &rows[0]["count"]), (2, &json!(true), &json!(3)));
    assert_eq!(rows[0]["name"], "indicator 1 of minute 1");
    assert_eq!(rows[0]["value"], "[domain-name:value = 'n1.example']");
    let cursor = page["cursor"].as_str().unwrap();
    let rest = get(&running, "alice@ca", &format!("/api/v1/sightings?limit=2&cursor={cursor}")).await;
    assert_eq!((rest["sightings"].as_array().unwrap().len(), &rest["more"]), (1, &json!(false)));
    let object = get(&running, "alice@ca", &format!("/api/v1/objects/{}", id_of(&green))).await;
    assert_eq!((object["sightings"].as_array().unwrap().len(), object["hours"].as_array().unwrap().len()), (3, 3));
    assert_eq!(running.get("alice@ca", "/api/v1/sightings?indicator=x").await.status(), 400);
}

#[tokio::test]
async fn withheld_counts_are_for_officers() {
    let running = centre().await;
    assert_eq!(get(&running, "olga@ca", "/api/v1/border").await["withheld"], json!({ "red": 3 }));
    assert_eq!(get(&running, "alice@ca", "/api/v1/border").await["withheld"], Value::Null);
    assert_eq!(get(&running, "alice@ca", "/api/v1/sensors").await, json!({ "sensors": [] }));
    assert_eq!(get(&running, "alice@ca", "/api/v1/hits").await["hits"], json!([]));
    assert_eq!(get(&running, "paul@ca", "/api/v1/quarantine").await["items"], json!([]));
}
