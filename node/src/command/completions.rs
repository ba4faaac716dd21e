//! `bridgewatch completions`.

use anyhow::Result;
use clap::CommandFactory;

use super::Status;
use super::arguments::{Arguments, CompletionsArguments};

pub(crate) fn run(arguments: &CompletionsArguments) -> Result<Status> {
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "bridgewatch", &mut std::io::stdout());
    Ok(Status::Done)
}
