//! Every route of every listener as every role, over HTTP: what `golden/routes.txt` says is what the listeners do.

use std::collections::BTreeMap;

use api::Listener;

use crate::harness::{PEOPLE, Running, centre, token};

/// One line of the golden table.
struct Line {
    listener: Listener,
    method: String,
    path: String,
    /// `nobody` and the roles, in the order of the columns.
    admitted: Vec<(String, bool)>,
}

fn golden() -> Vec<Line> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/golden/routes.txt")).unwrap();
    let mut lines = text.lines();
    let roles: Vec<&str> = lines.next().unwrap().split_whitespace().skip(3).collect();
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        let name = words.next().unwrap();
        let listener = *Listener::ALL.iter().find(|listener| listener.as_str() == name).unwrap();
        let (method, path) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
        let admitted: Vec<_> =
            roles.iter().map(|role| (*role).to_owned()).zip(words.map(|word| word == "yes")).collect();
        assert_eq!(admitted.len(), roles.len(), "{line}");
        Line { listener, method, path, admitted }
    };
    lines.map(line).collect()
}

fn concrete(path: &str) -> String {
    let collection = api::taxii::collection_id(&"ca".parse().unwrap(), "all").to_string();
    path.replace("{collection}", &collection)
        .replace("{object}", "indicator--00000000-0000-4000-8000-000000000001")
        .replace("{id}", "indicator--00000000-0000-4000-8000-000000000001")
        .replace("{status}", "00000000-0000-4000-8000-000000000001")
        .replace("{name}", "nobody@ca")
}

/// What a role has in its hands to ask with, on each listener.
struct Hands<'a> {
    running: &'a Running,
    plain: reqwest::Client,
    local: reqwest::Client,
    certified: BTreeMap<(Listener, &'a str), reqwest::Client>,
}

impl<'a> Hands<'a> {
    fn new(running: &'a Running) -> Self {
        let mut certified = BTreeMap::new();
        for (listener, authority) in
            [(Listener::Link, &running.link_authority), (Listener::Sensors, &running.sensor_authority)]
        {
            for who in PEOPLE.iter().map(|(who, _)| *who).chain(["nobody"]) {
                let credential = authority.client("whoever");
                if who != "nobody" {
                    running.directory.certify(who, credential.digest);
                }
                certified.insert((listener, who), running.client_with(Some(&credential)));
            }
        }
        Self { running, plain: running.client(), local: running.local_client(), certified }
    }

    async fn cookie(&self, who: &str) -> Option<String> {
        let url = self.running.url(Listener::People, "/api/v1/session");
        let body = serde_json::json!({ "token": token(who) });
        let signed = self.plain.post(url).header("x-bridgewatch", "1").json(&body).send().await.unwrap();
        let cookie = signed.headers().get("set-cookie")?.to_str().unwrap();
        Some(cookie.split(';').next().unwrap().to_owned())
    }

    /// The status of an answer; none where `who` has no way to be known on that listener.
    async fn ask(&self, listener: Listener, method: &str, path: &str, who: &'a str) -> Option<u16> {
        let client = match listener {
            Listener::Link | Listener::Sensors => &self.certified[&(listener, who)],
            Listener::Local => &self.local,
            _ => &self.plain,
        };
        let url = self.running.url(listener, &concrete(path));
        let mut request = client.request(method.parse().unwrap(), url).header("x-bridgewatch", "1");
        match (listener, who) {
            (Listener::Local, who) => self.running.directory.map_me(who),
            (_, "nobody") => {}
            (Listener::Machines, who) => request = request.bearer_auth(token(who)),
            (Listener::People, who) => request = request.header("cookie", self.cookie(who).await?),
            _ => {}
        }
        Some(request.send().await.unwrap().status().as_u16())
    }
}

#[tokio::test]
async fn every_route_of_every_listener_admits_whom_the_golden_table_names() {
    let running = centre().await;
    let hands = Hands::new(&running);
    let mut asked = 0;
    for line in golden() {
        for (role, admitted) in &line.admitted {
            let who = PEOPLE.iter().find(|(_, known)| known.as_str() == role).map_or("nobody", |(who, _)| *who);
            let place = format!("{} {} {} as {role}", line.listener.as_str(), line.method, line.path);
            let Some(status) = hands.ask(line.listener, &line.method, &line.path, who).await else {
                assert!(line.listener == Listener::People && ["sensor", "peer"].contains(&role.as_str()), "{place}");
                continue;
            };
            let expected = match (admitted, who) {
                (true, _) => !matches!(status, 401 | 403 | 405),
                (false, "nobody") => status == 401,
                (false, _) => status == 403,
            };
            assert!(expected, "{place}: {status}");
            asked += 1;
        }
    }
    assert!(asked > 400, "{asked}");
}

#[tokio::test]
async fn what_is_not_in_the_golden_table_is_not_there() {
    let running = centre().await;
    let hands = Hands::new(&running);
    let golden = golden();
    let paths: Vec<&str> = golden.iter().map(|line| line.path.as_str()).collect();
    for listener in Listener::ALL {
        let who = match listener {
            Listener::Link => "peer@ca",
            Listener::Sensors => "sam@ca",
            _ => "olga@ca",
        };
        for path in &paths {
            for method in ["GET", "POST", "DELETE", "PUT", "PATCH"] {
                let here = |line: &&Line| line.listener == listener && line.path == *path;
                if golden.iter().filter(here).any(|line| line.method == method) {
                    continue;
                }
                let expected = if golden.iter().any(|line| here(&line)) { 405 } else { 404 };
                let status = hands.ask(listener, method, path, who).await.unwrap();
                // On the people listener what is no route is a file of the console, if it is one.
                let file = listener == Listener::People && !path.starts_with("/api/") && status == 405;
                assert!(status == expected || file, "{} {method} {path}: {status}", listener.as_str());
            }
        }
    }
}

#[tokio::test]
async fn health_and_figures_are_on_the_metrics_listener() {
    let running = centre().await;
    for path in ["/healthz", "/readyz"] {
        let answer = running.client().get(running.url(Listener::Metrics, path)).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
    }
    let text = running.metrics().await;
    assert!(text.contains("bridgewatch_http_requests_total"), "{text}");
}
