//! The objects of the table.

use serde_json::{Value, json};
use tests::stix::{
    AMBER, AMBER_STRICT, CLEAR, GREEN, Piece, RED, identity, indicator, national, note, relationship, report, set,
};
use tests::word::word;

/// Everything that is published, one field a row.
#[derive(Debug)]
pub(super) struct Cast {
    /// Marking definitions that the rest cites.
    pub(super) definitions: Vec<Value>,
    /// The definition of Canadian Eyes Only, which `ca` publishes for itself.
    pub(super) canadian_definition: Value,
    /// The definition that is missing at first.
    pub(super) late_definition: Value,
    pub(super) author: Piece,
    pub(super) silent_author: Piece,
    pub(super) clear: Piece,
    pub(super) green: Piece,
    pub(super) amber: Piece,
    pub(super) amber_strict: Piece,
    pub(super) red: Piece,
    pub(super) red_named: Piece,
    pub(super) noforn: Piece,
    pub(super) releasable_canada: Piece,
    pub(super) releasable_britain: Piece,
    pub(super) unmarked: Piece,
    pub(super) unknown_marking: Piece,
    pub(super) redefinition: Piece,
    pub(super) broken: Piece,
    pub(super) note: Piece,
    pub(super) report: Piece,
    pub(super) relationship: Piece,
    /// `ca`'s own.
    pub(super) canadian: Piece,
    /// Second half: new version of `clear`.
    pub(super) turned_red: Piece,
    /// Second half: new version of `noforn`.
    pub(super) freed: Piece,
}

impl Cast {
    pub(super) fn new() -> Self {
        let noforn = national("NOFORN", &json!({"country": "USA", "caveats": ["NOFORN"]}));
        let canada = national("REL TO USA, CAN", &json!({"country": "USA", "releasable_to": ["USA", "CAN"]}));
        let britain = national("REL TO USA, GBR", &json!({"country": "USA", "releasable_to": ["USA", "GBR"]}));
        let named = national("For one", &json!({"recipients": ["claude@ca"]}));
        let eyes = national("Canadian Eyes Only", &json!({"country": "CAN", "caveats": ["CANADIAN EYES ONLY"]}));
        let late = late_definition();
        let (author, silent_author) = (identity(&[CLEAR]), identity(&[]));
        let by = |piece: Piece| piece.with("created_by_ref", json!(author.id()));
        let clear = by(indicator(&[CLEAR]));
        let green = by(indicator(&[GREEN]));
        let red = by(indicator(&[RED]));
        let hidden = by(indicator(&[GREEN, id(&noforn)]));
        Self {
            amber: by(indicator(&[AMBER])),
            amber_strict: by(indicator(&[AMBER_STRICT])),
            red_named: by(indicator(&[RED, id(&named)])),
            releasable_canada: by(indicator(&[AMBER, id(&canada)])),
            releasable_britain: by(indicator(&[AMBER, id(&britain)])),
            unmarked: by(indicator(&[])),
            unknown_marking: by(indicator(&[CLEAR, id(&late)])),
            redefinition: redefinition(),
            broken: broken(),
            note: note(&[GREEN], green.id()).with("created_by_ref", json!(silent_author.id())),
            report: report(&[GREEN], &[green.id(), hidden.id()]),
            relationship: relationship(&[GREEN], green.id(), red.id()),
            canadian: indicator(&[GREEN, id(&eyes)]),
            turned_red: clear.next(&[RED]),
            freed: hidden.next(&[GREEN]),
            definitions: vec![noforn, canada, britain, named],
            canadian_definition: eyes,
            late_definition: late,
            noforn: hidden,
            author,
            silent_author,
            clear,
            green,
            red,
        }
    }

    /// What `us` accepts of the opening.
    pub(super) fn accepted_at_us(&self) -> impl Iterator<Item = &Piece> {
        let own =
            [&self.red, &self.red_named, &self.noforn, &self.releasable_britain, &self.unmarked, &self.silent_author];
        self.crossing().chain(own).chain([&self.relationship])
    }

    /// What crosses to everyone at `ca`.
    pub(super) fn crossing(&self) -> impl Iterator<Item = &Piece> {
        let indicators = [&self.clear, &self.green, &self.amber, &self.amber_strict, &self.releasable_canada];
        indicators.into_iter().chain([&self.author, &self.note, &self.report])
    }

    /// What is nowhere at `ca`, from beginning to end.
    pub(super) fn never_at_ca(&self) -> impl Iterator<Item = &Piece> {
        let hidden = [&self.red, &self.releasable_britain, &self.unmarked, &self.unknown_marking, &self.broken];
        hidden.into_iter().chain([&self.silent_author, &self.relationship])
    }

    /// Everything in the opening bundle, as it is sent.
    pub(super) fn opening(&self) -> Vec<&Value> {
        let aside = [&self.unknown_marking, &self.broken, &self.redefinition];
        let pieces = [&self.author, &self.silent_author].into_iter().chain(self.accepted_at_us()).chain(aside);
        let mut seen = Vec::new();
        for piece in pieces {
            if !seen.contains(&&piece.object) {
                seen.push(&piece.object);
            }
        }
        seen
    }

    /// Every domain that the sensor hears.
    pub(super) fn values(&self) -> Vec<String> {
        let indicators = [
            &self.clear,
            &self.green,
            &self.amber,
            &self.amber_strict,
            &self.red,
            &self.red_named,
            &self.noforn,
            &self.releasable_canada,
            &self.releasable_britain,
            &self.unmarked,
            &self.unknown_marking,
            &self.broken,
            &self.canadian,
            &self.turned_red,
            &self.freed,
        ];
        indicators.into_iter().map(|piece| piece.value.clone()).filter(|value| !value.is_empty()).collect()
    }

    /// Every id of the cast.
    pub(super) fn ids(&self) -> Vec<String> {
        let own = [&self.unknown_marking, &self.broken, &self.canadian];
        let mut ids: Vec<String> = self.accepted_at_us().chain(own).map(|piece| piece.id().to_owned()).collect();
        ids.sort();
        ids.dedup();
        ids
    }
}

fn id(definition: &Value) -> &str {
    definition.get("id").and_then(Value::as_str).unwrap_or_default()
}

/// A statement marking that is CLEAR itself: it says nothing about who may have what.
fn late_definition() -> Value {
    let mut definition = national("Statement", &json!({}));
    if let Some(map) = definition.as_object_mut() {
        map.remove("extensions");
    }
    set(&mut definition, "object_marking_refs", json!([CLEAR]));
    set(&mut definition, "definition_type", json!("statement"));
    set(&mut definition, "definition", json!({"statement": "Please tell us what you see"}));
    definition
}

/// The attempt to make TLP:RED a mere statement.
fn redefinition() -> Piece {
    let statement = word();
    let object = json!({
        "type": "marking-definition", "spec_version": "2.1", "id": RED, "created": "2022-10-01T00:00:00.000Z",
        "definition_type": "statement", "definition": {"statement": format!("Free to all: {statement}")},
        "object_marking_refs": [CLEAR],
    });
    Piece { object, value: String::new(), canaries: vec![statement] }
}

/// A CLEAR indicator whose pattern lacks its last bracket.
fn broken() -> Piece {
    let piece = indicator(&[CLEAR]);
    let pattern = format!("[domain-name:value = '{}'", piece.value);
    piece.with("pattern", json!(pattern))
}
