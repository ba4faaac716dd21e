//! Searching over the wire.

use api::service::Shown;
use serde_json::{Value, json};

use crate::harness::{CLEAR, GREEN, RED, Running, centre, indicator};

async fn search(running: &Running, who: &str, query: &[(&str, &str)]) -> Value {
    let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    let response = running.get(who, &format!("/api/v1/search?{}", query.join("&"))).await;
    let (status, body) = (response.status(), response.text().await.unwrap());
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn named(n: u32, name: &str, marking: &str) -> Value {
    let mut object = indicator(n, n, marking);
    object["name"] = json!(name);
    object
}

#[tokio::test]
async fn french_words_and_defanged_values_are_found() {
    let running = centre().await;
    running.hold(&named(1, "Réseau d'hameçonnage", GREEN), "ca").await;
    running.hold(&named(2, "something else", GREEN), "us").await;
    for q in ["reseau", "RÉSEAU", "n1[.]example", "hxxp://n1.example", "[domain-name:value = 'n1.example']", "hamec*"]
    {
        let found = search(&running, "alice@ca", &[("q", q)]).await;
        let expected = if q.starts_with("hxxp") { 0 } else { 1 };
        assert_eq!(found["total"], expected, "{q}: {found}");
    }
    let found = search(&running, "alice@ca", &[("q", "value:n1.example")]).await;
    let row = &found["hits"][0];
    assert_eq!(
        (&row["name"], &row["value"]),
        (&json!("Réseau d'hameçonnage"), &json!("[domain-name:value = 'n1.example']"))
    );
    assert_eq!(row["marking"]["text"], "TLP:GREEN");
    assert_eq!(
        found["facets"],
        json!({ "type": { "indicator": 1 }, "origin": { "ca": 1 }, "marking": { "GREEN": 1 } })
    );
    let hour = format!("{}:00:00.000000Z", row["added"].as_str().unwrap().get(..13).unwrap());
    assert_eq!(found["histogram"], json!([{ "hour": hour, "count": 1 }]));
    let both = search(&running, "alice@ca", &[("type", "indicator,report"), ("marking", "GREEN")]).await;
    assert_eq!(both["facets"]["origin"], json!({ "ca": 1, "us": 1 }));
    assert_eq!(search(&running, "alice@ca", &[("origin", "us")]).await["total"], 1);
    let added = row["added"].as_str().unwrap();
    assert_eq!(search(&running, "alice@ca", &[("until", added)]).await["total"], 0);
    assert_eq!(search(&running, "alice@ca", &[("since", added)]).await["total"], 2);
}

#[tokio::test]
async fn what_is_hidden_is_as_if_it_were_not_there() {
    let (with, without) = (centre().await, centre().await);
    for n in 1..=9 {
        let marking = if n % 3 == 0 { RED } else { GREEN };
        let object = named(n, &format!("canary number{n}"), marking);
        with.hold(&object, "ca").await;
        if marking == GREEN {
            without.hold(&object, "ca").await;
        }
    }
    let told = |mut answer: Value| {
        // Times and cursors differ from centre to centre.
        for row in answer["hits"].as_array_mut().unwrap() {
            row["added"] = Value::Null;
        }
        for hour in answer["histogram"].as_array_mut().unwrap() {
            hour["hour"] = Value::Null;
        }
        answer["cursor"] = json!(answer["cursor"].is_string());
        answer
    };
    for query in [
        vec![("q", "canary")],
        vec![("q", "canary"), ("limit", "5")],
        vec![("q", "number3")],
        vec![("limit", "6")],
        vec![("marking", "RED")],
        vec![("q", "num*"), ("limit", "2")],
    ] {
        let (one, other) = (search(&with, "alice@ca", &query).await, search(&without, "alice@ca", &query).await);
        assert_eq!(told(one), told(other), "{query:?}");
    }
    assert_eq!(
        search(&with, "paul@ca", &[("q", "canary")]).await["facets"]["marking"],
        json!({ "GREEN": 6, "RED": 3 })
    );
    assert_eq!(search(&with, "firm@ca", &[("q", "canary")]).await["total"], 6, "a private partner may have GREEN");
}

#[tokio::test]
async fn pages_follow_each_other_and_cursors_are_bound_to_their_query() {
    let running = centre().await;
    for n in 1..=5 {
        running.hold(&named(n, "canary", CLEAR), "ca").await;
    }
    let (mut cursor, mut names) = (String::new(), Vec::new());
    for page in 0..3 {
        let found = search(&running, "alice@ca", &[("q", "canary"), ("limit", "2"), ("cursor", &cursor)]).await;
        assert_eq!((&found["total"], &found["more"]), (&json!(5), &json!(page < 2)));
        names.extend(found["hits"].as_array().unwrap().iter().map(|row| row["value"].to_string()));
        cursor = found["cursor"].as_str().unwrap_or_default().to_owned();
        if page == 0 {
            let path = |q: &str, who: &'static str| (who, format!("/api/v1/search?q={q}&limit=2&cursor={cursor}"));
            for (who, path) in [path("other", "alice@ca"), path("canary", "paul@ca")] {
                assert_eq!(running.get(who, &path).await.status(), 400, "{path}");
            }
        }
    }
    assert_eq!(names, (1..=5).rev().map(|n| format!("\"[domain-name:value = 'n{n}.example']\"")).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_is_shown_and_what_is_counted_are_noted() {
    let running = centre().await;
    running.hold(&named(1, "canary", CLEAR), "ca").await;
    search(&running, "alice@ca", &[("q", "canary")]).await;
    search(&running, "alice@ca", &[("q", "nothing")]).await;
    let noted = running.disclosures.0.lock().unwrap();
    let shown: Vec<_> = noted.iter().map(|one| (one.route, one.principal.as_str(), &one.shown)).collect();
    assert!(matches!(shown[0], ("/api/v1/search", "alice@ca", Shown::Entries(entries)) if entries.len() == 1));
    assert_eq!(shown[1].2, &Shown::Counts("q=canary".to_owned()));
    assert_eq!(shown[2].2, &Shown::Counts("q=nothing".to_owned()));
}

#[tokio::test]
async fn what_cannot_be_understood_is_said() {
    let running = centre().await;
    for (query, said) in [
        ("q=%22open", "at character 1: this quote is not closed"),
        ("q=a%20typ:x", "at character 3: `typ` is no field"),
        ("q=%5Bfile:name", "this is no STIX pattern"),
        ("marking=pink", "`marking` cannot be understood"),
        ("since=yesterday", "`since` is `yesterday`"),
        ("sort=name", "`sort` is not a parameter"),
    ] {
        let response = running.get("alice@ca", &format!("/api/v1/search?{query}")).await;
        assert_eq!(response.status(), 400, "{query}");
        let error: Value = response.json().await.unwrap();
        assert!(error["detail"].as_str().unwrap().contains(said), "{query}: {error}");
    }
}
