//! What of an object leaves: whole, without what its reader may not see, or not at all.

use model::json::JsonError;
use model::marking::known_tlp;
use model::stix::{Object, Redaction, StixId, without};

use crate::reason::Reason;

/// What leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rendering {
    /// The bytes as they are stored.
    Whole,
    /// Other bytes: droppable references to hidden things are gone.
    Redacted(Vec<u8>),
    /// Nothing.
    Withheld(Reason),
}

/// Renders `object`, whose bytes are `raw`, for a reader to whom `visible` things may be shown. What is not held here must
/// count as hidden; the definitions of TLP are everyone's.
pub fn render(object: &Object, raw: &[u8], visible: impl Fn(&StixId) -> bool) -> Result<Rendering, JsonError> {
    if object.marking_refs.iter().any(|id| known_tlp(id).is_none() && !visible(id)) {
        return Ok(Rendering::Withheld(Reason::HiddenMarking));
    }
    Ok(match without(object, raw, |id| !visible(id))? {
        Redaction::Unchanged => Rendering::Whole,
        Redaction::Changed(bytes) => Rendering::Redacted(bytes),
        Redaction::Withheld => Rendering::Withheld(Reason::HiddenEnd),
    })
}
