//! Who is calling: the session cookie on the people listener, the client certificate on the link and sensor listeners,
//! bearer token, Basic (the token as password, which many TAXII products need) or client certificate on the machines
//! listener, the user that the system names on the local socket. No header but `Authorization` and `Cookie` says anything about who calls: nothing stands in front of the
//! centre, so `X-Forwarded-*` and the like are only text.

use std::sync::Arc;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header};
use model::principal::PrincipalName;
use sharing::Principal;

use crate::error::{Code, Failure};
use crate::routes::Listener;
use crate::server::Api;
use crate::service::{Directory, Sha256};

/// Longest `Authorization` value, bytes.
const AUTHORIZATION_BYTES_MAX: usize = 1_024;

/// What is known of a connection before any request on it.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    /// The listener that accepted it.
    pub(crate) listener: Listener,
    /// SHA-256 of the verified client certificate.
    pub(crate) certificate: Option<Sha256>,
    /// The user at the other end of the local socket.
    pub(crate) user: Option<u32>,
}

/// Someone who is known here.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// Who.
    pub(crate) principal: Arc<Principal>,
    /// The console session it came by.
    pub(crate) session: Option<Sha256>,
}

/// The SHA-256 of `bytes`.
pub(crate) fn sha256(bytes: &[u8]) -> Sha256 {
    let mut whole = [0; 32];
    whole.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    whole
}

/// The caller of a request; none if it shows no credential. A credential that is shown but not good is a refusal, even
/// where another one on the same request would do.
pub(crate) fn identify(
    api: &Api,
    connection: &Connection,
    headers: &HeaderMap,
    active: bool,
) -> Result<Option<Caller>, Failure> {
    let directory = api.services.directory.as_ref();
    match connection.listener {
        Listener::People => Ok(by_session(api, headers, active)),
        Listener::Link | Listener::Sensors => Ok(by_certificate(directory, connection)),
        Listener::Machines if headers.contains_key(header::AUTHORIZATION) => {
            by_authorization(directory, headers).map(Some)
        }
        Listener::Machines => Ok(by_certificate(directory, connection)),
        Listener::Local => Ok(by_user(directory, connection)),
        Listener::Metrics => Ok(None),
    }
}

/// The principal of a token as text.
pub(crate) fn by_token(directory: &dyn Directory, token: &str) -> Option<Arc<Principal>> {
    directory.by_token(&sha256(token.as_bytes())).filter(|principal| !principal.revoked)
}

fn by_certificate(directory: &dyn Directory, connection: &Connection) -> Option<Caller> {
    let principal = directory.by_certificate(connection.certificate.as_ref()?)?;
    (!principal.revoked).then_some(Caller { principal, session: None })
}

fn by_user(directory: &dyn Directory, connection: &Connection) -> Option<Caller> {
    let principal = directory.by_local_user(connection.user?)?;
    (!principal.revoked).then_some(Caller { principal, session: None })
}

fn by_authorization(directory: &dyn Directory, headers: &HeaderMap) -> Result<Caller, Failure> {
    let found = || {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let (value, None) = (values.next()?.to_str().ok()?, values.next()) else { return None };
        if value.len() > AUTHORIZATION_BYTES_MAX {
            return None;
        }
        let (scheme, credential) = value.split_once(' ')?;
        if scheme.eq_ignore_ascii_case("bearer") {
            by_token(directory, credential.trim())
        } else if scheme.eq_ignore_ascii_case("basic") {
            by_basic(directory, credential.trim())
        } else {
            None
        }
    };
    let refusal = || Failure::new(Code::Unauthenticated, "the credential is not known here, or no longer");
    found().map(|principal| Caller { principal, session: None }).ok_or_else(refusal)
}

/// The user name, where one is given, must be the principal's, with or without its centre.
fn by_basic(directory: &dyn Directory, credential: &str) -> Option<Arc<Principal>> {
    let pair = String::from_utf8(STANDARD.decode(credential).ok()?).ok()?;
    let (user, token) = pair.split_once(':')?;
    let principal = by_token(directory, token)?;
    (user.is_empty() || names(user, &principal.name)).then_some(principal)
}

fn names(user: &str, name: &PrincipalName) -> bool {
    user == name.as_str() || name.as_str().split_once('@').is_some_and(|(short, _)| short == user)
}

fn by_session(api: &Api, headers: &HeaderMap, active: bool) -> Option<Caller> {
    let session = crate::session::of(headers)?;
    let name = api.sessions.principal(&session, api.services.clock.now(), active)?;
    match api.services.directory.by_name(&name).filter(|principal| !principal.revoked) {
        Some(principal) => Some(Caller { principal, session: Some(session) }),
        None => {
            api.sessions.end(&session);
            None
        }
    }
}
