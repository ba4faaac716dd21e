//! Administration over the local socket: who is enrolled, and the log in clear.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::marking::Country;
use model::principal::PrincipalName;
use serde::{Deserialize, Serialize};
use sharing::{Principal, Role};
use warp::reply::Response;

use crate::body;
use crate::disclose;
use crate::error::{Code, Failure};
use crate::query::Query;
use crate::rest::answer;
use crate::router::Call;
use crate::server::Api;
use crate::service::{Enrolment, Sha256};
use crate::stream::{Guard, finite};

/// Longest name of an organisation or a site, characters.
const NAME_CHARS_MAX: usize = 128;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EnrolBody {
    name: PrincipalName,
    organisation: String,
    country: Option<Country>,
    roles: BTreeSet<Role>,
    site: Option<String>,
    token_sha256: Option<String>,
    certificate_sha256: Option<String>,
}

/// `GET /admin/v1/principals`
pub(crate) async fn principals(api: &Arc<Api>, call: &Call) -> Result<Response, Failure> {
    #[derive(Serialize)]
    struct Principals {
        principals: Vec<Principal>,
    }
    Query::read(&call.query, &[])?;
    answer(&Principals { principals: api.services.administration.principals().await? })
}

/// `POST /admin/v1/principals`
pub(crate) async fn enrol(api: &Arc<Api>, call: Call) -> Result<Response, Failure> {
    Query::read(&call.query, &[])?;
    let officer = call.caller()?.principal.clone();
    let body = body::read(&call.headers, call.body, api.settings()).await?;
    let asked = serde_json::from_slice(&body)
        .map_err(|error| Failure::new(Code::BadRequest, format!("the body is not what enrols a principal: {error}")))?;
    let enrolment = enrolment(asked)?;
    answer(&api.services.administration.enrol(enrolment, &officer).await?)
}

fn enrolment(asked: EnrolBody) -> Result<Enrolment, Failure> {
    let EnrolBody { name, organisation, country, roles, site, token_sha256, certificate_sha256 } = asked;
    for (what, text) in [("organisation", Some(&organisation)), ("site", site.as_ref())] {
        let good = |text: &String| {
            !text.trim().is_empty() && text.chars().count() <= NAME_CHARS_MAX && !text.chars().any(char::is_control)
        };
        if text.is_some_and(|text| !good(text)) {
            let detail = format!("`{what}` must be a name of at most {NAME_CHARS_MAX} characters");
            return Err(Failure::new(Code::BadRequest, detail));
        }
    }
    if roles.is_empty() {
        return Err(Failure::new(Code::BadRequest, "`roles` is empty: without a role nothing is admitted"));
    }
    let token = digest("token_sha256", token_sha256.as_deref())?;
    let certificate = digest("certificate_sha256", certificate_sha256.as_deref())?;
    Ok(Enrolment { name, organisation, country, roles, site, token, certificate })
}

fn digest(name: &str, text: Option<&str>) -> Result<Option<Sha256>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let mut digest = [0; 32];
    hex::decode_to_slice(text, &mut digest)
        .map_err(|_| Failure::new(Code::BadRequest, format!("`{name}` must be 64 hexadecimal digits")))?;
    Ok(Some(digest))
}

/// `POST /admin/v1/principals/{name}/revoke`
pub(crate) async fn revoke(api: &Arc<Api>, call: &Call) -> Result<Response, Failure> {
    Query::read(&call.query, &[])?;
    let name: PrincipalName = call.param(0).parse().map_err(|_| Failure::not_found())?;
    let officer = &call.caller()?.principal;
    answer(&api.services.administration.revoke(&name, officer).await?)
}

/// `GET /admin/v1/log`: every entry in clear, and a record that it was shown.
pub(crate) async fn log(api: &Arc<Api>, call: &Call) -> Result<Response, Failure> {
    Query::read(&call.query, &[])?;
    let caller = call.caller()?;
    let upto = *api.services.store.head().borrow();
    disclose::log(api, call, upto).await?;
    let guard = Guard::new(api, caller, call.route.access);
    let parts = api.services.administration.dump(upto).await?;
    Ok(finite(parts, guard, "application/x-ndjson"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> EnrolBody {
        EnrolBody {
            name: "bob@ca".parse().unwrap(),
            organisation: "CSE".into(),
            country: None,
            roles: BTreeSet::from([Role::Analyst]),
            site: None,
            token_sha256: Some("ab".repeat(32)),
            certificate_sha256: None,
        }
    }

    #[test]
    fn what_enrols_is_checked() {
        assert_eq!(enrolment(asked()).unwrap().token, Some([0xab; 32]));
        let bad = [
            EnrolBody { organisation: String::new(), ..asked() },
            EnrolBody { organisation: "x".repeat(NAME_CHARS_MAX + 1), ..asked() },
            EnrolBody { roles: BTreeSet::new(), ..asked() },
            EnrolBody { site: Some("a\nb".into()), ..asked() },
            EnrolBody { token_sha256: Some("ab".into()), ..asked() },
            EnrolBody { certificate_sha256: Some("xy".repeat(32)), ..asked() },
        ];
        for asked in bad {
            let shown = format!("{asked:?}");
            assert_eq!(enrolment(asked).unwrap_err().code(), Code::BadRequest, "{shown}");
        }
    }
}
