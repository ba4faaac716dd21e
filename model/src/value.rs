//! Values that people pass around: canonical forms, defanged spellings, and the STIX pattern that a value means.

use std::borrow::Cow;
use std::net::IpAddr;

/// A value of a list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ListValue {
    /// A domain name; stands for every name below it too.
    Domain(String),
    /// An address.
    Ip(IpAddr),
    /// A network: address and prefix length, bits.
    Network(IpAddr, u8),
    /// A destination address with a destination port.
    IpPort(IpAddr, u16),
    /// A URL.
    Url(String),
    /// An MD5, 32 lower-case hexadecimal digits.
    Md5(String),
    /// A SHA-1, 40 lower-case hexadecimal digits.
    Sha1(String),
    /// A SHA-256, 64 lower-case hexadecimal digits.
    Sha256(String),
    /// An e-mail address.
    Email(String),
}

/// A domain name as it is compared: lower case, no final dot.
pub fn canonical_name(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

/// A URL as it is compared: scheme and host in lower case, no port that is the scheme's own, no final dot of the host, `/`
/// where there is no path. What does not look like a URL stays as it is.
pub fn canonical_url(url: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = url.split_once("://") else { return Cow::Borrowed(url) };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    let (user, host) = match authority.rfind('@') {
        Some(at) => authority.split_at(at + 1),
        None => ("", authority),
    };
    let own = match scheme {
        _ if scheme.eq_ignore_ascii_case("http") => ":80",
        _ if scheme.eq_ignore_ascii_case("https") => ":443",
        _ if scheme.eq_ignore_ascii_case("ftp") => ":21",
        _ => "",
    };
    let bare = host.strip_suffix(own).unwrap_or(host);
    let bare = bare.strip_suffix('.').unwrap_or(bare);
    let has_capitals = scheme.bytes().chain(bare.bytes()).any(|b| b.is_ascii_uppercase());
    if bare.len() == host.len() && tail.starts_with('/') && !has_capitals {
        return Cow::Borrowed(url);
    }
    let slash = if tail.starts_with('/') { "" } else { "/" };
    let (scheme, host) = (scheme.to_ascii_lowercase(), bare.to_ascii_lowercase());
    Cow::Owned([&scheme, "://", user, &host, slash, tail].concat())
}

/// Undoes what people do so that nobody clicks: `hxxp`, `[.]`, `(.)`, `[:]`, `[@]`, `[://]`.
pub fn refang(text: &str) -> String {
    let mut plain = text.trim().to_owned();
    for (fanged, sign) in
        [("[.]", "."), ("(.)", "."), ("{.}", "."), ("[:]", ":"), ("[@]", "@"), ("[://]", "://"), ("[/]", "/")]
    {
        plain = plain.replace(fanged, sign);
    }
    let scheme = plain.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    match scheme.as_deref() {
        Some("hxxp" | "hxtp" | "htxp") => {
            plain.find("://").map_or(plain.clone(), |at| format!("http{}", plain.split_at(at).1))
        }
        Some("hxxps" | "hxtps" | "htxps") => {
            plain.find("://").map_or(plain.clone(), |at| format!("https{}", plain.split_at(at).1))
        }
        _ => plain,
    }
}

/// What a value of a list is; none if it is nothing that is known here.
pub fn classify(text: &str) -> Option<ListValue> {
    let plain = refang(text);
    if plain.is_empty() || plain.len() > 4096 || plain.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return None;
    }
    if plain.split_once("://").is_some_and(|(scheme, _)| is_scheme(scheme)) {
        return Some(ListValue::Url(canonical_url(&plain).into_owned()));
    }
    if let Ok(address) = plain.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Some(ListValue::Ip(address));
    }
    if let Some((address, length)) = plain.split_once('/')
        && let (Ok(address), Ok(length)) = (address.parse::<IpAddr>(), length.parse::<u8>())
        && length <= if address.is_ipv4() { 32 } else { 128 }
    {
        return Some(ListValue::Network(address, length));
    }
    if plain.split_once('/').is_some_and(|(ip, length)| ip.parse::<IpAddr>().is_ok() && length.parse::<u64>().is_ok()) {
        return None; // a prefix length out of range is a slip, not a path
    }
    if let Ok(end) = plain.parse::<std::net::SocketAddr>() {
        return Some(ListValue::IpPort(end.ip(), end.port()));
    }
    if plain.bytes().all(|b| b.is_ascii_hexdigit()) {
        let hash = plain.to_ascii_lowercase();
        match hash.len() {
            32 => return Some(ListValue::Md5(hash)),
            40 => return Some(ListValue::Sha1(hash)),
            64 => return Some(ListValue::Sha256(hash)),
            _ => {}
        }
    }
    // Before addresses of e-mail: a path may hold an `@`.
    if plain.split_once('/').is_some_and(|(authority, _)| is_authority(authority)) {
        return Some(ListValue::Url(canonical_url(&format!("http://{plain}")).into_owned()));
    }
    if plain.starts_with('/') {
        return None; // a path of no host, whatever stands in it
    }
    if let Some((user, domain)) = plain.split_once('@') {
        return (!user.is_empty() && is_name(domain)).then(|| ListValue::Email(plain.to_ascii_lowercase()));
    }
    let name = canonical_name(plain.strip_prefix("*.").unwrap_or(&plain));
    (name.is_empty() || is_name(&name)).then_some(ListValue::Domain(name))
}

/// The scheme of a URL (RFC 3986 §3.1); `://` may also stand within a path.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
}

/// What stands before the path of a URL without scheme: a name with a point, and maybe a port.
fn is_authority(text: &str) -> bool {
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    let good = |port: &str| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok();
    host.contains('.') && is_name(host) && port.is_none_or(good)
}

/// Labels of 1 to 63 letters, digits, hyphens and underscores, at most 253 bytes; international names in any spelling.
fn is_name(name: &str) -> bool {
    let good = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_') || !b.is_ascii())
    };
    name.len() <= 253 && name.contains('.') && name.trim_end_matches('.').split('.').all(good)
}

impl ListValue {
    /// The STIX pattern that means the same in the other country.
    pub fn pattern(&self) -> String {
        match self {
            Self::Domain(name) => format!("[domain-name:value = '{name}' OR domain-name:value LIKE '%.{name}']"),
            Self::Ip(ip) => format!("[{}:value = '{ip}']", family(ip)),
            Self::Network(ip, length) => format!("[{}:value ISSUBSET '{ip}/{length}']", family(ip)),
            Self::IpPort(ip, port) => {
                format!("[network-traffic:dst_ref.value = '{ip}' AND network-traffic:dst_port = {port}]")
            }
            Self::Url(url) => format!("[url:value = '{}']", escaped(url)),
            Self::Md5(hash) => format!("[file:hashes.MD5 = '{hash}']"),
            Self::Sha1(hash) => format!("[file:hashes.'SHA-1' = '{hash}']"),
            Self::Sha256(hash) => format!("[file:hashes.'SHA-256' = '{hash}']"),
            Self::Email(address) => format!("[email-addr:value = '{}']", escaped(address)),
        }
    }

    /// Why it would match nearly everything; none if it does not.
    pub fn too_broad(&self) -> Option<&'static str> {
        match self {
            Self::Domain(name) if is_public_suffix(name) => {
                Some("the name is a public suffix: everything below it would match")
            }
            Self::Network(ip, length) if *length < if ip.is_ipv4() { 8 } else { 16 } => {
                Some("the network holds a large part of all addresses")
            }
            Self::Ip(ip) if ip.is_unspecified() => Some("the address stands for all addresses"),
            _ => None,
        }
    }
}

/// Is the name the root, or a suffix of the ICANN part of the public suffix list (`com`, `gc.ca`)?
pub fn is_public_suffix(name: &str) -> bool {
    name.is_empty()
        || psl::suffix(name.as_bytes()).is_some_and(|suffix| {
            suffix.is_known() && suffix.typ() == Some(psl::Type::Icann) && suffix.as_bytes().len() == name.len()
        })
        || !name.contains('.')
}

fn family(ip: &IpAddr) -> &'static str {
    if ip.is_ipv4() { "ipv4-addr" } else { "ipv6-addr" }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\'', "\\'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_apart() {
        let domain = |name: &str| Some(ListValue::Domain(name.to_owned()));
        assert_eq!(classify("Evil[.]Example."), domain("evil.example"));
        assert_eq!(classify("*.evil.example"), domain("evil.example"));
        assert_eq!(
            classify("hxxps://Evil[.]Example:443/A?b"),
            Some(ListValue::Url("https://evil.example/A?b".to_owned()))
        );
        assert_eq!(classify("evil.example/x"), Some(ListValue::Url("http://evil.example/x".to_owned())));
        for path in [
            "evil.example/@eaDir/x/",
            "evil.example:443/x",
            "192.0.2.1:8080/x",
            "192.0.2.1/x",
            "evil.example/?to=http://x.example/",
        ] {
            assert_eq!(classify(path), Some(ListValue::Url(format!("http://{path}"))), "{path}");
        }
        assert_eq!(classify("evil.example:80/x"), Some(ListValue::Url("http://evil.example/x".to_owned())));
        assert_eq!(classify("a/b@evil.example"), Some(ListValue::Email("a/b@evil.example".to_owned())));
        assert_eq!(classify("192.0.2.1:80"), Some(ListValue::IpPort("192.0.2.1".parse().unwrap(), 80)));
        assert_eq!(classify("2001:DB8::1"), Some(ListValue::Ip("2001:db8::1".parse().unwrap())));
        assert_eq!(classify("192.0.2.0/24"), Some(ListValue::Network("192.0.2.0".parse().unwrap(), 24)));
        assert_eq!(classify("Bad@Evil.example"), Some(ListValue::Email("bad@evil.example".to_owned())));
        assert!(matches!(classify(&"A".repeat(64)), Some(ListValue::Sha256(_))));
        for nothing in [
            "",
            "word",
            "two words",
            "192.0.2.0/99",
            "a..b",
            "a.example:99999/x",
            "a.example:/x",
            "/?to=http://x.example/",
            "/x@a.example",
            "\u{1b}[31m.example",
        ] {
            assert_eq!(classify(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn what_matches_everything_is_known() {
        for broad in ["0.0.0.0/0", ".", "com.", "gc.ca", "::/0", "0.0.0.0"] {
            let value = if broad == "com." { ListValue::Domain("com".to_owned()) } else { classify(broad).unwrap() };
            assert!(value.too_broad().is_some(), "{broad}");
        }
        for narrow in ["evil.example", "a.gc.ca", "192.0.2.0/24", "blogspot.com"] {
            assert_eq!(classify(narrow).unwrap().too_broad(), None, "{narrow}");
        }
    }

    #[test]
    fn every_pattern_is_valid() {
        for text in [
            "evil.example",
            "192.0.2.1",
            "192.0.2.0/24",
            "192.0.2.1:80",
            "http://a.example/'x\\",
            "a@b.example",
            &"a".repeat(32),
        ] {
            crate::pattern::parse(&classify(text).unwrap().pattern()).unwrap();
        }
    }
}
