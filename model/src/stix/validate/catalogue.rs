//! The object types of STIX 2.1, by name.

use super::kind::{Family, ObjectType, Property};
use super::{domain, observable, properties};

/// Sorted by name.
static TYPES: [&ObjectType; 42] = [
    &observable::ARTIFACT,
    &domain::ATTACK_PATTERN,
    &observable::AUTONOMOUS_SYSTEM,
    &domain::CAMPAIGN,
    &domain::COURSE_OF_ACTION,
    &observable::DIRECTORY,
    &observable::DOMAIN_NAME,
    &observable::EMAIL_ADDR,
    &observable::EMAIL_MESSAGE,
    &domain::EXTENSION_DEFINITION,
    &observable::FILE,
    &domain::GROUPING,
    &domain::IDENTITY,
    &domain::INCIDENT,
    &domain::INDICATOR,
    &domain::INFRASTRUCTURE,
    &domain::INTRUSION_SET,
    &observable::IPV4_ADDR,
    &observable::IPV6_ADDR,
    &domain::LANGUAGE_CONTENT,
    &domain::LOCATION,
    &observable::MAC_ADDR,
    &domain::MALWARE,
    &domain::MALWARE_ANALYSIS,
    &domain::MARKING_DEFINITION,
    &observable::MUTEX,
    &observable::NETWORK_TRAFFIC,
    &domain::NOTE,
    &domain::OBSERVED_DATA,
    &domain::OPINION,
    &observable::PROCESS,
    &domain::RELATIONSHIP,
    &domain::REPORT,
    &domain::SIGHTING,
    &observable::SOFTWARE,
    &domain::THREAT_ACTOR,
    &domain::TOOL,
    &observable::URL,
    &observable::USER_ACCOUNT,
    &domain::VULNERABILITY,
    &observable::WINDOWS_REGISTRY_KEY,
    &observable::X509_CERTIFICATE,
];

/// The type of this name, unless it is a producer's own.
pub(super) fn find(name: &str) -> Option<&'static ObjectType> {
    let place = TYPES.binary_search_by(|known| known.name.cmp(name)).ok()?;
    TYPES.get(place).copied()
}

/// The common properties of a family (§3.2).
pub(super) fn common_properties(family: Family) -> &'static [Property] {
    match family {
        Family::Versioned => properties::VERSIONED,
        Family::Observable => properties::OBSERVABLE,
        Family::Marking => properties::MARKING,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_type_is_found_and_its_table_fits_the_marks() {
        for known in TYPES {
            assert!(std::ptr::eq(find(known.name).unwrap(), known), "{}", known.name);
            let common = common_properties(known.family);
            assert!(known.properties.len() <= 64 && common.len() <= 64, "{}", known.name);
            let names: BTreeSet<&str> = known.properties.iter().chain(common).map(|property| property.name).collect();
            assert_eq!(names.len(), known.properties.len() + common.len(), "{}: a name twice", known.name);
            let named = |name: &&str| names.contains(*name);
            assert!(known.contributing.iter().all(named), "{}", known.name);
        }
        assert!(find("x-own").is_none() && find("").is_none());
    }
}
