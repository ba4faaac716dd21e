//! Certificates, tokens, sessions.

use api::Listener;
use rcgen::ExtendedKeyUsagePurpose;

use crate::harness::{Authority, centre, token};

#[tokio::test]
async fn only_a_good_certificate_of_the_right_authority_opens_the_link() {
    let running = centre().await;
    let url = running.url(Listener::Link, "/link/v1/releases");
    let good = running.link_authority.client("us");
    running.directory.certify("peer@ca", good.digest);
    assert!(running.client_with(Some(&good)).get(&url).send().await.is_ok());
    let bad = [
        running.link_authority.sign("us", ExtendedKeyUsagePurpose::ClientAuth, true),
        running.link_authority.sign("us", ExtendedKeyUsagePurpose::ServerAuth, false),
        running.sensor_authority.client("us"),
        running.authority.client("us"),
        Authority::new("link").client("us"),
    ];
    for credential in &bad {
        running.directory.certify("peer@ca", credential.digest);
        assert!(running.client_with(Some(credential)).get(&url).send().await.is_err());
    }
    assert!(running.client().get(&url).send().await.is_err(), "no certificate, no link");
}

#[tokio::test]
async fn a_machine_shows_a_token_basic_or_a_certificate() {
    let running = centre().await;
    let url = running.url(Listener::Machines, "/api/v1/session");
    let client = running.client();
    let who = |response: reqwest::Response| async move {
        let status = response.status().as_u16();
        let body: serde_json::Value = response.json().await.unwrap();
        (status, body["principal"].as_str().unwrap_or("").to_owned())
    };
    let alice = (200, "alice@ca".to_owned());
    assert_eq!(who(client.get(&url).bearer_auth(token("alice@ca")).send().await.unwrap()).await, alice);
    for user in ["alice", "alice@ca", ""] {
        assert_eq!(who(client.get(&url).basic_auth(user, Some(token("alice@ca"))).send().await.unwrap()).await, alice);
    }
    assert_eq!(who(client.get(&url).basic_auth("olga", Some(token("alice@ca"))).send().await.unwrap()).await.0, 401);
    let credential = running.authority.client("alice");
    running.directory.certify("alice@ca", credential.digest);
    let certified = running.client_with(Some(&credential));
    assert_eq!(who(certified.get(&url).send().await.unwrap()).await, alice);
    // A credential that is shown and wrong is a refusal, whatever else stands on the request.
    assert_eq!(who(certified.get(&url).bearer_auth("wrong").send().await.unwrap()).await.0, 401);
    let refused = client.get(&url).send().await.unwrap();
    assert_eq!(refused.headers().get_all("www-authenticate").iter().count(), 2);
    for (name, value) in [("x-client-cert", "alice"), ("x-forwarded-user", "alice@ca"), ("cookie", "__Host-session=x")]
    {
        assert_eq!(who(client.get(&url).header(name, value).send().await.unwrap()).await.0, 401, "{name}");
    }
    running.directory.revoke("alice@ca");
    assert_eq!(who(certified.get(&url).send().await.unwrap()).await.0, 401, "the connection was open before");
}

#[tokio::test]
async fn a_session_needs_its_header_and_ends() {
    let running = centre().await;
    let client = running.client();
    let url = running.url(Listener::People, "/api/v1/session");
    let body = serde_json::json!({ "token": token("alice@ca") });
    let forged = client.post(&url).json(&body).send().await.unwrap();
    assert_eq!(forged.status(), 403, "a cross-site form cannot send the header");
    let wrong = client.post(&url).header("x-bridgewatch", "1").json(&serde_json::json!({ "token": "no" })).send().await;
    assert_eq!(wrong.unwrap().status(), 401);
    let signed = client.post(&url).header("x-bridgewatch", "1").json(&body).send().await.unwrap();
    assert_eq!(signed.status(), 200);
    let headers = signed.headers().clone();
    let cookie = headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("__Host-session=") && cookie.ends_with("; Path=/; Secure; HttpOnly; SameSite=Strict"));
    assert_eq!(headers["cache-control"], "no-store");
    assert!(headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let get = || client.get(&url).header("cookie", &cookie).send();
    assert_eq!(get().await.unwrap().status(), 200);
    assert_eq!(client.get(&url).bearer_auth(token("alice@ca")).send().await.unwrap().status(), 401, "people sign in");
    let stranger = client.get(&url).send().await.unwrap();
    let challenge = stranger.headers().get_all("www-authenticate").iter().map(|value| value.to_str().unwrap());
    assert_eq!(challenge.collect::<Vec<_>>(), ["Bearer realm=\"bridgewatch\""], "a browser asks for Basic by itself");
    assert_eq!(client.delete(&url).header("cookie", &cookie).send().await.unwrap().status(), 403);
    running.clock.forward(901);
    assert_eq!(get().await.unwrap().status(), 401, "idle");

    let signed = client.post(&url).header("x-bridgewatch", "1").json(&body).send().await.unwrap();
    let cookie = signed.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let end = client.delete(&url).header("cookie", &cookie).header("x-bridgewatch", "1").send().await.unwrap();
    assert_eq!(end.status(), 204);
    assert_eq!(client.get(&url).header("cookie", &cookie).send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn the_console_and_the_sign_in_page_are_for_anyone() {
    let running = centre().await;
    let client = running.client();
    let centre = client.get(running.url(Listener::People, "/api/v1/centre")).send().await.unwrap();
    let body: serde_json::Value = centre.json().await.unwrap();
    assert_eq!(body["centre"], "ca");
    assert!(body.get("partner").is_none());
    let page = client.get(running.url(Listener::People, "/")).send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert_eq!(page.headers()["x-frame-options"], "DENY");
    let missing = client.get(running.url(Listener::People, "/nothing-here")).send().await.unwrap();
    assert_eq!(missing.status(), 404);
}
