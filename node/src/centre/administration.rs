//! What officers do over the local socket: who is enrolled, and the log in clear.

use std::sync::Arc;

use api::service::{Administration, Answer, Enrolment, ServiceError};
use bytes::Bytes;
use indexer::{Credential, NewEntry, Store};
use model::marking::Country;
use model::principal::{CentreCode, PrincipalName};
use sharing::{Principal, Role};
use tokio::sync::mpsc;

use super::directory::Principals;
use super::intake::internal;

/// Bytes of one part of a dump.
const PART_BYTES: usize = 1 << 18;
/// The object log, as a dump names it.
const OBJECTS: &str = "objects";
/// Parts that wait for a reader.
const PARTS_WAITING: usize = 4;

/// The office of a centre.
pub(crate) struct Office {
    store: Arc<Store>,
    principals: Arc<Principals>,
    centre: CentreCode,
    partner: Option<CentreCode>,
    country: Country,
}

impl Office {
    /// The office of `centre`, which may also enrol the partner centre itself.
    pub(crate) fn new(
        store: Arc<Store>,
        principals: Arc<Principals>,
        centre: CentreCode,
        partner: Option<CentreCode>,
        country: Country,
    ) -> Self {
        Self { store, principals, centre, partner, country }
    }

    async fn put(&self, principal: Principal, credentials: Vec<Credential>) -> Result<(), ServiceError> {
        let entry = |credential| NewEntry::Principal { principal: Box::new(principal.clone()), credential };
        let entries = if credentials.is_empty() {
            vec![entry(None)]
        } else {
            credentials.into_iter().map(|c| entry(Some(c))).collect()
        };
        self.store.append(entries).await.map_err(internal)?;
        let snapshot = self.store.read().map_err(internal)?;
        self.principals.refresh(&snapshot).map_err(internal)
    }

    fn check(&self, name: &PrincipalName, peer: bool) -> Result<(), ServiceError> {
        let home = if peer { self.partner.as_ref() } else { Some(&self.centre) };
        if home == Some(name.centre()) {
            return Ok(());
        }
        let why = match peer {
            true => "a peer belongs to the partner centre that the configuration names",
            false => "principals of this centre alone are enrolled here",
        };
        Err(ServiceError::Unprocessable(format!("`{name}` cannot be enrolled: {why}")))
    }
}

impl Administration for Office {
    fn principals(&self) -> Answer<'_, Vec<Principal>> {
        let everyone = self.principals.book().everyone();
        Box::pin(async move { Ok(everyone.iter().map(|principal| Principal::clone(principal)).collect()) })
    }

    fn enrol<'a>(&'a self, enrolment: Enrolment, by: &'a Principal) -> Answer<'a, Principal> {
        Box::pin(async move {
            let Enrolment { name, organisation, country, roles, site, token, certificate } = enrolment;
            self.check(&name, roles.contains(&Role::Peer))?;
            let country = country.unwrap_or(self.country);
            let principal = Principal { name, organisation, country, roles, site, revoked: false };
            let token = token.map(Credential::Token);
            let certificate = certificate.map(Credential::Certificate);
            self.put(principal.clone(), token.into_iter().chain(certificate).collect()).await?;
            tracing::info!(by = %by.name, principal = %principal.name, "enrolled");
            Ok(principal)
        })
    }

    fn revoke<'a>(&'a self, name: &'a PrincipalName, by: &'a Principal) -> Answer<'a, Principal> {
        Box::pin(async move {
            let known = self.principals.book().principal(name).ok_or(ServiceError::NotFound)?;
            let principal = Principal { revoked: true, ..Principal::clone(&known) };
            self.put(principal.clone(), Vec::new()).await?;
            tracing::info!(by = %by.name, principal = %principal.name, "revoked");
            Ok(principal)
        })
    }

    fn dump(&self, upto: u64) -> Answer<'_, mpsc::Receiver<Result<Bytes, ServiceError>>> {
        let store = Arc::clone(&self.store);
        Box::pin(async move {
            let (near, far) = mpsc::channel(PARTS_WAITING);
            tokio::task::spawn_blocking(move || {
                let mut part = Vec::with_capacity(PART_BYTES);
                let mut failed = None;
                let dumped = store.dump(1, |entry| {
                    if entry.log == OBJECTS && entry.sequence > upto {
                        return true; // what came since is for the next dump; the disclosures still follow
                    }
                    if let Err(error) = serde_json::to_writer(&mut part, &entry) {
                        failed = Some(error);
                        return false;
                    }
                    part.push(b'\n');
                    part.len() < PART_BYTES || near.blocking_send(Ok(std::mem::take(&mut part).into())).is_ok()
                });
                let last = match (dumped, failed) {
                    (Ok(()), None) => Ok(part.into()),
                    (Err(error), _) => Err(internal(error)),
                    (Ok(()), Some(error)) => Err(internal(error)),
                };
                let _ = near.blocking_send(last); // the reader may be gone
            });
            Ok(far)
        })
    }
}
