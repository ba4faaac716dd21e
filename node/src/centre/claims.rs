//! Which objects are between the gate's look at the store and the append: two bodies with the same object take turns, all
//! others run beside each other and share commits.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use model::stix::StixId;
use tokio::sync::Notify;

#[derive(Default)]
struct Taken {
    ids: Mutex<HashSet<StixId>>,
    freed: Notify,
}

/// The objects that are on their way in.
#[derive(Default)]
pub(crate) struct Claims(Arc<Taken>);

/// Objects that are held until this is dropped.
pub(crate) struct Claim {
    ids: BTreeSet<StixId>,
    taken: Arc<Taken>,
}

impl Claims {
    /// Waits until nobody else holds any of `ids`, and holds them all.
    pub(crate) async fn take(&self, ids: BTreeSet<StixId>) -> Claim {
        loop {
            let freed = self.0.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable(); // before the look, so that nothing is freed unheard between look and wait
            {
                let mut taken = self.0.ids.lock().unwrap_or_else(PoisonError::into_inner);
                if !ids.iter().any(|id| taken.contains(id)) {
                    taken.extend(ids.iter().cloned());
                    return Claim { ids, taken: Arc::clone(&self.0) };
                }
            }
            freed.await;
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut taken = self.taken.ids.lock().unwrap_or_else(PoisonError::into_inner);
        for id in &self.ids {
            taken.remove(id);
        }
        drop(taken);
        self.taken.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_same_object_takes_turns_and_others_do_not() {
        let id = |last: char| -> StixId { format!("note--aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaa{last}").parse().unwrap() };
        let claims = Claims::default();
        let first = claims.take([id('1')].into()).await;
        let _other = claims.take([id('2')].into()).await;
        let mut second = Box::pin(claims.take([id('1'), id('3')].into()));
        assert!(tokio::time::timeout(std::time::Duration::from_millis(20), &mut second).await.is_err());
        drop(first);
        second.await;
    }
}
