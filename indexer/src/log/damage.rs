//! Attack 38: stops at every write, torn tails, flipped bits, disks that fail.

use std::io::{Error, ErrorKind};
use std::path::Path;
use std::sync::{Arc, Mutex};

use model::time::{Clock, Timestamp};
use proptest::prelude::*;
use redb::backends::InMemoryBackend;
use redb::{Database, StorageBackend};
use sharing::ClassTable;

use super::file::LogFile;
use super::frame::Frames;
use crate::error::StoreError;
use crate::keys::Keyring;
use crate::log::entry::NewEntry;
use crate::store::{Settings, Shared, Store};

#[derive(Debug, Clone)]
enum Step {
    Length(usize),
    Write(usize, Vec<u8>),
    Sync,
}

#[derive(Debug, Default)]
struct State {
    now: Vec<u8>,
    steps: Vec<Step>,
    failing: Option<fn(&Step) -> Option<ErrorKind>>,
}

/// A disk in memory that remembers every step, and fails where it is told to.
#[derive(Debug, Clone, Default)]
struct Disk(Arc<Mutex<State>>);

impl Disk {
    fn of(image: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(State { now: image, ..State::default() })))
    }

    fn take(&self, step: Step) -> Result<(), Error> {
        let mut state = self.0.lock().unwrap();
        if let Some(kind) = state.failing.and_then(|fails| fails(&step)) {
            return Err(kind.into());
        }
        apply(&mut state.now, &step);
        state.steps.push(step);
        Ok(())
    }

    fn steps(&self) -> Vec<Step> {
        self.0.lock().unwrap().steps.clone()
    }

    fn fail(&self, fails: fn(&Step) -> Option<ErrorKind>) {
        self.0.lock().unwrap().failing = Some(fails);
    }

    fn log(&self) -> LogFile {
        LogFile::of(Database::builder().create_with_backend(self.clone()).unwrap())
    }
}

fn apply(image: &mut Vec<u8>, step: &Step) {
    match step {
        Step::Length(length) => image.resize(*length, 0),
        Step::Write(from, bytes) => {
            image.resize(image.len().max(from + bytes.len()), 0);
            image[*from..from + bytes.len()].copy_from_slice(bytes);
        }
        Step::Sync => {}
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> Result<u64, Error> {
        Ok(self.0.lock().unwrap().now.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        let state = self.0.lock().unwrap();
        let from = usize::try_from(offset).unwrap();
        let bytes = state.now.get(from..from + out.len()).ok_or(ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, length: u64) -> Result<(), Error> {
        self.take(Step::Length(usize::try_from(length).unwrap()))
    }

    fn sync_data(&self) -> Result<(), Error> {
        self.take(Step::Sync)
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> Result<(), Error> {
        self.take(Step::Write(usize::try_from(offset).unwrap(), bytes.to_vec()))
    }
}

/// Appends commits of some entries; the bodies, and how many entries were acknowledged at which step: none when the file
/// was made.
fn written(disk: &Disk) -> (Vec<Vec<u8>>, Vec<(usize, usize)>) {
    drop(disk.log());
    let (mut bodies, mut acknowledged) = (Vec::new(), vec![(disk.steps().len(), 0)]);
    let log = disk.log();
    for commit in 0..8_u8 {
        let mut frames = Frames::new(bodies.len() as u64 + 1);
        for number in 0..3_u8 {
            let body = vec![commit * 16 + number; 40 + 700 * usize::from(commit % 3) * usize::from(number)];
            frames.push(bodies.len() as u64 + 1, &[commit, number], &body).unwrap();
            bodies.push(body);
        }
        log.append(&frames.finish()).unwrap();
        acknowledged.push((disk.steps().len(), bodies.len()));
    }
    (bodies, acknowledged)
}

fn held(log: &LogFile) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut found = Vec::new();
    log.each(1, |sequence, entry| {
        assert_eq!(sequence, found.len() as u64 + 1);
        found.push(entry.body.to_vec());
        Ok(true)
    })?;
    Ok(found)
}

/// What an image holds must be a beginning of what was written, with all that was acknowledged before step `at`.
fn check(image: Vec<u8>, at: usize, bodies: &[Vec<u8>], acknowledged: &[(usize, usize)]) {
    let promised = acknowledged.iter().rfind(|(step, _)| *step <= at).map_or(0, |(_, entries)| *entries);
    let found = held(&Disk::of(image).log()).unwrap();
    assert!((promised..=bodies.len()).contains(&found.len()), "step {at}: {} of {promised}", found.len());
    assert_eq!(found, bodies[..found.len()]);
}

#[test]
fn kill_at_every_write_loses_nothing_that_was_acknowledged() {
    let disk = Disk::default();
    let (bodies, acknowledged) = written(&disk);
    let steps = disk.steps();
    let made = acknowledged[0].0;
    let mut image = Vec::new();
    steps[..made].iter().for_each(|step| apply(&mut image, step));
    for at in made..=steps.len() {
        check(image.clone(), at, &bodies, &acknowledged);
        if let Some(step) = steps.get(at) {
            apply(&mut image, step);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn torn_tail_loses_nothing_that_was_acknowledged(cut in any::<prop::sample::Index>(), kept in any::<u64>(), torn in any::<u64>()) {
        let disk = Disk::default();
        let (bodies, acknowledged) = written(&disk);
        let steps = disk.steps();
        let made = acknowledged[0].0;
        let at = made + cut.index(steps.len() + 1 - made);
        // The power fails: what was not synced came through in part, in any order, pages torn in the middle.
        let synced = steps[..at].iter().rposition(|step| matches!(step, Step::Sync)).map_or(0, |place| place + 1);
        let mut image = Vec::new();
        steps[..synced].iter().for_each(|step| apply(&mut image, step));
        for (number, step) in steps[synced..at].iter().enumerate() {
            match step {
                Step::Write(from, bytes) if kept >> (number % 64) & 1 == 1 => {
                    let length = if torn >> (number % 64) & 1 == 1 { bytes.len() / 1024 * 512 } else { bytes.len() };
                    apply(&mut image, &Step::Write(*from, bytes[..length].to_vec()));
                }
                Step::Length(_) => apply(&mut image, step),
                _ => {}
            }
        }
        check(image, at, &bodies, &acknowledged);
    }

    #[test]
    fn bit_flip_is_found_and_never_read_as_something_else(place in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let disk = Disk::default();
        let (bodies, _) = written(&disk);
        let mut image = disk.0.lock().unwrap().now.clone();
        let place = place.index(image.len());
        image[place] ^= 1 << bit;
        let database = Database::builder().set_check_integrity_on_open(true).create_with_backend(Disk::of(image));
        if let Ok(database) = database
            && let Ok(found) = held(&LogFile::of(database))
        {
            prop_assert_eq!(found, bodies, "a bit that nobody reads");
        }
    }
}

#[test]
fn bit_flip_in_an_entry_is_found() {
    let disk = Disk::default();
    let (bodies, _) = written(&disk);
    let image = disk.0.lock().unwrap().now.clone();
    let places = (0..image.len()).filter(|place| image[*place..].starts_with(&bodies[14]));
    let places: Vec<usize> = places.collect();
    let mut found = (0, 0);
    for place in places {
        let mut image = image.clone();
        image[place + 9] ^= 4;
        // Without the check of all pages, as a running centre opens it: the leaf tells.
        let plain = held(&Disk::of(image.clone()).log());
        let checked =
            Database::builder().set_check_integrity_on_open(true).create_with_backend(Disk::of(image)).map(LogFile::of);
        let checked = checked.map_err(|_| StoreError::Damaged("a page")).and_then(|log| held(&log));
        found = (found.0 + usize::from(plain.is_err()), found.1 + usize::from(checked.is_err()));
        assert!([plain, checked].iter().flatten().all(|held| *held == bodies), "never something else");
    }
    assert!(found.0 > 0 && found.1 > 0, "{found:?}");
}

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(1_800_000_000_000_000)
    }
}

fn store(folder: &Path, objects: &Disk, disclosures: &Disk) -> Store {
    let catalog = Database::builder().create_with_backend(InMemoryBackend::new()).unwrap();
    let keys = Arc::new(Keyring::open(&folder.join("keys.redb"), &[1; 32]).unwrap());
    let shared = Shared { log: objects.log(), catalog, keys, classes: Arc::new(ClassTable::default()) };
    shared.catch_up().unwrap();
    Store::start(folder, Settings::default(), Arc::new(shared), disclosures.log(), Arc::new(Still)).unwrap()
}

fn refused() -> Vec<NewEntry> {
    vec![NewEntry::Refused { submitter: None, code: "test".to_owned() }]
}

#[tokio::test]
async fn a_disk_that_fails_ends_the_writers_and_nothing_of_it_is_acknowledged_or_shown() {
    let full = |step: &Step| matches!(step, Step::Length(_) | Step::Write(..)).then_some(ErrorKind::StorageFull);
    let unsynced = |step: &Step| matches!(step, Step::Sync).then_some(ErrorKind::Other);
    for fails in [full as fn(&Step) -> Option<ErrorKind>, unsynced] {
        let folder = tempfile::tempdir().unwrap();
        let (objects, disclosures) = (Disk::default(), Disk::default());
        let store = store(folder.path(), &objects, &disclosures);
        store.append(refused()).await.unwrap();
        store.disclosures().record(b"first".to_vec()).await.unwrap();
        let mut head = store.head();
        objects.fail(fails);
        disclosures.fail(fails);
        assert!(matches!(store.append(refused()).await, Err(StoreError::WriterGone)));
        assert!(matches!(store.append(refused()).await, Err(StoreError::WriterGone)));
        assert!(store.disclosures().record(b"second".to_vec()).await.is_err());
        assert!(store.disclosures().record(b"third".to_vec()).await.is_err());
        assert_eq!(store.read().unwrap().count("refused").unwrap(), 1);
        head.borrow_and_update();
        assert!(head.changed().await.is_err(), "whoever waits learns that the writer has ended");
        drop(store);
        let image = objects.0.lock().unwrap().now.clone();
        let again = self::store(folder.path(), &Disk::of(image), &Disk::default());
        assert!((1..=2).contains(&again.read().unwrap().count("refused").unwrap()));
        again.append(refused()).await.unwrap();
    }
}
