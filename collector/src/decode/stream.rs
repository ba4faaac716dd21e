//! One direction of a TCP stream: segments put in order, messages read as they become whole, in bounded memory.

use std::collections::BTreeMap;

use model::observation::{Dns, Http, Tls};
use pnet_packet::tcp::TcpFlags;

use super::{dns, http, tls};

/// A message that is whole.
#[derive(Debug)]
pub(crate) enum Message {
    Dns(Dns),
    Http(Http),
    Tls(Tls),
}

/// What a protocol's reader says of the bytes so far.
#[derive(Debug)]
pub(crate) enum Reading {
    /// A message, the bytes it took, and how many bytes of body follow it that are not read.
    Whole(Message, usize, Body),
    /// It may become one.
    More,
    /// It is none.
    Nothing,
}

/// What follows a message's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body {
    /// That many bytes.
    Bytes(u64),
    /// Chunks, up to the last.
    Chunked,
    /// Nothing that is read any more.
    Rest,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    /// At the start of a message.
    #[default]
    Start,
    /// In a body of which that many bytes are to come.
    Skip(u64),
    /// In a chunked body.
    Chunks,
    /// Nothing of this stream is read any more.
    Done,
}

#[derive(Debug, Default)]
pub(crate) struct Stream {
    state: State,
    /// Sequence number of the byte after `buffer`.
    next: Option<u32>,
    buffer: Vec<u8>,
    /// Segments that came early, by their distance from `next` when the first of them came.
    early: BTreeMap<u32, Vec<u8>>,
    limit: usize,
}

impl Stream {
    pub(crate) fn limit(&mut self, bytes: usize) {
        self.limit = bytes;
    }

    /// Takes a segment; gives the messages that it completes.
    pub(crate) fn push(&mut self, sequence: u32, flags: u8, payload: &[u8], is_dns: bool) -> Vec<Message> {
        let mut sequence = sequence;
        if flags & TcpFlags::SYN != 0 {
            // A new connection on the same ports begins anew.
            *self = Self { limit: self.limit, next: Some(sequence.wrapping_add(1)), ..Self::default() };
            sequence = sequence.wrapping_add(1);
        }
        if self.state == State::Done || payload.is_empty() {
            return Vec::new();
        }
        self.order(sequence, payload);
        self.read(is_dns)
    }

    fn order(&mut self, sequence: u32, payload: &[u8]) {
        let next = *self.next.get_or_insert(sequence);
        let distance = sequence.wrapping_sub(next).cast_signed();
        if distance > 0 {
            let waiting: usize = self.early.values().map(Vec::len).sum();
            if waiting + payload.len() <= self.limit {
                self.early.entry(sequence).or_insert_with(|| payload.to_vec());
                return;
            }
            // What is missing will not come any more: go on behind the gap.
            self.buffer.clear();
            self.state = State::Start;
            self.early.clear();
            self.next = Some(sequence);
            self.append(sequence, payload);
            return;
        }
        self.append(sequence, payload);
        while let Some(next) = self.next
            && let Some(sequence) =
                self.early.keys().copied().find(|early| next.wrapping_sub(*early).cast_signed() >= 0)
            && let Some(payload) = self.early.remove(&sequence)
        {
            self.append(sequence, &payload);
        }
    }

    /// Appends what of a segment is new.
    fn append(&mut self, sequence: u32, payload: &[u8]) {
        let Some(next) = self.next else { return };
        let old = next.wrapping_sub(sequence) as usize;
        if let Some(new) = payload.get(old..) {
            self.buffer.extend_from_slice(new);
            self.next = Some(sequence.wrapping_add(u32::try_from(payload.len()).unwrap_or(u32::MAX)));
        }
    }

    fn read(&mut self, is_dns: bool) -> Vec<Message> {
        let mut messages = Vec::new();
        loop {
            match self.state {
                State::Done => {
                    self.buffer = Vec::new();
                    return messages;
                }
                State::Skip(bytes) => {
                    let now = usize::try_from(bytes).unwrap_or(usize::MAX).min(self.buffer.len());
                    self.buffer.drain(..now);
                    let left = bytes.saturating_sub(now as u64);
                    self.state = if left == 0 { State::Start } else { State::Skip(left) };
                    if left > 0 {
                        return messages;
                    }
                }
                State::Chunks => match http::end_of_chunks(&self.buffer) {
                    Some(end) => {
                        self.buffer.drain(..end);
                        self.state = State::Start;
                    }
                    None => {
                        let keep = self.buffer.len().saturating_sub(4);
                        self.buffer.drain(..keep);
                        return messages;
                    }
                },
                State::Start if self.buffer.is_empty() => return messages,
                State::Start => match reading(&self.buffer, is_dns) {
                    Reading::Whole(message, length, body) => {
                        messages.push(message);
                        self.buffer.drain(..length.min(self.buffer.len()));
                        self.state = match body {
                            Body::Bytes(0) => State::Start,
                            Body::Bytes(bytes) => State::Skip(bytes),
                            Body::Chunked => State::Chunks,
                            Body::Rest => State::Done,
                        };
                    }
                    Reading::More if self.buffer.len() <= self.limit => return messages,
                    // Captures begin in the middle of streams: the next segment may be the start of a message.
                    Reading::More | Reading::Nothing => {
                        self.buffer.clear();
                        return messages;
                    }
                },
            }
        }
    }
}

fn reading(bytes: &[u8], is_dns: bool) -> Reading {
    if is_dns {
        return dns::prefixed(bytes);
    }
    match bytes {
        [0x16, 0x03, ..] => tls::client_hello(bytes),
        [b'A'..=b'Z', ..] => http::request(bytes),
        _ => Reading::Nothing,
    }
}
