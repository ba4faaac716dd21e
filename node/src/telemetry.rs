//! Structured logs on stderr: JSON lines for machines, plain lines on a terminal. `BRIDGEWATCH_LOG` says which.

use std::io::IsTerminal;

use anyhow::{Context, Result};
use tracing_subscriber::EnvFilter;

/// The variable that says what is logged, for instance `info,node=debug`.
const VARIABLE: &str = "BRIDGEWATCH_LOG";

/// Starts logging; once a process.
pub(crate) fn start() -> Result<()> {
    let wanted = std::env::var(VARIABLE).unwrap_or_else(|_| "info".to_owned());
    let filter =
        EnvFilter::try_new(&wanted).with_context(|| format!("`{VARIABLE}` is `{wanted}`, which is no filter"))?;
    let terminal = std::io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(terminal);
    let started = if terminal { builder.try_init() } else { builder.json().try_init() };
    started.map_err(|error| anyhow::anyhow!("logging cannot be started: {error}"))
}
