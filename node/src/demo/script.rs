//! What the analysts of the demo publish: one case for each way a marking can decide, each with a value that the sensor
//! hears and with random words, so that whoever looks can search for them where they must not be.

use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

/// TLP 2.0, by the ids of OASIS' common objects.
pub(crate) const CLEAR: &str = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487";
/// TLP:GREEN.
pub(crate) const GREEN: &str = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb";
/// TLP:AMBER.
pub(crate) const AMBER: &str = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421";
/// TLP:AMBER+STRICT.
pub(crate) const AMBER_STRICT: &str = "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003";
/// TLP:RED.
pub(crate) const RED: &str = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1";

/// One object of the script and what there is to know of it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Case {
    /// Short name of the case, for instance `green-noforn`.
    pub(crate) name: &'static str,
    /// The object.
    pub(crate) object: Value,
    /// The value that the sensor hears, for an indicator.
    pub(crate) value: Option<String>,
    /// Random words that occur in this object and nowhere else.
    pub(crate) canaries: Vec<String>,
}

impl Case {
    /// The object's STIX id.
    pub(crate) fn id(&self) -> &str {
        self.object.get("id").and_then(Value::as_str).unwrap_or_default()
    }
}

/// Everything that is published in one run.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Script {
    /// Marking definitions that the cases cite; published first.
    pub(crate) markings: Vec<Value>,
    /// The cases at `us`, published at the start in one bundle.
    pub(crate) opening: Vec<Case>,
    /// `ca`'s own.
    pub(crate) canadian: Vec<Case>,
    /// Half-way: new versions.
    pub(crate) half_way: Vec<Case>,
    /// CLEAR indicators, published one by one.
    pub(crate) stream: Vec<Case>,
}

/// Who takes part, as principals.
#[derive(Debug, Clone)]
pub(crate) struct Cast {
    /// The analyst of `ca` named in the RED indicator.
    pub(crate) named_at_ca: String,
}

impl Script {
    /// Writes a script with fresh random words; `now` is an RFC 3339 time, `later` one after it.
    pub(crate) fn write(cast: &Cast, stream: usize, now: &str, later: &str) -> Self {
        let markings = Markings::new(cast, now);
        let writer = Writer { now: now.to_owned() };
        let opening = writer.opening(&markings);
        let half_way = half_way(&opening, later);
        let canadian = vec![writer.indicator("canadian-eyes-only", &[GREEN, &markings.canadian_eyes_only])];
        let stream = (0..stream).map(|_| writer.indicator("stream", &[CLEAR])).collect();
        Self { markings: markings.objects, opening, canadian, half_way, stream }
    }

    /// All values that the sensor is to hear.
    pub(crate) fn values(&self) -> Vec<String> {
        [&self.opening, &self.canadian, &self.half_way, &self.stream]
            .into_iter()
            .flatten()
            .filter_map(|case| case.value.clone())
            .collect()
    }
}

/// The marking definitions of the script.
struct Markings {
    objects: Vec<Value>,
    noforn: String,
    releasable_to_canada: String,
    releasable_to_britain: String,
    named: String,
    canadian_eyes_only: String,
}

impl Markings {
    fn new(cast: &Cast, now: &str) -> Self {
        let mut objects = Vec::new();
        let mut define = |name: &str, body: Value| -> String {
            let id = format!("marking-definition--{}", Uuid::new_v4());
            let mut extension = json!({"extension_type": "property-extension"});
            if let (Some(extension), Some(body)) = (extension.as_object_mut(), body.as_object()) {
                extension.extend(body.clone());
            }
            objects.push(json!({
                "type": "marking-definition", "spec_version": "2.1", "id": id, "created": now, "name": name,
                "object_marking_refs": [GREEN],
                "extensions": {model::marking::NATIONAL_HANDLING_EXTENSION: extension},
            }));
            id
        };
        let noforn = define("NOFORN", json!({"country": "USA", "caveats": ["NOFORN"]}));
        let canadian_eyes_only =
            define("Canadian Eyes Only", json!({"country": "CAN", "caveats": ["CANADIAN EYES ONLY"]}));
        let releasable_to_canada =
            define("REL TO USA, CAN", json!({"country": "USA", "releasable_to": ["USA", "CAN"]}));
        let releasable_to_britain =
            define("REL TO USA, GBR", json!({"country": "USA", "releasable_to": ["USA", "GBR"]}));
        let named = define("Named recipients", json!({"recipients": [cast.named_at_ca]}));
        Self { objects, noforn, releasable_to_canada, releasable_to_britain, named, canadian_eyes_only }
    }
}

struct Writer {
    now: String,
}

impl Writer {
    fn opening(&self, markings: &Markings) -> Vec<Case> {
        let open_identity = self.identity("identity-clear", &[CLEAR]);
        let silent_identity = self.identity("identity-unmarked", &[]);
        let mut cases = vec![
            self.indicator("clear", &[CLEAR]),
            self.indicator("green", &[GREEN]),
            self.indicator("amber", &[AMBER]),
            self.indicator("amber-strict", &[AMBER_STRICT]),
            self.indicator("red-unnamed", &[RED]),
            self.indicator("red-named", &[RED, &markings.named]),
            self.indicator("green-noforn", &[GREEN, &markings.noforn]),
            self.indicator("amber-releasable-canada", &[AMBER, &markings.releasable_to_canada]),
            self.indicator("amber-releasable-britain", &[AMBER, &markings.releasable_to_britain]),
            self.indicator("unmarked", &[]),
        ];
        for case in &mut cases {
            set(&mut case.object, "created_by_ref", json!(open_identity.id()));
        }
        cases.push(self.indicator("unknown-marking", &[CLEAR, &format!("marking-definition--{}", Uuid::new_v4())]));
        cases.push(self.broken());
        let id_of = |name: &str| cases.iter().find(|c| c.name == name).map(|c| c.id().to_owned()).unwrap_or_default();
        let (green, noforn, red) = (id_of("green"), id_of("green-noforn"), id_of("red-unnamed"));
        cases.push(self.note(&silent_identity, &green));
        cases.push(self.report(&[&green, &noforn]));
        cases.push(self.relationship(&green, &red));
        cases.push(self.redefined_red());
        cases.splice(0..0, [open_identity, silent_identity]);
        cases
    }

    fn object(&self, kind: &str, id: &str, markings: &[&str], words: &[String]) -> Value {
        let mut object = json!({
            "type": kind, "spec_version": "2.1", "id": id, "created": self.now, "modified": self.now,
            "name": format!("{} {kind}", words.first().map_or("", String::as_str)),
            "description": format!("Reported by the demo: {}", words.get(1).map_or("", String::as_str)),
        });
        if !markings.is_empty() {
            set(&mut object, "object_marking_refs", json!(markings));
        }
        object
    }

    fn indicator(&self, name: &'static str, markings: &[&str]) -> Case {
        let words = words(3);
        let value = format!("{}.example", words.get(2).map_or("", String::as_str));
        let mut object = self.object("indicator", &format!("indicator--{}", Uuid::new_v4()), markings, &words);
        set(&mut object, "pattern", json!(domain_pattern(&value)));
        set(&mut object, "pattern_type", json!("stix"));
        set(&mut object, "valid_from", json!(self.now));
        set(&mut object, "indicator_types", json!(["malicious-activity"]));
        Case { name, object, value: Some(value), canaries: words }
    }

    fn broken(&self) -> Case {
        let mut case = self.indicator("broken-pattern", &[CLEAR]);
        let value = case.value.take().unwrap_or_default();
        set(&mut case.object, "pattern", json!(format!("[domain-name:value = '{value}'")));
        case
    }

    fn identity(&self, name: &'static str, markings: &[&str]) -> Case {
        let words = words(2);
        let mut object = self.object("identity", &format!("identity--{}", Uuid::new_v4()), markings, &words);
        set(&mut object, "identity_class", json!("organization"));
        Case { name, object, value: None, canaries: words }
    }

    fn note(&self, author: &Case, about: &str) -> Case {
        let words = words(2);
        let mut object = self.object("note", &format!("note--{}", Uuid::new_v4()), &[GREEN], &words);
        remove(&mut object, &["name", "description"]);
        set(&mut object, "abstract", json!(words.first()));
        set(&mut object, "content", json!(format!("A note of the demo: {}", words.get(1).map_or("", String::as_str))));
        set(&mut object, "object_refs", json!([about]));
        set(&mut object, "created_by_ref", json!(author.id()));
        Case { name: "note", object, value: None, canaries: words }
    }

    fn report(&self, refs: &[&str]) -> Case {
        let words = words(2);
        let mut object = self.object("report", &format!("report--{}", Uuid::new_v4()), &[GREEN], &words);
        set(&mut object, "published", json!(self.now));
        set(&mut object, "report_types", json!(["threat-report"]));
        set(&mut object, "object_refs", json!(refs));
        Case { name: "report", object, value: None, canaries: words }
    }

    fn relationship(&self, source: &str, target: &str) -> Case {
        let words = words(2);
        let mut object = self.object("relationship", &format!("relationship--{}", Uuid::new_v4()), &[GREEN], &words);
        remove(&mut object, &["name"]);
        set(&mut object, "relationship_type", json!("related-to"));
        set(&mut object, "source_ref", json!(source));
        set(&mut object, "target_ref", json!(target));
        Case { name: "relationship", object, value: None, canaries: words.into_iter().skip(1).collect() }
    }

    /// An indicator whose bundle tries to make TLP:RED a mere statement: the attempt is the object here.
    fn redefined_red(&self) -> Case {
        let words = words(1);
        let object = json!({
            "type": "marking-definition", "spec_version": "2.1", "id": RED, "created": "2022-10-01T00:00:00.000Z",
            "definition_type": "statement",
            "definition": {"statement": format!("Free to all: {}", words.first().map_or("", String::as_str))},
            "object_marking_refs": [CLEAR],
        });
        Case { name: "redefined-red", object, value: None, canaries: words }
    }
}

/// Half-way through the run: the CLEAR indicator turns RED under another name and value; the NOFORN one is freed.
fn half_way(opening: &[Case], later: &str) -> Vec<Case> {
    let find = |name: &str| opening.iter().find(|case| case.name == name).cloned();
    let turned = find("clear").map(|mut case| {
        let words = words(3);
        let value = format!("{}.example", words.get(2).map_or("", String::as_str));
        set(&mut case.object, "modified", json!(later));
        set(&mut case.object, "name", json!(format!("{} indicator", words.first().map_or("", String::as_str))));
        set(&mut case.object, "description", json!(format!("Now: {}", words.get(1).map_or("", String::as_str))));
        set(&mut case.object, "pattern", json!(domain_pattern(&value)));
        set(&mut case.object, "object_marking_refs", json!([RED]));
        Case { name: "clear-turned-red", object: case.object, value: Some(value), canaries: words }
    });
    let freed = find("green-noforn").map(|mut case| {
        set(&mut case.object, "modified", json!(later));
        set(&mut case.object, "object_marking_refs", json!([GREEN]));
        Case { name: "noforn-turned-green", ..case }
    });
    turned.into_iter().chain(freed).collect()
}

/// What a value from a list means as a pattern: the domain and every name below it.
fn domain_pattern(domain: &str) -> String {
    format!("[domain-name:value = '{domain}' OR domain-name:value LIKE '%.{domain}']")
}

fn set(object: &mut Value, key: &str, value: Value) {
    if let Some(map) = object.as_object_mut() {
        map.insert(key.to_owned(), value);
    }
}

fn remove(object: &mut Value, keys: &[&str]) {
    if let Some(map) = object.as_object_mut() {
        for key in keys {
            map.remove(*key);
        }
    }
}

/// Random words that occur nowhere by chance: 10 letters out of 80 random bits, pronounceable enough to read aloud.
fn words(count: usize) -> Vec<String> {
    (0..count).map(|_| word()).collect()
}

fn word() -> String {
    const CONSONANTS: &[u8] = b"bdfgklmnprstvz";
    const VOWELS: &[u8] = b"aeiou";
    let random = Uuid::new_v4().into_bytes();
    random
        .iter()
        .take(14)
        .enumerate()
        .filter(|(place, _)| *place != 6 && *place != 8) // UUID version and variant bits are not random
        .map(|(place, byte)| {
            let letters = if place % 2 == 0 { CONSONANTS } else { VOWELS };
            char::from(letters.get(usize::from(*byte) % letters.len()).copied().unwrap_or(b'x'))
        })
        .collect()
}
