//! `bridgewatch compile`.

use std::fs::File;
use std::io::{BufWriter, Write};

use anyhow::{Context, Result};

use super::arguments::CompileArguments;
use super::{Status, indicators};

pub(super) fn run(arguments: &CompileArguments) -> Result<Status> {
    let rules = indicators::read(&arguments.indicators)?;
    let output = &arguments.output;
    // Whole or not at all: what stands there before stays until the new one does.
    let mut beside = output.clone().into_os_string();
    beside.push(".new");
    let written = (|| -> Result<()> {
        let mut file = BufWriter::new(File::create(&beside)?);
        rules.write(&mut file)?;
        file.flush()?;
        file.get_ref().sync_all()?;
        std::fs::rename(&beside, output)?;
        Ok(())
    })();
    if written.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    written.with_context(|| format!("cannot write `{}`", output.display()))?;
    Ok(if rules.is_empty() { Status::Negative } else { Status::Done })
}
