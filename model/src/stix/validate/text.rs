//! Forms of texts: what a digest, a URL, a language tag looks like.

use super::kind::Form;

const fn form(code: &'static str, section: &'static str, has: fn(&str) -> bool, is: &'static str) -> Form {
    Form { code, section, only_advised: false, has, is }
}

const fn advised(code: &'static str, section: &'static str, has: fn(&str) -> bool, is: &'static str) -> Form {
    Form { only_advised: true, ..form(code, section, has, is) }
}

pub(super) static HEX: Form =
    form("hex-form", "STIX 2.1 §2.8", is_hex, "an even number of hexadecimal digits: write two for each byte");
pub(super) static BINARY: Form =
    form("binary-form", "STIX 2.1 §2.1", is_base64, "bytes in base64 (RFC 4648 §4), with padding: encode it anew");
pub(super) static URL: Form = form(
    "url-form",
    "STIX 2.1 §2.5",
    is_url,
    "a URL as RFC 3986 writes it, with its scheme, such as `https://a.example/`",
);
pub(super) static LANGUAGE: Form =
    form("language-form", "STIX 2.1 §3.2", is_language, "a language tag of RFC 5646, such as `en` or `fr-CA`");
pub(super) static SOFTWARE_LANGUAGE: Form =
    form("language-form", "STIX 2.1 §6.14.1", is_language, "a language code of ISO 639-2, such as `en` or `fra`");
pub(super) static CHARSET: Form = form(
    "charset-name",
    "STIX 2.1 §6.3.1",
    is_charset,
    "a preferred MIME name of the IANA character sets, such as `UTF-8`",
);
pub(super) static ARTIFACT_MIME: Form =
    form("mime-type", "STIX 2.1 §6.1.1", is_mime, "a media type of the IANA registry, such as `application/zip`");
pub(super) static FILE_MIME: Form =
    advised("mime-type", "STIX 2.1 §6.7.1", is_mime, "a media type of the IANA registry, such as `application/zip`");
pub(super) static CPE: Form =
    form("cpe-form", "STIX 2.1 §6.14.1", is_cpe, "a CPE 2.3 formatted string: `cpe:2.3:` and eleven parts");
pub(super) static IPV4: Form = form(
    "address-form",
    "STIX 2.1 §6.8.1",
    is_ipv4,
    "an IPv4 address in dotted decimals, or a network with `/0` to `/32`",
);
pub(super) static IPV6: Form =
    form("address-form", "STIX 2.1 §6.9.1", is_ipv6, "an IPv6 address, or a network with `/0` to `/128`");
pub(super) static MAC: Form =
    form("address-form", "STIX 2.1 §6.10.1", is_mac, "six bytes in lower-case hexadecimal with colons between them");
pub(super) static VALUE_URL: Form =
    form("url-form", "STIX 2.1 §6.15.1", is_url, "a URL as RFC 3986 writes it, with its scheme");
pub(super) static DOMAIN: Form = form(
    "domain-form",
    "STIX 2.1 §6.4.1",
    is_domain,
    "a domain name of labels with up to 63 characters (RFC 1034, RFC 5890): no URL, no path",
);
pub(super) static EMAIL: Form = form(
    "email-form",
    "STIX 2.1 §6.5.1",
    is_email,
    "an address as RFC 5322 `addr-spec` writes it, without a display name",
);
pub(super) static REGISTRY_KEY: Form = form(
    "registry-key-form",
    "STIX 2.1 §6.17.1",
    is_registry_key,
    "a key with the name of its hive in full: `HKEY_LOCAL_MACHINE`, not `HKLM`",
);
pub(super) static RELATIONSHIP_TYPE: Form =
    form("relationship-type-form", "STIX 2.1 §5.1.1", is_hyphenated, "of lower-case letters, digits and hyphens alone");
pub(super) static KILL_CHAIN_WORD: Form = advised(
    "kill-chain-form",
    "STIX 2.1 §2.11",
    is_lower_word,
    "in lower case with hyphens in place of spaces and underscores",
);
pub(super) static COUNTRY: Form =
    advised("country-code", "STIX 2.1 §4.10.1", is_country, "a code of two letters of ISO 3166-1, such as `CA`");
pub(super) static PRIORITY: Form = advised(
    "windows-priority",
    "STIX 2.1 §6.13.2",
    |text| text.ends_with("_CLASS"),
    "a priority class whose name ends with `_CLASS`",
);
pub(super) static EXTENSION_PROPERTY: Form = form(
    "property-name",
    "STIX 2.1 §7.3",
    is_property_name,
    "a property name of 3 to 250 lower-case letters, digits and underscores",
);

pub(super) fn is_hex(text: &str) -> bool {
    text.len().is_multiple_of(2) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

pub(super) fn is_base64(text: &str) -> bool {
    let bytes = text.trim_end_matches('=');
    text.len().is_multiple_of(4)
        && text.len() - bytes.len() <= 2
        && bytes.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/')
}

/// A scheme, a colon, and characters of RFC 3986 or, as the web writes them, of RFC 3987.
pub(super) fn is_url(text: &str) -> bool {
    let colon = text.bytes().position(|b| b == b':').and_then(|colon| text.split_at_checked(colon));
    let Some((scheme, rest)) = colon else { return false };
    let begins = scheme.bytes().next().is_some_and(|b| b.is_ascii_alphabetic());
    begins
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
        && rest.len() > 1
        // Through to the end, without a branch: many bytes at a time.
        && !rest.bytes().fold(false, |found, b| found | (b <= b' ') | matches!(b, b'<' | b'>' | b'"' | 0x7f))
}

/// Well-formed by RFC 5646 §2.1, and a language of ISO 639-1 or 639-3 where it begins with two or three letters.
pub(super) fn is_language(text: &str) -> bool {
    let mut parts = text.split('-');
    let first = parts.next().unwrap_or_default();
    let primary = first.bytes().all(|b| b.is_ascii_alphabetic())
        && match first.len() {
            1 => matches!(first, "x" | "X" | "i" | "I") && text.len() > 1,
            2 => isolang::Language::from_639_1(&first.to_ascii_lowercase()).is_some(),
            3 => {
                let code = first.to_ascii_lowercase();
                // Several, undetermined, none, uncoded (ISO 639-2), and `qaa` to `qtz` for private use.
                let special =
                    matches!(code.as_str(), "mis" | "mul" | "und" | "zxx") || ("qaa".."qua").contains(&code.as_str());
                special || isolang::Language::from_639_3(&code).is_some()
            }
            4..=8 => true,
            _ => false,
        };
    primary && parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// The names of character sets that IANA registers, by their families; the registry itself has 250 rows.
pub(super) fn is_charset(text: &str) -> bool {
    const FAMILIES: &[&str] = &[
        "utf-",
        "utf8",
        "iso-",
        "iso_",
        "us-ascii",
        "windows-",
        "ibm",
        "cp",
        "koi8-",
        "koi7-",
        "big5",
        "gb",
        "euc-",
        "shift_jis",
        "hz-gb-2312",
        "ks_c_",
        "tis-620",
        "macintosh",
        "ebcdic",
        "ces",
        "scsu",
        "bocu-1",
        "viscii",
        "vni",
        "hp-",
        "dec-mcs",
        "adobe-",
        "jis_",
        "nextstep",
        "ptcp154",
        "brf",
        "amiga-1251",
        "kz-1048",
        "unicode-",
        "extended_unix_code",
        "din_66003",
    ];
    let lower = text.to_ascii_lowercase();
    FAMILIES.iter().any(|family| lower.starts_with(family))
}

pub(super) fn is_mime(text: &str) -> bool {
    const KINDS: &[&str] =
        &["application", "audio", "font", "haptics", "image", "message", "model", "multipart", "text", "video"];
    let Some((kind, rest)) = text.split_once('/') else { return false };
    let name = rest.split(';').next().unwrap_or_default();
    KINDS.contains(&kind)
        && !name.is_empty()
        && name.bytes().all(|b| {
            b.is_ascii_alphanumeric() || matches!(b, b'.' | b'+' | b'_' | b'-' | b'!' | b'#' | b'$' | b'&' | b'^')
        })
}

pub(super) fn is_cpe(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("cpe:2.3:") else { return false };
    let (mut parts, mut length, mut escaped) = (1, 0_usize, false);
    for character in rest.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ':' if length == 0 => return false,
            ':' => {
                parts += 1;
                length = 0;
                continue;
            }
            _ if character.is_ascii_graphic() => {}
            _ => return false,
        }
        length += 1;
    }
    parts == 11 && length > 0 && !escaped && matches!(rest.get(..2), Some("a:" | "h:" | "o:" | "*:" | "-:"))
}

/// A prefix length in decimal, without a leading zero.
fn is_prefix(text: &str, most: u8) -> bool {
    (text == "0" || !text.starts_with('0'))
        && text.bytes().all(|b| b.is_ascii_digit())
        && text.parse::<u8>().is_ok_and(|length| length <= most)
}

fn is_ipv4(text: &str) -> bool {
    match text.split_once('/') {
        Some((address, prefix)) => address.parse::<std::net::Ipv4Addr>().is_ok() && is_prefix(prefix, 32),
        None => text.parse::<std::net::Ipv4Addr>().is_ok(),
    }
}

fn is_ipv6(text: &str) -> bool {
    match text.split_once('/') {
        Some((address, prefix)) => address.parse::<std::net::Ipv6Addr>().is_ok() && is_prefix(prefix, 128),
        None => text.parse::<std::net::Ipv6Addr>().is_ok(),
    }
}

fn is_mac(text: &str) -> bool {
    text.len() == 17
        && text.bytes().enumerate().all(|(place, b)| match place % 3 {
            2 => b == b':',
            _ => b.is_ascii_digit() || (b'a'..=b'f').contains(&b),
        })
}

/// Labels of any script (RFC 5890 allows them in STIX), a star as the first one, which observers record, allowed.
fn is_domain(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    !name.is_empty()
        && name.len() <= 1000
        && name.split('.').all(|label| {
            !label.is_empty()
                && label.chars().count() <= 63
                && !label.chars().any(|c| c.is_whitespace() || c.is_control() || "/:@?#\"<>".contains(c))
        })
}

fn is_email(text: &str) -> bool {
    text.rsplit_once('@').is_some_and(|(name, domain)| {
        !name.is_empty() && !domain.is_empty() && !domain.chars().any(|c| c.is_whitespace() || "<>".contains(c))
    })
}

fn is_registry_key(text: &str) -> bool {
    let hive = text.split('\\').next().unwrap_or_default();
    !["HKLM", "HKCC", "HKCR", "HKCU", "HKU"].iter().any(|short| hive.eq_ignore_ascii_case(short))
}

fn is_hyphenated(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// §2.11 and §2.14: all lower case, hyphens in place of spaces and underscores.
pub(super) fn is_lower_word(text: &str) -> bool {
    !text.chars().any(|c| c.is_uppercase() || c == ' ' || c == '_')
}

/// §3.1: 3 to 250 lower-case letters, digits and underscores, beginning with a letter; `id` is the one shorter name.
pub(super) fn is_property_name(text: &str) -> bool {
    (3..=250).contains(&text.len())
        && text.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// §2.3: up to 250 letters, digits, hyphens and underscores.
pub(super) fn is_dictionary_key(text: &str) -> bool {
    (1..=250).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// §11.2: `x_`, who it is from, `_`, and a name (`mark` is the underscore, or the hyphen for types).
pub(super) fn is_own_name(text: &str, mark: char) -> bool {
    let Some(rest) = text.strip_prefix('x').and_then(|rest| rest.strip_prefix(mark)) else { return false };
    // Found byte by byte, since whose it is takes few.
    let from = rest.chars().take_while(|c| *c != mark).count();
    from > 0 && rest.chars().nth(from + 1).is_some()
}

/// §2.7: what a digest of each known algorithm looks like; any other algorithm is only asked for a text.
pub(super) fn is_digest(algorithm: &str, digest: &str) -> bool {
    let digits = |count| digest.len() == count && digest.bytes().all(|b| b.is_ascii_hexdigit());
    match algorithm {
        "MD5" => digits(32),
        "SHA-1" => digits(40),
        "SHA-256" | "SHA3-256" => digits(64),
        "SHA-512" | "SHA3-512" => digits(128),
        "SSDEEP" => {
            let known = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'+' | b':' | b'.');
            (1..=148).contains(&digest.len()) && digest.bytes().all(known)
        }
        "TLSH" => digest.strip_prefix("T1").map_or(digits(70), |rest| rest.len() == 70 && is_hex(rest)),
        _ => true,
    }
}

/// Length of a UUID as a text.
pub(super) const UUID_BYTES: usize = 36;

/// A version of a UUID (RFC 9562 §4.2), or none where the text is no UUID of its variant (§4.1).
pub(super) fn uuid_version(text: &str) -> Option<u8> {
    let bytes: &[u8; UUID_BYTES] = text.as_bytes().try_into().ok()?;
    let [.., variant, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = bytes;
    let version = bytes.get(14).filter(|b| (b'1'..=b'8').contains(b)).map(|b| b - b'0')?;
    let hyphens = [8, 13, 18, 23].iter().all(|place| bytes.get(*place) == Some(&b'-'));
    // Through to the end, without a branch and without a sum that could overflow: many bytes at a time.
    let digits =
        bytes.iter().fold(0_u8, |sum, b| sum.wrapping_add(u8::from(b.is_ascii_digit() | (b'a'..=b'f').contains(b))));
    let form = hyphens && usize::from(digits) == UUID_BYTES - 4;
    (form && matches!(variant, b'8' | b'9' | b'a' | b'b')).then_some(version)
}

fn is_country(text: &str) -> bool {
    text.len() == 2 && contains_code(COUNTRIES, &text.to_ascii_uppercase())
}

/// Is `code`, of two letters, one of those that `codes` has side by side?
fn contains_code(codes: &str, code: &str) -> bool {
    codes.as_bytes().chunks_exact(2).any(|known| known == code.as_bytes())
}

/// ISO 3166-1.
const COUNTRIES: &str = "ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZCACCCDCFCGCHCICKCLCMCNCOCR\
CUCVCWCXCYCZDEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFRGAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHU\
IDIEILIMINIOIQIRISITJEJMJOJPKEKGKHKIKMKNKPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQ\
MRMSMTMUMVMWMXMYMZNANCNENFNGNINLNONPNRNUNZOMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURWSASBSCSDSESGSHSI\
SJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTGTHTJTKTLTMTNTOTRTTTVTWTZUAUGUMUSUYUZVAVCVEVGVIVNVUWFWSYEYTZAZMZW";

/// Fields of a request that RFC 9110 and the IANA registry of field names have.
pub(super) fn is_request_header(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.starts_with("sec-") || REQUEST_HEADERS.split(' ').any(|known| known == lower)
}

/// In lower case, one after the other.
const REQUEST_HEADERS: &str = "a-im accept accept-additions accept-charset accept-datetime accept-encoding accept-features \
accept-language alpn alt-used authorization cache-control connection content-encoding content-length \
content-md5 content-type cookie cookie2 date depth destination dnt dpop early-data expect forwarded \
from front-end-https host http2-settings if if-match if-modified-since if-none-match if-range \
if-unmodified-since keep-alive lock-token max-forwards mime-version negotiate origin overwrite \
pragma prefer priority proxy-authorization proxy-connection range referer schedule-reply slug te \
timeout topic trailer transfer-encoding ttl upgrade upgrade-insecure-requests urgency user-agent via \
warning x-att-deviceid x-csrf-token x-forwarded-for x-forwarded-host x-forwarded-proto \
x-http-method-override x-requested-with x-uidh x-wap-profile";

/// Keys of a document information dictionary (ISO 32000-1 §14.3.3).
pub(super) fn is_pdf_information(name: &str) -> bool {
    ["Title", "Author", "Subject", "Keywords", "Creator", "Producer", "CreationDate", "ModDate", "Trapped"]
        .contains(&name)
}

/// IANA's names of IPFIX elements are written like `octetDeltaCount`; the registry's 500 rows are not repeated here.
pub(super) fn is_ipfix_element(name: &str) -> bool {
    name.bytes().next().is_some_and(|b| b.is_ascii_lowercase()) && name.bytes().all(|b| b.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_their_forms() {
        assert!(
            is_base64("Zm9v") && is_base64("Zm8=") && is_base64("") && !is_base64("Zm9") && !is_base64("failing test")
        );
        assert!(is_hex("00fF") && !is_hex("0") && !is_hex("0g"));
        assert!(
            is_url("https://a.example/")
                && is_url("mailto:a@b")
                && !is_url("foo")
                && !is_url("www.g.com")
                && !is_url("a b:c")
        );
        assert!(is_language("en") && is_language("fr-CA") && is_language("zh-Hans-CN") && is_language("x-klingon"));
        assert!(!is_language("español") && !is_language("xx") && !is_language("") && !is_language("en-"));
        assert!(is_cpe("cpe:2.3:a:microsoft:word:2000:*:*:*:*:*:*:*") && is_cpe(r"cpe:2.3:a:a\:b:c:1:*:*:*:*:*:*:*"));
        assert!(!is_cpe("cpe:2.3:a:b") && !is_cpe("cpe:2.3:x:a:b:1:*:*:*:*:*:*:*") && !is_cpe("invalid"));
        assert!(is_ipv4("10.0.0.0/8") && !is_ipv4("10.0.0.0/08") && !is_ipv4("10.0.0.0/33") && !is_ipv4("10.0.0.0/"));
        assert!(is_ipv6("2001:db8::/32") && !is_ipv6("10.0.0.1") && is_ipv6("::ffff:10.0.0.1"));
        assert!(is_mac("00:0a:ff:00:00:01") && !is_mac("00-0a-ff-00-00-01") && !is_mac("00:0A:ff:00:00:01"));
        assert!(is_domain("a.example") && is_domain("пример.example.") && !is_domain("a..b") && !is_domain("http://a"));
        assert!(is_own_name("x_who_what", '_') && !is_own_name("x_what", '_') && !is_own_name("what", '_'));
        assert_eq!(uuid_version("94868c89-83c2-464b-929b-a1a8aa3c8487"), Some(4));
        assert_eq!(uuid_version("94868c89-83c2-464b-329b-a1a8aa3c8487"), None);
        assert!(is_country("CA") && is_country("us") && !is_country("USA") && !is_country("ZZ"));
        assert_eq!(COUNTRIES.len(), 2 * 249);
    }
}
