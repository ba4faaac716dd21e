//! The command line: what each command is called and takes. A contract: tests and other tools rely on it.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

mod check;
mod completions;
mod decode;
mod init;
mod matches;
mod output;
mod pattern;
mod validate;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Done; `match`: something matched; `validate`: no fault.
    Done,
    /// Nothing matched, not valid, or faults found.
    Negative,
    /// Bad usage or unreadable input.
    Unusable,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        match status {
            Status::Done => Self::from(0),
            Status::Negative => Self::from(1),
            Status::Unusable => Self::from(2),
        }
    }
}

/// See and stop a threat together: the platform between two national cyber operation centres.
#[derive(Debug, Parser)]
#[command(name = "bridgewatch", version, propagate_version = true, max_term_width = 100)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// A new centre: configuration, keys, certificate authorities and the starter agreement.
    #[command(after_help = "Example:\n  bridgewatch init --centre ca --dir /var/lib/bridgewatch")]
    Init(InitArguments),
    /// Is a configuration good, with its agreements and keys? Changes nothing.
    Check(ConfigArgument),
    /// The observations in captures and logs, one JSON line each (ECS).
    #[command(after_help = "Example:\n  bridgewatch decode capture.pcapng eve.json.xz | jq -r .dns.question.name\n\
        \nINPUT is pcap, pcapng or Suricata EVE, plain or compressed, told apart by content; - is stdin.")]
    Decode(DecodeArguments),
    /// Which observations in captures and logs match indicators, one JSON line a hit.
    #[command(after_help = "Example:\n  bridgewatch match --indicators bundle.json --indicators bad-domains.txt capture.pcap\n\
        \nExit status: 0 something matched, 1 nothing matched, 2 bad usage or unreadable input.")]
    Match(MatchArguments),
    /// STIX 2.1 conformance (common properties and indicators for now), one JSON line a fault.
    #[command(after_help = "Example:\n  bridgewatch validate --strict bundle.json\n\
        \nExit status: 0 no fault, 1 faults found, 2 unreadable input. SHOULDs count with --strict.")]
    Validate(ValidateArguments),
    /// Is a STIX pattern valid, and if not, where is it wrong?
    #[command(after_help = "Example:\n  bridgewatch pattern \"[domain-name:value = 'evil.example']\"")]
    Pattern(PatternArguments),
    /// Completions for a shell, to be sourced or installed.
    #[command(after_help = "Example:\n  bridgewatch completions bash > /etc/bash_completion.d/bridgewatch")]
    Completions(CompletionsArguments),
}

#[derive(Debug, Args)]
pub struct InitArguments {
    /// Short code of the centre, also the origin of its statements.
    #[arg(long, value_name = "CODE")]
    centre: String,
    /// Folder to make; must not hold a centre yet.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Full name, for people.
    #[arg(long)]
    name: Option<String>,
    /// ISO 3166-1 alpha-3, as markings write it; for `us` and `ca` it is known.
    #[arg(long, value_name = "CODE")]
    country: Option<String>,
    /// Host names or addresses by which others reach this centre; in its certificates.
    #[arg(long, value_name = "HOST")]
    host: Vec<String>,
    /// First of five successive ports to listen on (machines, people, link, sensors, metrics).
    #[arg(long, default_value_t = 7440, value_name = "PORT")]
    port: u16,
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    listen: std::net::IpAddr,
}

#[derive(Debug, Args)]
pub struct ConfigArgument {
    /// The configuration, `bridgewatch.toml`.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

#[derive(Debug, Args)]
pub struct DecodeArguments {
    /// Captures and logs; - is stdin.
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub struct MatchArguments {
    /// STIX bundles, CSV or plain lists; may be given several times.
    #[arg(long, required = true, value_name = "FILE")]
    indicators: Vec<PathBuf>,
    /// Print only the counts: observations, matched, hits.
    #[arg(long)]
    count: bool,
    /// Captures and logs; - is stdin.
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub struct ValidateArguments {
    /// What the standard only recommends counts as a fault too.
    #[arg(long)]
    strict: bool,
    /// STIX bundles, arrays or objects; - is stdin.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub struct PatternArguments {
    /// The pattern.
    #[arg(value_name = "PATTERN")]
    pattern: String,
    /// One JSON object instead of words.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct CompletionsArguments {
    /// The shell.
    shell: clap_complete::Shell,
}

/// Carries a command out.
pub fn run(arguments: Arguments) -> Result<Status> {
    match arguments.command {
        Command::Init(arguments) => init::run(&arguments),
        Command::Check(arguments) => check::run(&arguments.config),
        Command::Decode(arguments) => decode::run(&arguments),
        Command::Match(arguments) => matches::run(&arguments),
        Command::Validate(arguments) => validate::run(&arguments),
        Command::Pattern(arguments) => pattern::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
    }
}

/// Says on stderr what went wrong, with the chain of causes; in colour only on a terminal.
pub fn complain(error: &anyhow::Error) {
    let (red, plain) = if std::io::stderr().is_terminal() { ("\x1b[31m", "\x1b[0m") } else { ("", "") };
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    let _ = writeln!(std::io::stderr(), "{red}bridgewatch:{plain} {}", causes.join(": "));
}
