//! The local socket: who calls is what the system says.

use std::sync::atomic::Ordering;

use api::Listener;
use api::service::Shown;
use serde_json::{Value, json};

use crate::harness::{GREEN, centre, indicator, token};

#[tokio::test]
async fn the_user_of_this_machine_is_who_it_is_mapped_to() {
    let running = centre().await;
    let client = running.local_client();
    let hits = running.url(Listener::Local, "/api/v1/hits");
    assert_eq!(client.get(&hits).send().await.unwrap().status(), 401, "nobody is mapped");
    let claimed = client.get(&hits).bearer_auth(token("alice@ca")).send().await.unwrap();
    assert_eq!(claimed.status(), 401, "no header says who calls");
    running.directory.map_me("alice@ca");
    assert_eq!(client.get(&hits).send().await.unwrap().status(), 200);
    let admin = running.url(Listener::Local, "/admin/v1/principals");
    assert_eq!(client.get(&admin).send().await.unwrap().status(), 403);
    let claimed = client.get(&admin).bearer_auth(token("olga@ca")).send().await.unwrap();
    assert_eq!(claimed.status(), 403, "no header says who calls");
    for listener in [Listener::Machines, Listener::People] {
        let elsewhere = running.client().get(running.url(listener, "/admin/v1/log")).bearer_auth(token("olga@ca"));
        assert_eq!(elsewhere.send().await.unwrap().status(), 404);
    }
    running.directory.revoke("alice@ca");
    assert_eq!(client.get(&hits).send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn an_officer_enrols_and_revokes() {
    let running = centre().await;
    running.directory.map_me("olga@ca");
    let client = running.local_client();
    let principals = running.url(Listener::Local, "/admin/v1/principals");
    let asked = json!({ "name": "bob@ca", "organisation": "CSE", "country": "CAN", "roles": ["analyst"],
        "token_sha256": "ab".repeat(32) });
    let enrolled = client.post(&principals).json(&asked).send().await.unwrap();
    assert_eq!(enrolled.status(), 200);
    let enrolled: Value = enrolled.json().await.unwrap();
    assert_eq!((&enrolled["name"], &enrolled["roles"]), (&json!("bob@ca"), &json!(["analyst"])));
    assert_eq!(running.get("bob@ca", "/api/v1/hits").await.status(), 200);
    let listed: Value = client.get(&principals).send().await.unwrap().json().await.unwrap();
    assert!(listed["principals"].as_array().unwrap().contains(&enrolled));
    let revoke = |name: &str| client.post(running.url(Listener::Local, &format!("/admin/v1/principals/{name}/revoke")));
    let revoked: Value = revoke("bob@ca").send().await.unwrap().json().await.unwrap();
    assert_eq!(revoked["revoked"], true);
    assert_eq!(running.get("bob@ca", "/api/v1/hits").await.status(), 401);
    for name in ["bob@ca", "nonsense", "..%2f"] {
        assert_eq!(revoke(name).send().await.unwrap().status(), 404, "{name}");
    }
    let bad = [
        json!({}),
        json!({ "name": "bob@ca", "organisation": "CSE", "roles": ["king"] }),
        json!({ "name": "bob@ca", "organisation": "CSE", "roles": [] }),
        json!({ "name": "Bob", "organisation": "CSE", "roles": ["analyst"] }),
        json!({ "name": "bob@ca", "organisation": "CSE", "roles": ["analyst"], "token": "bw_secret" }),
        json!({ "name": "bob@ca", "organisation": "CSE", "roles": ["analyst"], "token_sha256": "12" }),
    ];
    for asked in bad {
        assert_eq!(client.post(&principals).json(&asked).send().await.unwrap().status(), 400, "{asked}");
    }
}

#[tokio::test]
async fn a_dump_of_the_log_is_recorded_before_it_leaves_and_is_whole_or_broken_off() {
    let running = centre().await;
    running.directory.map_me("olga@ca");
    running.hold(&indicator(1, 1, GREEN), "ca").await;
    let head = *running.store.head().borrow();
    let url = running.url(Listener::Local, "/admin/v1/log");
    let answer = running.local_client().get(&url).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/x-ndjson");
    assert_eq!(answer.text().await.unwrap().lines().count() as u64, head);
    let recorded = running.disclosures.0.lock().unwrap().pop().unwrap();
    assert_eq!((recorded.principal.as_str(), recorded.shown), ("olga@ca", Shown::Log(head)));

    running.administration.broken.store(true, Ordering::SeqCst);
    let broken = running.local_client().get(&url).send().await.unwrap();
    assert_eq!(broken.status(), 200);
    assert!(broken.text().await.is_err(), "half a dump does not pass for a whole one");
}
