//! One centre's HTTP layer in this process: a real store, a real gate, real TLS, port 0.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::service::{Banner, Centre, Services};
use api::{Api, Bound, Listener, Settings, TlsMaterial, serve, server_config};
use indexer::Store;
use indexer::search::SearchIndex;
use model::principal::CentreCode;
use model::stix::StixId;
use rcgen::ExtendedKeyUsagePurpose;
use sharing::{Agreement, ClassTable, Gate, Role};
use tokio::sync::watch;

pub(crate) use crate::authority::{Authority, Credential};
pub(crate) use crate::standins::{FOREIGN, TestIntake, token};
use crate::standins::{TestAdministration, TestClock, TestDirectory, TestDisclosures, TestLines, TestStatus};

/// Who is enrolled, one for each role.
pub(crate) const PEOPLE: [(&str, Role); 7] = [
    ("alice@ca", Role::Analyst),
    ("paul@ca", Role::Publisher),
    ("olga@ca", Role::Officer),
    ("sam@ca", Role::Sensor),
    ("peer@ca", Role::Peer),
    ("hydro@ca", Role::Operator),
    ("firm@ca", Role::Partner),
];

/// A running centre.
pub(crate) struct Running {
    pub(crate) addresses: HashMap<Listener, SocketAddr>,
    pub(crate) authority: Authority,
    pub(crate) link_authority: Authority,
    pub(crate) sensor_authority: Authority,
    pub(crate) directory: Arc<TestDirectory>,
    pub(crate) disclosures: Arc<TestDisclosures>,
    pub(crate) intake: Arc<TestIntake>,
    pub(crate) administration: Arc<TestAdministration>,
    pub(crate) store: Arc<Store>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) stop: watch::Sender<bool>,
    pub(crate) serving: tokio::task::JoinHandle<()>,
    pub(crate) folder: tempfile::TempDir,
}

pub(crate) async fn centre() -> Running {
    centre_with(Settings::default()).await
}

pub(crate) async fn centre_with(settings: Settings) -> Running {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(TestClock::default());
    let classes = Arc::new(ClassTable::default());
    let store = Store::open(folder.path(), indexer::Settings::default(), &[1; 32], clock.clone(), classes.clone());
    let store = Arc::new(store.unwrap());
    let search = SearchIndex::open(&folder.path().join("search"), store.clone(), indexer::search::Settings::default());
    let directory = Arc::new(TestDirectory::new());
    for (name, role) in PEOPLE {
        directory.enrol(name, &[role]);
    }
    let disclosures = Arc::new(TestDisclosures::default());
    let intake = Arc::new(TestIntake { store: store.clone(), options: Mutex::default() });
    let administration = Arc::new(TestAdministration { directory: directory.clone(), broken: false.into() });
    let agreement = Agreement::read(sharing::agreement::STARTER).unwrap();
    let ca: CentreCode = "ca".parse().unwrap();
    let services = Services {
        centre: test_centre(),
        directory: directory.clone(),
        intake: intake.clone(),
        store: store.clone(),
        search: Arc::new(search.unwrap()),
        gate: Arc::new(Gate::new(ca, "CAN".parse().unwrap(), agreement, classes)),
        disclosures: disclosures.clone(),
        releases: Arc::new(TestLines),
        sensors: Arc::new(TestLines),
        status: Arc::new(TestStatus),
        administration: administration.clone(),
        clock: clock.clone(),
        registry: prometheus::Registry::new(),
        cursor_secret: [3; 32],
        settings,
    };
    let (stop, stopping) = watch::channel(false);
    let api = Api::new(services, stopping).unwrap();
    let [authority, link_authority, sensor_authority] = ["machines", "link", "sensors"].map(Authority::new);
    let mut bound = vec![Bound::local(&folder.path().join("local.sock")).unwrap()];
    let mut addresses = HashMap::new();
    let server = authority.sign("localhost", ExtendedKeyUsagePurpose::ServerAuth, false);
    for (listener, clients) in [
        (Listener::Machines, Some(&authority)),
        (Listener::People, None),
        (Listener::Link, Some(&link_authority)),
        (Listener::Sensors, Some(&sensor_authority)),
        (Listener::Metrics, None),
    ] {
        let one = bind(listener, &server, clients).await;
        addresses.insert(listener, one.address().unwrap());
        bound.push(one);
    }
    let serving = tokio::spawn(serve(api, bound));
    Running {
        addresses,
        authority,
        link_authority,
        sensor_authority,
        directory,
        disclosures,
        intake,
        administration,
        store,
        clock,
        stop,
        serving,
        folder,
    }
}

fn test_centre() -> Centre {
    Centre {
        code: "ca".parse().unwrap(),
        name: "Test centre".into(),
        country: "CAN".into(),
        banner: Banner { text: "UNCLASSIFIED".into(), colour: "#007A33".into(), ink: "#FFFFFF".into() },
        exercise: true,
        partner: "us".parse().ok(),
    }
}

async fn bind(listener: Listener, server: &Credential, clients: Option<&Authority>) -> Bound {
    let material = TlsMaterial {
        certificate: server.certificate.clone().into_bytes(),
        key: server.key.clone().into_bytes(),
        client_authority: clients.map(|authority| authority.pem().into_bytes()),
    };
    let tls = (listener != Listener::Metrics).then(|| server_config(listener, &material).unwrap());
    Bound::new(listener, ([127, 0, 0, 1], 0).into(), tls).await.unwrap()
}

impl Running {
    pub(crate) fn url(&self, listener: Listener, path: &str) -> String {
        if listener == Listener::Local {
            return format!("http://localhost{path}");
        }
        let scheme = if listener == Listener::Metrics { "http" } else { "https" };
        format!("{scheme}://localhost:{}{path}", self.addresses[&listener].port())
    }

    /// A client without credential.
    pub(crate) fn client(&self) -> reqwest::Client {
        self.client_with(None)
    }

    /// A client with a certificate.
    pub(crate) fn client_with(&self, credential: Option<&Credential>) -> reqwest::Client {
        let root = reqwest::Certificate::from_pem(self.authority.pem().as_bytes()).unwrap();
        let mut builder = reqwest::Client::builder().tls_certs_only([root]);
        if let Some(credential) = credential {
            let pem = format!("{}{}", credential.key, credential.certificate);
            builder = builder.identity(reqwest::Identity::from_pem(pem.as_bytes()).unwrap());
        }
        builder.build().unwrap()
    }

    /// A client of the local socket.
    pub(crate) fn local_client(&self) -> reqwest::Client {
        reqwest::Client::builder().unix_socket(self.folder.path().join("local.sock")).build().unwrap()
    }

    /// GET on the machines listener with a principal's token.
    pub(crate) async fn get(&self, who: &str, path: &str) -> reqwest::Response {
        self.client().get(self.url(Listener::Machines, path)).bearer_auth(token(who)).send().await.unwrap()
    }

    /// What `/metrics` says.
    pub(crate) async fn metrics(&self) -> String {
        self.client().get(self.url(Listener::Metrics, "/metrics")).send().await.unwrap().text().await.unwrap()
    }

    /// Waits until `/metrics` has a line.
    pub(crate) async fn until_metric(&self, line: &str) {
        let there = async {
            while !self.metrics().await.lines().any(|one| one == line) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), there).await.expect(line);
    }

    /// Appends an object as a statement of `origin`.
    pub(crate) async fn hold(&self, object: &serde_json::Value, origin: &str) {
        self.hold_all(std::slice::from_ref(object), origin).await;
    }

    /// Appends objects in one commit.
    pub(crate) async fn hold_all(&self, objects: &[serde_json::Value], origin: &str) {
        let entry = |object| {
            let raw = serde_json::to_vec(object).unwrap();
            TestIntake::entry(&raw, &origin.parse().unwrap(), &"paul@ca".parse().unwrap()).expect("a valid object").0
        };
        self.store.append(objects.iter().map(entry).collect()).await.unwrap();
    }
}

pub(crate) const GREEN: &str = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb";
pub(crate) const CLEAR: &str = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487";
pub(crate) const AMBER: &str = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421";
pub(crate) const RED: &str = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1";

/// An indicator number `n`, modified in minute `minute`.
pub(crate) fn indicator(n: u32, minute: u32, marking: &str) -> serde_json::Value {
    serde_json::json!({
        "type": "indicator", "spec_version": "2.1", "id": format!("indicator--00000000-0000-4000-8000-{n:012}"),
        "created": "2026-01-01T00:00:00.000Z", "modified": format!("2026-01-01T{:02}:{:02}:00.000Z", minute / 60, minute % 60),
        "name": format!("indicator {n} of minute {minute}"), "pattern": format!("[domain-name:value = 'n{n}.example']"),
        "pattern_type": "stix", "valid_from": "2026-01-01T00:00:00Z", "object_marking_refs": [marking],
    })
}

pub(crate) fn id_of(object: &serde_json::Value) -> StixId {
    object["id"].as_str().unwrap().parse().unwrap()
}
