//! Reading ahead: while the record of one page becomes durable and the page travels, the next one is read. It is given out
//! only if a reading at that moment would give the same: nothing came to the log since, and the reader's decisions are the
//! same ones.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use sharing::Visibility;
use tokio::task::JoinHandle;

/// Pages that are read before they are asked for.
#[derive(Debug)]
pub(crate) struct Ahead<T> {
    kept: Mutex<VecDeque<Kept<T>>>,
    pages_max: usize,
}

#[derive(Debug)]
struct Kept<T> {
    key: String,
    sight: Arc<Visibility>,
    head: u64,
    page: JoinHandle<T>,
}

impl<T> Ahead<T> {
    /// Keeps at most `pages_max`; the oldest goes first.
    pub(crate) fn new(pages_max: usize) -> Self {
        Self { kept: Mutex::default(), pages_max }
    }

    /// Keeps what is being read for `key` with `sight`, of a log whose last entry is not before `head`.
    pub(crate) fn keep(&self, key: String, sight: Arc<Visibility>, head: u64, page: JoinHandle<T>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|known| known.key != key);
        kept.push_back(Kept { key, sight, head, page });
        while kept.len() > self.pages_max {
            kept.pop_front();
        }
    }

    /// What was read for `key`, if the log still ends at `head` and `sight` is what it was read with.
    pub(crate) fn take(&self, key: &str, sight: &Arc<Visibility>, head: u64) -> Option<JoinHandle<T>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let place = kept.iter().position(|known| known.key == key)?;
        let found = kept.remove(place)?;
        (found.head == head && Arc::ptr_eq(&found.sight, sight)).then_some(found.page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::time::Timestamp;
    use sharing::{Agreement, ClassTable, Gate, Principal};

    fn sight() -> Arc<Visibility> {
        let agreement = Agreement::read(sharing::agreement::STARTER).unwrap();
        let gate = Gate::new("ca".parse().unwrap(), "CAN".parse().unwrap(), agreement, Arc::new(ClassTable::default()));
        let alice = Principal {
            name: "alice@ca".parse().unwrap(),
            organisation: "ca".into(),
            country: "CAN".parse().unwrap(),
            roles: [sharing::Role::Analyst].into(),
            site: None,
            revoked: false,
        };
        gate.visibility(&alice, Timestamp::from_micros(0))
    }

    #[tokio::test]
    async fn only_what_would_be_read_the_same_is_given_out() {
        let (mine, renewed) = (sight(), sight());
        let ahead = Ahead::new(2);
        let keep = |key: &str| ahead.keep(key.to_owned(), mine.clone(), 7, tokio::spawn(async { 1 }));
        keep("a");
        assert!(ahead.take("b", &mine, 7).is_none());
        assert_eq!(ahead.take("a", &mine, 7).unwrap().await.unwrap(), 1);
        assert!(ahead.take("a", &mine, 7).is_none(), "once");
        keep("a");
        assert!(ahead.take("a", &mine, 8).is_none(), "the log went on");
        keep("a");
        assert!(ahead.take("a", &renewed, 7).is_none(), "decided anew");
        for key in ["a", "b", "c"] {
            keep(key);
        }
        assert!(ahead.take("a", &mine, 7).is_none() && ahead.take("b", &mine, 7).is_some(), "two at the most");
    }
}
