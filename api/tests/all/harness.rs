//! One centre's HTTP layer in this process: a real store, a real gate, real TLS, port 0.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use api::rest::{Border, Counts, Latency, LinkState, SensorState};
use api::service::{
    Answer, Banner, Centre, Directory, Disclosure, Disclosures, Intake, NotTaken, Outcome, Pulse, Releases,
    SensorIntake, Services, ServiceError, Sha256, Status, Taken,
};
use api::{Api, Bound, Listener, Settings, TlsMaterial, serve, server_config};
use bytes::Bytes;
use indexer::search::SearchIndex;
use indexer::{NewEntry, NewStatement, StatementKey, Store};
use model::fault::Fault;
use model::json::{Limits, split_objects};
use model::marking::known_tlp;
use model::principal::{CentreCode, PrincipalName};
use model::stix::{StixId, Version};
use model::time::{Clock, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, SanType,
};
use sharing::{Agreement, Class, ClassTable, Gate, Principal, Role};
use tokio::sync::{mpsc, watch};

/// A clock that tests move.
#[derive(Default)]
pub struct TestClock {
    ahead_micros: AtomicI64,
}

impl TestClock {
    pub fn forward(&self, seconds: i64) {
        self.ahead_micros.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap() + self.ahead_micros.load(Ordering::SeqCst))
    }
}

/// A certificate authority and what it signs.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

pub struct Credential {
    pub certificate: String,
    pub key: String,
    pub digest: Sha256,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    pub fn sign(&self, name: &str, usage: ExtendedKeyUsagePurpose, expired: bool) -> Credential {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.subject_alt_names.push(SanType::IpAddress([127, 0, 0, 1].into()));
        params.extended_key_usages = vec![usage];
        if expired {
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        }
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, certificate.der());
        let digest = digest.as_ref().try_into().unwrap();
        Credential { certificate: certificate.pem(), key: key.serialize_pem(), digest }
    }

    pub fn client(&self, name: &str) -> Credential {
        self.sign(name, ExtendedKeyUsagePurpose::ClientAuth, false)
    }
}

/// Principals in memory.
pub struct TestDirectory {
    people: RwLock<HashMap<PrincipalName, Arc<Principal>>>,
    certificates: RwLock<HashMap<Sha256, PrincipalName>>,
    changes: watch::Sender<u64>,
}

/// The token of a principal in these tests.
pub fn token(name: &str) -> String {
    format!("bw_{name}")
}

impl TestDirectory {
    fn new() -> Self {
        Self { people: RwLock::default(), certificates: RwLock::default(), changes: watch::channel(0).0 }
    }

    pub fn enrol(&self, name: &str, roles: &[Role]) {
        let name: PrincipalName = name.parse().unwrap();
        let principal = Principal {
            name: name.clone(),
            organisation: "org".into(),
            country: "CAN".parse().unwrap(),
            roles: roles.iter().copied().collect(),
            site: None,
            revoked: false,
        };
        self.people.write().unwrap().insert(name, Arc::new(principal));
        self.changes.send_modify(|n| *n += 1);
    }

    pub fn certify(&self, name: &str, digest: Sha256) {
        self.certificates.write().unwrap().insert(digest, name.parse().unwrap());
    }

    pub fn revoke(&self, name: &str) {
        self.people.write().unwrap().remove(&name.parse::<PrincipalName>().unwrap());
        self.changes.send_modify(|n| *n += 1);
    }
}

impl Directory for TestDirectory {
    fn by_token(&self, digest: &Sha256) -> Option<Arc<Principal>> {
        let people = self.people.read().unwrap();
        let hash = |text: &str| aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        people.values().find(|p| hash(&token(p.name.as_str())).as_ref() == digest).cloned()
    }

    fn by_certificate(&self, certificate: &Sha256) -> Option<Arc<Principal>> {
        self.by_name(self.certificates.read().unwrap().get(certificate)?)
    }

    fn by_name(&self, name: &PrincipalName) -> Option<Arc<Principal>> {
        self.people.read().unwrap().get(name).cloned()
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
}

/// Appends what is valid, marked as its TLP says.
pub struct TestIntake {
    pub store: Arc<Store>,
}

impl TestIntake {
    /// Appends `raw` as a statement of `origin`.
    pub fn entry(raw: &[u8], origin: &CentreCode, by: &PrincipalName) -> Result<(NewEntry, Taken), NotTaken> {
        let (object, _) = model::stix::read(raw, &Limits::default())
            .map_err(|faults| NotTaken { id: faults.first().and_then(|f| f.object.clone()).unwrap_or_default(), faults })?;
        let tlp = object.marking_refs.iter().filter_map(known_tlp).max();
        let red = tlp == Some(model::marking::Tlp::Red);
        let class = Class { tlp, publisher: red.then(|| by.clone()), ..Class::unmarked(origin.clone()) };
        let version = match object.version {
            Version::Modified(time) => time.to_string(),
            Version::Digest(digest) => hex::encode(digest),
        };
        let refers_to = object.references.iter().map(|reference| reference.id.clone());
        let marks = object.marking_refs.iter().filter(|id| known_tlp(id).is_none()).cloned();
        let statement = NewStatement {
            key: StatementKey { origin: origin.clone(), id: object.id.clone(), version: object.version, rendering: 0 },
            submitter: Some(by.clone()),
            class,
            refers_to: refers_to.chain(marks).collect(),
            digest: aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, raw).as_ref().try_into().unwrap(),
            revoked: object.revoked,
            spec_20: false,
            bytes: raw.to_vec(),
        };
        Ok((NewEntry::Statement(Box::new(statement)), Taken { id: object.id.to_string(), version }))
    }
}

impl Intake for TestIntake {
    fn publish<'a>(&'a self, body: Bytes, by: &'a Principal) -> Answer<'a, Outcome> {
        Box::pin(async move {
            let mut outcome = Outcome::default();
            let objects = split_objects(&body, &Limits::default())
                .map_err(|error| ServiceError::Unprocessable(error.to_string()))?;
            let mut entries = Vec::new();
            for raw in objects {
                match Self::entry(raw, by.name.centre(), &by.name) {
                    Ok((entry, taken)) => {
                        entries.push(entry);
                        outcome.accepted.push(taken);
                    }
                    Err(failed) => outcome.quarantined.push(failed),
                }
            }
            self.store.append(entries).await.map_err(|error| ServiceError::Internal(error.into()))?;
            Ok(outcome)
        })
    }

    fn validate<'a>(&'a self, _: Bytes, _: &'a Principal) -> Answer<'a, Outcome> {
        let fault = Fault::error("test", "", "none", "nothing is good enough");
        let refused = vec![NotTaken { id: String::new(), faults: vec![fault] }];
        Box::pin(async { Ok(Outcome { refused, ..Outcome::default() }) })
    }
}

/// Keeps the disclosures for the test to look at.
#[derive(Default)]
pub struct TestDisclosures(pub Mutex<Vec<Disclosure>>);

impl Disclosures for TestDisclosures {
    fn record(&self, disclosure: Disclosure) -> Answer<'_, ()> {
        self.0.lock().unwrap().push(disclosure);
        Box::pin(async { Ok(()) })
    }
}

/// Endless lines.
pub struct TestLines;

fn ticking() -> mpsc::Receiver<Bytes> {
    let (near, far) = mpsc::channel(1);
    tokio::spawn(async move {
        while near.send(Bytes::from_static(b"{\"idle\":1}\n")).await.is_ok() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
    far
}

impl Releases for TestLines {
    fn follow<'a>(&'a self, _: &'a Principal, after: u64, _: Sha256) -> Answer<'a, mpsc::Receiver<Bytes>> {
        Box::pin(async move {
            if after > 10 { Err(ServiceError::Conflict("beyond the head".into())) } else { Ok(ticking()) }
        })
    }
}

impl SensorIntake for TestLines {
    fn observations<'a>(&'a self, _: &'a Principal, body: Bytes) -> Answer<'a, Bytes> {
        Box::pin(async move { Ok(Bytes::from(format!("{{\"bytes\":{}}}", body.len()))) })
    }

    fn rules<'a>(&'a self, _: &'a Principal, _: &'a str) -> Answer<'a, mpsc::Receiver<Bytes>> {
        Box::pin(async { Ok(ticking()) })
    }

    fn cursor<'a>(&'a self, _: &'a Principal) -> Answer<'a, Bytes> {
        Box::pin(async { Ok(Bytes::from_static(b"{\"spool\":0}")) })
    }
}

pub struct TestStatus;

impl Status for TestStatus {
    fn border(&self) -> Answer<'_, Border> {
        let link = LinkState { state: "down", reason: None, since: None, sent: 0, received: 0, queue: 0 };
        let border = Border {
            partner: "us".parse().ok(),
            link,
            sent: Counts::default(),
            received: Counts::default(),
            withheld: Some(BTreeMap::from([("red".to_owned(), 3)])),
            latency_ms: Latency::default(),
            recent: Vec::new(),
        };
        Box::pin(async { Ok(border) })
    }

    fn sensors(&self) -> Answer<'_, Vec<SensorState>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn pulse(&self) -> Pulse {
        Pulse { link_state: "down", observations: 0, hits: 0, latency_ms: Latency::default() }
    }

    fn ready(&self) -> Result<(), String> {
        Ok(())
    }
}

/// A running centre.
pub struct Running {
    pub addresses: HashMap<Listener, SocketAddr>,
    pub authority: Authority,
    pub link_authority: Authority,
    pub sensor_authority: Authority,
    pub directory: Arc<TestDirectory>,
    pub disclosures: Arc<TestDisclosures>,
    pub store: Arc<Store>,
    pub clock: Arc<TestClock>,
    pub stop: watch::Sender<bool>,
    pub serving: tokio::task::JoinHandle<()>,
    _folder: tempfile::TempDir,
}

pub async fn centre() -> Running {
    centre_with(Settings::default()).await
}

pub async fn centre_with(settings: Settings) -> Running {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(TestClock::default());
    let classes = Arc::new(ClassTable::default());
    let store = Store::open(folder.path(), indexer::Settings::default(), &[1; 32], clock.clone(), classes.clone());
    let store = Arc::new(store.unwrap());
    let search = SearchIndex::open(&folder.path().join("search"), store.clone(), indexer::search::Settings::default());
    let directory = Arc::new(TestDirectory::new());
    directory.enrol("alice@ca", &[Role::Analyst]);
    directory.enrol("paul@ca", &[Role::Publisher]);
    directory.enrol("olga@ca", &[Role::Officer]);
    directory.enrol("sam@ca", &[Role::Sensor]);
    directory.enrol("peer@ca", &[Role::Peer]);
    directory.enrol("hydro@ca", &[Role::Operator]);
    directory.enrol("firm@ca", &[Role::Partner]);
    let disclosures = Arc::new(TestDisclosures::default());
    let banner = Banner { text: "UNCLASSIFIED".into(), colour: "#007A33".into(), ink: "#FFFFFF".into() };
    let centre: CentreCode = "ca".parse().unwrap();
    let agreement = Agreement::read(sharing::agreement::STARTER).unwrap();
    let services = Services {
        centre: Centre {
            code: centre.clone(),
            name: "Test centre".into(),
            country: "CAN".into(),
            banner,
            exercise: true,
            partner: "us".parse().ok(),
        },
        directory: directory.clone(),
        intake: Arc::new(TestIntake { store: store.clone() }),
        store: store.clone(),
        search: Arc::new(search.unwrap()),
        gate: Arc::new(Gate::new(centre, "CAN".parse().unwrap(), agreement, classes)),
        disclosures: disclosures.clone(),
        releases: Arc::new(TestLines),
        sensors: Arc::new(TestLines),
        status: Arc::new(TestStatus),
        clock: clock.clone(),
        registry: prometheus::Registry::new(),
        cursor_secret: [3; 32],
        settings,
    };
    let (stop, stopping) = watch::channel(false);
    let api = Api::new(services, stopping).unwrap();
    let (authority, link_authority, sensor_authority) =
        (Authority::new("machines"), Authority::new("link"), Authority::new("sensors"));
    let server = authority.sign("localhost", ExtendedKeyUsagePurpose::ServerAuth, false);
    let mut bound = Vec::new();
    let mut addresses = HashMap::new();
    for listener in Listener::ALL {
        let clients = match listener {
            Listener::Machines => Some(&authority),
            Listener::Link => Some(&link_authority),
            Listener::Sensors => Some(&sensor_authority),
            Listener::People | Listener::Metrics => None,
        };
        let material = TlsMaterial {
            certificate: server.certificate.clone().into_bytes(),
            key: server.key.clone().into_bytes(),
            client_authority: clients.map(|authority| authority.pem().into_bytes()),
        };
        let tls = (listener != Listener::Metrics).then(|| server_config(listener, &material).unwrap());
        let one = Bound::new(listener, ([127, 0, 0, 1], 0).into(), tls).await.unwrap();
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
        store,
        clock,
        stop,
        serving,
        _folder: folder,
    }
}

impl Running {
    pub fn url(&self, listener: Listener, path: &str) -> String {
        let scheme = if listener == Listener::Metrics { "http" } else { "https" };
        format!("{scheme}://localhost:{}{path}", self.addresses[&listener].port())
    }

    /// A client without credential.
    pub fn client(&self) -> reqwest::Client {
        self.client_with(None)
    }

    /// A client with a certificate.
    pub fn client_with(&self, credential: Option<&Credential>) -> reqwest::Client {
        let root = reqwest::Certificate::from_pem(self.authority.pem().as_bytes()).unwrap();
        let mut builder = reqwest::Client::builder().tls_certs_only([root]);
        if let Some(credential) = credential {
            let pem = format!("{}{}", credential.key, credential.certificate);
            builder = builder.identity(reqwest::Identity::from_pem(pem.as_bytes()).unwrap());
        }
        builder.build().unwrap()
    }

    /// GET on the machines listener with a principal's token.
    pub async fn get(&self, who: &str, path: &str) -> reqwest::Response {
        self.client().get(self.url(Listener::Machines, path)).bearer_auth(token(who)).send().await.unwrap()
    }

    /// Appends an object as a statement of `origin`.
    pub async fn hold(&self, object: &serde_json::Value, origin: &str) {
        let raw = serde_json::to_vec(object).unwrap();
        let (entry, _) =
            TestIntake::entry(&raw, &origin.parse().unwrap(), &"paul@ca".parse().unwrap()).expect("a valid object");
        self.store.append(vec![entry]).await.unwrap();
    }
}

pub const GREEN: &str = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb";
pub const CLEAR: &str = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487";
pub const RED: &str = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1";

/// An indicator number `n`, modified in minute `minute`.
pub fn indicator(n: u32, minute: u32, marking: &str) -> serde_json::Value {
    serde_json::json!({
        "type": "indicator", "spec_version": "2.1", "id": format!("indicator--00000000-0000-4000-8000-{n:012}"),
        "created": "2026-01-01T00:00:00.000Z", "modified": format!("2026-01-01T{:02}:{:02}:00.000Z", minute / 60, minute % 60),
        "name": format!("indicator {n} of minute {minute}"), "pattern": format!("[domain-name:value = 'n{n}.example']"),
        "pattern_type": "stix", "valid_from": "2026-01-01T00:00:00Z", "object_marking_refs": [marking],
    })
}

pub fn id_of(object: &serde_json::Value) -> StixId {
    object["id"].as_str().unwrap().parse().unwrap()
}

#[expect(dead_code, reason = "kept for tests that compare sets")]
pub fn ids(objects: &serde_json::Value) -> BTreeSet<String> {
    objects.as_array().unwrap().iter().map(|o| o["id"].as_str().unwrap().to_owned()).collect()
}
