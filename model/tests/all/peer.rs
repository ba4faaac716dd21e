//! Implementations that we did not write, run as a shell would run them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// Runs a script of `tests/python` with these arguments and this input, and reads its JSON lines. A missing interpreter is a failed
/// test, never a skipped one.
pub(crate) fn python(script: &str, arguments: &[&str], input: String) -> Vec<Value> {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home).unwrap_or_default();
    let python =
        std::env::var_os("BRIDGEWATCH_PYTHON").map_or_else(|| cache.join("bridgewatch/venv/bin/python"), PathBuf::from);
    assert!(python.exists(), "`{}` is not there: `make tools-test` installs the Python peers", python.display());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/python").join(script);
    let mut child =
        Command::new(python).arg(script).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{:?}", output.status);
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
