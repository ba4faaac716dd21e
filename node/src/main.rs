//! The program: command line, configuration, wiring, supervision.

use std::process::ExitCode;

use clap::Parser;

mod centre;
mod certificate;
mod client;
mod clock;
mod command;
mod config;
mod demo;
mod folder;
mod sensor;
mod shutdown;
mod telemetry;

/// Gives memory back to the system once a load is over, which the system's own allocator does not.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let arguments = command::Arguments::parse();
    match command::run(arguments) {
        Ok(status) => status.into(),
        Err(error) if command::reader_is_gone(&error) => command::Status::Done.into(),
        Err(error) => {
            command::complain(&error);
            command::Status::Unusable.into()
        }
    }
}
