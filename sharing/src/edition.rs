//! Objects in STIX 2.0, for those who read no other: whoever does must understand every marking that holds for what he gets.

use model::marking::{Meaning, known_tlp, meaning};
use model::stix::StixId;
use model::stix::edition::{Unsayable, downgrade};
use serde_json::{Map, Value};

type Members = Map<String, Value>;

/// The object in STIX 2.0. `find` gives other objects as the reader may see them. TLP 2.0 is said as TLP 1 where that has the
/// level; an object with a marking that 2.0 has no form for (AMBER+STRICT, national handling, any other extension) is not said at
/// all, nor one whose marking the reader may not see: he would not know what it forbids. That holds for objects that came in 2.0
/// too; but for their markings they come back as they are.
pub fn in_stix_20(object: &Members, find: &dyn Fn(&str) -> Option<Members>) -> Result<Members, Unsayable> {
    let mut made = downgrade(object, find)?;
    for mark in marks(&mut made) {
        let said = mark.as_str().and_then(|id| said(id, find));
        *mark = said.map(Value::from).ok_or_else(|| Unsayable {
            id: object.get("id").and_then(Value::as_str).map(str::to_owned),
            reason: format!("its marking {mark} has no form there"),
        })?;
    }
    Ok(made)
}

/// What a marking is called in 2.0; none if it is nothing there.
fn said(id: &str, find: &dyn Fn(&str) -> Option<Members>) -> Option<String> {
    if let Some(tlp) = id.parse::<StixId>().ok().as_ref().and_then(known_tlp) {
        return tlp.tlp_1_id().map(str::to_owned);
    }
    is_statement(&find(id)?).then(|| id.to_owned())
}

/// Is it the definition of a statement and of nothing else, in either edition?
pub fn is_statement(definition: &Members) -> bool {
    let id = definition.get("id").and_then(Value::as_str).and_then(|id| id.parse::<StixId>().ok());
    let says = id.map(|id| meaning(&id, &Value::Object(definition.clone())));
    // An extension that 2.0 has no place for says more than the statement beside it.
    let is_extended = definition.keys().any(|name| name.ends_with("extensions"));
    matches!(says, Some(Meaning::Statement(_))) && !is_extended
}

/// Every reference to a marking, those of parts too.
fn marks(object: &mut Members) -> Vec<&mut Value> {
    let mut all = Vec::new();
    for (name, value) in object.iter_mut() {
        let Value::Array(list) = value else { continue };
        match name.as_str() {
            "object_marking_refs" => all.extend(list.iter_mut()),
            "granular_markings" => all.extend(list.iter_mut().filter_map(|mark| mark.get_mut("marking_ref"))),
            _ => {}
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use model::marking::{NATIONAL_HANDLING_EXTENSION, Tlp};
    use serde_json::json;

    use super::*;

    const STATEMENT: &str = "marking-definition--11111111-1111-4111-8111-111111111111";
    const NATIONAL: &str = "marking-definition--22222222-2222-4222-8222-222222222222";
    const BOTH: &str = "marking-definition--33333333-3333-4333-8333-333333333333";

    fn members(value: Value) -> Members {
        let Value::Object(members) = value else { panic!("an object") };
        members
    }

    fn definition(id: &str) -> Option<Members> {
        let mut made = members(json!({
            "type": "marking-definition", "spec_version": "2.1", "id": id, "created": "2026-01-01T00:00:00.000Z",
        }));
        if id != NATIONAL {
            made.insert("definition_type".to_owned(), "statement".into());
            made.insert("definition".to_owned(), json!({"statement": "said"}));
        }
        if id != STATEMENT {
            let handling = json!({NATIONAL_HANDLING_EXTENSION: {"extension_type": "property-extension"}});
            made.insert("extensions".to_owned(), handling);
        }
        [STATEMENT, NATIONAL, BOTH].contains(&id).then_some(made)
    }

    /// The markings of an object with these, in 2.0: the same whether it came in 2.1 or in 2.0.
    fn in_20(whole: &[&str], part: Option<&str>) -> Result<Vec<String>, Unsayable> {
        let mut object = members(json!({
            "type": "tool", "spec_version": "2.1", "id": "tool--44444444-4444-4444-8444-444444444444", "name": "a",
            "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z", "object_marking_refs": whole,
        }));
        if let Some(part) = part {
            object.insert("granular_markings".to_owned(), json!([{"marking_ref": part, "selectors": ["name"]}]));
        }
        let made = in_stix_20(&object, &definition);
        let mut old = object.clone();
        old.remove("spec_version");
        old.insert("labels".to_owned(), json!(["tool"]));
        assert_eq!(in_stix_20(&old, &definition), made);
        let mut made = made?;
        assert!(!made.contains_key("spec_version"));
        Ok(marks(&mut made).into_iter().map(|mark| mark.as_str().unwrap().to_owned()).collect())
    }

    #[test]
    fn levels_have_the_ids_of_tlp_1() {
        for tlp in [Tlp::Clear, Tlp::Green, Tlp::Amber, Tlp::Red] {
            let old = tlp.tlp_1_id().unwrap();
            assert_eq!(in_20(&[tlp.definition_id()], None).unwrap(), [old]);
            assert_eq!(in_20(&[old], Some(tlp.definition_id())).unwrap(), [old, old]);
        }
    }

    #[test]
    fn what_2_0_cannot_say_does_not_go_out() {
        assert_eq!(in_20(&[STATEMENT], None).unwrap(), [STATEMENT]);
        let unknown = "marking-definition--55555555-5555-4555-8555-555555555555";
        let strict = [Tlp::AmberStrict.definition_id(), "marking-definition--826578e1-40ad-459f-bc73-ede076f81f37"];
        for mark in strict.into_iter().chain([NATIONAL, BOTH, unknown]) {
            assert!(in_20(&[mark], None).is_err(), "{mark}");
            assert!(in_20(&[STATEMENT], Some(mark)).is_err(), "{mark}, of a part");
        }
    }

    #[test]
    fn what_an_observable_is_marked_with_holds_for_what_it_is_said_inside() {
        let address = "ipv4-addr--66666666-6666-5666-8666-666666666666";
        let observed = members(json!({
            "type": "observed-data", "spec_version": "2.1", "id": "observed-data--77777777-7777-4777-8777-777777777777",
            "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z", "number_observed": 1,
            "first_observed": "2026-01-01T00:00:00Z", "last_observed": "2026-01-01T00:00:00Z", "object_refs": [address],
            "object_marking_refs": [Tlp::Green.definition_id()],
        }));
        let marked = |mark: &str| {
            let inside = json!({
                "type": "ipv4-addr", "spec_version": "2.1", "id": address, "value": "192.0.2.1", "object_marking_refs": [mark],
            });
            in_stix_20(&observed, &|id| if id == address { Some(members(inside.clone())) } else { definition(id) })
        };
        let made = marked(STATEMENT).unwrap();
        assert_eq!(made["object_marking_refs"], json!([Tlp::Green.tlp_1_id(), STATEMENT]));
        assert!(marked(Tlp::AmberStrict.definition_id()).is_err());
        assert!(marked(NATIONAL).is_err());
    }

    #[test]
    fn a_statement_with_an_extension_from_2_1_is_more_than_a_statement() {
        assert!(is_statement(&definition(STATEMENT).unwrap()));
        let mut old = definition(STATEMENT).unwrap();
        old.remove("spec_version");
        assert!(is_statement(&old));
        old.insert("x_stix21_extensions".to_owned(), json!({NATIONAL_HANDLING_EXTENSION: {}}));
        assert!(!is_statement(&old));
        assert!(!is_statement(&definition(NATIONAL).unwrap()) && !is_statement(&definition(BOTH).unwrap()));
    }
}
