//! The visibility of each caller, asked of the gate once and kept while nothing it depends on has changed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use model::principal::PrincipalName;
use model::time::Timestamp;
use sharing::{Gate, Principal, Visibility};

/// Kept decisions; more principals than this at once, and all are asked anew.
const KEPT_MAX: usize = 4_096;

/// The kept visibilities.
#[derive(Debug, Default)]
pub(crate) struct Sights {
    kept: Mutex<HashMap<PrincipalName, Arc<Visibility>>>,
}

impl Sights {
    /// What `principal` may see now.
    pub(crate) fn of(&self, gate: &Gate, principal: &Principal, now: Timestamp) -> Arc<Visibility> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept.get(&principal.name) {
            let in_time = known.holds_until().is_none_or(|end| now < end);
            if in_time && known.principal() == principal {
                return known.clone();
            }
        }
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        let visibility = gate.visibility(principal, now);
        kept.insert(principal.name.clone(), visibility.clone());
        visibility
    }
}
