//! What marking definitions mean: TLP 1 and 2 with the aliases found in the wild, and national handling.
//!
//! Architecture invariant: the meaning of a marking is read here and nowhere else. What cannot be read means deny.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::principal::PrincipalName;
use crate::stix::StixId;

/// The Traffic Light Protocol, from least to most restrictive (FIRST TLP 2.0).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Tlp {
    /// TLP:CLEAR (TLP 1: WHITE).
    #[serde(rename = "CLEAR")]
    Clear,
    /// TLP:GREEN.
    #[serde(rename = "GREEN")]
    Green,
    /// TLP:AMBER.
    #[serde(rename = "AMBER")]
    Amber,
    /// TLP:AMBER+STRICT.
    #[serde(rename = "AMBER+STRICT")]
    AmberStrict,
    /// TLP:RED.
    #[serde(rename = "RED")]
    Red,
}

impl Tlp {
    /// All of them, least restrictive first.
    pub const ALL: [Self; 5] = [Self::Clear, Self::Green, Self::Amber, Self::AmberStrict, Self::Red];

    /// As the standard writes it after `TLP:`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clear => "CLEAR",
            Self::Green => "GREEN",
            Self::Amber => "AMBER",
            Self::AmberStrict => "AMBER+STRICT",
            Self::Red => "RED",
        }
    }

    /// Id of its TLP 2.0 marking definition (OASIS common objects).
    pub fn definition_id(self) -> &'static str {
        match self {
            Self::Clear => "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
            Self::Green => "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
            Self::Amber => "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
            Self::AmberStrict => "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
            Self::Red => "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
        }
    }

    /// Id of the TLP 1 marking definition of that level (STIX 2.1 §7.2.1.4); AMBER+STRICT has none.
    pub fn tlp_1_id(self) -> Option<&'static str> {
        TLP_1_IDS.iter().find(|(_, tlp)| *tlp == self).map(|(id, _)| *id)
    }

    /// From the words of a command line or a list: `clear`, `tlp:amber+strict`, `TLP:RED`; `white` is CLEAR.
    pub fn from_label(text: &str) -> Option<Self> {
        let lower = text.trim().to_ascii_lowercase();
        match lower.strip_prefix("tlp:").unwrap_or(&lower) {
            "clear" | "white" => Some(Self::Clear),
            "green" => Some(Self::Green),
            "amber" => Some(Self::Amber),
            "amber+strict" => Some(Self::AmberStrict),
            "red" => Some(Self::Red),
            _ => None,
        }
    }
}

impl fmt::Display for Tlp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TLP:{}", self.as_str())
    }
}

/// TLP 1 definitions (STIX 2.1 §7.2.1.4).
const TLP_1_IDS: [(&str, Tlp); 4] = [
    ("marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9", Tlp::Clear),
    ("marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da", Tlp::Green),
    ("marking-definition--f88d31f6-486f-44da-b317-01333bde0b82", Tlp::Amber),
    ("marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed", Tlp::Red),
];
/// An alias that OpenCTI writes.
const OTHER_STRICT_ID: &str = "marking-definition--826578e1-40ad-459f-bc73-ede076f81f37";

/// The level of a marking definition that everyone knows by its id.
pub fn known_tlp(id: &StixId) -> Option<Tlp> {
    let new = Tlp::ALL.into_iter().find(|tlp| tlp.definition_id() == id.as_str());
    let old = || TLP_1_IDS.iter().find(|(known, _)| *known == id.as_str()).map(|(_, tlp)| *tlp);
    new.or_else(old).or_else(|| (id.as_str() == OTHER_STRICT_ID).then_some(Tlp::AmberStrict))
}

/// TLP 2.0's extension definition.
pub const TLP_2_EXTENSION: &str = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d";
/// Our extension for national caveats and named recipients; its schema is [`NATIONAL_HANDLING_SCHEMA`].
pub const NATIONAL_HANDLING_EXTENSION: &str = "extension-definition--0f4c1d52-6a0e-5b3e-9d0f-2f5f0c5a7b41";
/// The published JSON schema of the body of [`NATIONAL_HANDLING_EXTENSION`].
pub const NATIONAL_HANDLING_SCHEMA: &str = include_str!("national-handling.schema.json");

/// A country by its ISO 3166-1 alpha-3 code (which is what releasable-to lists and GENC write): `USA`, `CAN`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Country([u8; 3]);

/// A text that is no country's code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a country is three capital letters, such as `CAN` (ISO 3166-1 alpha-3)")]
pub struct CountryError;

impl Country {
    /// As written.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for Country {
    type Err = CountryError;

    fn from_str(text: &str) -> Result<Self, CountryError> {
        let code: [u8; 3] = text.as_bytes().try_into().map_err(|_| CountryError)?;
        if code.iter().all(u8::is_ascii_uppercase) { Ok(Self(code)) } else { Err(CountryError) }
    }
}

impl TryFrom<String> for Country {
    type Error = CountryError;

    fn try_from(text: String) -> Result<Self, CountryError> {
        text.parse()
    }
}

impl From<Country> for String {
    fn from(country: Country) -> Self {
        country.as_str().to_owned()
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A national caveat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Caveat {
    /// Not releasable to foreign nationals (United States).
    #[serde(rename = "NOFORN")]
    NoForeign,
    /// Canadian Eyes Only.
    #[serde(rename = "CANADIAN EYES ONLY")]
    CanadianEyesOnly,
}

impl Caveat {
    /// As the extension writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoForeign => "NOFORN",
            Self::CanadianEyesOnly => "CANADIAN EYES ONLY",
        }
    }

    fn from_text(text: &str) -> Option<Self> {
        [Self::NoForeign, Self::CanadianEyesOnly].into_iter().find(|caveat| caveat.as_str() == text)
    }
}

/// The body of our `national-handling` extension.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NationalHandling {
    /// The country whose marking this is.
    pub country: Option<Country>,
    /// A national classification level, as that country writes it; compared with ceilings by the agreement's tables.
    pub level: Option<String>,
    /// National caveats.
    pub caveats: BTreeSet<Caveat>,
    /// The only countries it may be released to, its own included; none if not restricted.
    pub releasable_to: Option<BTreeSet<Country>>,
    /// The only persons who may see it, with its publisher; they count with TLP:RED.
    pub recipients: BTreeSet<PrincipalName>,
}

/// What a marking definition means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// A level of the Traffic Light Protocol.
    Tlp(Tlp),
    /// National handling.
    National(NationalHandling),
    /// A statement (copyright, terms of use): carried, decides nothing.
    Statement(String),
    /// Something that is not understood, and why: whatever cites it is denied.
    Unknown(String),
}

/// Reads what the marking definition in `object` means. A known TLP id means its level whatever the body says; see
/// [`redefines`] for bodies that contradict it.
pub fn meaning(id: &StixId, object: &Value) -> Meaning {
    if let Some(tlp) = known_tlp(id) {
        return Meaning::Tlp(tlp);
    }
    if let Some(extensions) = object.get("extensions").and_then(Value::as_object) {
        return match (extensions.len(), extensions.get(NATIONAL_HANDLING_EXTENSION)) {
            (1, Some(body)) => national(body),
            (_, Some(_)) => unknown("a marking with `national-handling` carries no second extension"),
            (_, None) => unknown("its extensions are not known here"),
        };
    }
    match object.get("definition_type").and_then(Value::as_str) {
        Some("statement") => match object.pointer("/definition/statement").and_then(Value::as_str) {
            Some(statement) => Meaning::Statement(statement.to_owned()),
            None => unknown("a statement marking has its text in `definition.statement`"),
        },
        Some("tlp") => unknown("a TLP level under an id that is not one of the standard's"),
        Some(other) => unknown(&format!("its definition type `{other}` is not known here")),
        None => unknown("it has neither a definition nor an extension"),
    }
}

fn unknown(why: &str) -> Meaning {
    Meaning::Unknown(why.to_owned())
}

/// Does `object` give a known TLP id another meaning than everyone knows? Then it is refused.
pub fn redefines(id: &StixId, object: &Value) -> bool {
    let Some(tlp) = known_tlp(id) else { return false };
    let new = object.get("extensions").and_then(|e| e.get(TLP_2_EXTENSION)).and_then(|e| e.get("tlp_2_0"));
    let old = object.pointer("/definition/tlp");
    let kind = object.get("definition_type").and_then(Value::as_str);
    let says = |value: Option<&Value>| value.and_then(Value::as_str).map(Tlp::from_label);
    let good = |value: Option<Option<Tlp>>| value.is_none_or(|level| level == Some(tlp));
    let says_any = new.is_some() || old.is_some();
    !(says_any && kind.is_none_or(|kind| kind == "tlp") && good(says(new)) && good(says(old)))
        || new.is_some_and(|v| !v.is_string())
        || old.is_some_and(|v| !v.is_string())
}

fn national(body: &Value) -> Meaning {
    match read_national(body) {
        Ok(handling) => Meaning::National(handling),
        Err(why) => Meaning::Unknown(why),
    }
}

fn read_national(body: &Value) -> Result<NationalHandling, String> {
    let members = body.as_object().ok_or("`national-handling` is not an object")?;
    let mut handling = NationalHandling::default();
    for (key, value) in members {
        match key.as_str() {
            "extension_type" if value == "property-extension" => {}
            "country" => handling.country = Some(read_one(key, value)?),
            "level" => handling.level = Some(value.as_str().ok_or("`level` is not a text")?.to_owned()),
            "caveats" => {
                handling.caveats = texts(key, value)?
                    .map(|text| Caveat::from_text(text?).ok_or_else(|| "a caveat is not known here".to_owned()))
                    .collect::<Result<_, String>>()?;
            }
            "releasable_to" => {
                let countries: BTreeSet<Country> = read_many(key, value)?;
                if countries.is_empty() {
                    return Err("`releasable_to` is empty".to_owned());
                }
                handling.releasable_to = Some(countries);
            }
            "recipients" => handling.recipients = read_many(key, value)?,
            other => return Err(format!("`national-handling` has a key `{other}` that is not known here")),
        }
    }
    Ok(handling)
}

fn read_one<T: FromStr<Err: fmt::Display>>(key: &str, value: &Value) -> Result<T, String> {
    let text = value.as_str().ok_or_else(|| format!("`{key}` is not a text"))?;
    text.parse().map_err(|error| format!("`{key}`: {error}"))
}

fn read_many<T: FromStr<Err: fmt::Display> + Ord>(key: &str, value: &Value) -> Result<BTreeSet<T>, String> {
    texts(key, value)?.map(|text| text?.parse().map_err(|error| format!("`{key}`: {error}"))).collect()
}

fn texts<'a>(key: &str, value: &'a Value) -> Result<impl Iterator<Item = Result<&'a str, String>> + 'a, String> {
    let key = key.to_owned();
    let list = value.as_array().ok_or_else(|| format!("`{key}` is not a list"))?;
    Ok(list.iter().map(move |item| item.as_str().ok_or_else(|| format!("`{key}` has an item that is not a text"))))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn id(text: &str) -> StixId {
        text.parse().unwrap()
    }

    fn read(body: &Value) -> Meaning {
        let object = json!({"extensions": {NATIONAL_HANDLING_EXTENSION: body}});
        meaning(&id("marking-definition--11111111-1111-4111-8111-111111111111"), &object)
    }

    #[test]
    fn tlp_is_known_by_id_alone() {
        assert_eq!(known_tlp(&id(Tlp::AmberStrict.definition_id())), Some(Tlp::AmberStrict));
        assert_eq!(known_tlp(&id("marking-definition--f88d31f6-486f-44da-b317-01333bde0b82")), Some(Tlp::Amber));
        assert!(Tlp::AmberStrict > Tlp::Amber && Tlp::Red > Tlp::AmberStrict);
    }

    #[test]
    fn redefinition_is_noticed() {
        let red = id(Tlp::Red.definition_id());
        let honest =
            json!({"extensions": {TLP_2_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": "red"}}});
        assert!(!redefines(&red, &honest));
        for lie in [
            json!({"definition_type": "statement", "definition": {"statement": "free"}}),
            json!({"extensions": {TLP_2_EXTENSION: {"tlp_2_0": "clear"}}}),
            json!({"definition_type": "tlp", "definition": {"tlp": "white"}}),
            json!({"extensions": {TLP_2_EXTENSION: {"tlp_2_0": "red"}}, "definition_type": "tlp", "definition": {"tlp": "white"}}),
            json!({"extensions": {TLP_2_EXTENSION: {"tlp_2_0": 7}}}),
            json!({}),
        ] {
            assert!(redefines(&red, &lie), "{lie}");
        }
    }

    #[test]
    fn what_is_not_understood_is_unknown() {
        let good = json!({"extension_type": "property-extension", "country": "USA", "caveats": ["NOFORN"], "releasable_to": ["USA", "CAN"]});
        assert!(matches!(read(&good), Meaning::National(_)));
        for bad in [
            json!({"caveats": ["noforn"]}),
            json!({"caveats": ["NOFORN "]}),
            json!({"caveats": ["NОFORN"]}),
            json!({"caveats": "NOFORN"}),
            json!({"releasable_to": ["can"]}),
            json!({"releasable_to": []}),
            json!({"releasable_to": ["CANADA"]}),
            json!({"releasable-to": ["CAN"]}),
            json!({"recipients": ["Alice@ca"]}),
            json!({"recipients": [1]}),
            json!({"country": 7}),
            json!([]),
            json!({"extension_type": "toplevel-property-extension"}),
        ] {
            assert!(matches!(read(&bad), Meaning::Unknown(_)), "{bad}");
        }
    }
}
