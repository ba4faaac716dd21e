//! The object types of STIX 2.1, by name.

use std::sync::LazyLock;

use super::kind::{Family, ObjectType, Property};
use super::{domain, observable, properties};
use crate::names::Names;

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
    TYPES.get(CATALOGUE.types.find(name)?).copied()
}

/// The rows of a type; of one of a producer's own, those of its family alone.
pub(super) fn rows(name: &str, family: Family) -> Option<&'static Rows> {
    match CATALOGUE.types.find(name) {
        Some(number) => CATALOGUE.rows.get(number),
        None => CATALOGUE.common.iter().find(|(of, _)| *of == family).map(|(_, rows)| rows),
    }
}

/// The tables by name.
struct Catalogue {
    types: Names,
    /// Of each type.
    rows: Vec<Rows>,
    /// What a type of a producer's own has.
    common: Vec<(Family, Rows)>,
}

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue {
    types: Names::new(TYPES.iter().map(|known| known.name)),
    rows: TYPES.iter().map(|known| Rows::new(known.properties, common_properties(known.family))).collect(),
    common: [Family::Versioned, Family::Observable, Family::Marking]
        .into_iter()
        .map(|family| (family, Rows::new(&[], common_properties(family))))
        .collect(),
});

/// The rows of a type and those that it shares with others, by the name of the property.
pub(super) struct Rows {
    pub(super) own: &'static [Property],
    pub(super) common: &'static [Property],
    names: Names,
}

/// Whose a row is.
pub(super) enum Owner {
    /// The type's.
    Type,
    /// That of all types of the family.
    All,
}

impl Rows {
    fn new(own: &'static [Property], common: &'static [Property]) -> Self {
        Self { own, common, names: Names::new(own.iter().chain(common).map(|property| property.name)) }
    }

    /// The row of a property, and its number among those of its owner.
    pub(super) fn find(&self, name: &str) -> Option<(Owner, usize, &'static Property)> {
        let number = self.names.find(name)?;
        match self.own.get(number) {
            Some(property) => Some((Owner::Type, number, property)),
            None => {
                let number = number - self.own.len();
                self.common.get(number).map(|property| (Owner::All, number, property))
            }
        }
    }
}

/// The common properties of a family (§3.2).
fn common_properties(family: Family) -> &'static [Property] {
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
