//! The program as a shell would run it, to its end.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::place;

/// What a command left behind.
#[derive(Debug, Clone)]
pub struct Finished {
    /// Exit status; -1 if a signal ended it.
    pub status: i32,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
}

impl Finished {
    /// Its stdout as JSON lines.
    pub fn json_lines(&self) -> Result<Vec<Value>> {
        let lines = self.stdout.lines().filter(|line| !line.trim().is_empty());
        lines.map(|line| serde_json::from_str(line).with_context(|| format!("not JSON: `{line}`"))).collect()
    }

    /// Itself, or an error if it did not end with 0.
    pub fn good(self) -> Result<Self> {
        if self.status != 0 {
            bail!("it ended with {}: {} {}", self.status, self.stdout.trim(), self.stderr.trim());
        }
        Ok(self)
    }
}

/// The binary under test; an error where there is none: a missing binary is a failed test, never a skipped one.
pub fn binary() -> Result<PathBuf> {
    let path = place::binary();
    if !path.is_file() {
        bail!("`{}` is not there: `make build` makes it, or BRIDGEWATCH_BIN names another", path.display());
    }
    Ok(path)
}

/// Runs `bridgewatch` with these arguments.
pub fn run(arguments: &[&str]) -> Result<Finished> {
    run_with_input(arguments, b"")
}

/// Runs `bridgewatch` with these arguments and this stdin.
pub fn run_with_input(arguments: &[&str], input: &[u8]) -> Result<Finished> {
    finish(Command::new(binary()?).args(arguments), input)
        .with_context(|| format!("bridgewatch {}", arguments.join(" ")))
}

/// Runs a script of `tests/python` with the interpreter that `scripts/tools` prepared.
pub fn python(script: &str, arguments: &[&str]) -> Result<Finished> {
    let interpreter = std::env::var_os("BRIDGEWATCH_PYTHON").map_or_else(place::python, PathBuf::from);
    if !interpreter.exists() {
        bail!("`{}` is not there: `make tools-test` installs the Python peers", interpreter.display());
    }
    let path = place::project().join("tests/python").join(script);
    finish(Command::new(interpreter).arg(path).args(arguments), b"")
        .with_context(|| format!("{script} {}", arguments.join(" ")))
}

/// Runs a script of `tests/browser` with Node.
pub fn node(script: &str, arguments: &[&str]) -> Result<Finished> {
    let path = place::project().join("tests/browser").join(script);
    finish(Command::new("node").arg(path).args(arguments), b"").with_context(|| format!("node {script}"))
}

fn finish(command: &mut Command, input: &[u8]) -> Result<Finished> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let stdin = child.stdin.take();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || {
            // A program that does not read its input is none of our business here.
            stdin.map(|mut stdin| stdin.write_all(input))
        });
        child.wait_with_output()
    })?;
    Ok(Finished {
        status: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}
