//! Signing in and out, and who the centre is.

use std::sync::Arc;

use http::{HeaderValue, StatusCode, header};
use model::principal::{CentreCode, PrincipalName};
use serde::{Deserialize, Serialize};
use sharing::{Principal, Role};
use warp::reply::Response;

use super::answer;
use crate::body;
use crate::caller::by_token;
use crate::error::{Code, Failure};
use crate::router::Call;
use crate::server::Api;
use crate::service::Banner;
use crate::session::{ENDED, idle_s, of};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    token: String,
}

#[derive(Debug, Serialize)]
struct SessionBody<'a> {
    principal: &'a PrincipalName,
    organisation: &'a str,
    roles: Vec<&'static str>,
    centre: &'a CentreCode,
    partner: Option<&'a CentreCode>,
    idle_s: u64,
    banner: &'a Banner,
}

/// `GET /centre`
pub(crate) fn centre(api: &Arc<Api>) -> Result<Response, Failure> {
    answer(&api.services.centre)
}

/// `POST /session`: trades a token for a cookie; a session that the browser had before ends.
pub(crate) async fn session_start(api: &Arc<Api>, call: Call) -> Result<Response, Failure> {
    let before = of(&call.headers);
    let body = body::read(&call.headers, call.body, api.settings()).await?;
    let sign_in: SignIn = serde_json::from_slice(&body)
        .map_err(|_| Failure::new(Code::BadRequest, "send `{\"token\":\"…\"}` as JSON"))?;
    let directory = api.services.directory.as_ref();
    let principal = by_token(directory, &sign_in.token)
        .filter(|principal| !principal.is(Role::Sensor) && !principal.is(Role::Peer))
        .ok_or_else(|| Failure::new(Code::Unauthenticated, "the token is not known here, or no longer"))?;
    if let Some(before) = before {
        api.sessions.end(&before);
    }
    let idle_s = idle_s(&principal, api.settings());
    let cookie = api.sessions.start(&principal, api.services.clock.now(), idle_s)?;
    let mut response = shown(api, &principal)?;
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

/// `GET /session`
pub(crate) fn session_show(api: &Arc<Api>, call: &Call) -> Result<Response, Failure> {
    shown(api, &call.caller()?.principal)
}

/// `DELETE /session`
pub(crate) fn session_end(api: &Arc<Api>, call: &Call) -> Result<Response, Failure> {
    if let Some(session) = &call.caller()?.session {
        api.sessions.end(session);
    }
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(header::SET_COOKIE, HeaderValue::from_static(ENDED));
    Ok(response)
}

fn shown(api: &Arc<Api>, principal: &Principal) -> Result<Response, Failure> {
    let centre = &api.services.centre;
    answer(&SessionBody {
        principal: &principal.name,
        organisation: &principal.organisation,
        roles: principal.roles.iter().map(|role| role.as_str()).collect(),
        centre: &centre.code,
        partner: centre.partner.as_ref(),
        idle_s: idle_s(principal, api.settings()),
        banner: &centre.banner,
    })
}
