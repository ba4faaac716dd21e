//! What stands behind the HTTP layer in these tests, in memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use api::rest::{Border, Counts, Latency, LinkState, SensorState};
use api::service::{
    Administration, Answer, Directory, Disclosure, Disclosures, Enrolment, Intake, NotTaken, Outcome, PublishOptions,
    Pulse, Releases, SensorIntake, ServiceError, Sha256, Status, Taken,
};
use bytes::Bytes;
use indexer::{NewEntry, NewStatement, StatementKey, Store};
use model::fault::Fault;
use model::json::{Limits, split_objects};
use model::marking::{Tlp, known_tlp};
use model::principal::{CentreCode, PrincipalName};
use model::stix::{StixId, Version};
use model::time::{Clock, Timestamp};
use sharing::{Class, Principal, Role};
use tokio::sync::{mpsc, watch};

/// A clock that tests move, or stop.
#[derive(Default)]
pub(crate) struct TestClock {
    ahead_micros: AtomicI64,
    stands_at: AtomicI64,
}

impl TestClock {
    pub(crate) fn forward(&self, seconds: i64) {
        self.ahead_micros.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }

    pub(crate) fn stand_still_at(&self, time: Timestamp) {
        self.stands_at.store(time.micros(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let stands_at = self.stands_at.load(Ordering::SeqCst);
        if stands_at != 0 {
            return Timestamp::from_micros(stands_at);
        }
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap() + self.ahead_micros.load(Ordering::SeqCst))
    }
}

/// Principals in memory.
pub(crate) struct TestDirectory {
    people: RwLock<HashMap<PrincipalName, Arc<Principal>>>,
    certificates: RwLock<HashMap<Sha256, PrincipalName>>,
    users: RwLock<HashMap<u32, PrincipalName>>,
    changes: watch::Sender<u64>,
}

/// The token of a principal in these tests.
pub(crate) fn token(name: &str) -> String {
    format!("bw_{name}")
}

impl TestDirectory {
    pub(crate) fn new() -> Self {
        Self {
            people: RwLock::default(),
            certificates: RwLock::default(),
            users: RwLock::default(),
            changes: watch::channel(0).0,
        }
    }

    pub(crate) fn enrol(&self, name: &str, roles: &[Role]) {
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

    pub(crate) fn certify(&self, name: &str, digest: Sha256) {
        self.certificates.write().unwrap().insert(digest, name.parse().unwrap());
    }

    /// Maps whoever runs this test to a principal, or to nobody.
    pub(crate) fn map_me(&self, name: &str) {
        let me = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap());
        match name.parse() {
            Ok(name) => self.users.write().unwrap().insert(me, name),
            Err(_) => self.users.write().unwrap().remove(&me),
        };
    }

    pub(crate) fn revoke(&self, name: &str) {
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

    fn by_local_user(&self, uid: u32) -> Option<Arc<Principal>> {
        self.by_name(self.users.read().unwrap().get(&uid)?)
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
}

/// An organisation that nobody here writes for.
pub(crate) const FOREIGN: &str = "identity--00000000-0000-4000-8000-00000000000f";

/// Appends what is valid, marked as its TLP says.
pub(crate) struct TestIntake {
    pub(crate) store: Arc<Store>,
    pub(crate) options: Mutex<Vec<PublishOptions>>,
}

impl TestIntake {
    /// Appends `raw` as a statement of `origin`.
    pub(crate) fn entry(raw: &[u8], origin: &CentreCode, by: &PrincipalName) -> Result<(NewEntry, Taken), NotTaken> {
        let (object, _) = model::stix::read(raw, &Limits::default()).map_err(|faults| NotTaken {
            id: faults.first().and_then(|f| f.object.clone()).unwrap_or_default(),
            faults,
        })?;
        let tlp = object.marking_refs.iter().filter_map(known_tlp).max();
        let red = tlp == Some(Tlp::Red);
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
            source: None,
            class,
            refers_to: refers_to.chain(marks).collect(),
            digest: aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, raw).as_ref().try_into().unwrap(),
            revoked: object.revoked,
            spec_20: object.modified.is_some() && object.value.get("spec_version").is_none(),
            bytes: raw.to_vec(),
        };
        Ok((NewEntry::Statement(Box::new(statement)), Taken { id: object.id.to_string(), version }))
    }
}

impl Intake for TestIntake {
    fn publish<'a>(&'a self, body: Bytes, by: &'a Principal, options: &'a PublishOptions) -> Answer<'a, Outcome> {
        self.options.lock().unwrap().push(options.clone());
        Box::pin(async move {
            let mut outcome = Outcome::default();
            let objects = split_objects(&body, &Limits::default())
                .map_err(|error| ServiceError::Unprocessable(error.to_string()))?;
            if objects.iter().any(|raw| String::from_utf8_lossy(raw).contains(FOREIGN)) {
                return Err(ServiceError::Forbidden("you do not write for that organisation".into()));
            }
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

/// Keeps the disclosures for the test to look at, after a while that stands for the disk's.
#[derive(Default)]
pub(crate) struct TestDisclosures(pub(crate) Mutex<Vec<Disclosure>>, pub(crate) AtomicU64);

impl Disclosures for TestDisclosures {
    fn record(&self, disclosure: Disclosure) -> Answer<'_, ()> {
        self.0.lock().unwrap().push(disclosure);
        let disk = Duration::from_micros(self.1.load(Ordering::SeqCst));
        Box::pin(async move {
            tokio::time::sleep(disk).await;
            Ok(())
        })
    }
}

/// Endless lines.
pub(crate) struct TestLines;

fn ticking() -> mpsc::Receiver<Bytes> {
    let (near, far) = mpsc::channel(1);
    tokio::spawn(async move {
        while near.send(Bytes::from_static(b"{\"idle\":1}\n")).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
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

pub(crate) struct TestStatus;

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

    fn not_matched(&self, _: &StixId) -> Option<String> {
        None
    }

    fn pulse(&self) -> Pulse {
        Pulse { link_state: "down", observations: 0, hits: 0, latency_ms: Latency::default() }
    }

    fn ready(&self) -> Result<(), String> {
        Ok(())
    }
}

/// Enrols into the directory; dumps two lines, then breaks off if told to.
pub(crate) struct TestAdministration {
    pub(crate) directory: Arc<TestDirectory>,
    pub(crate) broken: AtomicBool,
}

impl Administration for TestAdministration {
    fn principals(&self) -> Answer<'_, Vec<Principal>> {
        let mut people: Vec<_> = self.directory.people.read().unwrap().values().map(|p| p.as_ref().clone()).collect();
        people.sort_by(|a, b| a.name.cmp(&b.name));
        Box::pin(async { Ok(people) })
    }

    fn enrol<'a>(&'a self, enrolment: Enrolment, _: &'a Principal) -> Answer<'a, Principal> {
        let roles: Vec<Role> = enrolment.roles.iter().copied().collect();
        self.directory.enrol(enrolment.name.as_str(), &roles);
        let enrolled = self.directory.by_name(&enrolment.name).unwrap().as_ref().clone();
        Box::pin(async { Ok(enrolled) })
    }

    fn revoke<'a>(&'a self, name: &'a PrincipalName, _: &'a Principal) -> Answer<'a, Principal> {
        let known = self.directory.by_name(name).map(|known| Principal { revoked: true, ..known.as_ref().clone() });
        if known.is_some() {
            self.directory.revoke(name.as_str());
        }
        Box::pin(async { known.ok_or(ServiceError::NotFound) })
    }

    fn dump(&self, upto: u64) -> Answer<'_, mpsc::Receiver<Result<Bytes, ServiceError>>> {
        let broken = self.broken.load(Ordering::SeqCst);
        let (near, far) = mpsc::channel(1);
        tokio::spawn(async move {
            for sequence in 1..=upto {
                let _ = near.send(Ok(format!("{{\"sequence\":{sequence}}}\n").into())).await;
            }
            if broken {
                let _ = near.send(Err(ServiceError::Unavailable("the disk is gone".into()))).await;
            }
        });
        Box::pin(async { Ok(far) })
    }
}
