//! The command line: what each command does and how it ends. A contract: tests and other tools rely on it.

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use anyhow::Result;

mod arguments;
mod centre;
mod check;
mod collect;
mod compile;
mod completions;
mod decode;
pub(crate) mod import;
mod indicators;
pub(crate) mod init;
mod log;
mod matches;
pub(crate) mod org;
pub(crate) mod output;
mod pattern;
mod progress;
mod search;
mod serve;
mod validate;
mod windows;

pub(crate) use arguments::Arguments;
use arguments::Command;
pub(crate) use arguments::DemoArguments;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// Done; `match`: something matched; `validate`: no fault.
    Done,
    /// Nothing matched, not valid, or faults found.
    Negative,
    /// Bad usage or unreadable input.
    Unusable,
}

impl Status {
    /// The worse of two.
    fn or(self, other: Self) -> Self {
        if (self as u8) < (other as u8) { other } else { self }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status as u8)
    }
}

/// Carries a command out.
pub(crate) fn run(arguments: Arguments) -> Result<Status> {
    match arguments.command {
        Command::Init(arguments) => init::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Org(arguments) => org::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments.config),
        Command::Collect(arguments) => collect::run(&arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::Search(arguments) => search::run(&arguments),
        Command::Decode(arguments) => decode::run(&arguments),
        Command::Match(arguments) => matches::run(&arguments),
        Command::Compile(arguments) => compile::run(&arguments),
        Command::Validate(arguments) => validate::run(&arguments),
        Command::Pattern(arguments) => pattern::run(&arguments),
        Command::Log(arguments) => log::run(&arguments),
        Command::Demo(arguments) => runtime()?.block_on(crate::demo::play(&arguments)),
        Command::Completions(arguments) => completions::run(&arguments),
    }
}

/// Did a command end only because the reader of its output went away (`| head`)?
pub(crate) fn reader_is_gone(error: &anyhow::Error) -> bool {
    error.is::<output::Gone>()
}

/// Says on stderr what went wrong, with the chain of causes; in colour only on a terminal.
pub(crate) fn complain(error: &anyhow::Error) {
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    say("31", &causes.join(": "));
}

/// Says on stderr what the reader should know, though the command goes on.
fn warn(words: impl Display) {
    say("33", &words.to_string());
}

/// One line of words on stderr. Control characters of outside texts (a file's name, a value) are shown, not sent.
pub(crate) fn say(colour: &str, words: &str) {
    let (on, off) =
        if std::io::stderr().is_terminal() { (format!("\x1b[{colour}m"), "\x1b[0m") } else { (String::new(), "") };
    let _ = writeln!(std::io::stderr(), "{on}bridgewatch:{off} {}", shown(words));
}

/// A text in which control characters stand as escapes, so that a terminal does nothing for them.
fn shown(words: &str) -> String {
    words.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() }).collect()
}

/// A runtime for the commands that talk to a centre.
fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worse_of_two_counts() {
        assert_eq!(Status::Done.or(Status::Negative), Status::Negative);
        assert_eq!(Status::Unusable.or(Status::Negative), Status::Unusable);
        assert_eq!(Status::Done.or(Status::Done), Status::Done);
    }

    #[test]
    fn a_terminal_does_nothing_for_outside_text() {
        assert_eq!(shown("a\x1b[31mb\n"), "a\\u{1b}[31mb\\n");
        assert_eq!(shown("é"), "é");
    }
}
