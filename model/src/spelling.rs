//! The canonical spelling of one value, by what it is the value of.

use std::net::IpAddr;

use crate::value::{canonical_name, canonical_url, refang};

/// Short names of registry hives (STIX 2.1 §6.17 asks for the long ones).
const HIVES: &[(&str, &str)] = &[
    ("hkcc", "hkey_current_config"),
    ("hkcr", "hkey_classes_root"),
    ("hkcu", "hkey_current_user"),
    ("hklm", "hkey_local_machine"),
    ("hku", "hkey_users"),
];
/// Algorithms whose values are no hexadecimal digits: case counts.
const CASED: &[&str] = &["SSDEEP"];
/// Names of algorithms as STIX 2.1 spells them (`hash-algorithm-ov`, §10.7), by their letters and digits.
const ALGORITHMS: &[(&str, &str)] = &[
    ("SHA1", "SHA-1"),
    ("SHA224", "SHA-224"),
    ("SHA256", "SHA-256"),
    ("SHA384", "SHA-384"),
    ("SHA512", "SHA-512"),
    ("SHA3256", "SHA3-256"),
    ("SHA3512", "SHA3-512"),
];

/// Most rounds of undoing spellings inside spellings (`a[[.]]b`).
const ROUNDS_MAX: usize = 8;

/// `text` as the value of `path` (properties joined by points, no indexes) of an object of this type.
pub(crate) fn spelled(object_type: &str, path: &str, text: &str) -> String {
    let mut plain = text.to_owned();
    for _ in 0..ROUNDS_MAX {
        let next = spelled_once(object_type, path, &plain);
        if next == plain {
            break;
        }
        plain = next;
    }
    plain
}

fn spelled_once(object_type: &str, path: &str, text: &str) -> String {
    match (object_type, path) {
        ("ipv4-addr" | "ipv6-addr", "value") => address(text).unwrap_or_else(|| text.to_owned()),
        ("domain-name", "value") => name(&refang(text)),
        ("url", "value") => url(text),
        ("email-addr", "value") => refang(text).to_lowercase(),
        ("mac-addr", "value") => mac(text).unwrap_or_else(|| text.to_lowercase()),
        ("windows-registry-key", "key") => registry_key(text),
        ("windows-registry-key", "values.name") | ("network-traffic", "protocols") => text.to_lowercase(),
        ("directory", "path") => directory(text),
        ("software", "cpe") => text.to_lowercase(),
        ("x509-certificate", "serial_number") => hexadecimal(text),
        ("email-message", _) if path.ends_with("_ref.value") || path.ends_with("_refs.value") => {
            refang(text).to_lowercase()
        }
        _ if path.ends_with("_ref.value") || path.ends_with("_refs.value") => {
            address(text).unwrap_or_else(|| name(&refang(text)))
        }
        _ => match path.rsplit_once('.') {
            Some((before, last)) if before == "hashes" || before.ends_with(".hashes") => hash(&algorithm(last), text),
            _ => text.to_owned(),
        },
    }
}

/// An address, or a network without the bits that do not count; none if it is neither.
pub(crate) fn address(text: &str) -> Option<String> {
    let plain = refang(text);
    let (address, length) = plain.split_once('/').map_or((plain.as_str(), None), |(a, length)| (a, Some(length)));
    let address: IpAddr = without_zeros(address).parse().ok()?;
    let bits: u32 = if address.is_ipv4() { 32 } else { 128 };
    let length: u32 = length.map_or(Some(bits), |length| length.parse().ok())?;
    if length > bits {
        return None;
    }
    if length == bits {
        return Some(address.to_string());
    }
    let network = match address {
        IpAddr::V4(address) => {
            IpAddr::from((u32::from(address) & u32::MAX.checked_shl(bits - length).unwrap_or_default()).to_be_bytes())
        }
        IpAddr::V6(address) => {
            IpAddr::from((u128::from(address) & u128::MAX.checked_shl(bits - length).unwrap_or_default()).to_be_bytes())
        }
    };
    Some(format!("{network}/{length}"))
}

/// `010.001.…`: what people pad to three digits is decimal.
fn without_zeros(address: &str) -> String {
    if address.contains(':') {
        return address.to_owned();
    }
    let part = |part: &str| match part.trim_start_matches('0') {
        "" if !part.is_empty() => "0".to_owned(),
        rest => rest.to_owned(),
    };
    address.split('.').map(part).collect::<Vec<_>>().join(".")
}

/// A domain name in lower case and, where it is international, in its ASCII form (RFC 5890).
fn name(text: &str) -> String {
    let plain = canonical_name(text);
    if plain.is_ascii() {
        return plain;
    }
    idna::domain_to_ascii(&plain).unwrap_or(plain)
}

fn url(text: &str) -> String {
    let plain = refang(text);
    let plain = canonical_url(&plain);
    let Some((scheme, rest)) = plain.split_once("://") else { return escapes(&plain) };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let Some((authority, tail)) = rest.split_at_checked(end) else { return plain.into_owned() };
    let (user, host) = authority.rsplit_once('@').map_or(("", authority), |(user, host)| (user, host));
    let at = if authority.contains('@') { "@" } else { "" };
    let (host, port) =
        host.split_once(':').filter(|_| !host.starts_with('[')).map_or((host, ""), |(host, port)| (host, port));
    let colon = if port.is_empty() { "" } else { ":" };
    format!("{scheme}://{user}{at}{}{colon}{port}{}", name(host), escapes(tail))
}

/// Percent escapes as RFC 3986 §6.2.2 has them: capitals, and none for what needs none. A sign that begins no escape stays.
fn escapes(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        plain.push_str(before);
        let byte = after.get(..2).filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        match byte.and_then(|hex| Some((hex, u8::from_str_radix(hex, 16).ok()?))) {
            Some((hex, byte)) => {
                if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                    plain.push(char::from(byte));
                } else {
                    plain.push('%');
                    plain.push_str(&hex.to_ascii_uppercase());
                }
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                plain.push('%');
                rest = after;
            }
        }
    }
    plain + rest
}

fn mac(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|c| !matches!(c, ':' | '-' | '.')).collect();
    let bytes = hex::decode(digits).ok().filter(|bytes| matches!(bytes.len(), 6 | 8))?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":"))
}

fn registry_key(text: &str) -> String {
    let lower = text.to_lowercase();
    let lower = lower.trim_end_matches('\\');
    let (hive, rest) = lower.split_at_checked(lower.find('\\').unwrap_or(lower.len())).unwrap_or((lower, ""));
    let hive = HIVES.iter().find(|(short, _)| *short == hive).map_or(hive, |(_, long)| *long);
    format!("{hive}{rest}")
}

/// Without separator at the end; of Windows, which its drive letter tells, in lower case.
fn directory(text: &str) -> String {
    let windows = matches!(text.as_bytes(), [drive, b':', b'\\' | b'/', ..] if drive.is_ascii_alphabetic());
    let plain = if windows { text.replace('/', "\\").to_lowercase() } else { text.to_owned() };
    let bare = plain.trim_end_matches(['/', '\\']);
    // The root is nothing but a separator.
    if bare.is_empty() { plain } else { bare.to_owned() }
}

fn hexadecimal(text: &str) -> String {
    let digits: String = text.chars().filter(|c| !matches!(c, ':' | ' ' | '-')).collect();
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        digits.to_lowercase()
    } else {
        text.to_owned()
    }
}

/// The name of a hash algorithm, as STIX 2.1 spells it where it has a name for it.
pub(crate) fn algorithm(name: &str) -> String {
    let bare: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase();
    ALGORITHMS.iter().find(|(letters, _)| *letters == bare).map_or(bare, |(_, known)| (*known).to_owned())
}

/// A hash of this algorithm.
pub(crate) fn hash(algorithm: &str, text: &str) -> String {
    if CASED.contains(&algorithm) { text.trim().to_owned() } else { text.trim().to_lowercase() }
}
