//! How a sighting is marked: at least as strictly as its indicator and as its sensor (ADR 3).

use model::marking::Tlp;
use model::principal::CentreCode;
use model::stix::{Object, StixId};

use crate::class::Class;

/// How a sensor's sightings are marked where nobody says otherwise.
pub const SENSOR_MARKING: Tlp = Tlp::Amber;

/// The TLP level of a sighting; none of an unmarked indicator, whose sighting stays too.
pub fn level(indicator: Option<Tlp>, sensor: Tlp) -> Option<Tlp> {
    indicator.map(|tlp| tlp.max(sensor))
}

/// `object_marking_refs` of a sighting of `indicator`, whose class is `class`: the level, and the indicator's national markings.
/// `national` tells which of its marking definitions carry national handling.
pub fn marking_refs(indicator: &Object, class: &Class, sensor: Tlp, national: impl Fn(&StixId) -> bool) -> Vec<String> {
    let level = level(class.tlp, sensor).map(|tlp| tlp.definition_id().to_owned());
    let carried = indicator.marking_refs.iter().filter(|id| national(id)).map(ToString::to_string);
    level.into_iter().chain(carried).collect()
}

/// The class of a sighting that `centre` makes of an indicator of class `class`.
pub fn class(class: &Class, centre: &CentreCode, sensor: Tlp) -> Class {
    Class { origin: centre.clone(), tlp: level(class.tlp, sensor), ..class.clone() }
}
