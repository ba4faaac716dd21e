//! What is read of an EVE line: the members that observations have, in place, the rest skipped. A member of another kind than
//! Suricata writes counts as absent; a line is refused only where it is no JSON, as far as it is
//! looked at ([`super::line`]).

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// What a visitor does not take counts as absent.
macro_rules! absent {
    ($($visit:ident($kind:ty)),*) => {
        $(fn $visit<E>(self, _: $kind) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        })*

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a JSON value")
        }
    };
}

/// A text or a number; anything else is [`Scalar::Other`].
#[derive(Debug, Clone, Default)]
pub(super) enum Scalar<'a> {
    Text(Cow<'a, str>),
    Number(u64),
    #[default]
    Other,
}

impl Scalar<'_> {
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn number(&self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    absent!(visit_i64(i64), visit_f64(f64), visit_bool(bool));

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Scalar::Number(number))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

/// An object, or a list of them; anything else has none.
#[derive(Debug, Clone)]
pub(super) struct Section<T>(pub(super) Vec<T>);

impl<T> Default for Section<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Section<T> {
    pub(super) fn one(&self) -> Option<&T> {
        self.0.first()
    }
}

struct SectionVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for SectionVisitor<T> {
    type Value = Section<T>;

    absent!(visit_str(&str), visit_u64(u64), visit_i64(i64), visit_f64(f64), visit_bool(bool));

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Ok(Section(vec![T::deserialize(MapAccessDeserializer::new(map))?]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(section) = seq.next_element::<Section<T>>()? {
            all.extend(section.0);
        }
        Ok(Section(all))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Section<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SectionVisitor(PhantomData))
    }
}

/// A text or a list of texts; what else stands in a list is passed over.
#[derive(Debug, Clone, Default)]
pub(super) struct Texts<'a>(pub(super) Vec<Cow<'a, str>>);

struct TextsVisitor;

impl<'de> Visitor<'de> for TextsVisitor {
    type Value = Texts<'de>;

    absent!(visit_str(&str), visit_u64(u64), visit_i64(i64), visit_f64(f64), visit_bool(bool));

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = seq.next_element::<Scalar<'de>>()? {
            if let Scalar::Text(text) = item {
                all.push(text);
            }
        }
        Ok(Texts(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Texts::default())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Texts<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextsVisitor)
    }
}

/// One line.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Event<'a> {
    #[serde(borrow)]
    pub(super) timestamp: Scalar<'a>,
    pub(super) event_type: Scalar<'a>,
    pub(super) src_ip: Scalar<'a>,
    pub(super) src_port: Scalar<'a>,
    pub(super) dest_ip: Scalar<'a>,
    pub(super) dest_port: Scalar<'a>,
    pub(super) proto: Scalar<'a>,
    pub(super) app_proto: Scalar<'a>,
    pub(super) community_id: Scalar<'a>,
    pub(super) flow: Section<Flow<'a>>,
    pub(super) dns: Section<Dns<'a>>,
    pub(super) mdns: Section<Dns<'a>>,
    pub(super) llmnr: Section<Dns<'a>>,
    pub(super) http: Section<Http<'a>>,
    pub(super) tls: Section<Tls<'a>>,
    pub(super) quic: Section<Tls<'a>>,
    pub(super) fileinfo: Section<FileInfo<'a>>,
    pub(super) email: Section<Email<'a>>,
    pub(super) smtp: Section<Smtp<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Flow<'a> {
    #[serde(borrow)]
    pub(super) start: Scalar<'a>,
    pub(super) bytes_toserver: Scalar<'a>,
    pub(super) bytes_toclient: Scalar<'a>,
    pub(super) pkts_toserver: Scalar<'a>,
    pub(super) pkts_toclient: Scalar<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Dns<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Scalar<'a>,
    pub(super) id: Scalar<'a>,
    pub(super) rcode: Scalar<'a>,
    pub(super) rrname: Scalar<'a>,
    pub(super) rrtype: Scalar<'a>,
    pub(super) queries: Section<Query<'a>>,
    pub(super) query: Section<Query<'a>>,
    pub(super) answers: Section<Answer<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Query<'a> {
    #[serde(borrow)]
    pub(super) rrname: Scalar<'a>,
    pub(super) rrtype: Scalar<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Answer<'a> {
    #[serde(borrow)]
    pub(super) rrname: Scalar<'a>,
    pub(super) rrtype: Scalar<'a>,
    pub(super) rdata: Scalar<'a>,
    pub(super) ttl: Scalar<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Http<'a> {
    #[serde(borrow)]
    pub(super) hostname: Scalar<'a>,
    pub(super) url: Scalar<'a>,
    pub(super) http_port: Scalar<'a>,
    pub(super) http_method: Scalar<'a>,
    pub(super) http_user_agent: Scalar<'a>,
    pub(super) status: Scalar<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Tls<'a> {
    #[serde(borrow)]
    pub(super) sni: Scalar<'a>,
    pub(super) ja3: Section<Ja3<'a>>,
    pub(super) version: Scalar<'a>,
    pub(super) subject: Scalar<'a>,
    pub(super) issuerdn: Scalar<'a>,
    pub(super) fingerprint: Scalar<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Ja3<'a> {
    #[serde(borrow)]
    pub(super) hash: Scalar<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FileInfo<'a> {
    #[serde(borrow)]
    pub(super) filename: Scalar<'a>,
    pub(super) size: Scalar<'a>,
    pub(super) md5: Scalar<'a>,
    pub(super) sha1: Scalar<'a>,
    pub(super) sha256: Scalar<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Email<'a> {
    #[serde(borrow)]
    pub(super) from: Scalar<'a>,
    pub(super) to: Texts<'a>,
    pub(super) cc: Texts<'a>,
    pub(super) subject: Scalar<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Smtp<'a> {
    #[serde(borrow)]
    pub(super) mail_from: Scalar<'a>,
    pub(super) rcpt_to: Texts<'a>,
}
