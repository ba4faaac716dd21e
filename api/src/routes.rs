//! Every route of the centre, in one list. The router is built from [`TABLE`] and from nothing else; `golden/routes.txt` is
//! its print, route by role, so that nobody changes who may do what without seeing it.

use std::fmt::Write;

use sharing::{Principal, Role};

use crate::error::Shape;

/// The listeners, each with a trust of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Listener {
    /// TAXII, REST, feeds: TLS; client certificate, bearer token or Basic.
    Machines,
    /// The console: TLS; session cookie.
    People,
    /// The partner link: TLS with a client certificate of the link's authority.
    Link,
    /// The sensors: TLS with a client certificate of the sensors' authority.
    Sensors,
    /// Metrics and health: plain, on loopback.
    Metrics,
    /// The commands that are given the centre's folder: plain, a Unix socket; the caller is who the system says it is.
    Local,
}

impl Listener {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Machines, Self::People, Self::Link, Self::Sensors, Self::Metrics, Self::Local];

    /// As tables and logs write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Machines => "machines",
            Self::People => "people",
            Self::Link => "link",
            Self::Sensors => "sensors",
            Self::Metrics => "metrics",
            Self::Local => "local",
        }
    }
}

/// Who may use a route; what they then see is the gate's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anyone at all.
    Anyone,
    /// Whoever is signed in.
    SignedIn,
    /// Whoever has one of these roles.
    Roles(&'static [Role]),
}

impl Access {
    /// May this caller (none: nobody) use the route?
    pub fn admits(self, caller: Option<&Principal>) -> bool {
        match self {
            Self::Anyone => true,
            Self::SignedIn => caller.is_some(),
            Self::Roles(roles) => caller.is_some_and(|caller| roles.iter().any(|role| caller.is(*role))),
        }
    }
}

/// What answers a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Border,
    Centre,
    Collection,
    Collections,
    Discovery,
    Enrol,
    Health,
    Hits,
    Live,
    LogDump,
    Manifest,
    Metrics,
    Object,
    ObjectVersions,
    Objects,
    Principals,
    Publish,
    Push,
    Quarantine,
    Readiness,
    Releases,
    Revoke,
    Root,
    Search,
    Sensors,
    SensorCursor,
    SensorObservations,
    SensorRules,
    SessionEnd,
    SessionShow,
    SessionStart,
    Sightings,
    Status,
    TaxiiObject,
    Validate,
}

/// One route.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// HTTP method.
    pub method: &'static str,
    /// Path; a segment in braces stands for any one segment, and a slash at the end belongs to it.
    pub path: &'static str,
    /// Where it is served.
    pub listeners: &'static [Listener],
    /// Who may use it.
    pub access: Access,
    pub(crate) endpoint: Endpoint,
}

impl Route {
    /// Which error body it answers with.
    pub(crate) fn shape(&self) -> Shape {
        shape_of(self.path)
    }

    /// Is `path` an address of this route?
    pub(crate) fn matches(&self, path: &str) -> bool {
        let mut ours = self.path.split('/');
        let mut theirs = path.split('/');
        loop {
            match (ours.next(), theirs.next()) {
                (None, None) => return true,
                (Some(segment), Some(given)) if segment == given || (segment.starts_with('{') && !given.is_empty()) => {
                }
                _ => return false,
            }
        }
    }
}

/// Which error body an address answers with, whether there is such a route or not.
pub(crate) fn shape_of(path: &str) -> Shape {
    if path.starts_with("/taxii2/") { Shape::Taxii } else { Shape::Rest }
}

const BOTH: &[Listener] = &[Listener::Machines, Listener::People];
const DESK: &[Listener] = &[Listener::Machines, Listener::People, Listener::Local];
const LOCAL: &[Listener] = &[Listener::Local];
const MACHINES: &[Listener] = &[Listener::Machines];
const PEOPLE: &[Listener] = &[Listener::People];
const LINK: &[Listener] = &[Listener::Link];
const SENSORS: &[Listener] = &[Listener::Sensors];
const HEALTH: &[Listener] = &[Listener::Machines, Listener::Metrics];
const METRICS: &[Listener] = &[Listener::Metrics];

const ANYONE: Access = Access::Anyone;
const ANALYSTS: Access = Access::Roles(&[Role::Analyst, Role::Publisher, Role::Officer]);
const READERS: Access = Access::Roles(&[Role::Analyst, Role::Publisher, Role::Officer, Role::Operator, Role::Partner]);
pub(crate) const WRITERS: Access = Access::Roles(&[Role::Publisher, Role::Operator, Role::Partner]);
const SENDERS: Access = Access::Roles(&[Role::Publisher, Role::Officer, Role::Operator, Role::Partner]);
const OFFICERS: Access = Access::Roles(&[Role::Officer]);
const PEER: Access = Access::Roles(&[Role::Peer]);
const SENSOR: Access = Access::Roles(&[Role::Sensor]);

const fn route(
    method: &'static str,
    path: &'static str,
    listeners: &'static [Listener],
    access: Access,
    endpoint: Endpoint,
) -> Route {
    Route { method, path, listeners, access, endpoint }
}

/// Every route. The console's files (GET on the people listener, for anyone) are what is left there.
pub const TABLE: &[Route] = &[
    // TAXII 2.1 §4, §5
    route("GET", "/taxii2/", MACHINES, READERS, Endpoint::Discovery),
    route("GET", "/taxii2/root/", MACHINES, READERS, Endpoint::Root),
    route("GET", "/taxii2/root/status/{status}/", MACHINES, READERS, Endpoint::Status),
    route("GET", "/taxii2/root/collections/", MACHINES, READERS, Endpoint::Collections),
    route("GET", "/taxii2/root/collections/{collection}/", MACHINES, READERS, Endpoint::Collection),
    route("GET", "/taxii2/root/collections/{collection}/manifest/", MACHINES, READERS, Endpoint::Manifest),
    route("GET", "/taxii2/root/collections/{collection}/objects/", MACHINES, READERS, Endpoint::Objects),
    route("POST", "/taxii2/root/collections/{collection}/objects/", MACHINES, WRITERS, Endpoint::Push),
    route("GET", "/taxii2/root/collections/{collection}/objects/{object}/", MACHINES, READERS, Endpoint::TaxiiObject),
    route(
        "GET",
        "/taxii2/root/collections/{collection}/objects/{object}/versions/",
        MACHINES,
        READERS,
        Endpoint::ObjectVersions,
    ),
    // REST, docs/rest-api.md
    route("GET", "/api/v1/centre", BOTH, ANYONE, Endpoint::Centre),
    route("POST", "/api/v1/session", PEOPLE, ANYONE, Endpoint::SessionStart),
    route("GET", "/api/v1/session", BOTH, Access::SignedIn, Endpoint::SessionShow),
    route("DELETE", "/api/v1/session", PEOPLE, Access::SignedIn, Endpoint::SessionEnd),
    route("GET", "/api/v1/live", BOTH, ANALYSTS, Endpoint::Live),
    route("GET", "/api/v1/search", DESK, READERS, Endpoint::Search),
    route("GET", "/api/v1/objects/{id}", DESK, READERS, Endpoint::Object),
    route("POST", "/api/v1/objects", DESK, WRITERS, Endpoint::Publish),
    route("POST", "/api/v1/validate", DESK, ANALYSTS, Endpoint::Validate),
    route("GET", "/api/v1/hits", DESK, ANALYSTS, Endpoint::Hits),
    route("GET", "/api/v1/sightings", DESK, ANALYSTS, Endpoint::Sightings),
    route("GET", "/api/v1/quarantine", DESK, SENDERS, Endpoint::Quarantine),
    route("GET", "/api/v1/border", DESK, ANALYSTS, Endpoint::Border),
    route("GET", "/api/v1/sensors", DESK, ANALYSTS, Endpoint::Sensors),
    // The partner link (ADR 4) and the sensors
    route("GET", "/link/v1/releases", LINK, PEER, Endpoint::Releases),
    route("POST", "/sensor/v1/observations", SENSORS, SENSOR, Endpoint::SensorObservations),
    route("GET", "/sensor/v1/rules", SENSORS, SENSOR, Endpoint::SensorRules),
    route("GET", "/sensor/v1/cursor", SENSORS, SENSOR, Endpoint::SensorCursor),
    // Administration, docs/rest-api.md
    route("GET", "/admin/v1/principals", LOCAL, OFFICERS, Endpoint::Principals),
    route("POST", "/admin/v1/principals", LOCAL, OFFICERS, Endpoint::Enrol),
    route("POST", "/admin/v1/principals/{name}/revoke", LOCAL, OFFICERS, Endpoint::Revoke),
    route("GET", "/admin/v1/log", LOCAL, OFFICERS, Endpoint::LogDump),
    // Health and figures
    route("GET", "/healthz", HEALTH, ANYONE, Endpoint::Health),
    route("GET", "/readyz", HEALTH, ANYONE, Endpoint::Readiness),
    route("GET", "/metrics", METRICS, ANYONE, Endpoint::Metrics),
];

/// The methods that `path` takes on `listener`, for `Allow`; empty if there is nothing.
pub(crate) fn methods(listener: Listener, path: &str) -> String {
    let routes = TABLE.iter().filter(|route| route.listeners.contains(&listener) && route.matches(path));
    routes.map(|route| route.method).collect::<Vec<_>>().join(", ")
}

/// The table as text: one line per route and listener, one column per role; `-` is refused.
pub fn print() -> String {
    let mut text = format!("{:<9} {:<7} {:<67} nobody", "listener", "method", "path");
    for role in Role::ALL {
        let _ = write!(text, " {}", role.as_str());
    }
    text.push('\n');
    for listener in Listener::ALL {
        for route in TABLE.iter().filter(|route| route.listeners.contains(&listener)) {
            let _ = write!(text, "{:<9} {:<7} {:<67} ", listener.as_str(), route.method, route.path);
            let _ = write!(text, "{:<6}", mark(route.access == Access::Anyone));
            for role in Role::ALL {
                let admitted = match route.access {
                    Access::Anyone | Access::SignedIn => true,
                    Access::Roles(roles) => roles.contains(&role),
                };
                let _ = write!(text, " {:<width$}", mark(admitted), width = role.as_str().len());
            }
            text.truncate(text.trim_end().len());
            text.push('\n');
        }
    }
    text
}

fn mark(admitted: bool) -> &'static str {
    if admitted { "yes" } else { "-" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_the_golden_one() {
        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/routes.txt");
        if std::env::var_os("BRIDGEWATCH_BLESS").is_some() {
            std::fs::write(golden, print()).unwrap();
        }
        let expected = std::fs::read_to_string(golden).unwrap_or_default();
        assert_eq!(print(), expected, "routes changed: look at the difference, then run with BRIDGEWATCH_BLESS=1");
    }

    #[test]
    fn nothing_is_open_that_need_not_be() {
        let open: Vec<_> = TABLE.iter().filter(|r| r.access == Access::Anyone).map(|r| (r.method, r.path)).collect();
        let expected = [
            ("GET", "/api/v1/centre"),
            ("POST", "/api/v1/session"),
            ("GET", "/healthz"),
            ("GET", "/readyz"),
            ("GET", "/metrics"),
        ];
        assert_eq!(open, expected);
    }

    #[test]
    fn a_slash_belongs_to_the_address() {
        assert_eq!(methods(Listener::Machines, "/taxii2/"), "GET");
        assert_eq!(methods(Listener::Machines, "/taxii2"), "");
        assert_eq!(methods(Listener::Machines, "/taxii2/root/collections/x/objects/"), "GET, POST");
        assert_eq!(methods(Listener::Machines, "/taxii2/root/collections//objects/"), "");
        assert_eq!(methods(Listener::People, "/taxii2/"), "");
    }
}
