//! TLS ClientHello (RFC 8446 §4.1.2): server name and JA3.

use md5::{Digest, Md5};
use model::observation::Tls;
use model::value::canonical_name;
use tls_parser::{
    SNIType, TlsClientHelloContents, TlsExtension, TlsMessage, TlsMessageHandshake, parse_tls_extensions,
};

use super::stream::{Body, Message, Reading};

/// Largest ClientHello.
const HELLO_BYTES_MAX: usize = 32 << 10;
const CLIENT_HELLO: u8 = 1;

/// Reads the ClientHello at the start of a stream, from as many records as it takes.
pub(crate) fn client_hello(stream: &[u8]) -> Reading {
    let mut handshake = Vec::new();
    let mut rest = stream;
    loop {
        if let [CLIENT_HELLO, a, b, c, ..] = handshake.as_slice() {
            let length = 4 + ((usize::from(*a) << 16) | (usize::from(*b) << 8) | usize::from(*c));
            if length > HELLO_BYTES_MAX {
                return Reading::Nothing;
            }
            if let Some(message) = handshake.get(..length) {
                return read(message)
                    .map_or(Reading::Nothing, |tls| Reading::Whole(Message::Tls(tls), stream.len(), Body::Rest));
            }
        } else if handshake.first().is_some_and(|kind| *kind != CLIENT_HELLO) {
            return Reading::Nothing;
        }
        let Some((head, after)) = rest.split_first_chunk::<5>() else { return Reading::More };
        let [kind, major, _, high, low] = *head;
        if kind != 0x16 || major != 3 {
            return Reading::Nothing;
        }
        let length = usize::from(u16::from_be_bytes([high, low]));
        let fragment = after.get(..length.min(after.len())).unwrap_or_default();
        handshake.extend_from_slice(fragment);
        match after.get(length..) {
            Some(next) => rest = next,
            // The record is not whole; the message in it may be all the same.
            None => rest = &[],
        }
    }
}

fn read(message: &[u8]) -> Option<Tls> {
    let (_, message) = tls_parser::parse_tls_message_handshake(message).ok()?;
    let TlsMessage::Handshake(TlsMessageHandshake::ClientHello(hello)) = message else { return None };
    let extensions =
        hello.ext.and_then(|bytes| parse_tls_extensions(bytes).ok()).map(|(_, list)| list).unwrap_or_default();
    let server_name = extensions.iter().find_map(|extension| match extension {
        TlsExtension::SNI(names) => names.iter().find(|(kind, _)| *kind == SNIType::HostName).map(|(_, name)| *name),
        _ => None,
    });
    let offered = extensions.iter().find_map(|extension| match extension {
        TlsExtension::SupportedVersions(versions) => {
            versions.iter().map(|version| version.0).filter(|v| !is_grease(*v)).max()
        }
        _ => None,
    });
    Some(Tls {
        server_name: server_name.map(|name| canonical_name(&String::from_utf8_lossy(name)).into()),
        ja3: Some(ja3(&hello, &extensions).into()),
        version: version_name(offered.unwrap_or(hello.version.0)).map(Into::into),
        ..Tls::default()
    })
}

fn version_name(version: u16) -> Option<&'static str> {
    match version {
        0x0300 => Some("ssl3"),
        0x0301 => Some("1.0"),
        0x0302 => Some("1.1"),
        0x0303 => Some("1.2"),
        0x0304 => Some("1.3"),
        _ => None,
    }
}

/// RFC 8701: values that clients send so that servers stay tolerant; JA3 leaves them out.
fn is_grease(value: u16) -> bool {
    value & 0x0f0f == 0x0a0a && value >> 8 == value & 0xff
}

/// JA3: MD5 of version, ciphers, extensions, groups and point formats.
fn ja3(hello: &TlsClientHelloContents<'_>, extensions: &[TlsExtension<'_>]) -> String {
    let list = |values: &mut dyn Iterator<Item = u16>| {
        values.filter(|value| !is_grease(*value)).map(|value| value.to_string()).collect::<Vec<_>>().join("-")
    };
    let groups = extensions.iter().find_map(|extension| match extension {
        TlsExtension::EllipticCurves(groups) => Some(list(&mut groups.iter().map(|group| group.0))),
        _ => None,
    });
    let formats = extensions.iter().find_map(|extension| match extension {
        TlsExtension::EcPointFormats(formats) => Some(list(&mut formats.iter().map(|format| u16::from(*format)))),
        _ => None,
    });
    let text = format!(
        "{},{},{},{},{}",
        hello.version.0,
        list(&mut hello.ciphers.iter().map(|cipher| cipher.0)),
        list(&mut hello.ext.map(extension_types).unwrap_or_default().into_iter()),
        groups.unwrap_or_default(),
        formats.unwrap_or_default()
    );
    hex::encode(Md5::digest(text))
}

/// The types of the extensions, in their order, as numbers.
fn extension_types(mut bytes: &[u8]) -> Vec<u16> {
    let mut types = Vec::new();
    while let Some((head, rest)) = bytes.split_first_chunk::<4>() {
        let [a, b, c, d] = *head;
        types.push(u16::from_be_bytes([a, b]));
        match rest.get(usize::from(u16::from_be_bytes([c, d]))..) {
            Some(next) => bytes = next,
            None => break,
        }
    }
    types
}
