//! Gate in: parse, validate, settle the markings, reduce them to a class. What fails is quarantined or refused with its
//! faults, never silently altered.

use std::collections::{BTreeSet, HashSet};

use model::fault::Fault;
use model::json::{Limits, Members};
use model::marking::{Caveat, Meaning, Tlp, known_tlp, meaning};
use model::principal::{CentreCode, PrincipalName};
use model::stix::{Object, StixId, Typed, Version, read};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::class::Class;

/// What the gate asks of what is held already.
pub trait Held {
    /// What a marking definition means that is held here; none if it is not held.
    fn meaning(&self, id: &StixId) -> Option<Meaning>;
    /// SHA-256 of the stored bytes of that version of this origin; none if it is not held.
    fn digest(&self, origin: &CentreCode, id: &StixId, version: &Version) -> Option<[u8; 32]>;
    /// The organisation enrolled here whose identity object `id` is.
    fn organisation_of(&self, id: &StixId) -> Option<String>;
}

/// Who hands something in, and how.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The centre whose statement it becomes: our own, or the partner over the link.
    pub origin: CentreCode,
    /// Who publishes it: RED is theirs.
    pub publisher: Option<PrincipalName>,
    /// The publisher's organisation; none over the link, where the origin has checked it.
    pub organisation: Option<String>,
    /// Where it is from, as its publisher says.
    pub source: Option<String>,
    /// The marking of what has none, by the agreement with its source.
    pub default_marking: Option<Tlp>,
    /// Bounds of reading.
    pub limits: Limits,
}

/// What was let in.
#[derive(Debug, Clone, PartialEq)]
pub struct Admitted {
    /// The parsed view of what is stored to be sent.
    pub object: Object,
    /// Its class.
    pub class: Class,
    /// SHA-256 of the bytes as received.
    pub digest: [u8; 32],
    /// With the source's default marking applied: rendering 1, which is what leaves.
    pub rendering: Option<Vec<u8>>,
    /// SHOULDs that it does not follow.
    pub warnings: Vec<Fault>,
}

/// What becomes of one object.
#[derive(Debug, Clone, PartialEq)]
pub enum Admission {
    /// It goes in.
    Accept(Box<Admitted>),
    /// The very same is held already.
    Unchanged(StixId, Version),
    /// It is kept aside for its sender and the officers.
    Quarantine {
        /// Its id, where one could be read.
        id: Option<String>,
        /// What is wrong.
        faults: Vec<Fault>,
        /// Marking definitions that it waits for.
        waits_for: Vec<StixId>,
    },
    /// Nothing is kept but the fact.
    Refuse {
        /// Its id, where one could be read.
        id: Option<String>,
        /// Why.
        faults: Vec<Fault>,
    },
}

const SECTION: &str = "Bridgewatch gate in";
/// The fault of an object that names another organisation enrolled here as its author: who hands that in may not write it, and
/// is refused with all that came with it.
pub const FOREIGN_AUTHOR: &str = "foreign-author";

/// What was read of one object: its view with warnings, or its faults.
pub type Read = Result<(Object, Vec<Fault>), Vec<Fault>>;

/// Decides on one object, whose bytes are `raw`.
pub fn admit(raw: &[u8], submission: &Submission, held: &dyn Held) -> Admission {
    decide(raw, read(raw, &submission.limits), submission, held)
}

/// As [`admit`], of an object that was read from `raw` already.
pub fn decide(raw: &[u8], read: Read, submission: &Submission, held: &dyn Held) -> Admission {
    let (object, warnings) = match read {
        Ok(read) => read,
        Err(faults) => return fail(faults),
    };
    let digest: [u8; 32] = Sha256::digest(raw).into();
    match held.digest(&submission.origin, &object.id, &object.version) {
        Some(known) if known == digest => return Admission::Unchanged(object.id, object.version),
        Some(_) => {
            return refuse(
                &object,
                "version-conflict",
                "/modified",
                "this version is held already with other content: give the new one a later `modified` (STIX 2.1 §3.6.2)",
            );
        }
        None => {}
    }
    if let Some(refusal) = foreign_author(&object, submission, held) {
        return refusal;
    }
    if means_something_else(&object, held) {
        let message = "this marking is held already and means something else; what is marked with it relies on that: give the new \
                       marking an identifier of its own";
        return refuse(&object, "marking-redefined", "/id", message);
    }
    if let Some(fault) = too_broad(&object) {
        return quarantine(&object, vec![fault], Vec::new());
    }
    let class = match classify(&object, submission, held) {
        Ok(class) => class,
        Err(Doubt { faults, waits_for }) => return quarantine(&object, faults, waits_for),
    };
    with_default(raw, object, class, digest, warnings, submission)
}

/// A known TLP id with another meaning is an attack or a grave slip: refused. Everything else may be mended: quarantined.
fn fail(faults: Vec<Fault>) -> Admission {
    let id = faults.iter().find_map(|fault| fault.object.clone());
    if faults.iter().any(|fault| fault.code == "marking-redefined") {
        Admission::Refuse { id, faults }
    } else {
        Admission::Quarantine { id, faults, waits_for: Vec::new() }
    }
}

fn refuse(object: &Object, code: &'static str, pointer: &str, message: &str) -> Admission {
    let fault = Fault::error(code, pointer, SECTION, message).of(object.id.as_str());
    Admission::Refuse { id: Some(object.id.to_string()), faults: vec![fault] }
}

fn quarantine(object: &Object, faults: Vec<Fault>, waits_for: Vec<StixId>) -> Admission {
    let faults = faults.into_iter().map(|fault| fault.of(object.id.as_str())).collect();
    Admission::Quarantine { id: Some(object.id.to_string()), faults, waits_for }
}

/// Would the marking definition change what those marked with it may expect, whoever said it first? A statement decides nothing
/// and may be worded anew.
fn means_something_else(object: &Object, held: &dyn Held) -> bool {
    if object.object_type() != "marking-definition" {
        return false;
    }
    match (held.meaning(&object.id), meaning(&object.id, &Value::Object(object.value.clone()))) {
        (None, _) | (Some(Meaning::Statement(_)), Meaning::Statement(_)) => false,
        (Some(known), said) => known != said,
    }
}

/// Nobody writes in the name of another organisation that is enrolled here.
fn foreign_author(object: &Object, submission: &Submission, held: &dyn Held) -> Option<Admission> {
    let organisation = submission.organisation.as_ref()?;
    let owner = held.organisation_of(object.created_by_ref.as_ref()?)?;
    (owner != *organisation).then(|| {
        refuse(
            object,
            FOREIGN_AUTHOR,
            "/created_by_ref",
            "`created_by_ref` is another organisation's identity: publish in your own name",
        )
    })
}

/// What would match nearly everything is kept aside (design: values of lists).
fn too_broad(object: &Object) -> Option<Fault> {
    let Typed::Indicator(indicator) = &object.typed else { return None };
    let why = broadest(&indicator.tree.as_ref()?.root)?;
    Some(Fault::error("too-broad", "/pattern", SECTION, format!("the pattern would match nearly everything: {why}")))
}

/// A choice of comparisons is as broad as its broadest; other patterns are narrowed by what stands beside.
fn broadest(observation: &model::pattern::Observation) -> Option<&'static str> {
    use model::pattern::{Expression, Literal, Observation, ObservationOperator};
    fn choice(expression: &Expression) -> Option<&'static str> {
        match expression {
            Expression::And(_) => None,
            Expression::Or(parts) => parts.iter().find_map(choice),
            Expression::Comparison(comparison) if !comparison.negated => {
                comparison.values.iter().find_map(|value| match value {
                    Literal::Text(text) => {
                        let text = text.strip_prefix("%.").unwrap_or(text);
                        match comparison.path.object_type.as_str() {
                            "domain-name" => {
                                model::value::ListValue::Domain(model::value::canonical_name(text)).too_broad()
                            }
                            "ipv4-addr" | "ipv6-addr" => model::value::classify(text)?.too_broad(),
                            _ => None,
                        }
                    }
                    _ => None,
                })
            }
            Expression::Comparison(_) => None,
        }
    }
    match observation {
        Observation::Single(expression) => choice(expression),
        Observation::Joined(ObservationOperator::Or, parts) => parts.iter().find_map(broadest),
        _ => None,
    }
}

/// Why a class cannot be given.
struct Doubt {
    faults: Vec<Fault>,
    waits_for: Vec<StixId>,
}

/// Everything that a release decision may depend on, strictest over the whole object and its marked parts.
fn classify(object: &Object, submission: &Submission, held: &dyn Held) -> Result<Class, Doubt> {
    let mut class = Class::unmarked(submission.origin.clone());
    let mut doubt = Doubt { faults: Vec::new(), waits_for: Vec::new() };
    for id in &object.marking_refs {
        if let Some(tlp) = known_tlp(id) {
            class.tlp = class.tlp.max(Some(tlp));
            continue;
        }
        match held.meaning(id) {
            None => {
                doubt.waits_for.push(id.clone());
                doubt.fault(
                    "marking-unknown",
                    format!("nobody has defined the marking `{id}` yet: the object waits until its definition arrives"),
                );
            }
            Some(Meaning::Unknown(why)) => doubt.fault(
                "marking-not-understood",
                format!("the marking `{id}` cannot be understood ({why}): what it allows is unknown, so nothing is"),
            ),
            Some(Meaning::Tlp(tlp)) => class.tlp = class.tlp.max(Some(tlp)),
            Some(Meaning::Statement(_)) => {}
            Some(Meaning::National(handling)) => {
                class.caveats.extend(handling.caveats);
                if let Some(countries) = handling.releasable_to {
                    let both = class.releasable_to.take().map_or_else(|| countries.clone(), |old| &old & &countries);
                    class.releasable_to = Some(both);
                }
                if let Some(level) = handling.level {
                    class
                        .levels
                        .insert((handling.country.map_or_else(String::new, |country| country.to_string()), level));
                }
                class.recipients.extend(handling.recipients);
            }
        }
    }
    if class.tlp != Some(Tlp::Red) && !class.recipients.is_empty() {
        doubt.fault(
            "recipients-without-red",
            "a marking names recipients, but the object is not TLP:RED: say who may have it".to_owned(),
        );
    }
    if !doubt.faults.is_empty() {
        return Err(doubt);
    }
    if class.tlp == Some(Tlp::Red) {
        class.publisher.clone_from(&submission.publisher);
    }
    class.tlp = class.tlp.or(submission.default_marking);
    class.conflict = contradicts(&class);
    Ok(class)
}

impl Doubt {
    fn fault(&mut self, code: &'static str, message: String) {
        self.faults.push(Fault::error(code, "/object_marking_refs", "STIX 2.1 §7.2", message));
    }
}

/// NOFORN beside a list that names a foreign country; both nations' own-eyes caveats at once; an empty intersection of lists.
fn contradicts(class: &Class) -> bool {
    let lists = |code: &str| {
        class.releasable_to.as_ref().is_some_and(|countries| countries.iter().any(|country| country.as_str() != code))
    };
    let has = |caveat| class.caveats.contains(&caveat);
    (has(Caveat::NoForeign) && lists("USA"))
        || (has(Caveat::CanadianEyesOnly) && lists("CAN"))
        || (has(Caveat::NoForeign) && has(Caveat::CanadianEyesOnly))
        || class.releasable_to.as_ref().is_some_and(BTreeSet::is_empty)
}

/// Applies the source's default marking to what has no TLP level of its own, as a rendering.
fn with_default(
    raw: &[u8],
    object: Object,
    class: Class,
    digest: [u8; 32],
    warnings: Vec<Fault>,
    submission: &Submission,
) -> Admission {
    let own_level = object.marking_refs.iter().any(|id| known_tlp(id).is_some());
    let Some(tlp) = submission.default_marking.filter(|_| !own_level) else {
        return Admission::Accept(Box::new(Admitted { object, class, digest, rendering: None, warnings }));
    };
    let version = object.version;
    match marked(raw, &object, tlp)
        .ok()
        .and_then(|bytes| read(&bytes, &submission.limits).ok().map(|(object, _)| (bytes, object)))
    {
        Some((bytes, mut rendered)) => {
            rendered.version = version; // a rendering is of the version received, whatever its own digest
            Admission::Accept(Box::new(Admitted { object: rendered, class, digest, rendering: Some(bytes), warnings }))
        }
        None => {
            let fault =
                Fault::error("default-marking", "", SECTION, "the default marking of its source could not be applied");
            quarantine(&object, vec![fault], Vec::new())
        }
    }
}

fn marked(raw: &[u8], object: &Object, tlp: Tlp) -> Result<Vec<u8>, model::json::JsonError> {
    let members = Members::read(raw)?;
    let own: HashSet<&str> = object
        .value
        .get("object_marking_refs")
        .and_then(serde_json::Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(serde_json::Value::as_str)
        .collect();
    let refs: Vec<&str> = own.into_iter().chain([tlp.definition_id()]).collect();
    let text = serde_json::Value::from(refs).to_string();
    let mut out = members.rewrite(|name| (name == "object_marking_refs").then_some(None));
    out.pop(); // the closing brace; an object that was read has an `id`, so a comma is due
    out.extend_from_slice(b",\"object_marking_refs\":");
    out.extend_from_slice(text.as_bytes());
    out.push(b'}');
    Ok(out)
}
