//! What an input says to look for, for matching without a centre.

use model::fault::Severity;
use model::json::Limits;
use model::stix::{StixId, Typed, read};
use model::time::Timestamp;

use super::{Inbound, InboundError, InputFault, Item, Place, Settings};

/// By what a hit names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Named {
    /// An indicator, by its id.
    Indicator(StixId),
    /// A value of a list, by its line from 1; the reader knows the list's name.
    Line(u64),
}

/// What to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name in a hit.
    pub named: Named,
    /// The version of an indicator: of several the newest counts.
    pub modified: Option<Timestamp>,
    /// The STIX pattern.
    pub pattern: String,
    /// From when it holds; none: ever since.
    pub valid_from: Option<Timestamp>,
    /// Until when it holds, that moment not included.
    pub valid_until: Option<Timestamp>,
    /// No longer held to be true: an indicator that is to be forgotten.
    pub revoked: bool,
}

/// What was found in an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Something to look for.
    Rule(Rule),
    /// What was left out, or is to be looked at.
    Fault(InputFault),
}

/// The rules in an input. Objects that are no indicators are passed over.
pub fn rules(inbound: Inbound, settings: &Settings) -> impl Iterator<Item = Result<Found, InboundError>> + use<> {
    let limits = Limits { body_bytes: settings.object_bytes, depth: settings.depth, ..Limits::default() };
    inbound.filter_map(move |item| match item {
        Err(error) => Some(Err(error)),
        Ok(Item::Fault(fault)) => Some(Ok(Found::Fault(fault))),
        Ok(Item::Entry(entry)) => Some(Ok(Found::Rule(Rule {
            named: Named::Line(entry.line),
            modified: None,
            pattern: entry.pattern(),
            valid_from: entry.valid_from,
            valid_until: None,
            revoked: false,
        }))),
        Ok(Item::Object { ordinal, object_type, raw }) => {
            (object_type == "indicator").then(|| Ok(indicator(Place::Object(ordinal), &raw, &limits)))
        }
    })
}

fn indicator(place: Place, raw: &[u8], limits: &Limits) -> Found {
    let object = match read(raw, limits) {
        Ok((object, _)) => object,
        Err(faults) => {
            let told: Vec<String> = faults
                .iter()
                .filter(|fault| fault.severity == Severity::Error)
                .map(|fault| format!("{} ({} at `{}`)", fault.message, fault.code, fault.pointer))
                .collect();
            return Found::Fault(InputFault::error(place, "indicator", told.join("; ")));
        }
    };
    match object.typed {
        Typed::Indicator(indicator) if indicator.pattern_type == "stix" => Found::Rule(Rule {
            named: Named::Indicator(object.id),
            modified: object.modified,
            pattern: indicator.pattern,
            valid_from: Some(indicator.valid_from),
            valid_until: indicator.valid_until,
            revoked: object.revoked,
        }),
        _ => Found::Fault(InputFault::warning(
            place,
            "pattern-type",
            "the indicator's pattern is not written in STIX patterning: it is not matched here",
        )),
    }
}
