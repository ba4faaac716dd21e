//! One file of the spool: `BWSPOOL1`, then records of u32 length, u32 CRC-32 over sequence number and payload, payload; integers
//! little-endian. The file's name is the sequence number of its first record.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"BWSPOOL1";
const EXTENSION: &str = "spool";
/// A segment that is being made; one that is left over was never part of the spool.
const NEW: &str = "new";
/// Bytes before the first record.
pub(super) const HEAD_BYTES: u64 = MAGIC.len() as u64;
/// No sequence number is ever beyond this: what says so is not ours.
pub(super) const SEQUENCE_MAX: u64 = 1 << 62;
/// Bytes of a record before its payload.
const RECORD_HEAD_BYTES: u64 = 8;

/// Where the segment that begins with `first` lies.
pub(super) fn path(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("{first:020}.{EXTENSION}"))
}

/// The first sequence numbers of the segments in `folder`, ascending. Removes what was never finished.
pub(super) fn list(folder: &Path) -> io::Result<Vec<u64>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some(NEW) => std::fs::remove_file(&path)?,
            Some(EXTENSION) => {
                let first = path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
                found.extend(first.filter(|first| (1..=SEQUENCE_MAX).contains(first)));
            }
            _ => {}
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Adds a record as it stands in a segment.
pub(super) fn write_record(sequence: u64, payload: &[u8], into: &mut Vec<u8>) {
    // The spool refuses payloads beyond its bound, which is far below this.
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    into.extend_from_slice(&length.to_le_bytes());
    into.extend_from_slice(&checksum(sequence, payload).to_le_bytes());
    into.extend_from_slice(payload);
}

fn checksum(sequence: u64, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&sequence.to_le_bytes());
    hasher.update(payload);
    hasher.finalize()
}

/// Makes a segment that holds `records` already, durable under its name before this returns.
pub(super) fn create(folder: &Path, first: u64, records: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<File> {
    let (made, named) = (folder.join(format!("{first:020}.{NEW}")), path(folder, first));
    let mut file = File::options().read(true).write(true).create(true).truncate(true).open(&made)?;
    file.write_all(MAGIC)?;
    records(&mut file)?;
    file.sync_all()?;
    std::fs::rename(&made, &named)?;
    sync_folder(folder)?;
    Ok(file)
}

/// Makes what was created or removed in `folder` durable.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Opens the segment that was written to last; cuts off what a crash left of a record. Gives its file, the sequence number after
/// its last record and its length.
pub(super) fn reopen(folder: &Path, first: u64, record_bytes: usize) -> io::Result<(File, u64, u64)> {
    let path = path(folder, first);
    let file = File::options().read(true).write(true).open(&path)?;
    let length = file.metadata()?.len();
    let mut records = Records::open(&path, first, record_bytes)?;
    if !records.sound {
        file.set_len(0)?;
        file.write_all_at(MAGIC, 0)?;
        file.sync_all()?;
        return Ok((file, first, HEAD_BYTES));
    }
    while records.next()?.is_some() {}
    if records.offset < length {
        file.set_len(records.offset)?;
        file.sync_all()?;
    }
    Ok((file, records.sequence, records.offset))
}

/// Reads the records of a segment in order.
#[derive(Debug)]
pub(super) struct Records {
    reader: BufReader<File>,
    record_bytes: usize,
    /// Nothing damaged was met.
    sound: bool,
    /// A record that was read and given back.
    back: Option<Vec<u8>>,
    /// First sequence number of the segment.
    pub(super) first: u64,
    /// Of the next record.
    pub(super) sequence: u64,
    offset: u64,
}

impl Records {
    pub(super) fn open(path: &Path, first: u64, record_bytes: usize) -> io::Result<Self> {
        let mut reader = BufReader::with_capacity(1 << 16, File::open(path)?);
        let mut magic = [0; MAGIC.len()];
        let sound = whole(reader.read_exact(&mut magic))?.is_some() && &magic == MAGIC;
        Ok(Self { reader, record_bytes, sound, back: None, first, sequence: first, offset: HEAD_BYTES })
    }

    /// The next record; none at the end, or where the rest is damaged.
    pub(super) fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        if let Some(payload) = self.back.take() {
            self.step(&payload, true);
            return Ok(Some(payload));
        }
        let mut head = [0; RECORD_HEAD_BYTES as usize];
        if !self.sound || whole(self.reader.read_exact(&mut head))?.is_none() {
            return Ok(None);
        }
        let [a, b, c, d, e, f, g, h] = head;
        let length = u32::from_le_bytes([a, b, c, d]);
        if length as usize > self.record_bytes {
            self.sound = false;
            return Ok(None);
        }
        let mut payload = vec![0; length as usize];
        if whole(self.reader.read_exact(&mut payload))?.is_none()
            || checksum(self.sequence, &payload) != u32::from_le_bytes([e, f, g, h])
        {
            self.sound = false;
            return Ok(None);
        }
        self.step(&payload, true);
        Ok(Some(payload))
    }

    /// Takes back the record that [`Records::next`] gave last.
    pub(super) fn give_back(&mut self, payload: Vec<u8>) {
        self.step(&payload, false);
        self.back = Some(payload);
    }

    fn step(&mut self, payload: &[u8], on: bool) {
        let bytes = RECORD_HEAD_BYTES + payload.len() as u64;
        (self.sequence, self.offset) = match on {
            true => (self.sequence + 1, self.offset + bytes),
            false => (self.sequence - 1, self.offset - bytes),
        };
    }
}

/// A file that ends too early is no error here, but an end.
fn whole(read: io::Result<()>) -> io::Result<Option<()>> {
    match read {
        Ok(()) => Ok(Some(())),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}
