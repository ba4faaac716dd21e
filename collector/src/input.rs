//! Inputs, told apart by content, plain or compressed.

use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};

use crate::Settings;

/// Why an input cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// It is nothing that is known here.
    #[error("the input is neither pcap, pcapng nor Suricata EVE, plain or compressed with gzip, zstd, xz or bzip2")]
    Unknown,
    /// It cannot be read.
    #[error("the input cannot be read")]
    Read(#[from] io::Error),
}

/// What an input is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Capture,
    Eve,
}

pub(crate) type Reader = Box<dyn BufRead + Send>;

/// Bytes that tell kinds apart.
const PEEK_BYTES: usize = 6;
/// Compression in compression is followed this deep.
const LAYERS_MAX: usize = 2;

pub(crate) fn open(input: Box<dyn Read + Send>, settings: &Settings) -> Result<(Kind, Reader), InputError> {
    let mut input = input;
    for _ in 0..=LAYERS_MAX {
        let (head, rest) = peek(input)?;
        let limit = settings.decompressed_bytes;
        input = match head.as_slice() {
            [0x1f, 0x8b, ..] => Box::new(flate2::read::MultiGzDecoder::new(rest).take(limit)),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Box::new(zstd::Decoder::new(rest)?.take(limit)),
            [0xfd, b'7', b'z', b'X', b'Z', ..] => {
                Box::new(liblzma::read::XzDecoder::new_multi_decoder(rest).take(limit))
            }
            [b'B', b'Z', b'h', ..] => Box::new(bzip2::read::MultiBzDecoder::new(rest).take(limit)),
            _ => return Ok((kind(&head)?, Box::new(BufReader::with_capacity(1 << 16, rest)))),
        };
    }
    Err(InputError::Unknown)
}

fn kind(head: &[u8]) -> Result<Kind, InputError> {
    match head {
        [0xd4, 0xc3, 0xb2, 0xa1, ..] | [0xa1, 0xb2, 0xc3, 0xd4, ..] => Ok(Kind::Capture),
        [0x4d, 0x3c, 0xb2, 0xa1, ..] | [0xa1, 0xb2, 0x3c, 0x4d, ..] => Ok(Kind::Capture),
        [0x0a, 0x0d, 0x0d, 0x0a, ..] => Ok(Kind::Capture),
        head if head.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{') => Ok(Kind::Eve),
        _ => Err(InputError::Unknown),
    }
}

/// An input whose first bytes were looked at and stand before the rest.
type Peeked = Chain<Cursor<Vec<u8>>, Box<dyn Read + Send>>;

fn peek(mut input: Box<dyn Read + Send>) -> io::Result<(Vec<u8>, Peeked)> {
    let mut head = Vec::new();
    (&mut input).take(PEEK_BYTES as u64).read_to_end(&mut head)?;
    let rest = Cursor::new(head.clone()).chain(input);
    Ok((head, rest))
}
