//! A long-running `bridgewatch`, ended by the id it was started with.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::program::binary;

/// How long a process may take to end when it is asked to.
const PATIENCE: Duration = Duration::from_secs(20);
/// How much of a log is shown when something failed, bytes.
const LOG_TAIL_BYTES: usize = 4_000;

/// A running process. Dropped, it is killed: no test leaves anything behind.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `bridgewatch` with `arguments`; what it writes is appended to `log`.
    pub fn start(arguments: &[&str], log: &Path) -> Result<Self> {
        let words = std::fs::OpenOptions::new().create(true).append(true).open(log)?;
        let child = Command::new(binary()?)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(words.try_clone()?)
            .stderr(words)
            .spawn()
            .with_context(|| format!("cannot start bridgewatch {}", arguments.join(" ")))?;
        Ok(Self { child, log: log.to_owned() })
    }

    /// An error with the end of its log if it has ended.
    pub fn alive(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("it ended ({status}); its log ends with:\n{}", self.log_tail()),
        }
    }

    /// Ends it as a power failure would.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to end and waits; an error if it does not end cleanly.
    pub fn stop(mut self) -> Result<()> {
        let id = Pid::from_raw(self.child.id().cast_signed()).context("a process has an id")?;
        kill_process(id, Signal::TERM)?;
        self.ends(PATIENCE)
    }

    /// Waits until it ends by itself; an error if it does not, or not cleanly.
    pub fn ends(&mut self, patience: Duration) -> Result<()> {
        let end = Instant::now() + patience;
        while Instant::now() < end {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => bail!("it did not end cleanly ({status}):\n{}", self.log_tail()),
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        }
        bail!("it did not end within {} s:\n{}", patience.as_secs(), self.log_tail())
    }

    /// Resident memory, kB.
    pub fn resident_kb(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        Ok(line.trim().trim_end_matches("kB").trim().parse()?)
    }

    fn log_tail(&self) -> String {
        let log = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(log.get(log.len().saturating_sub(LOG_TAIL_BYTES)..).unwrap_or_default()).into_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
