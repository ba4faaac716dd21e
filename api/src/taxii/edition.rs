//! The collection in STIX 2.0: what may be seen, as far as 2.0 can say it.

use std::cell::RefCell;

use indexer::{Snapshot, Statement, StoreError};
use model::stix::StixId;
use serde_json::{Map, Value};
use sharing::Visibility;
use sharing::edition::{in_stix_20, is_statement};

type Members = Map<String, Value>;

/// Statements in STIX 2.0.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Those that can be said, with their bytes in 2.0.
    pub(super) statements: Vec<Statement>,
    /// Positions of some of them, and of cyber-observables that are inside there.
    pub(super) inside: Vec<(u64, u64)>,
}

/// What there is of `statements` in STIX 2.0, for the same reader.
pub(super) fn said(snapshot: &Snapshot, sight: &Visibility, statements: Vec<Statement>) -> Result<Said, StoreError> {
    let mut said = Said::default();
    for statement in statements {
        let Some(object) = members(&statement.bytes) else { continue };
        let (taken, failed) = (RefCell::new(Vec::new()), RefCell::new(None));
        let find = |id: &str| match versions(snapshot, sight, id) {
            Ok(found) if id.starts_with("marking-definition--") => definition(&found),
            Ok(mut found) => {
                let found = found.pop()?;
                taken.borrow_mut().push(found.position);
                members(&found.bytes)
            }
            Err(error) => {
                *failed.borrow_mut() = Some(error);
                None
            }
        };
        let made = in_stix_20(&object, &find);
        if let Some(error) = failed.into_inner() {
            return Err(error);
        }
        match made {
            Ok(made) if made == object => said.statements.push(statement),
            Ok(made) => {
                said.inside.extend(taken.into_inner().into_iter().map(|inside| (statement.position, inside)));
                said.statements.push(Statement { bytes: Value::Object(made).to_string().into_bytes(), ..statement });
            }
            // 2.0 has no words for it: whoever asks for 2.0 asks for what it can say.
            Err(_) => {}
        }
    }
    Ok(said)
}

fn members(bytes: &[u8]) -> Option<Members> {
    serde_json::from_slice(bytes).ok()
}

/// The versions of an object that may be seen, the newest last.
fn versions(snapshot: &Snapshot, sight: &Visibility, id: &str) -> Result<Vec<Statement>, StoreError> {
    let Ok(id) = id.parse::<StixId>() else { return Ok(Vec::new()) };
    snapshot.object(sight, &id)
}

/// What a marking means, said twice: the one that is more than a statement, so that nobody makes it less by saying it again.
fn definition(said: &[Statement]) -> Option<Members> {
    let all = || said.iter().filter_map(|statement| members(&statement.bytes));
    all().find(|definition| !is_statement(definition)).or_else(|| all().next_back())
}
