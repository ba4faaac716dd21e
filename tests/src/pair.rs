//! Two linked centres with people of every role, as a test starts them.

use anyhow::Result;
use tempfile::TempDir;

use crate::centre::Centre;

const US: &[(&str, &[&str])] = &[
    ("alice", &["analyst", "publisher"]),
    ("bob", &["analyst"]),
    ("olivia", &["analyst", "officer"]),
    ("utility", &["operator"]),
    ("vendor", &["partner"]),
];
const CA: &[(&str, &[&str])] = &[
    ("charlotte", &["analyst", "publisher"]),
    ("claude", &["analyst"]),
    ("denise", &["analyst"]),
    ("etienne", &["analyst", "officer"]),
    ("hydro", &["operator"]),
    ("firm", &["partner"]),
];

/// Two centres, linked.
#[derive(Debug)]
pub struct Pair {
    /// The United States'.
    pub us: Centre,
    /// Canada's.
    pub ca: Centre,
    /// The folder of all.
    pub root: TempDir,
}

impl Pair {
    /// Makes both, introduces them to each other, and enrols everyone; nothing runs yet.
    pub fn make() -> Result<Self> {
        let root = tempfile::tempdir()?;
        let mut us = Centre::init(root.path(), "us")?;
        let mut ca = Centre::init(root.path(), "ca")?;
        us.introduce(&ca, "CAN")?;
        ca.introduce(&us, "USA")?;
        for (centre, people) in [(&mut us, US), (&mut ca, CA)] {
            for (name, roles) in people {
                centre.enrol(name, roles)?;
            }
        }
        Ok(Self { us, ca, root })
    }

    /// Starts both and waits until they are ready.
    pub async fn start(&mut self) -> Result<()> {
        self.us.start()?;
        self.ca.start()?;
        self.us.ready().await?;
        self.ca.ready().await
    }

    /// Ends both, cleanly.
    pub fn stop(&mut self) -> Result<()> {
        self.us.stop()?;
        self.ca.stop()
    }
}
