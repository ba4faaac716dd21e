//! Unpacking, and the first bytes.

use std::io::{self, BufReader, Cursor, Read};

use bzip2::read::MultiBzDecoder;
use flate2::read::MultiGzDecoder;
use liblzma::read::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};

use super::{InboundError, Reader, Settings};

/// Compression in compression is followed this deep.
const LAYERS_MAX: usize = 2;
/// Enough of the beginning to know a compressed file.
const MAGIC_BYTES: usize = 10;
/// What the decoder of an xz file may ask for.
const XZ_MEMORY_BYTES: u64 = 128 << 20;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The first bytes of the unpacked input, and all of it. A byte order mark is passed over.
pub(super) fn open(input: Box<dyn Read + Send>, settings: &Settings) -> Result<(Vec<u8>, Reader), InboundError> {
    let mut input = input;
    for _ in 0..=LAYERS_MAX {
        let head = beginning(&mut input, MAGIC_BYTES)?;
        let rest = Box::new(Cursor::new(head.clone()).chain(input));
        input = match head.as_slice() {
            [0x1f, 0x8b, ..] => Box::new(Capped::new(MultiGzDecoder::new(rest), settings)),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Box::new(Capped::new(zstd::Decoder::new(rest)?, settings)),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => {
                let xz = Stream::new_stream_decoder(XZ_MEMORY_BYTES, CONCATENATED).map_err(io::Error::other)?;
                Box::new(Capped::new(XzDecoder::new_stream(rest, xz), settings))
            }
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59] => {
                Box::new(Capped::new(MultiBzDecoder::new(rest), settings))
            }
            _ => return sampled(rest, settings),
        };
    }
    Err(InboundError::Layers)
}

fn sampled(mut input: Box<dyn Read + Send>, settings: &Settings) -> Result<(Vec<u8>, Reader), InboundError> {
    let mut sample = beginning(&mut input, settings.sample_bytes.max(MAGIC_BYTES))?;
    if sample.starts_with(BYTE_ORDER_MARK) {
        sample.drain(..BYTE_ORDER_MARK.len());
    }
    let whole = Cursor::new(sample.clone()).chain(input);
    Ok((sample, Box::new(BufReader::with_capacity(64 << 10, whole))))
}

/// The first `bytes`, however they come; fewer only at the end.
fn beginning(input: &mut Box<dyn Read + Send>, bytes: usize) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    input.take(bytes as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// An object, or a list of objects; `[2001:db8::1]:80` is a line of a list.
pub(super) fn is_json(sample: &[u8]) -> bool {
    let mut signs = sample.iter().filter(|b| !b.is_ascii_whitespace());
    match signs.next() {
        Some(b'{') => true,
        Some(b'[') => matches!(signs.next(), Some(b'{' | b']') | None),
        _ => false,
    }
}

/// Fails where more than the bound comes: what was cut off must not look whole.
struct Capped<R> {
    unpacked: R,
    left: u64,
}

impl<R> Capped<R> {
    fn new(unpacked: R, settings: &Settings) -> Self {
        Self { unpacked, left: settings.decompressed_bytes }
    }
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = self.unpacked.read(into)?;
        match self.left.checked_sub(got as u64) {
            Some(left) => {
                self.left = left;
                Ok(got)
            }
            None => Err(io::Error::other("it holds more than `decompressed_bytes` allows: split it")),
        }
    }
}
