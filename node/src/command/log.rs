//! `bridgewatch log`: the logs proved whole, or in clear.

use anyhow::{Context, Result};
use indexer::Store;

use super::arguments::{FolderArgument, LogArguments, LogCommand};
use super::org::answers;
use super::output::Lines;
use super::{Status, runtime, say};
use crate::client::Client;
use crate::folder::Folder;

pub(super) fn run(arguments: &LogArguments) -> Result<Status> {
    match &arguments.command {
        LogCommand::Verify(arguments) => verify(arguments),
        LogCommand::Dump(arguments) => dump(arguments),
    }
}

fn verify(arguments: &FolderArgument) -> Result<Status> {
    let folder = Folder::new(&arguments.dir);
    let found = Store::verify(&folder.data(), &folder.read_master_key()?)
        .with_context(|| format!("the logs in `{}` cannot be read; does the centre run?", folder.data().display()))?;
    let mut lines = Lines::new();
    for log in &found.logs {
        lines.json(log)?;
    }
    lines.finish()?;
    for log in &found.logs {
        if let Some(damage) = &log.damage {
            say("31", &format!("{}: after {} entries: {damage}", log.file, log.entries));
        }
    }
    Ok(if found.is_whole() { Status::Done } else { Status::Negative })
}

fn dump(arguments: &FolderArgument) -> Result<Status> {
    let folder = Folder::new(&arguments.dir);
    let mut lines = Lines::new();
    if answers(&folder.socket()) {
        runtime()?.block_on(dump_running(&folder, &mut lines))?;
    } else {
        let mut written = Ok(());
        Store::dump_folder(&folder.data(), &folder.read_master_key()?, |entry| {
            written = lines.json(&entry);
            written.is_ok()
        })
        .with_context(|| format!("the logs in `{}` cannot be read", folder.data().display()))?;
        written?;
    }
    lines.finish()?;
    Ok(Status::Done)
}

/// A running centre holds its folder: it prints its log itself, and records that it was asked.
async fn dump_running(folder: &Folder, lines: &mut Lines) -> Result<()> {
    let client = Client::local(&folder.socket())?;
    let mut answer = client.stream("/admin/v1/log", &[], "application/x-ndjson").await?;
    while let Some(chunk) =
        answer.chunk().await.context("the answer broke off: what was printed is not the whole log")?
    {
        lines.bytes(&chunk)?;
    }
    Ok(())
}
