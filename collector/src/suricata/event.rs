//! What is read of an EVE line: the members that observations have, in place, the rest skipped. A member of another kind than
//! Suricata writes counts as absent; a line is refused only where it is no JSON, as far as it is
//! looked at ([`super::line`]).

use std::borrow::Cow;

use smallvec::SmallVec;

use super::line::{Fault, Read, Reader};
use super::name::Name;

/// A text or a number; anything else is [`Scalar::Other`].
#[derive(Debug, Clone, Copy, Default)]
pub(super) enum Scalar<'a> {
    Text(&'a str),
    Number(u64),
    #[default]
    Other,
}

impl<'a> Scalar<'a> {
    pub(super) fn text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text, for an observation that borrows it.
    pub(super) fn cow(self) -> Option<Cow<'a, str>> {
        self.text().map(Cow::Borrowed)
    }

    pub(super) fn number(self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(number),
            _ => None,
        }
    }
}

impl<'a> Read<'a> for Scalar<'a> {
    #[inline]
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Fault> {
        match reader.peek() {
            Some(b'"') => *self = Self::Text(reader.text()?),
            Some(b'{' | b'[') => reader.pass()?,
            _ => match reader.digits() {
                Some(number) => *self = Self::Number(number),
                None => *self = word(reader)?,
            },
        }
        Ok(())
    }
}

/// Any other number, and what JSON has words for.
fn word<'a>(reader: &mut Reader<'a>) -> Result<Scalar<'a>, Fault> {
    let word = reader.word()?;
    match word.parse() {
        Ok(number) => Ok(Scalar::Number(number)),
        Err(_) if matches!(word, "true" | "false" | "null") || word.parse::<f64>().is_ok() => Ok(Scalar::Other),
        Err(_) => Err(reader.fault_of(word, "this is no value")),
    }
}

/// An object, or a list of them; anything else has none. One lies in place: nearly all have one at most.
#[derive(Debug, Clone)]
pub(super) struct Section<T>(pub(super) SmallVec<[T; 1]>);

impl<T> Default for Section<T> {
    fn default() -> Self {
        Self(SmallVec::new())
    }
}

impl<T> Section<T> {
    pub(super) fn one(&self) -> Option<&T> {
        self.0.first()
    }
}

impl<'a, T: Read<'a>> Read<'a> for Section<T> {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Fault> {
        match reader.peek() {
            Some(b'{') => {
                self.0.push(T::default());
                self.0.last_mut().map_or(Ok(()), |section| section.read(reader))
            }
            Some(b'[') => reader.list(|reader| self.read(reader)),
            _ => reader.pass(),
        }
    }
}

/// The texts of a list; what else stands in it is passed over.
#[derive(Debug, Clone, Default)]
pub(super) struct Texts<'a>(pub(super) Vec<&'a str>);

impl<'a> Read<'a> for Texts<'a> {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Fault> {
        match reader.peek() {
            Some(b'[') => reader.list(|reader| {
                let mut item = Scalar::default();
                item.read(reader)?;
                self.0.extend(item.text());
                Ok(())
            }),
            _ => reader.pass(),
        }
    }
}

/// An object of an EVE line: the names of the members that are read, and what they are. Missing ones are absent, others are passed
/// over, and none of those that are read may come twice.
macro_rules! section {
    ($(#[$meta:meta])* $section:ident<$life:lifetime> { $($name:literal => $member:ident: $kind:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Default)]
        pub(super) struct $section<$life> {
            $(pub(super) $member: $kind,)*
        }

        impl<$life> Read<$life> for $section<$life> {
            fn read(&mut self, reader: &mut Reader<$life>) -> Result<(), Fault> {
                struct Names;
                #[expect(non_upper_case_globals, reason = "they are called as the members are")]
                impl Names {
                    $(const $member: Name = Name::asked($name);)*
                }
                $(let mut $member = false;)*
                reader.object(|reader, name| {
                    match name {
                        $(Names::$member => {
                            if std::mem::replace(&mut $member, true) {
                                return Err(reader.fault("a name comes twice"));
                            }
                            self.$member.read(reader)
                        })*
                        _ => reader.pass(),
                    }
                })
            }
        }
    };
}
#[cfg(test)]
pub(super) use section;

section! {
    /// One line.
    Event<'a> {
        b"timestamp" => timestamp: Scalar<'a>,
        b"event_type" => event_type: Scalar<'a>,
        b"src_ip" => src_ip: Scalar<'a>,
        b"src_port" => src_port: Scalar<'a>,
        b"dest_ip" => dest_ip: Scalar<'a>,
        b"dest_port" => dest_port: Scalar<'a>,
        b"proto" => proto: Scalar<'a>,
        b"app_proto" => app_proto: Scalar<'a>,
        b"community_id" => community_id: Scalar<'a>,
        b"flow" => flow: Section<Flow<'a>>,
        b"dns" => dns: Section<Dns<'a>>,
        b"mdns" => mdns: Section<Dns<'a>>,
        b"llmnr" => llmnr: Section<Dns<'a>>,
        b"http" => http: Section<Http<'a>>,
        b"tls" => tls: Section<Tls<'a>>,
        b"quic" => quic: Section<Tls<'a>>,
        b"fileinfo" => fileinfo: Section<FileInfo<'a>>,
        b"email" => email: Section<Email<'a>>,
        b"smtp" => smtp: Section<Smtp<'a>>,
    }
}

section! {
    Flow<'a> {
        b"start" => start: Scalar<'a>,
        b"bytes_toserver" => bytes_toserver: Scalar<'a>,
        b"bytes_toclient" => bytes_toclient: Scalar<'a>,
        b"pkts_toserver" => pkts_toserver: Scalar<'a>,
        b"pkts_toclient" => pkts_toclient: Scalar<'a>,
    }
}

section! {
    Dns<'a> {
        b"type" => kind: Scalar<'a>,
        b"id" => id: Scalar<'a>,
        b"rcode" => rcode: Scalar<'a>,
        b"rrname" => rrname: Scalar<'a>,
        b"rrtype" => rrtype: Scalar<'a>,
        b"queries" => queries: Section<Query<'a>>,
        b"query" => query: Section<Query<'a>>,
        b"answers" => answers: Section<Answer<'a>>,
    }
}

section! {
    Query<'a> {
        b"rrname" => rrname: Scalar<'a>,
        b"rrtype" => rrtype: Scalar<'a>,
    }
}

section! {
    Answer<'a> {
        b"rrname" => rrname: Scalar<'a>,
        b"rrtype" => rrtype: Scalar<'a>,
        b"rdata" => rdata: Scalar<'a>,
        b"ttl" => ttl: Scalar<'a>,
    }
}

section! {
    Http<'a> {
        b"hostname" => hostname: Scalar<'a>,
        b"url" => url: Scalar<'a>,
        b"http_port" => http_port: Scalar<'a>,
        b"http_method" => http_method: Scalar<'a>,
        b"http_user_agent" => http_user_agent: Scalar<'a>,
        b"status" => status: Scalar<'a>,
    }
}

section! {
    Tls<'a> {
        b"sni" => sni: Scalar<'a>,
        b"ja3" => ja3: Section<Ja3<'a>>,
        b"version" => version: Scalar<'a>,
        b"subject" => subject: Scalar<'a>,
        b"issuerdn" => issuerdn: Scalar<'a>,
        b"fingerprint" => fingerprint: Scalar<'a>,
    }
}

section! {
    Ja3<'a> {
        b"hash" => hash: Scalar<'a>,
    }
}

section! {
    FileInfo<'a> {
        b"filename" => filename: Scalar<'a>,
        b"size" => size: Scalar<'a>,
        b"md5" => md5: Scalar<'a>,
        b"sha1" => sha1: Scalar<'a>,
        b"sha256" => sha256: Scalar<'a>,
    }
}

section! {
    Email<'a> {
        b"from" => from: Scalar<'a>,
        b"to" => to: Texts<'a>,
        b"cc" => cc: Texts<'a>,
        b"subject" => subject: Scalar<'a>,
    }
}

section! {
    Smtp<'a> {
        b"mail_from" => mail_from: Scalar<'a>,
        b"rcpt_to" => rcpt_to: Texts<'a>,
    }
}
