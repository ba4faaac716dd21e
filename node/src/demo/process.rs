//! The processes of the demo: each a real `bridgewatch` of its own, ended by the id it was started with.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

/// How long a process may take to be ready, seconds.
const READY_TIMEOUT_S: u64 = 30;
/// How long a process may take to end cleanly before it is ended by force, seconds.
const STOP_TIMEOUT_S: u64 = 10;

/// A process of the demo.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
}

impl Process {
    /// Starts this very program with `arguments`; its words go to `log`.
    pub(crate) fn start(name: &str, arguments: &[&str], log: &Path) -> Result<Self> {
        let program = std::env::current_exe().context("cannot tell where this program lies")?;
        let words = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("cannot write `{}`", log.display()))?;
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(words.try_clone()?)
            .stderr(words)
            .process_group(0) // Ctrl-C reaches the demo alone, which then ends its processes in order
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start `{name}`"))?;
        Ok(Self { name: name.to_owned(), child })
    }

    /// Waits until `file` exists (a centre writes it when it is ready), or the process ends.
    pub(crate) async fn ready(&mut self, file: &Path) -> Result<()> {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(READY_TIMEOUT_S);
        while !file.exists() {
            if let Some(status) = self.child.try_wait()? {
                bail!("`{}` ended before it was ready ({status}): see its log", self.name);
            }
            if tokio::time::Instant::now() > deadline {
                bail!("`{}` was not ready within {READY_TIMEOUT_S} s: see its log", self.name);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Waits until it ends by itself, which it should not.
    pub(crate) async fn ended(&mut self) -> anyhow::Error {
        match self.child.wait().await {
            Ok(status) => anyhow::anyhow!("`{}` ended by itself ({status}): see its log", self.name),
            Err(error) => anyhow::Error::new(error).context(format!("`{}` cannot be waited for", self.name)),
        }
    }

    /// Asks it to end and waits; ends it by force if it does not.
    pub(crate) async fn stop(&mut self) -> Result<()> {
        if let Some(pid) = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
            kill_process(pid, Signal::TERM).with_context(|| format!("cannot end `{}`", self.name))?;
        }
        match tokio::time::timeout(Duration::from_secs(STOP_TIMEOUT_S), self.child.wait()).await {
            Ok(status) => {
                let status = status?;
                if !status.success() {
                    bail!("`{}` did not end cleanly ({status}): see its log", self.name);
                }
                Ok(())
            }
            Err(_) => {
                self.child.kill().await?;
                bail!("`{}` did not end within {STOP_TIMEOUT_S} s and was ended by force", self.name)
            }
        }
    }
}
