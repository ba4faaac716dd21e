//! Everything that is wrong with a run, not only the first thing: a table of rules is read as a table.

use anyhow::{Result, bail};

/// The faults of a run.
#[derive(Debug, Default)]
pub struct Verdict {
    faults: Vec<String>,
    looks: usize,
}

impl Verdict {
    /// Notes a fault unless `holds`.
    pub fn expect(&mut self, holds: bool, fault: impl FnOnce() -> String) {
        self.looks += 1;
        if !holds {
            self.faults.push(fault());
        }
    }

    /// Notes what went wrong and goes on.
    pub fn hold<T>(&mut self, what: &str, result: Result<T>) -> Option<T> {
        self.looks += 1;
        result.map_err(|error| self.faults.push(format!("{what}: {error:#}"))).ok()
    }

    /// How often something was looked at.
    pub fn looks(&self) -> usize {
        self.looks
    }

    /// Fails if anything was wrong, with all of it; or if nothing was looked at.
    pub fn close(self) -> Result<()> {
        match (self.faults.len(), self.looks) {
            (_, 0) => bail!("nothing was looked at"),
            (0, _) => Ok(()),
            (n, looks) => bail!("{n} faults in {looks} looks:\n  {}", self.faults.join("\n  ")),
        }
    }
}
