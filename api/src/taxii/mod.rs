//! The TAXII 2.1 server (OASIS standard, 10 June 2021): discovery, one API root, its collections. One collection holds all
//! that the reader may see and takes what a publisher sends; one for each centre holds that centre's own statements.

mod accept;
mod ahead;
mod edition;
mod filter;
mod page;
mod status;

use std::sync::Arc;

use http::{HeaderValue, StatusCode, header};
use model::principal::CentreCode;
use serde::Serialize;
use sharing::Principal;
use uuid::Uuid;
use warp::reply::Response;

pub(crate) use ahead::Ahead;
pub use filter::Filters;
pub(crate) use page::{Reading, read};
pub(crate) use status::{Statuses, push, status};

use crate::error::{Code, Failure};
use crate::query::Query;
use crate::router::Call;
use crate::server::Api;

/// The one media type (§1.6.8.1).
pub const MEDIA_TYPE: &str = "application/taxii+json;version=2.1";
/// What the collections hold.
const CONTENT_TYPE: &str = "application/stix+json;version=2.1";
/// What the collection for those holds who read STIX 2.0 only.
const CONTENT_TYPE_20: &str = "application/stix+json;version=2.0";
/// That collection's name.
pub const ALL_IN_20: &str = "all-stix-2.0";
/// Path of the API root.
const ROOT: &str = "/taxii2/root/";
/// Namespace of the collections' ids (UUIDv5 of centre and collection).
const COLLECTIONS: Uuid = Uuid::from_u128(0x2f0b_7c1e_64f9_4f0d_9a70_5be1_b8d6_3c55);

pub use accept::acceptable;

/// One collection of this centre.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Collection {
    /// UUIDv5 of the centre and the collection's name.
    pub(crate) id: Uuid,
    /// Only statements of this centre; all of them where none.
    pub(crate) origin: Option<CentreCode>,
    /// Its objects come in STIX 2.0, as far as that can say them.
    pub(crate) in_20: bool,
    title: String,
    description: String,
}

/// The id of the collection `name` (`all`, [`ALL_IN_20`], or a centre's code) at `centre`.
pub fn collection_id(centre: &CentreCode, name: &str) -> Uuid {
    Uuid::new_v5(&COLLECTIONS, format!("{centre}/{name}").as_bytes())
}

impl Collection {
    fn every(api: &Api) -> Vec<Self> {
        let centre = &api.services.centre;
        let all = Self {
            id: collection_id(&centre.code, "all"),
            origin: None,
            in_20: false,
            title: "all".to_owned(),
            description: format!("Everything at {} that you may see; publishers write here", centre.name),
        };
        let all_in_20 = Self {
            id: collection_id(&centre.code, ALL_IN_20),
            origin: None,
            in_20: true,
            title: "all, in STIX 2.0".to_owned(),
            description: format!(
                "Everything at {} that you may see and STIX 2.0 can say: no object with TLP:AMBER+STRICT or national handling",
                centre.name
            ),
        };
        let origins = std::iter::once(&centre.code).chain(&centre.partner);
        let own = origins.map(|origin| Self {
            id: collection_id(&centre.code, origin.as_str()),
            origin: Some(origin.clone()),
            in_20: false,
            title: format!("origin {origin}"),
            description: format!("What centre `{origin}` accepted, as far as you may see it"),
        });
        std::iter::once(all).chain(own).chain([all_in_20]).collect()
    }

    /// The collection of that id. Who may read here at all knows that all collections exist, so 404 tells nothing.
    pub(crate) fn find(api: &Api, id: &str) -> Result<Self, Failure> {
        let id: Uuid = id.parse().map_err(|_| Failure::not_found())?;
        Self::every(api).into_iter().find(|collection| collection.id == id).ok_or_else(Failure::not_found)
    }

    /// May this principal write here?
    pub(crate) fn takes_from(&self, principal: &Principal) -> bool {
        self.origin.is_none() && !self.in_20 && crate::routes::WRITERS.admits(Some(principal))
    }

    fn shown(&self, reader: &Principal) -> CollectionBody<'_> {
        CollectionBody {
            id: self.id.to_string(),
            title: &self.title,
            description: &self.description,
            can_read: true,
            can_write: self.takes_from(reader),
            media_types: [if self.in_20 { CONTENT_TYPE_20 } else { CONTENT_TYPE }],
        }
    }
}

/// §5.1, §5.2
#[derive(Debug, Serialize)]
struct CollectionBody<'a> {
    id: String,
    title: &'a str,
    description: &'a str,
    can_read: bool,
    can_write: bool,
    media_types: [&'static str; 1],
}

/// `GET /taxii2/` (§4.1). Roots are given as absolute URLs under the name that the client called us by.
pub(crate) fn discovery(api: &Arc<Api>, call: &Call) -> Result<Response, Failure> {
    #[derive(Serialize)]
    struct Discovery<'a> {
        title: &'a str,
        description: &'a str,
        default: &'a str,
        api_roots: [&'a str; 1],
    }
    acceptable(&call.headers)?;
    let root = call.authority.as_ref().map_or_else(|| ROOT.to_owned(), |host| format!("https://{host}{ROOT}"));
    let title = &api.services.centre.name;
    answer(&Discovery {
        title,
        description: "Bridgewatch: threat information, as far as it may be shared with you",
        default: &root,
        api_roots: [&root],
    })
}

/// `GET /taxii2/root/` (§4.2).
pub(crate) fn root(api: &Arc<Api>, call: &Call) -> Result<Response, Failure> {
    #[derive(Serialize)]
    struct Root<'a> {
        title: &'a str,
        versions: [&'static str; 1],
        max_content_length: usize,
    }
    acceptable(&call.headers)?;
    let title = &api.services.centre.name;
    answer(&Root { title, versions: [MEDIA_TYPE], max_content_length: api.settings().body_bytes_max })
}

/// `GET …/collections/` (§5.1).
pub(crate) fn collections(api: &Arc<Api>, call: &Call) -> Result<Response, Failure> {
    #[derive(Serialize)]
    struct Collections<'a> {
        collections: Vec<CollectionBody<'a>>,
    }
    acceptable(&call.headers)?;
    let reader = &call.caller()?.principal;
    let every = Collection::every(api);
    answer(&Collections { collections: every.iter().map(|collection| collection.shown(reader)).collect() })
}

/// `GET …/collections/{id}/` (§5.2).
pub(crate) fn collection(api: &Arc<Api>, call: &Call) -> Result<Response, Failure> {
    acceptable(&call.headers)?;
    Query::read(&call.query, &[])?;
    answer(&Collection::find(api, call.param(0))?.shown(&call.caller()?.principal))
}

/// A resource.
fn answer(resource: &impl Serialize) -> Result<Response, Failure> {
    Ok(with_status(StatusCode::OK, serde_json::to_vec(resource).map_err(Failure::internal)?))
}

/// A body that is ready.
fn with_status(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    response
}

/// A collection that is known but not written by this principal (403).
fn read_only() -> Failure {
    Failure::new(Code::Forbidden, "this collection is read, not written: publishers write to `all`")
}
