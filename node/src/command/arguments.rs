//! What each command is called and takes.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// See and stop a threat together: the platform between two national cyber operation centres.
#[derive(Debug, Parser)]
#[command(name = "bridgewatch", version, propagate_version = true, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// A new centre: configuration, keys, certificate authorities and the starter agreement.
    #[command(after_help = "Example:\n  bridgewatch init --centre ca --dir /var/lib/bridgewatch")]
    Init(InitArguments),
    /// Is a configuration good, with its agreements, keys and certificates? Changes nothing.
    #[command(after_help = "Example:\n  bridgewatch check --config /var/lib/bridgewatch/bridgewatch.toml\n\
        \nSays everything that is wrong. Exit status: 0 good, 1 faults found, 2 unreadable.")]
    Check(CheckArguments),
    /// Organisations, people and machines of a centre, and their credentials.
    Org(OrgArguments),
    /// Serves one centre, until SIGINT or SIGTERM.
    #[command(after_help = "Example:\n  bridgewatch serve --config /var/lib/bridgewatch/bridgewatch.toml\n\
        \nLogs JSON lines to stderr; BRIDGEWATCH_LOG says what, for instance `debug`.")]
    Serve(ServeArguments),
    /// Runs one sensor, until its inputs end and its centre has everything, or until SIGINT or SIGTERM.
    #[command(after_help = "Example:\n  bridgewatch collect --config sensor-1/sensor.toml\n\
        \nLogs JSON lines to stderr; BRIDGEWATCH_LOG says what, for instance `debug`.")]
    Collect(CollectArguments),
    /// Publishes STIX bundles, CSV or plain lists at a running centre.
    #[command(after_help = "Examples:\n  bridgewatch import enterprise-attack.json --dir DIR --source mitre-attack \
        --marking tlp:clear\n  bridgewatch import bad-domains.txt --url https://localhost:7440 \
        --authority tls/authority.pem --token-file alice.token\n\
        \nExit status: 0 everything is held, 1 something was quarantined or refused, 2 bad usage, unreadable input or no answer.")]
    Import(ImportArguments),
    /// Looks for objects, hits and sightings at a running centre, newest first.
    #[command(
        after_help = "Examples:\n  bridgewatch search 'type:indicator evil.example' --url https://localhost:7440 \
        --authority tls/authority.pem --token-file alice.token\n  bridgewatch search evil.example --dir DIR --json\n\
        \nExit status: 0 something found, 1 nothing found, 2 bad usage or no answer."
    )]
    Search(SearchArguments),
    /// The observations in captures and logs, one JSON line each (ECS).
    #[command(after_help = "Example:\n  bridgewatch decode capture.pcapng eve.json.xz | jq -r .dns.question.name\n\
        \nINPUT is pcap, pcapng or Suricata EVE, plain or compressed, told apart by content; - is stdin.\n\
        Exit status: 0 done, 2 an input cannot be read.")]
    Decode(DecodeArguments),
    /// Which observations in captures and logs match indicators, one JSON line a hit.
    #[command(
        after_help = "Example:\n  bridgewatch match --indicators bundle.json --indicators bad-domains.txt capture.pcap\n\
        \nExit status: 0 something matched, 1 nothing matched, 2 bad usage or unreadable input.\n\
        valid_from is not asked: an old capture is held against what is known today. valid_until is, and what is\n\
        revoked is left out."
    )]
    Match(MatchArguments),
    /// Offline: compile indicators once, for `match` to use again and again.
    #[command(after_help = "Examples:\n  bridgewatch compile --indicators bad.csv feed.json --output bad.rules\n  \
        bridgewatch match --indicators bad.rules --count eve.json\n\
        \nWhat is saved is checked when it is read. Another version of the program asks to compile anew.")]
    Compile(CompileArguments),
    /// STIX 2.1 conformance (common properties and indicators for now), one JSON line a fault.
    #[command(after_help = "Example:\n  bridgewatch validate --strict bundle.json\n\
        \nExit status: 0 no fault, 1 faults found, 2 unreadable input. SHOULDs count with --strict.")]
    Validate(ValidateArguments),
    /// Is a STIX pattern valid, and if not, where is it wrong? Does it mean the same as another, does it match, at what cost?
    #[command(after_help = "Examples:\n  bridgewatch pattern \"[domain-name:value = 'evil.example']\"\n  \
        bridgewatch pattern --same-as \"[a:b = 2] OR [a:b = 1]\" \"[a:b IN (1, 2)]\"\n  \
        bridgewatch pattern --observed seen.json \"[domain-name:value LIKE '%.example'] REPEATS 5 TIMES\"\n  \
        bridgewatch pattern --explain \"[ipv4-addr:value ISSUBSET '198.51.100.0/24']\"\n\
        \nExit status: 0 yes, 1 no: not valid, not the same, no match, not matched here; 2 unreadable input.")]
    Pattern(PatternArguments),
    /// The log of a centre: proved whole, or printed in clear.
    Log(LogArguments),
    /// Two centres on this machine, joined by mutual TLS, a sensor, and analysts who publish: each a process of its own.
    #[command(
        after_help = "Examples:\n  bridgewatch demo\n  bridgewatch demo --seconds 30 --json | jq .border_latency_ms\n\
        \nCtrl-C ends it. Without --dir everything lies in a new folder below the system's temporary one, and stays there."
    )]
    Demo(DemoArguments),
    /// Completions for a shell, to be sourced or installed.
    #[command(after_help = "Example:\n  bridgewatch completions bash > /etc/bash_completion.d/bridgewatch")]
    Completions(CompletionsArguments),
}

#[derive(Debug, Args)]
pub(crate) struct InitArguments {
    /// Short code of the centre, also the origin of its statements.
    #[arg(long, value_name = "CODE")]
    pub(super) centre: String,
    /// Folder to make; must not hold a centre yet.
    #[arg(long, value_name = "DIR")]
    pub(super) dir: PathBuf,
    /// Full name, for people.
    #[arg(long)]
    pub(super) name: Option<String>,
    /// ISO 3166-1 alpha-3, as markings write it; for `us` and `ca` it is known.
    #[arg(long, value_name = "CODE")]
    pub(super) country: Option<String>,
    /// Host names or addresses by which others reach this centre; in its certificates.
    #[arg(long, value_name = "HOST")]
    pub(super) host: Vec<String>,
    /// First of five successive ports to listen on (machines, people, link, sensors, metrics).
    #[arg(long, default_value_t = 7440, value_name = "PORT")]
    pub(super) port: u16,
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    pub(super) listen: std::net::IpAddr,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// The configuration, `bridgewatch.toml`.
    #[arg(long, value_name = "FILE")]
    pub(super) config: PathBuf,
    /// One JSON line a fault on stdout instead of words.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct OrgArguments {
    #[command(subcommand)]
    pub(super) command: OrgCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum OrgCommand {
    /// Enrols someone, or changes who they are; makes a token or a certificate for them.
    #[command(
        after_help = "Examples:\n  bridgewatch org add --dir DIR --name alice --role publisher --role officer --token\n  \
        bridgewatch org add --dir DIR --name sensor-1 --role sensor --site ottawa --certificate --out sensor-1\n\
        \nThe token is shown this once and kept nowhere: the centre knows its SHA-256."
    )]
    Add(OrgAddArguments),
    /// Everyone enrolled, one a line.
    #[command(after_help = "Example:\n  bridgewatch org list --dir DIR --json | jq -r .name")]
    List(OrgListArguments),
    /// Admits someone no more; their open streams end within a second.
    #[command(after_help = "Example:\n  bridgewatch org revoke --dir DIR --name alice")]
    Revoke(OrgRevokeArguments),
}

#[derive(Debug, Args)]
pub(crate) struct OrgAddArguments {
    /// Folder of the centre.
    #[arg(long, value_name = "DIR")]
    pub(super) dir: PathBuf,
    /// Name, without or with the centre: `alice`, `alice@ca`.
    #[arg(long)]
    pub(super) name: String,
    /// The organisation; the centre itself if not said.
    #[arg(long)]
    pub(super) organisation: Option<String>,
    /// The country it answers to, ISO 3166-1 alpha-3; the centre's if not said.
    #[arg(long, value_name = "CODE")]
    pub(super) country: Option<String>,
    /// What it may do; may be given several times.
    #[arg(long, required = true, value_name = "ROLE",
        value_parser = ["analyst", "publisher", "officer", "sensor", "peer", "operator", "partner"])]
    pub(super) role: Vec<String>,
    /// Where a sensor stands.
    #[arg(long)]
    pub(super) site: Option<String>,
    /// Make a bearer token and print it.
    #[arg(long)]
    pub(super) token: bool,
    /// Make a key and a certificate, signed by the authority of the role's listener, into --out.
    #[arg(long, requires = "out", conflicts_with = "trust")]
    pub(super) certificate: bool,
    /// Folder for NAME.pem and NAME.key.
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Know it by this certificate (PEM) that it has already, for instance the partner centre's link certificate.
    #[arg(long, value_name = "FILE")]
    pub(super) trust: Option<PathBuf>,
    /// One JSON object on stdout instead of words.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct OrgListArguments {
    /// Folder of the centre.
    #[arg(long, value_name = "DIR")]
    pub(super) dir: PathBuf,
    /// One JSON object a line.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct OrgRevokeArguments {
    /// Folder of the centre.
    #[arg(long, value_name = "DIR")]
    pub(super) dir: PathBuf,
    /// Name, without or with the centre.
    #[arg(long)]
    pub(super) name: String,
}

/// Which centre a command talks to, and as whom.
#[derive(Debug, Args)]
pub(crate) struct CentreArguments {
    /// Machines listener of a running centre, `https://host:port`.
    #[arg(long, value_name = "URL", conflicts_with = "dir", required_unless_present = "dir")]
    pub(super) url: Option<String>,
    /// File that holds the bearer token for --url.
    #[arg(long, value_name = "FILE", requires = "url")]
    pub(super) token_file: Option<PathBuf>,
    /// Environment variable that holds the bearer token for --url.
    #[arg(
        long,
        value_name = "NAME",
        requires = "url",
        default_value = "BRIDGEWATCH_TOKEN",
        conflicts_with = "token_file"
    )]
    pub(super) token_env: String,
    /// Authority that signed the centre's certificate (PEM); without it, whom this machine trusts.
    #[arg(long, value_name = "FILE", requires = "url")]
    pub(super) authority: Option<PathBuf>,
    /// Folder of a centre that runs on this machine, talked to over its local socket.
    #[arg(long, value_name = "DIR")]
    pub(super) dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    /// The configuration, `bridgewatch.toml`.
    #[arg(long, value_name = "FILE")]
    pub(super) config: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct CollectArguments {
    /// The configuration, `sensor.toml`.
    #[arg(long, value_name = "FILE")]
    pub(super) config: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// STIX bundles, CSV or plain lists.
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) centre: CentreArguments,
    /// Where it is from; ids of what is made from lists derive from it.
    #[arg(long, value_name = "NAME")]
    pub(super) source: Option<String>,
    /// Marking of what has none of its own; without it, that stays unmarked.
    #[arg(long, value_name = "MARKING",
        value_parser = ["tlp:clear", "tlp:green", "tlp:amber", "tlp:amber+strict"])]
    pub(super) marking: Option<String>,
    /// One JSON object on stdout instead of words.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LogArguments {
    #[command(subcommand)]
    pub(super) command: LogCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum LogCommand {
    /// Proves that nothing in the logs is missing or changed. The centre must not run.
    #[command(after_help = "Example:\n  bridgewatch log verify --dir DIR\n\
        \nExit status: 0 whole, 1 not, 2 cannot be read.")]
    Verify(FolderArgument),
    /// Prints every entry in clear, one JSON line each, for those who hold the keys. A running centre records that it was asked.
    #[command(after_help = "Example:\n  bridgewatch log dump --dir DIR | jq -r .kind | sort | uniq -c")]
    Dump(FolderArgument),
}

#[derive(Debug, Args)]
pub(crate) struct FolderArgument {
    /// Folder of the centre.
    #[arg(long, value_name = "DIR")]
    pub(super) dir: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// End after this long, seconds; without it, at Ctrl-C.
    #[arg(long, value_name = "N")]
    pub(crate) seconds: Option<u64>,
    /// Say nothing but one last line of JSON on stdout: what was counted and how long it took.
    #[arg(long)]
    pub(crate) json: bool,
    /// Folder for everything; new or empty.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// What the sensor hears instead of the demo's own traffic; may be given several times.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) capture: Vec<PathBuf>,
    /// Indicators that `us` imports at the start; may be given several times.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) indicators: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct SearchArguments {
    /// Words, and `field:value` terms such as `type:indicator`.
    #[arg(value_name = "QUERY")]
    pub(super) query: String,
    #[command(flatten)]
    pub(super) centre: CentreArguments,
    /// Most rows.
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub(super) limit: usize,
    /// One JSON line a row instead of columns.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DecodeArguments {
    /// Captures and logs; - is stdin.
    #[arg(required = true, value_name = "INPUT")]
    pub(super) inputs: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct CompileArguments {
    /// STIX bundles, CSV or plain lists; one may be what was compiled before.
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub(super) indicators: Vec<PathBuf>,
    /// Where to write what was compiled.
    #[arg(long, value_name = "FILE")]
    pub(super) output: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct MatchArguments {
    /// STIX bundles, CSV, plain lists, and one that `compile` wrote; may be given several times.
    #[arg(long, required = true, value_name = "FILE")]
    pub(super) indicators: Vec<PathBuf>,
    /// Print only the counts, one JSON object: observations, matched, hits.
    #[arg(long)]
    pub(super) count: bool,
    /// Say of hits of more than one value which comparisons of their pattern were satisfied, by which field: `reasons`.
    #[arg(long, conflicts_with = "count")]
    pub(super) explain: bool,
    /// Captures and logs; - is stdin.
    #[arg(required = true, value_name = "INPUT")]
    pub(super) inputs: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ValidateArguments {
    /// What the standard only recommends counts as a fault too.
    #[arg(long)]
    pub(super) strict: bool,
    /// STIX bundles, arrays or objects; - is stdin.
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct PatternArguments {
    /// The pattern.
    #[arg(value_name = "PATTERN")]
    pub(super) pattern: String,
    /// Also tell whether another pattern means the same.
    #[arg(long, value_name = "PATTERN")]
    pub(super) same_as: Option<String>,
    /// Also tell whether it matches the observed data in a file (a STIX bundle, a list, or one object; `-`: standard input).
    #[arg(long, value_name = "FILE")]
    pub(super) observed: Option<PathBuf>,
    /// Also tell how sensors look for it and what that costs under the default bounds, or why they cannot.
    #[arg(long)]
    pub(super) explain: bool,
    /// One JSON object instead of words.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArguments {
    /// The shell.
    pub(super) shell: clap_complete::Shell,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        Arguments::command().debug_assert();
    }

    fn help(command: &mut clap::Command, path: &str, all: &mut String) {
        all.push_str(&format!("$ {path} --help\n{}\n", command.render_long_help()));
        let names: Vec<String> = command.get_subcommands().map(|inner| inner.get_name().to_owned()).collect();
        for name in names.iter().filter(|name| *name != "help") {
            if let Some(inner) = command.find_subcommand_mut(name) {
                help(inner, &format!("{path} {name}"), all);
            }
        }
    }

    /// The command line is a contract: a change of it shows as a change of this file.
    #[test]
    fn the_help_is_the_golden_one() {
        let mut command = Arguments::command().term_width(100).disable_help_subcommand(true);
        command.build();
        let mut all = String::new();
        help(&mut command, "bridgewatch", &mut all);
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/help.txt");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(path, &all).unwrap();
        }
        assert_eq!(all, std::fs::read_to_string(path).unwrap(), "review, then run again with UPDATE_GOLDEN=1");
    }
}
