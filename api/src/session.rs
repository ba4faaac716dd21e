//! Console sessions: a token is traded for a cookie, which an idle time ends. Held in memory alone: a restart signs everyone
//! out.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue, header};
use model::principal::PrincipalName;
use model::time::Timestamp;
use sharing::{Principal, Role};

use crate::caller::sha256;
use crate::error::Failure;
use crate::limits::Settings;
use crate::service::Sha256;

/// Name of the cookie; the prefix makes browsers insist on Secure, Path=/ and no Domain.
const COOKIE: &str = "__Host-session";

#[derive(Debug)]
struct Session {
    principal: PrincipalName,
    used: Timestamp,
    idle_s: u64,
}

/// All sessions, by the SHA-256 of their cookie.
#[derive(Debug)]
pub(crate) struct Sessions {
    open: Mutex<HashMap<Sha256, Session>>,
    max: usize,
}

impl Sessions {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self { open: Mutex::default(), max: settings.sessions_max }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Sha256, Session>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a session and gives its `Set-Cookie`.
    pub(crate) fn start(&self, principal: &Principal, now: Timestamp, idle_s: u64) -> Result<HeaderValue, Failure> {
        let mut secret = [0; 32];
        rand::fill(&mut secret).map_err(|_| Failure::internal("the system gives no random bytes"))?;
        let text = URL_SAFE_NO_PAD.encode(secret);
        let mut open = self.open();
        open.retain(|_, session| !session.over(now));
        if open.len() >= self.max {
            let oldest = open.iter().min_by_key(|(_, session)| session.used).map(|(key, _)| *key);
            oldest.and_then(|key| open.remove(&key));
        }
        open.insert(sha256(text.as_bytes()), Session { principal: principal.name.clone(), used: now, idle_s });
        let cookie = format!("{COOKIE}={text}; Path=/; Secure; HttpOnly; SameSite=Strict");
        HeaderValue::from_str(&cookie).map_err(Failure::internal)
    }

    /// Whose session it is; `active` counts as use of it (a stream's own requests do not).
    pub(crate) fn principal(&self, key: &Sha256, now: Timestamp, active: bool) -> Option<PrincipalName> {
        let mut open = self.open();
        let session = open.get_mut(key)?;
        if session.over(now) {
            open.remove(key);
            return None;
        }
        if active {
            session.used = session.used.max(now);
        }
        Some(session.principal.clone())
    }

    /// Ends a session.
    pub(crate) fn end(&self, key: &Sha256) {
        self.open().remove(key);
    }
}

impl Session {
    fn over(&self, now: Timestamp) -> bool {
        let idle_micros = i64::try_from(self.idle_s.saturating_mul(1_000_000)).unwrap_or(i64::MAX);
        now > self.used.plus_micros(idle_micros)
    }
}

/// Seconds after which an idle session of `principal` ends.
pub(crate) fn idle_s(principal: &Principal, settings: &Settings) -> u64 {
    if principal.is(Role::Officer) { settings.officer_session_idle_s } else { settings.session_idle_s }
}

/// The key of the session whose cookie a request carries; none if there is not exactly one.
pub(crate) fn of(headers: &HeaderMap) -> Option<Sha256> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut sessions =
        cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='));
    match (sessions.next(), sessions.next()) {
        (Some(text), None) => Some(sha256(text.as_bytes())),
        _ => None,
    }
}

/// The `Set-Cookie` that takes the cookie away.
pub(crate) const ENDED: &str = "__Host-session=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0";

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn alice() -> Principal {
        Principal {
            name: "alice@ca".parse().unwrap(),
            organisation: "ca".into(),
            country: "CAN".parse().unwrap(),
            roles: BTreeSet::from([Role::Analyst]),
            site: None,
            revoked: false,
        }
    }

    fn headers(cookie: &HeaderValue) -> HeaderMap {
        let pair = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_str(&format!("other=1; {pair}")).unwrap());
        headers
    }

    #[test]
    fn a_session_lasts_while_it_is_used() {
        let sessions = Sessions::new(&Settings::default());
        let at = |s: i64| Timestamp::from_micros(s * 1_000_000);
        let cookie = sessions.start(&alice(), at(0), 10).unwrap();
        assert!(cookie.to_str().unwrap().contains("; Secure; HttpOnly; SameSite=Strict"));
        let key = of(&headers(&cookie)).unwrap();
        assert!(sessions.principal(&key, at(9), true).is_some());
        assert!(sessions.principal(&key, at(18), false).is_some());
        assert!(sessions.principal(&key, at(20), true).is_none(), "looking on is not use");
        assert!(sessions.principal(&key, at(0), true).is_none(), "what has ended stays ended");
    }

    #[test]
    fn the_number_of_sessions_is_bounded() {
        let sessions = Sessions::new(&Settings { sessions_max: 2, ..Settings::default() });
        let cookies: Vec<_> =
            (0..3).map(|s| sessions.start(&alice(), Timestamp::from_micros(s), 10).unwrap()).collect();
        let live =
            |cookie| sessions.principal(&of(&headers(cookie)).unwrap(), Timestamp::from_micros(3), false).is_some();
        assert_eq!(cookies.iter().map(live).collect::<Vec<_>>(), [false, true, true]);
    }

    #[test]
    fn two_cookies_are_none() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static("__Host-session=a; __Host-session=b"));
        assert_eq!(of(&headers), None);
    }
}
