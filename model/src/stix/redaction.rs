//! An object without the references that its reader may not see: everything else stays byte for byte, in its order.

use super::{Need, Object, StixId};
use crate::json::{JsonError, Members};

/// What is left of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redaction {
    /// Nothing had to go: send the bytes as they are.
    Unchanged,
    /// The new bytes.
    Changed(Vec<u8>),
    /// Something had to go that it cannot do without.
    Withheld,
}

/// `object`, whose bytes are `raw`, without its references to what is `hidden`.
pub fn without(object: &Object, raw: &[u8], hidden: impl Fn(&StixId) -> bool) -> Result<Redaction, JsonError> {
    let lost: Vec<_> = object.references.iter().filter(|reference| hidden(&reference.id)).collect();
    if lost.is_empty() {
        return Ok(Redaction::Unchanged);
    }
    // A selector of a granular marking may point into what goes; rather than guess what it would then mark, withhold.
    if object.granular || lost.iter().any(|reference| reference.need == Need::Required) {
        return Ok(Redaction::Withheld);
    }
    let members = Members::read(raw)?;
    let mut emptied = false;
    let out = members.rewrite(|property| {
        let of_property = |reference: &&&super::Reference| reference.property == property;
        if !lost.iter().any(|reference| of_property(&reference)) {
            return None;
        }
        let kept: Vec<&str> = object
            .references
            .iter()
            .filter(|reference| reference.property == property && !hidden(&reference.id))
            .map(|reference| reference.id.as_str())
            .collect();
        if kept.is_empty() {
            emptied |= lost.iter().any(|reference| of_property(&reference) && reference.need == Need::OneOfMany);
            return Some(None);
        }
        Some(Some(serde_json::Value::from(kept).to_string()))
    });
    Ok(if emptied { Redaction::Withheld } else { Redaction::Changed(out) })
}

#[cfg(test)]
mod tests {
    use crate::json::Limits;
    use crate::stix::read;

    use super::*;

    const A: &str = "indicator--aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";
    const B: &str = "indicator--bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb";
    const TIMES: &str =
        r#""spec_version":"2.1","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z""#;

    fn redact(text: &str, hidden: &str) -> Redaction {
        let (object, _) = read(text.as_bytes(), &Limits::default()).unwrap();
        without(&object, text.as_bytes(), |id| id.as_str() == hidden).unwrap()
    }

    fn report(refs: &str) -> String {
        format!(
            r#"{{"type":"report","id":"report--11111111-1111-4111-8111-111111111111",{TIMES},"name":"r","published":"2026-01-01T00:00:00Z","object_refs":[{refs}],"x_y":1.50}}"#
        )
    }

    #[test]
    fn items_go_and_the_rest_stays_as_it_was() {
        let whole = report(&format!("\"{A}\",\"{B}\""));
        assert_eq!(redact(&whole, "none"), Redaction::Unchanged);
        assert_eq!(redact(&whole, B), Redaction::Changed(report(&format!("\"{A}\"")).into_bytes()));
        assert_eq!(redact(&report(&format!("\"{B}\"")), B), Redaction::Withheld);
    }

    #[test]
    fn a_required_end_withholds() {
        let text = format!(
            r#"{{"type":"relationship","id":"relationship--11111111-1111-4111-8111-111111111111",{TIMES},"relationship_type":"related-to","source_ref":"{A}","target_ref":"{B}"}}"#
        );
        assert_eq!(redact(&text, B), Redaction::Withheld);
    }

    #[test]
    fn references_in_extensions_are_found_and_withhold() {
        let text = report(&format!("\"{A}\""))
            .replace("\"x_y\":1.50", &format!(r#""x_y":{{"deep":[{{"author_ref":"{B}"}}]}}"#));
        assert_eq!(redact(&text, B), Redaction::Withheld);
    }
}
