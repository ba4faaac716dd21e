use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn small() -> Settings {
    Settings { bytes: 1 << 20, segment_bytes: 200, record_bytes: 1_000 }
}

fn append(spool: &mut Spool, records: &[Vec<u8>]) {
    spool.append(records.iter().map(Vec::as_slice)).unwrap();
}

fn record(number: u64) -> Vec<u8> {
    format!("record {number} {}", "x".repeat((number % 40) as usize)).into_bytes()
}

/// Everything from `from` on, by number.
fn all(spool: &mut Spool, from: u64) -> BTreeMap<u64, Vec<u8>> {
    let (mut found, mut at) = (BTreeMap::new(), from);
    while at <= spool.last() {
        let run = spool.read(at, 3, 100).unwrap();
        assert!(run.next > at);
        found.extend((run.first..).zip(run.records));
        at = run.next;
    }
    found
}

fn expected(numbers: std::ops::RangeInclusive<u64>) -> BTreeMap<u64, Vec<u8>> {
    numbers.map(|number| (number, record(number))).collect()
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    segment::list(folder).unwrap().into_iter().map(|first| segment::path(folder, first)).collect()
}

#[test]
fn numbers_are_dense_and_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    for start in [1, 41, 81] {
        let mut spool = Spool::open(folder.path(), small()).unwrap();
        assert_eq!(spool.last(), start - 1);
        for number in (start..start + 40).step_by(2) {
            append(&mut spool, &[record(number), record(number + 1)]);
        }
        assert_eq!(all(&mut spool, 1), expected(1..=start + 39));
    }
    assert!(segments(folder.path()).len() > 5);
}

#[test]
fn what_is_acknowledged_goes_and_its_numbers_are_not_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(folder.path(), small()).unwrap();
    append(&mut spool, &(1..=100).map(record).collect::<Vec<_>>());
    append(&mut spool, &[record(101)]);
    spool.acknowledge(u64::MAX).unwrap();
    assert_eq!((spool.acknowledged(), spool.last()), (101, 101));
    assert_eq!(segments(folder.path()).len(), 1);
    drop(spool);
    let mut spool = Spool::open(folder.path(), small()).unwrap();
    assert_eq!(spool.last(), 101);
    append(&mut spool, &[record(102)]);
    assert_eq!(all(&mut spool, 102), expected(102..=102));
    assert_eq!(spool.dropped(), 0);
}

#[test]
fn a_full_spool_drops_the_oldest_and_counts_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(folder.path(), Settings { bytes: 2_000, ..small() }).unwrap();
    for number in 1..=200 {
        append(&mut spool, &[record(number)]);
        assert!(spool.bytes() <= 2_000, "{} bytes", spool.bytes());
    }
    let kept = all(&mut spool, 1);
    let first = *kept.keys().next().unwrap();
    assert!(first > 100);
    assert_eq!(kept, expected(first..=200));
    assert_eq!(spool.dropped(), first - 1);
    let run = spool.read(1, 10, 10_000).unwrap();
    assert_eq!(run.first, first);
}

#[test]
fn one_segment_alone_can_be_full() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool =
        Spool::open(folder.path(), Settings { bytes: 300, segment_bytes: 1 << 20, record_bytes: 100 }).unwrap();
    for number in 1..=50 {
        append(&mut spool, &[record(number)]);
    }
    assert!(spool.bytes() <= 300);
    append(&mut spool, &[vec![0; 101]]);
    assert_eq!(spool.last(), 50, "what is beyond the bound takes no number");
    assert!(all(&mut spool, 1).contains_key(&50));
}

#[test]
fn two_sensors_do_not_share_a_spool() {
    let folder = tempfile::tempdir().unwrap();
    let _first = Spool::open(folder.path(), small()).unwrap();
    assert!(matches!(Spool::open(folder.path(), small()), Err(SpoolError::InUse(_))));
}

#[test]
fn a_lost_spool_goes_on_after_what_the_centre_holds() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(folder.path(), small()).unwrap();
    assert!(spool.is_fresh());
    append(&mut spool, &(1..=30).map(record).collect::<Vec<_>>());
    drop(spool);
    let mut spool = Spool::open(folder.path(), small()).unwrap();
    assert!(spool.is_fresh(), "still nothing was agreed on");
    spool.settle(20).unwrap();
    assert!(!spool.is_fresh());
    assert_eq!((spool.acknowledged(), spool.last()), (20, 50));
    let anew: BTreeMap<u64, Vec<u8>> = (21..).zip((1..=30).map(record)).collect();
    assert_eq!(all(&mut spool, 21), anew);
    drop(spool);
    let mut spool = Spool::open(folder.path(), small()).unwrap();
    assert_eq!(all(&mut spool, 21), anew);
    spool.settle(25).unwrap();
    assert_eq!((spool.acknowledged(), spool.last()), (25, 50));
    // A centre that holds more than was ever numbered, though this spool is not new: it holds all of this.
    spool.settle(60).unwrap();
    append(&mut spool, &[record(1)]);
    assert_eq!(all(&mut spool, 1), BTreeMap::from([(61, record(1))]));
    assert!(matches!(spool.settle(u64::MAX), Err(SpoolError::Cursor(_))));
}

#[test]
fn an_agreed_new_spool_keeps_its_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(folder.path(), small()).unwrap();
    append(&mut spool, &[record(1), record(2)]);
    spool.settle(0).unwrap();
    assert_eq!(all(&mut spool, 1), expected(1..=2));
    spool.settle(2).unwrap();
    assert_eq!(spool.last(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    /// kill -9 and loss of power: the last segment ends anywhere.
    #[test]
    fn a_tail_cut_anywhere_loses_nothing_before_it(
        batches in prop::collection::vec(1_usize..6, 1..12), cut in any::<prop::sample::Index>(), segment_bytes in 50_u64..600,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { segment_bytes, ..small() };
        let mut spool = Spool::open(folder.path(), settings).unwrap();
        for batch in batches {
            let next = spool.last() + 1;
            append(&mut spool, &(next..next + batch as u64).map(record).collect::<Vec<_>>());
        }
        let last = spool.last();
        drop(spool);
        let torn = segments(folder.path()).pop().unwrap();
        let file = File::options().write(true).open(&torn).unwrap();
        file.set_len(cut.index(file.metadata().unwrap().len() as usize + 1) as u64).unwrap();
        let mut spool = Spool::open(folder.path(), settings).unwrap();
        let kept = spool.last();
        prop_assert!(kept <= last);
        append(&mut spool, &[record(kept + 1)]);
        prop_assert_eq!(all(&mut spool, 1), expected(1..=kept + 1));
        prop_assert_eq!(spool.dropped(), 0);
    }

    /// A damaged byte: what is read is what was written under that number, and what is not read is counted.
    #[test]
    fn a_damaged_byte_is_noticed(
        count in 1_u64..25, which in any::<prop::sample::Index>(), place in any::<prop::sample::Index>(), to in any::<u8>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::open(folder.path(), small()).unwrap();
        for number in 1..=count {
            append(&mut spool, &[record(number)]);
        }
        drop(spool);
        let files = segments(folder.path());
        let file = &files[which.index(files.len())];
        let mut bytes = std::fs::read(file).unwrap();
        let place = place.index(bytes.len());
        bytes[place] = to;
        std::fs::write(file, bytes).unwrap();
        let mut spool = Spool::open(folder.path(), small()).unwrap();
        let kept = all(&mut spool, 1);
        for (number, found) in &kept {
            prop_assert_eq!(found, &record(*number));
        }
        prop_assert_eq!(kept.len() as u64 + spool.dropped(), spool.last());
        let again = spool.dropped();
        all(&mut spool, 1);
        prop_assert_eq!(spool.dropped(), again, "each number is counted once");
    }
}
