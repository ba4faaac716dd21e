//! Reading and noting what was read: every answer with content goes through here, so that its disclosure is durable before
//! its first byte leaves.

use std::sync::Arc;

use indexer::{Snapshot, StoreError};
use sharing::{Principal, Visibility};
use tokio::task::JoinHandle;

use crate::error::Failure;
use crate::router::Call;
use crate::server::Api;
use crate::service::{Disclosure, Shown};

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::internal(error)
    }
}

/// Reads with the caller's visibility.
pub(crate) async fn reading<T: Send + 'static>(
    api: &Arc<Api>,
    reader: &Principal,
    read: impl FnOnce(&Snapshot, &Visibility) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, Failure> {
    Ok(read_with(api, &api.sight(reader), read).await.map_err(Failure::internal)??)
}

/// Reads with a visibility, off the threads that serve connections: decrypting a page takes its time.
pub(crate) fn read_with<T: Send + 'static>(
    api: &Arc<Api>,
    sight: &Arc<Visibility>,
    read: impl FnOnce(&Snapshot, &Visibility) -> Result<T, StoreError> + Send + 'static,
) -> JoinHandle<Result<T, StoreError>> {
    let (store, sight) = (api.services.store.clone(), sight.clone());
    tokio::task::spawn_blocking(move || read(&store.read()?, &sight))
}

/// Notes that `entries` go to the caller; durable when it returns.
pub(crate) async fn entries(api: &Arc<Api>, call: &Call, entries: Vec<u64>) -> Result<(), Failure> {
    if entries.is_empty() {
        return Ok(());
    }
    note(api, call, Shown::Entries(entries)).await
}

/// Notes that counts go to the caller.
pub(crate) async fn counts(api: &Arc<Api>, call: &Call, query: String) -> Result<(), Failure> {
    note(api, call, Shown::Counts(query)).await
}

/// Notes that every entry of the object log up to `upto` goes to the caller.
pub(crate) async fn log(api: &Arc<Api>, call: &Call, upto: u64) -> Result<(), Failure> {
    note(api, call, Shown::Log(upto)).await
}

async fn note(api: &Arc<Api>, call: &Call, shown: Shown) -> Result<(), Failure> {
    let principal = call.caller()?.principal.name.clone();
    Ok(api.services.disclosures.record(Disclosure { principal, route: call.route.path, shown }).await?)
}
