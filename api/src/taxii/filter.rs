//! The filters of §3.4: a comma is OR, different fields are AND.

use std::collections::BTreeSet;

use indexer::Versions;
use model::stix::StixId;
use model::time::Timestamp;

use crate::error::{Code, Failure};
use crate::query::Query;

/// Most values of one filter.
const VALUES_MAX: usize = 1_000;

/// The filters of one request. Empty sets mean that the field is not asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filters {
    /// `added_after`, strictly greater.
    pub added_after: Option<Timestamp>,
    /// `limit`, lowered to the server's own.
    pub limit: usize,
    /// `next`, sealed.
    pub next: Option<String>,
    /// `match[id]`; what is no identifier matches nothing and is left out: see [`Filters::nothing`].
    pub ids: BTreeSet<StixId>,
    /// `match[type]`.
    pub types: BTreeSet<String>,
    /// `match[version]`; the last where none is asked for.
    pub versions: Vec<Versions>,
    /// `match[spec_version]`: 2.0 alone, 2.1 alone, or both.
    pub spec_20: Option<bool>,
    /// True if no version of STIX is asked for: of an object that is held in both, only 2.1 is meant.
    pub latest_spec: bool,
    /// True if the filters can match nothing: an id that is none, a version of STIX that is not held.
    pub nothing: bool,
    /// What a cursor is bound to: all but `limit` and `next`.
    pub canonical: String,
}

/// The parameters of `objects` and `manifest`.
pub(super) const COLLECTION: &[&str] =
    &["added_after", "limit", "next", "match[id]", "match[type]", "match[version]", "match[spec_version]"];
/// The parameters of one object.
pub(super) const OBJECT: &[&str] = &["added_after", "limit", "next", "match[version]", "match[spec_version]"];
/// The parameters of an object's versions.
pub(super) const VERSIONS: &[&str] = &["added_after", "limit", "next", "match[spec_version]"];

impl Filters {
    /// Reads the part of a URL after `?`; `known` are the parameters that the route takes, `limit_max` its longest page.
    pub fn read(text: &str, known: &[&str], limit_max: usize) -> Result<Self, Failure> {
        let query = Query::read(text, known)?;
        let mut filters = Self {
            added_after: query.parsed("added_after", "an RFC 3339 time in UTC, such as `2026-11-24T19:03:07.042Z`")?,
            limit: query.limit(limit_max, limit_max)?,
            next: query.value("next").map(str::to_owned),
            ids: BTreeSet::new(),
            types: values(&query, "match[type]")?.into_iter().map(str::to_owned).collect(),
            versions: versions(&values(&query, "match[version]")?)?,
            spec_20: None,
            latest_spec: false,
            nothing: false,
            canonical: query.canonical(&["limit", "next"]),
        };
        let ids = values(&query, "match[id]")?;
        filters.ids = ids.iter().filter_map(|id| id.parse().ok()).collect();
        filters.nothing = !ids.is_empty() && filters.ids.is_empty();
        let spec_versions = values(&query, "match[spec_version]")?;
        if let Some(bad) = spec_versions.iter().find(|version| !is_spec_version(version)) {
            return Err(bad_value("match[spec_version]", bad, "`2.0`, `2.1`"));
        }
        filters.latest_spec = spec_versions.is_empty();
        match (spec_versions.is_empty(), spec_versions.contains(&"2.0"), spec_versions.contains(&"2.1")) {
            (true, ..) | (_, true, true) => {}
            (_, false, false) => filters.nothing = true,
            (_, only_20, _) => filters.spec_20 = Some(only_20),
        }
        Ok(filters)
    }
}

fn is_spec_version(text: &str) -> bool {
    text.split_once('.').is_some_and(|(major, minor)| {
        [major, minor].iter().all(|part| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
    })
}

/// The values of a filter; none if it is absent.
fn values<'q>(query: &'q Query<'_>, name: &str) -> Result<Vec<&'q str>, Failure> {
    let Some(text) = query.value(name) else { return Ok(Vec::new()) };
    let values: Vec<&str> = text.split(',').map(str::trim).collect();
    if values.len() > VALUES_MAX {
        let detail = format!("`{name}` takes at most {VALUES_MAX} values: ask in parts");
        return Err(Failure::new(Code::BadRequest, detail));
    }
    if values.iter().any(|value| value.is_empty()) {
        return Err(Failure::new(Code::BadRequest, format!("`{name}` has an empty value between its commas")));
    }
    Ok(values)
}

fn versions(values: &[&str]) -> Result<Vec<Versions>, Failure> {
    let known = "`last`, `first`, `all` or an RFC 3339 time in UTC";
    let version = |value: &&str| match *value {
        "all" => Ok(Versions::All),
        "first" => Ok(Versions::First),
        "last" => Ok(Versions::Last),
        time => time.parse().map(Versions::At).map_err(|_| bad_value("match[version]", time, known)),
    };
    if values.is_empty() { Ok(vec![Versions::Last]) } else { values.iter().map(version).collect() }
}

fn bad_value(name: &str, value: &str, known: &str) -> Failure {
    let shown: String = value.chars().take(64).filter(|c| !c.is_control()).collect();
    Failure::new(Code::BadRequest, format!("`{name}` has the value `{shown}`, but takes {known}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Filters, Failure> {
        Filters::read(text, COLLECTION, 100)
    }

    #[test]
    fn every_filter_is_read() {
        let filters = read(
            "added_after=2026-11-24T19:03:07.042Z&limit=7&match%5Btype%5D=indicator,malware&match[version]=first,2020-01-01T00:00:00Z\
             &match[id]=indicator--94868c89-83c2-464b-929b-a1a8aa3c8487&match[spec_version]=2.0,2.1",
        )
        .unwrap();
        assert_eq!((filters.limit, filters.types.len(), filters.ids.len()), (7, 2, 1));
        assert!(matches!(filters.versions[..], [Versions::First, Versions::At(_)]));
        assert!(!filters.nothing && filters.spec_20.is_none());
        assert_eq!(read("").unwrap().versions, [Versions::Last]);
    }

    #[test]
    fn what_can_match_nothing_is_no_error() {
        assert!(read("match[id]=nonsense").unwrap().nothing);
        assert!(read("match[spec_version]=3.0").unwrap().nothing);
        assert_eq!(read("match[spec_version]=2.0").unwrap().spec_20, Some(true));
        assert_eq!(read("match[spec_version]=2.1").unwrap().spec_20, Some(false));
    }

    #[test]
    fn bad_values_are_refused() {
        for bad in [
            "added_after=yesterday",
            "added_after=2026-11-24",
            "limit=0",
            "limit=ten",
            "match[version]=newest",
            "match[type]=a,,b",
            "match[spec_version]=x",
            "match[name]=x",
            "match[type]=a&match[type]=b",
        ] {
            assert_eq!(read(bad).unwrap_err().code(), Code::BadRequest, "{bad}");
        }
        assert!(Filters::read("match[type]=x", VERSIONS, 1).is_err(), "versions take no type");
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in ".{0,200}", value in ".{0,40}") {
            let _ = read(&text);
            let _ = read(&format!("match[version]={value}"));
            let _ = read(&format!("match[spec_version]={value}&added_after={value}"));
        }
    }
}
