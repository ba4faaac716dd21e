//! A set as bytes, to be read and used, not built again: the table of exact values as it lies in memory, the other rules as
//! patterns. What is read is checked: whatever the bytes, an error and never a wrong place.

mod bytes;

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::sync::Arc;

use model::pattern::parse;
use model::time::Timestamp;

pub(crate) use self::bytes::{Reading, Writing};
use crate::compile::{NotMatched, RuleSource};
use crate::exact::ExactTable;
use crate::rules::{RuleSet, Settings};

/// The first bytes of a saved set.
pub const SAVED_MAGIC: [u8; 4] = *b"BWRS";
/// Values are compared in another form, or lie elsewhere, in other versions of the program.
const VERSION: &str = concat!("2/", env!("CARGO_PKG_VERSION"));

/// Why a saved set cannot be written or used.
#[derive(Debug, thiserror::Error)]
pub enum SavedError {
    /// It cannot be read or written.
    #[error("the saved rules cannot be read or written")]
    Io(#[from] io::Error),
    /// It is none, or of another version of the program.
    #[error("these are no saved rules of this version of the program; compile the indicators again")]
    Other,
    /// It is not what was written.
    #[error("the saved rules are damaged ({0}); compile the indicators again")]
    Damaged(&'static str),
}

/// A rule that is not in the table.
struct Written<'a> {
    key: &'a str,
    pattern: &'a str,
    valid: [Timestamp; 2],
}

impl RuleSet {
    /// Writes the set; what came since it was compiled is merged for that.
    pub fn write(&self, to: impl Write) -> Result<(), SavedError> {
        let merged;
        let table = if self.exact_recent.is_empty() && self.exact_removed.is_empty() {
            &*self.exact
        } else {
            let all = self.exact.merged(&self.exact_recent, &self.exact_removed);
            merged = all.ok_or(SavedError::Damaged("it has more kinds of rules than a table can hold"))?;
            &merged
        };
        let mut to = Writing::new(to);
        SAVED_MAGIC.into_iter().try_for_each(|byte| to.number(byte))?;
        to.text(VERSION)?;
        table.write(&mut to)?;
        let rest: Vec<Written<'_>> = self.rest().collect();
        to.number(rest.len() as u64)?;
        for rule in rest {
            to.text(rule.key)?;
            to.text(rule.pattern)?;
            rule.valid.into_iter().try_for_each(|time| to.number(time.micros()))?;
        }
        to.number(self.not_matched.len() as u64)?;
        for (key, why) in &*self.not_matched {
            to.text(key)?;
            to.text(&why.0)?;
        }
        Ok(to.finish()?)
    }

    /// Reads what [`RuleSet::write`] wrote; `bytes` is how many there are.
    pub fn read(from: impl Read, bytes: u64, settings: Settings) -> Result<Self, SavedError> {
        let mut from = Reading::new(from, bytes);
        for byte in SAVED_MAGIC {
            if from.number::<u8>().map_err(|_| SavedError::Other)? != byte {
                return Err(SavedError::Other);
            }
        }
        if from.text().map_err(|_| SavedError::Other)? != VERSION {
            return Err(SavedError::Other);
        }
        let exact = ExactTable::read(&mut from)?;
        let mut sources = Vec::new();
        for _ in 0..from.length(1)? {
            let (key, pattern) = (from.text()?.into(), parse(&from.text()?));
            let [valid_from, valid_until] =
                [from.number()?, from.number()?].map(|micros| Some(Timestamp::from_micros(micros)));
            let pattern = pattern.map_err(|_| SavedError::Damaged("a pattern is none"))?;
            sources.push(RuleSource { key, pattern, valid_from, valid_until });
        }
        let mut not_matched = HashMap::new();
        for _ in 0..from.length(1)? {
            let (key, why) = (from.text()?, from.text()?);
            not_matched.insert(Arc::from(key), NotMatched(why));
        }
        from.finish()?;
        let rest = Self::compile(sources, settings);
        not_matched.extend(rest.not_matched.iter().map(|(key, why)| (Arc::clone(key), why.clone())));
        Ok(Self { exact: Arc::new(exact), not_matched: Arc::new(not_matched), ..rest })
    }

    fn rest(&self) -> impl Iterator<Item = Written<'_>> {
        let base = self.base.rules.iter().filter(|rule| !self.removed.contains(&rule.key));
        let single = base.chain(&self.recent.rules).map(|rule| Written {
            key: &rule.key,
            pattern: &rule.pattern,
            valid: [rule.valid_from, rule.valid_until],
        });
        single.chain(self.windowed.rules.iter().map(|rule| Written {
            key: &rule.key,
            pattern: &rule.pattern,
            valid: [rule.valid_from, rule.valid_until],
        }))
    }
}
