//! Every route as every role, over HTTP, against the table: what the golden file says is what the listeners do.

use api::Listener;
use api::routes::{Access, TABLE};

use crate::harness::{PEOPLE, Running, centre, token};

fn concrete(path: &str) -> String {
    let collection = api::taxii::collection_id(&"ca".parse().unwrap(), "all").to_string();
    path.replace("{collection}", &collection)
        .replace("{object}", "indicator--00000000-0000-4000-8000-000000000001")
        .replace("{id}", "indicator--00000000-0000-4000-8000-000000000001")
        .replace("{status}", "00000000-0000-4000-8000-000000000001")
}

async fn ask(running: &Running, client: &reqwest::Client, method: &str, url: String, who: Option<&str>) -> u16 {
    let mut request = client.request(method.parse().unwrap(), url).header("x-bridgewatch", "1");
    if let Some(who) = who {
        request = request.bearer_auth(token(who));
    }
    let _ = running;
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn the_machines_listener_does_what_the_table_says() {
    let running = centre().await;
    let client = running.client();
    for route in TABLE.iter().filter(|route| route.listeners.contains(&Listener::Machines)) {
        let url = || running.url(Listener::Machines, &concrete(route.path));
        let nobody = ask(&running, &client, route.method, url(), None).await;
        assert_eq!(nobody == 401, route.access != Access::Anyone, "{} {} nobody: {nobody}", route.method, route.path);
        for (who, role) in PEOPLE {
            let status = ask(&running, &client, route.method, url(), Some(who)).await;
            let admitted = match route.access {
                Access::Anyone | Access::SignedIn => true,
                Access::Roles(roles) => roles.contains(&role),
            };
            assert_eq!(status == 403, !admitted, "{} {} {who}: {status}", route.method, route.path);
            assert_ne!(status, 401, "{} {} {who}", route.method, route.path);
        }
    }
}

#[tokio::test]
async fn the_certificate_listeners_take_one_role_each() {
    let running = centre().await;
    let cases = [
        (Listener::Link, &running.link_authority, "peer@ca", "alice@ca", "/link/v1/releases?after=1"),
        (Listener::Sensors, &running.sensor_authority, "sam@ca", "alice@ca", "/sensor/v1/cursor"),
    ];
    for (listener, authority, good, wrong, path) in cases {
        for (who, expected) in [(good, 200), (wrong, 403)] {
            let credential = authority.client("whoever");
            running.directory.certify(who, credential.digest);
            let client = running.client_with(Some(&credential));
            assert_eq!(ask(&running, &client, "GET", running.url(listener, path), None).await, expected, "{who}");
        }
        let unknown = running.client_with(Some(&authority.client("unknown")));
        assert_eq!(ask(&running, &unknown, "GET", running.url(listener, path), None).await, 401);
        assert_eq!(ask(&running, &unknown, "GET", running.url(listener, "/taxii2/"), Some("alice@ca")).await, 404);
    }
}

#[tokio::test]
async fn health_and_figures_are_on_the_metrics_listener() {
    let running = centre().await;
    let client = running.client();
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(ask(&running, &client, "GET", running.url(Listener::Metrics, path), None).await, 200, "{path}");
    }
    assert_eq!(ask(&running, &client, "GET", running.url(Listener::Machines, "/metrics"), None).await, 404);
    let text = client.get(running.url(Listener::Metrics, "/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(text.contains("bridgewatch_http_requests_total"), "{text}");
}
