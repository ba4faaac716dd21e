//! The gates against a naive re-statement of the rules, and the table that a person reviews.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::nonminimal_bool,
    reason = "a test that goes wrong may end"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::json::Limits;
use model::marking::{Meaning, NATIONAL_HANDLING_EXTENSION, Tlp, meaning};
use model::principal::{CentreCode, PrincipalName};
use model::stix::{StixId, Version};
use model::time::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};
use sharing::agreement::STARTER;
use sharing::gate_in::{Admission, Held, Submission, admit};
use sharing::principal::{Principal, Role};
use sharing::release::Partner;
use sharing::{Agreement, ClassTable, Gate, Reason};

/// Marking definitions that are held.
#[derive(Default)]
struct Shelf(BTreeMap<String, Value>);

impl Held for Shelf {
    fn meaning(&self, id: &StixId) -> Option<Meaning> {
        self.0.get(id.as_str()).map(|object| meaning(id, object))
    }

    fn digest(&self, _: &CentreCode, _: &StixId, _: &Version) -> Option<[u8; 32]> {
        None
    }

    fn organisation_of(&self, _: &StixId) -> Option<String> {
        None
    }
}

/// One marking definition of national handling, as a test writes it.
#[derive(Debug, Clone, Default)]
struct National {
    caveats: Vec<&'static str>,
    releasable_to: Option<Vec<&'static str>>,
    recipients: Vec<&'static str>,
    level: bool,
}

#[derive(Debug, Clone)]
struct Case {
    tlp: Vec<Tlp>,
    national: Vec<National>,
}

const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

fn definition_id(number: usize) -> String {
    format!("marking-definition--11111111-1111-4111-8111-{number:012}")
}

fn object(case: &Case) -> (Vec<u8>, Shelf) {
    let mut shelf = Shelf::default();
    let mut refs: Vec<String> = case.tlp.iter().map(|tlp| tlp.definition_id().to_owned()).collect();
    for (number, national) in case.national.iter().enumerate() {
        let mut body = json!({"extension_type": "property-extension", "country": "USA", "caveats": national.caveats, "recipients": national.recipients});
        if let Some(countries) = &national.releasable_to {
            body["releasable_to"] = json!(countries);
        }
        if national.level {
            body["level"] = json!("SECRET");
        }
        let id = definition_id(number);
        shelf.0.insert(
            id.clone(),
            json!({"type": "marking-definition", "id": id, "extensions": {NATIONAL_HANDLING_EXTENSION: body}}),
        );
        refs.push(id);
    }
    let mut object = json!({
        "type": "identity", "spec_version": "2.1", "id": "identity--22222222-2222-4222-8222-222222222222",
        "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z", "name": "x",
    });
    if !refs.is_empty() {
        object["object_marking_refs"] = json!(refs);
    }
    (object.to_string().into_bytes(), shelf)
}

fn submission() -> Submission {
    Submission {
        origin: "us".parse().unwrap(),
        publisher: Some("alice@us".parse().unwrap()),
        organisation: None,
        source: None,
        default_marking: None,
        limits: Limits::default(),
    }
}

fn gate() -> Gate {
    let agreement = Agreement::read(STARTER).unwrap();
    Gate::new("us".parse().unwrap(), "USA".parse().unwrap(), agreement, Arc::new(ClassTable::default()))
}

fn principal(name: &str, roles: &[Role]) -> Principal {
    let name: PrincipalName = name.parse().unwrap();
    let country = if name.centre().as_str() == "us" { "USA" } else { "CAN" }.parse().unwrap();
    Principal {
        name,
        organisation: "o".into(),
        country,
        roles: roles.iter().copied().collect(),
        site: None,
        revoked: false,
    }
}

fn partner() -> Partner {
    Partner { code: "ca".parse().unwrap(), country: "CAN".parse().unwrap() }
}

/// What the design's table says of crossing, written from the table and not from the code.
fn may_cross(case: &Case) -> bool {
    let Some(level) = case.tlp.iter().max() else { return false };
    let all = |wanted: &str| case.national.iter().any(|n| n.caveats.contains(&wanted));
    let listed = case.national.iter().all(|n| n.releasable_to.as_ref().is_none_or(|list| list.contains(&"CAN")));
    let named = case.national.iter().any(|n| n.recipients.iter().any(|r| r.ends_with("@ca")));
    !all("NOFORN")
        && !(all("CANADIAN EYES ONLY") && foreign_listed(case))
        && listed
        && !case.national.iter().any(|n| n.level)
        && (*level != Tlp::Red || named)
}

/// Canadian Eyes Only beside a list that names anyone but Canada contradicts itself.
fn foreign_listed(case: &Case) -> bool {
    let lists: Vec<BTreeSet<&str>> =
        case.national.iter().filter_map(|n| n.releasable_to.as_ref()).map(|l| l.iter().copied().collect()).collect();
    lists.into_iter().reduce(|a, b| &a & &b).is_some_and(|both| both.iter().any(|c| *c != "CAN"))
}

fn national() -> impl Strategy<Value = National> {
    let caveats = prop_oneof![
        4 => Just(vec![]), 1 => Just(vec!["NOFORN"]), 1 => Just(vec!["CANADIAN EYES ONLY"])
    ];
    let lists = prop::option::of(prop::sample::subsequence(vec!["USA", "CAN", "GBR"], 1..=3));
    let recipients = prop::sample::subsequence(vec!["bob@us", "claude@ca", "x@gb"], 0..=3);
    (caveats, lists, recipients, prop::bool::weighted(0.1))
        .prop_map(|(caveats, releasable_to, recipients, level)| National { caveats, releasable_to, recipients, level })
}

fn case() -> impl Strategy<Value = Case> {
    (prop::sample::subsequence(Tlp::ALL.to_vec(), 0..=2), prop::collection::vec(national(), 0..3))
        .prop_map(|(tlp, national)| Case { tlp, national })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if std::env::var_os("CI").is_some() { 10_000 } else { 1_000 }))]

    #[test]
    fn nothing_forbidden_leaves(case in case()) {
        let (raw, shelf) = object(&case);
        let gate = gate();
        match admit(&raw, &submission(), &shelf) {
            Admission::Accept(admitted) => {
                let (id, _) = gate.table().class(&admitted.class).unwrap();
                let crossing = gate.crossing(id, &partner(), NOW);
                prop_assert_eq!(crossing.is_ok(), may_cross(&case), "{:?}", crossing);
                // Seen at home: own analysts whom the national markings leave; RED its publisher and the named alone.
                let red = case.tlp.contains(&Tlp::Red);
                for name in ["alice@us", "bob@us", "carol@us"] {
                    let seen = gate.visibility(&principal(name, &[Role::Analyst]), NOW).sees(id);
                    let listed = case.national.iter().all(|n| n.releasable_to.as_ref().is_none_or(|list| list.contains(&"USA")));
                    let eyes = case.national.iter().any(|n| n.caveats.contains(&"CANADIAN EYES ONLY"));
                    let named = name == "alice@us" || case.national.iter().any(|n| n.recipients.contains(&name));
                    prop_assert_eq!(seen, listed && !eyes && (!red || named), "{}", name);
                }
                prop_assert!(!red || !gate.visibility(&principal("sensor@us", &[Role::Sensor]), NOW).sees(id));
            }
            Admission::Quarantine { faults, .. } => {
                let named = case.national.iter().any(|n| !n.recipients.is_empty());
                prop_assert!(named && !case.tlp.contains(&Tlp::Red), "{faults:?}");
            }
            other => prop_assert!(false, "{other:?}"),
        }
    }
}

/// Marking × who, as a person reviews it. `UPDATE_GOLDEN=1` writes it anew.
#[test]
fn permissions_are_the_reviewed_table() {
    let mut cases: Vec<(String, Case)> =
        Tlp::ALL.iter().map(|tlp| (tlp.to_string(), Case { tlp: vec![*tlp], national: vec![] })).collect();
    let with =
        |name: &str, tlp: Tlp, national: National| (name.to_owned(), Case { tlp: vec![tlp], national: vec![national] });
    cases.push(("unmarked".to_owned(), Case { tlp: vec![], national: vec![] }));
    cases.push(with(
        "RED naming bob@us, claude@ca",
        Tlp::Red,
        National { recipients: vec!["bob@us", "claude@ca"], ..National::default() },
    ));
    cases.push(with("GREEN NOFORN", Tlp::Green, National { caveats: vec!["NOFORN"], ..National::default() }));
    cases.push(with(
        "GREEN Canadian Eyes Only",
        Tlp::Green,
        National { caveats: vec!["CANADIAN EYES ONLY"], ..National::default() },
    ));
    cases.push(with(
        "AMBER REL USA, CAN",
        Tlp::Amber,
        National { releasable_to: Some(vec!["USA", "CAN"]), ..National::default() },
    ));
    cases.push(with(
        "AMBER REL USA, GBR",
        Tlp::Amber,
        National { releasable_to: Some(vec!["USA", "GBR"]), ..National::default() },
    ));
    cases.push(with(
        "CLEAR NOFORN REL USA, CAN",
        Tlp::Clear,
        National { caveats: vec!["NOFORN"], releasable_to: Some(vec!["USA", "CAN"]), ..National::default() },
    ));
    cases.push(with("CLEAR level SECRET", Tlp::Clear, National { level: true, ..National::default() }));
    let readers = [
        principal("alice@us", &[Role::Publisher]),
        principal("bob@us", &[Role::Analyst]),
        principal("carol@us", &[Role::Analyst]),
        principal("olivia@us", &[Role::Officer]),
        principal("sensor@us", &[Role::Sensor]),
        principal("hydro@us", &[Role::Operator]),
        principal("vendor@us", &[Role::Partner]),
        principal("maple@ca", &[Role::Partner]),
        principal("link@ca", &[Role::Peer]),
    ];
    let mut table =
        String::from("Who may see what at `us` (published there by alice@us), and whether it crosses to `ca`\n\n");
    table.push_str(&format!("{:30}", "marking"));
    for reader in &readers {
        table.push_str(&format!(" {:10}", reader.name.as_str()));
    }
    table.push_str(" crossing\n");
    let gate = gate();
    for (name, case) in &cases {
        let (raw, shelf) = object(case);
        let Admission::Accept(admitted) = admit(&raw, &submission(), &shelf) else { panic!("{name}") };
        let (id, _) = gate.table().class(&admitted.class).unwrap();
        table.push_str(&format!("{name:30}"));
        for reader in &readers {
            table.push_str(&format!(" {:10}", if gate.visibility(reader, NOW).sees(id) { "yes" } else { "-" }));
        }
        let crossing = gate.crossing(id, &partner(), NOW);
        table.push_str(&crossing.map_or_else(
            |reason| format!(" withheld: {}\n", reason.as_str()),
            |permit| format!(" {}\n", permit.rule()),
        ));
    }
    let place = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/permissions.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(place, &table).unwrap();
    }
    assert_eq!(table, std::fs::read_to_string(place).unwrap(), "review the table, then UPDATE_GOLDEN=1");
}

fn verdict(object: &Value, shelf: &Shelf, submission: &Submission) -> (&'static str, Vec<String>) {
    let codes = |faults: Vec<model::fault::Fault>| faults.into_iter().map(|fault| fault.code.into_owned()).collect();
    match admit(object.to_string().as_bytes(), submission, shelf) {
        Admission::Accept(_) => ("accept", vec![]),
        Admission::Unchanged(..) => ("unchanged", vec![]),
        Admission::Quarantine { faults, .. } => ("quarantine", codes(faults)),
        Admission::Refuse { faults, .. } => ("refuse", codes(faults)),
    }
}

fn indicator(extra: &Value) -> Value {
    let mut object = json!({
        "type": "indicator", "spec_version": "2.1", "id": "indicator--33333333-3333-4333-8333-333333333333",
        "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z", "valid_from": "2026-01-01T00:00:00Z",
        "pattern": "[domain-name:value = 'evil.example']", "pattern_type": "stix", "name": "x", "description": "y",
    });
    for (key, value) in extra.as_object().unwrap() {
        object[key] = value.clone();
    }
    object
}

#[test]
fn what_is_wrong_is_quarantined_or_refused_with_its_reason() {
    let mut shelf = Shelf::default();
    shelf.0.insert(definition_id(7), json!({"definition_type": "house-rules", "definition": {}}));
    let submission = submission();
    let case = |extra: Value| verdict(&indicator(&extra), &shelf, &submission);
    let quarantine = |code: &str| ("quarantine", vec![code.to_owned()]);
    assert_eq!(case(json!({})), ("accept", vec![]));
    assert_eq!(case(json!({"pattern": "[domain-name:value = 'evil.example'"})), quarantine("pattern-syntax"));
    assert_eq!(case(json!({"object_marking_refs": [definition_id(1)]})), quarantine("marking-unknown"));
    assert_eq!(case(json!({"object_marking_refs": [definition_id(7)]})), quarantine("marking-not-understood"));
    assert_eq!(case(json!({"pattern": "[ipv4-addr:value ISSUBSET '0.0.0.0/0']"})), quarantine("too-broad"));
    assert_eq!(
        case(json!({"pattern": "[domain-name:value = 'a.example' OR domain-name:value LIKE '%.com']"})),
        quarantine("too-broad")
    );
    assert_eq!(
        case(json!({"granular_markings": [{"marking_ref": definition_id(1), "selectors": ["pattern"]}]})),
        quarantine("marking-unknown")
    );
    assert_eq!(
        case(json!({"granular_markings": [{"marking_ref": Tlp::Red.definition_id(), "selectors": ["labels.[9]"]}]})),
        quarantine("granular-selector")
    );
    let lie = json!({"type": "marking-definition", "spec_version": "2.1", "id": Tlp::Red.definition_id(), "created": "2022-10-01T00:00:00.000Z",
        "definition_type": "statement", "definition": {"statement": "free"}});
    assert_eq!(verdict(&lie, &shelf, &submission), ("refuse", vec!["marking-redefined".to_owned()]));
}

#[test]
fn a_marking_that_is_held_keeps_its_meaning() {
    let national = json!({"extensions": {NATIONAL_HANDLING_EXTENSION: {
        "extension_type": "property-extension", "country": "USA", "caveats": ["NOFORN"],
    }}});
    let statement = |text: &str| json!({"definition_type": "statement", "definition": {"statement": text}});
    let again = |held: &Value, said: &Value, created: &str| {
        let mut shelf = Shelf::default();
        shelf.0.insert(definition_id(7), held.clone());
        let mut definition = json!({
            "type": "marking-definition", "spec_version": "2.1", "id": definition_id(7), "created": created,
        });
        definition.as_object_mut().unwrap().extend(said.as_object().unwrap().clone());
        verdict(&definition, &shelf, &submission())
    };
    let redefined = ("refuse", vec!["marking-redefined".to_owned()]);
    for created in ["2022-10-01T00:00:00.000Z", "2026-10-01T00:00:00.000Z"] {
        assert_eq!(again(&national, &statement("free"), created), redefined);
        assert_eq!(again(&statement("free"), &national, created), redefined);
        assert_eq!(
            again(&json!({"definition_type": "house-rules", "definition": {"a": 1}}), &statement("a"), created),
            redefined
        );
        assert_eq!(again(&statement("2025"), &statement("2026"), created), ("accept", vec![]));
        assert_ne!(again(&national, &national, created), redefined);
    }
}

#[test]
fn a_part_marked_red_makes_the_whole_red() {
    let object = indicator(&json!({"object_marking_refs": [Tlp::Clear.definition_id()],
        "granular_markings": [{"marking_ref": Tlp::Red.definition_id(), "selectors": ["pattern"]}]}));
    let Admission::Accept(admitted) = admit(object.to_string().as_bytes(), &submission(), &Shelf::default()) else {
        panic!()
    };
    assert_eq!(admitted.class.tlp, Some(Tlp::Red));
}

#[test]
fn a_sources_default_marking_makes_a_rendering_and_touches_nothing_else() {
    let mut submission = submission();
    submission.default_marking = Some(Tlp::Green);
    let raw = indicator(&json!({"x_number": 1.5})).to_string();
    let Admission::Accept(admitted) = admit(raw.as_bytes(), &submission, &Shelf::default()) else { panic!() };
    let rendering = String::from_utf8(admitted.rendering.unwrap()).unwrap();
    let expected =
        format!("{},\"object_marking_refs\":[\"{}\"]}}", raw.strip_suffix('}').unwrap(), Tlp::Green.definition_id());
    assert_eq!((rendering, admitted.class.tlp), (expected, Some(Tlp::Green)));
    let marked = indicator(&json!({"object_marking_refs": [Tlp::Red.definition_id()]})).to_string();
    let Admission::Accept(admitted) = admit(marked.as_bytes(), &submission, &Shelf::default()) else { panic!() };
    assert_eq!((admitted.rendering, admitted.class.tlp), (None, Some(Tlp::Red)));
}

#[test]
fn a_lapsed_basis_stops_the_border_at_that_moment() {
    let lapse = Timestamp::from_micros(1_700_000_000_000_000);
    let text = STARTER.replacen(
        "from = \"2012-10-26T00:00:00Z\"",
        &format!("from = \"2012-10-26T00:00:00Z\"\nuntil = \"{lapse}\""),
        1,
    );
    let table = Arc::new(ClassTable::default());
    let gate =
        Gate::new("us".parse().unwrap(), "USA".parse().unwrap(), Agreement::read(&text).unwrap(), Arc::clone(&table));
    let class = sharing::Class { tlp: Some(Tlp::Clear), ..sharing::Class::unmarked("us".parse().unwrap()) };
    let (id, _) = table.class(&class).unwrap();
    assert!(gate.crossing(id, &partner(), lapse.plus_micros(-1)).is_ok());
    assert_eq!(gate.crossing(id, &partner(), lapse), Err(Reason::Agreement));
    let visibility = gate.visibility(&principal("vendor@us", &[Role::Partner]), lapse.plus_micros(-1));
    assert!(visibility.sees(id) && visibility.holds_until() == Some(lapse));
    assert!(!gate.visibility(&principal("vendor@us", &[Role::Partner]), lapse).sees(id));
    assert!(!visibility.sees(sharing::ClassId(99)), "a number that nobody has defined is hidden");
}

#[test]
fn nothing_is_relayed() {
    let gate = gate();
    let class = sharing::Class { tlp: Some(Tlp::Clear), ..sharing::Class::unmarked("ca".parse().unwrap()) };
    let (id, _) = gate.table().class(&class).unwrap();
    assert_eq!(gate.crossing(id, &partner(), NOW), Err(Reason::NotOurs));
}
