//! The router: warp filters built from [`TABLE`], which extract and nothing more; then one way for every request: identify
//! the caller, ask the table, call the endpoint, shape the answer. Handlers answer; nothing is a warp rejection.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use warp::filters::BoxedFilter;
use warp::path::FullPath;
use warp::reply::Response;
use warp::{Buf, Filter};

use crate::body::Incoming;
use crate::caller::{Caller, Connection, identify};
use crate::error::{Code, Failure};
use crate::routes::{Access, Endpoint, Listener, Route, TABLE, methods, shape_of};
use crate::server::Api;
use crate::{admin, console, health, link, live, rest, sensor, taxii};

/// The header that no cross-site form can send.
const CSRF: &str = "x-bridgewatch";

/// One request, as the endpoints see it.
pub(crate) struct Call {
    /// The route that matched.
    pub(crate) route: &'static Route,
    /// What stands for the braces of its path, in order.
    pub(crate) params: Vec<String>,
    /// The query as it came.
    pub(crate) query: String,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// Host and port as the client called them.
    pub(crate) authority: Option<String>,
    /// The body, unread.
    pub(crate) body: Incoming,
    /// Who asks; none only where the table admits anyone.
    pub(crate) caller: Option<Caller>,
}

impl Call {
    /// The first parameter of the path.
    pub(crate) fn param(&self, place: usize) -> &str {
        self.params.get(place).map_or("", String::as_str)
    }

    /// Who asks, where the table admits nobody else.
    pub(crate) fn caller(&self) -> Result<&Caller, Failure> {
        self.caller.as_ref().ok_or_else(unauthenticated)
    }
}

fn unauthenticated() -> Failure {
    Failure::new(Code::Unauthenticated, "this address needs a credential")
}

/// What every route extracts.
struct Extracted {
    path: String,
    query: String,
    headers: HeaderMap,
    authority: Option<String>,
    connection: Connection,
}

/// The routes of `listener`.
pub(crate) fn build(api: &Arc<Api>, listener: Listener) -> BoxedFilter<(Response,)> {
    let mut whole: Option<BoxedFilter<(Response,)>> = None;
    for route in TABLE.iter().filter(|route| route.listeners.contains(&listener)) {
        let next = served(api.clone(), route);
        whole = Some(match whole {
            None => next,
            Some(before) => before.or(next).unify().boxed(),
        });
    }
    let rest = unrouted(api.clone());
    match whole {
        None => rest,
        Some(before) => before.or(rest).unify().boxed(),
    }
}

/// The filter of one route.
fn served(api: Arc<Api>, route: &'static Route) -> BoxedFilter<(Response,)> {
    path(route.path)
        .and(method(route.method))
        .and(extracted())
        .and(warp::body::stream())
        .then(move |params: Vec<String>, request: Extracted, body| {
            let api = api.clone();
            let body: Incoming = Box::pin(bytes(body));
            async move {
                let started = Instant::now();
                let request_id = uuid::Uuid::new_v4().to_string();
                let listener = request.connection.listener;
                let answer = match admit(&api, route, request, params, body) {
                    Ok(call) => dispatch(&api, call).await,
                    Err(failure) => Err(failure),
                };
                let response = answer.unwrap_or_else(|failure| {
                    if matches!(failure.code(), Code::TooLarge | Code::TooMany) {
                        api.metrics.limit(failure.code().as_str());
                    }
                    failure.respond(route.shape(), &request_id)
                });
                api.metrics.answered(listener, route.path, response.status(), started.elapsed().as_secs_f64());
                finish(response, listener, &request_id)
            }
        })
        .boxed()
}

fn bytes<B: Buf>(
    body: impl futures_util::Stream<Item = Result<B, warp::Error>>,
) -> impl futures_util::Stream<Item = Result<Bytes, warp::Error>> {
    body.map(|part| part.map(|mut part| part.copy_to_bytes(part.remaining())))
}

/// The segments of `pattern`, those in braces extracted.
fn path(pattern: &'static str) -> BoxedFilter<(Vec<String>,)> {
    let mut whole = warp::any().map(Vec::new).boxed();
    for segment in pattern.split('/').filter(|segment| !segment.is_empty()) {
        whole = if segment.starts_with('{') {
            let keep = |mut params: Vec<String>, param: String| {
                params.push(param);
                params
            };
            whole.and(warp::path::param::<String>()).map(keep).boxed()
        } else {
            whole.and(warp::path(segment)).boxed()
        };
    }
    whole.and(warp::path::end()).and(slash(pattern.ends_with('/'))).boxed()
}

/// Matches if the path ends in a slash, or does not: warp itself takes both for the same.
fn slash(expected: bool) -> BoxedFilter<()> {
    warp::path::full()
        .and_then(move |path: FullPath| async move {
            if path.as_str().ends_with('/') == expected { Ok(()) } else { Err(warp::reject::not_found()) }
        })
        .untuple_one()
        .boxed()
}

fn method(name: &str) -> BoxedFilter<()> {
    match name {
        "POST" => warp::post().boxed(),
        "DELETE" => warp::delete().boxed(),
        _ => warp::get().boxed(),
    }
}

fn extracted() -> BoxedFilter<(Extracted,)> {
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    warp::path::full()
        .and(query)
        .and(warp::header::headers_cloned())
        .and(warp::host::optional())
        .and(warp::ext::get::<Connection>())
        .map(|path: FullPath, query, headers, authority: Option<warp::host::Authority>, connection| Extracted {
            path: path.as_str().to_owned(),
            query,
            headers,
            authority: authority.map(|authority| authority.to_string()),
            connection,
        })
        .boxed()
}

/// The one check that stands before every endpoint.
fn admit(
    api: &Arc<Api>,
    route: &'static Route,
    request: Extracted,
    params: Vec<String>,
    body: Incoming,
) -> Result<Call, Failure> {
    let Extracted { path: _, query, headers, authority, connection } = request;
    if headers.contains_key(header::TRANSFER_ENCODING) && headers.contains_key(header::CONTENT_LENGTH) {
        return Err(Failure::new(Code::BadRequest, "a body has a length or comes in chunks, not both"));
    }
    if connection.listener == Listener::People && route.method != "GET" && !headers.contains_key(CSRF) {
        return Err(Failure::new(
            Code::Forbidden,
            "a request that changes something needs the header `X-Bridgewatch: 1`",
        ));
    }
    let caller = match route.access {
        Access::Anyone => None,
        _ => identify(api, &connection, &headers, route.endpoint != Endpoint::Live)?,
    };
    if !route.access.admits(caller.as_ref().map(|caller| caller.principal.as_ref())) {
        return Err(match caller {
            None => unauthenticated(),
            Some(_) => Failure::new(Code::Forbidden, "none of your roles may use this address"),
        });
    }
    Ok(Call { route, params, query, headers, authority, body, caller })
}

async fn dispatch(api: &Arc<Api>, call: Call) -> Result<Response, Failure> {
    match call.route.endpoint {
        Endpoint::Discovery => taxii::discovery(api, &call),
        Endpoint::Root => taxii::root(api, &call),
        Endpoint::Status => taxii::status(api, &call),
        Endpoint::Collections => taxii::collections(api, &call),
        Endpoint::Collection => taxii::collection(api, &call),
        Endpoint::Manifest | Endpoint::Objects | Endpoint::ObjectVersions | Endpoint::TaxiiObject => {
            taxii::read(api, &call).await
        }
        Endpoint::Push => taxii::push(api, call).await,
        Endpoint::Centre => rest::centre(api),
        Endpoint::SessionStart => rest::session_start(api, call).await,
        Endpoint::SessionShow => rest::session_show(api, &call),
        Endpoint::SessionEnd => rest::session_end(api, &call),
        Endpoint::Live => live::live(api, &call).await,
        Endpoint::Search => rest::search(api, &call).await,
        Endpoint::Object => rest::object(api, &call).await,
        Endpoint::Publish => rest::publish(api, call).await,
        Endpoint::Validate => rest::validate(api, call).await,
        Endpoint::Hits => rest::hits(api, &call).await,
        Endpoint::Sightings => rest::sightings(api, &call).await,
        Endpoint::Quarantine => rest::quarantine(api, &call).await,
        Endpoint::Border => rest::border(api, &call).await,
        Endpoint::Sensors => rest::sensors(api, &call).await,
        Endpoint::Releases => link::releases(api, &call).await,
        Endpoint::SensorObservations => sensor::observations(api, call).await,
        Endpoint::SensorRules => sensor::rules(api, &call).await,
        Endpoint::SensorCursor => sensor::cursor(api, &call).await,
        Endpoint::Principals => admin::principals(api, &call).await,
        Endpoint::Enrol => admin::enrol(api, call).await,
        Endpoint::Revoke => admin::revoke(api, &call).await,
        Endpoint::LogDump => admin::log(api, &call).await,
        Endpoint::Health => Ok(health::health()),
        Endpoint::Readiness => health::readiness(api),
        Endpoint::Metrics => health::metrics(api),
    }
}

/// What no route of the listener took: the console's files on the people listener, 405 where the address is known under
/// another method, else 404.
fn unrouted(api: Arc<Api>) -> BoxedFilter<(Response,)> {
    warp::method()
        .and(extracted())
        .map(move |method: Method, request: Extracted| {
            let request_id = uuid::Uuid::new_v4().to_string();
            let listener = request.connection.listener;
            let response = leftover(&method, &request)
                .unwrap_or_else(|failure| failure.respond(shape_of(&request.path), &request_id));
            api.metrics.answered(listener, "other", response.status(), 0.0);
            finish(response, listener, &request_id)
        })
        .boxed()
}

fn leftover(method: &Method, request: &Extracted) -> Result<Response, Failure> {
    let listener = request.connection.listener;
    let allow = methods(listener, &request.path);
    if !allow.is_empty() {
        return Err(Failure::method_not_allowed(allow));
    }
    if listener == Listener::People && !request.path.starts_with("/api/") {
        return console::file(method, &request.path, &request.headers);
    }
    Err(Failure::not_found())
}

/// Headers that every answer carries.
fn finish(mut response: Response, listener: Listener, request_id: &str) -> Response {
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if listener == Listener::People {
        console::protect(headers);
    }
    response
}
