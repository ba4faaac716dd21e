//! The ids that a centre derives: its own identity, its organisations', its sightings'. The same at every start.

use model::principal::CentreCode;
use model::stix::StixId;
use uuid::Uuid;

/// Namespace of everything that Bridgewatch derives.
const NAMESPACE: Uuid = Uuid::from_u128(0x2b6c_7c1e_5a0f_5d43_9c0b_7e1f_44d2_8a91);

fn derived(object_type: &str, parts: &[&str]) -> Option<StixId> {
    let uuid = Uuid::new_v5(&NAMESPACE, parts.join("\n").as_bytes());
    format!("{object_type}--{uuid}").parse().ok()
}

/// The identity object of a centre.
pub(crate) fn of_centre(centre: &CentreCode) -> Option<StixId> {
    derived("identity", &["centre", centre.as_str()])
}

/// The identity object of an organisation that is enrolled here.
pub(crate) fn of_organisation(organisation: &str) -> Option<StixId> {
    derived("identity", &["organisation", organisation])
}

/// The sighting that hits fold into (ADR 3).
pub(crate) fn of_sighting(centre: &CentreCode, parts: &[&str]) -> Option<StixId> {
    let own: Vec<&str> = ["sighting", centre.as_str()].into_iter().chain(parts.iter().copied()).collect();
    derived("sighting", &own)
}
