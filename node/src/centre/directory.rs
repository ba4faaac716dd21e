//! Who is known here: the principals of the log, looked up by credential. Read anew whenever the log says one changed.

use std::collections::HashMap;
use std::sync::Arc;

use api::service::{Directory, Sha256};
use arc_swap::ArcSwap;
use indexer::{Credential, Snapshot, StoreError};
use model::marking::Country;
use model::principal::{CentreCode, PrincipalName};
use model::stix::StixId;
use sharing::{Principal, Role};
use tokio::sync::watch;

/// Everyone who is known at one moment.
#[derive(Debug, Default)]
pub(crate) struct Book {
    by_name: HashMap<PrincipalName, Arc<Principal>>,
    by_token: HashMap<Sha256, Arc<Principal>>,
    by_certificate: HashMap<Sha256, Arc<Principal>>,
    /// The organisations' identity objects.
    identities: HashMap<StixId, String>,
}

impl Book {
    fn read(snapshot: &Snapshot) -> Result<Self, StoreError> {
        let mut book = Self::default();
        for (principal, credentials) in snapshot.principals()? {
            let principal = Arc::new(principal);
            if let Some(identity) = super::identity::of_organisation(&principal.organisation) {
                book.identities.insert(identity, principal.organisation.clone());
            }
            book.by_name.insert(principal.name.clone(), Arc::clone(&principal));
            if principal.revoked {
                continue;
            }
            for credential in credentials {
                match credential {
                    Credential::Token(digest) => book.by_token.insert(digest, Arc::clone(&principal)),
                    Credential::Certificate(digest) => book.by_certificate.insert(digest, Arc::clone(&principal)),
                };
            }
        }
        Ok(book)
    }

    /// The organisation enrolled here whose identity object `id` is.
    pub(crate) fn organisation_of(&self, id: &StixId) -> Option<String> {
        self.identities.get(id).cloned()
    }

    /// Everyone, revoked ones too, by name.
    pub(crate) fn everyone(&self) -> Vec<Arc<Principal>> {
        let mut all: Vec<_> = self.by_name.values().cloned().collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all
    }

    /// The principal of that name.
    pub(crate) fn principal(&self, name: &PrincipalName) -> Option<Arc<Principal>> {
        self.by_name.get(name).cloned()
    }
}

/// The directory of a running centre.
pub(crate) struct Principals {
    book: ArcSwap<Book>,
    changes: watch::Sender<u64>,
    /// Who the owner of the process is when he talks to it over its own socket.
    owner: Arc<Principal>,
    owner_uid: u32,
}

impl Principals {
    /// Reads the directory from the log.
    pub(crate) fn open(snapshot: &Snapshot, centre: &CentreCode, country: Country) -> anyhow::Result<Self> {
        let owner = Principal {
            name: format!("local@{centre}").parse()?,
            organisation: "Local".to_owned(),
            country,
            roles: [Role::Officer, Role::Publisher].into(),
            site: None,
            revoked: false,
        };
        Ok(Self {
            book: ArcSwap::from_pointee(Book::read(snapshot)?),
            changes: watch::Sender::new(0),
            owner: Arc::new(owner),
            owner_uid: rustix::process::geteuid().as_raw(),
        })
    }

    /// Reads it anew.
    pub(crate) fn refresh(&self, snapshot: &Snapshot) -> Result<(), StoreError> {
        self.book.store(Arc::new(Book::read(snapshot)?));
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
        Ok(())
    }

    /// As it stands now.
    pub(crate) fn book(&self) -> Arc<Book> {
        self.book.load_full()
    }
}

impl Directory for Principals {
    fn by_token(&self, token: &Sha256) -> Option<Arc<Principal>> {
        self.book.load().by_token.get(token).cloned()
    }

    fn by_certificate(&self, certificate: &Sha256) -> Option<Arc<Principal>> {
        self.book.load().by_certificate.get(certificate).cloned()
    }

    fn by_name(&self, name: &PrincipalName) -> Option<Arc<Principal>> {
        if *name == self.owner.name {
            return Some(Arc::clone(&self.owner));
        }
        self.book.load().principal(name)
    }

    fn by_local_user(&self, uid: u32) -> Option<Arc<Principal>> {
        (uid == self.owner_uid || uid == 0).then(|| Arc::clone(&self.owner))
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
}
