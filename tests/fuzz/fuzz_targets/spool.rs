//! A spool's segments as a crash or a damaged disk may leave them: what is read is what was written, in order, and what is
//! appended afterwards is read back.
#![no_main]

use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;

use collector::spool::{Settings, Spool};
use libfuzzer_sys::fuzz_target;

const RECORDS: u64 = 12;

fn record(sequence: u64) -> Vec<u8> {
    vec![b'r'; usize::try_from(sequence * 7 % 40).unwrap()]
}

fn segments(folder: &std::path::Path) -> Vec<PathBuf> {
    let all = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = all.filter(|path| path.metadata().unwrap().len() > 8).collect();
    found.sort();
    found
}

/// Three bytes at a time: which segment, where, what; what is left over goes behind the last segment.
fn damage(folder: &std::path::Path, data: &[u8]) {
    let segments = segments(folder);
    let (changes, tail) = data.split_at(data.len().min(12));
    for change in changes.chunks_exact(3) {
        let path = &segments[usize::from(change[0]) % segments.len()];
        let mut file = OpenOptions::new().write(true).open(path).unwrap();
        file.seek(SeekFrom::Start(8 + u64::from(change[1]))).unwrap();
        file.write_all(&change[2..]).unwrap();
    }
    let last = segments.last().unwrap();
    OpenOptions::new().append(true).open(last).unwrap().write_all(tail).unwrap();
}

fn read_all(spool: &mut Spool) -> Vec<(u64, Vec<u8>)> {
    let (mut found, mut from) = (Vec::new(), 1);
    while from <= spool.last() {
        let run = spool.read(from, 5, 1_000).unwrap();
        assert!(run.next > from, "reading goes on");
        found.extend((run.first..).zip(run.records));
        from = run.next;
    }
    found
}

fuzz_target!(|data: &[u8]| {
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let settings = Settings { bytes: 1 << 16, segment_bytes: 128, record_bytes: 1 << 10 };
    let mut spool = Spool::open(folder.path(), settings).unwrap();
    for sequence in 1..=RECORDS {
        spool.append([record(sequence).as_slice()]).unwrap();
    }
    drop(spool);
    damage(folder.path(), data);
    let Ok(mut spool) = Spool::open(folder.path(), settings) else { return };
    let found = read_all(&mut spool);
    assert!(found.windows(2).all(|pair| pair[0].0 < pair[1].0));
    for (sequence, bytes) in found.iter().filter(|(sequence, _)| *sequence <= RECORDS) {
        assert_eq!(*bytes, record(*sequence));
    }
    let last = spool.last();
    spool.append([b"after".as_slice()]).unwrap();
    assert_eq!(read_all(&mut spool).last(), Some(&(last + 1, b"after".to_vec())));
});
