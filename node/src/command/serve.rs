//! `bridgewatch serve`: one centre, until it is asked to end.

use std::path::Path;

use anyhow::Result;

use super::{Status, runtime};
use crate::config::CentreConfig;
use crate::folder::Folder;

pub(super) fn run(config: &Path) -> Result<Status> {
    crate::telemetry::start()?;
    let folder = Folder::of_config(config);
    let config = CentreConfig::read(config)?;
    runtime()?.block_on(crate::centre::serve(config, folder))?;
    Ok(Status::Done)
}
