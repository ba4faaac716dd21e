//! What `match` looks for: indicators of STIX files, values of lists.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use feeds::inbound::{Found, Inbound, InputFault, Named, Rule, Settings, rules};
use matching::{RuleSet, RuleSource, SAVED_MAGIC};
use model::time::Timestamp;

use super::{progress, warn};

/// Faults of one file that are said singly; the rest is counted.
const FAULTS_SAID: usize = 20;

/// Reads all of `files` and compiles what they say to look for; one of them may be what `compile` wrote.
pub(super) fn read(files: &[PathBuf]) -> Result<RuleSet> {
    let mut wanted = Wanted::default();
    let mut saved: Option<RuleSet> = None;
    for path in files {
        let set = one(path, &mut wanted).with_context(|| format!("cannot read `{}`", path.display()))?;
        if set.is_some() && saved.is_some() {
            bail!("`{}`: only one file of --indicators can be what `compile` wrote", path.display());
        }
        saved = saved.or(set);
    }
    let rules = match saved {
        None => RuleSet::compile(wanted.sources(), matching::Settings::default()),
        Some(set) if wanted.0.is_empty() => set,
        Some(set) => set.with_changes(wanted.sources(), &[]),
    };
    let mut unmatched: Vec<String> = rules.not_matched().iter().map(|(key, why)| format!("{key}: {why}")).collect();
    unmatched.sort();
    said(&unmatched);
    if rules.is_empty() {
        warn("there is nothing to look for in the files of --indicators");
    }
    Ok(rules)
}

/// What is in a file to look for: rules that were compiled before, else what `wanted` takes.
fn one(path: &Path, wanted: &mut Wanted) -> Result<Option<RuleSet>> {
    let mut file = File::open(path)?;
    let length = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|metadata| metadata.len());
    let mut head = Vec::new();
    (&mut file).take(SAVED_MAGIC.len() as u64).read_to_end(&mut head)?;
    let is_saved = head == SAVED_MAGIC;
    let file = Cursor::new(head).chain(file);
    if is_saved {
        return Ok(Some(RuleSet::read(
            BufReader::with_capacity(1 << 20, file),
            length.unwrap_or(0),
            matching::Settings::default(),
        )?));
    }
    let bar = progress::of_bytes(&path.display().to_string(), length);
    let settings = Settings::default();
    let inbound = Inbound::open(Box::new(bar.wrap_read(file)), &settings)?;
    let mut faults = Vec::new();
    for found in rules(inbound, &settings) {
        match found? {
            Found::Fault(fault) => faults.push(words(path, &fault)),
            Found::Rule(rule) => {
                if let Err(fault) = wanted.add(path, &rule) {
                    faults.push(fault);
                }
            }
        }
    }
    said(&faults);
    Ok(None)
}

/// What is wrong with an input, and where.
pub(super) fn words(path: &Path, fault: &InputFault) -> String {
    format!("{}: {}: {} ({})", path.display(), fault.place, fault.message, fault.code)
}

/// Says the first of many on stderr, and how many more there are.
pub(super) fn said(faults: &[String]) {
    for fault in faults.iter().take(FAULTS_SAID) {
        warn(fault);
    }
    if faults.len() > FAULTS_SAID {
        warn(format_args!("and {} more", faults.len() - FAULTS_SAID));
    }
}

/// What is looked for, by what a hit calls it: of several versions of an indicator the newest.
#[derive(Default)]
struct Wanted(HashMap<String, Version>);

struct Version {
    modified: Option<Timestamp>,
    /// None: revoked.
    source: Option<RuleSource>,
}

impl Wanted {
    fn add(&mut self, path: &Path, rule: &Rule) -> Result<(), String> {
        let name = match &rule.named {
            Named::Indicator(id) => id.to_string(),
            Named::Line(line) => format!("{}:{line}", path.display()),
        };
        if self.0.get(&name).is_some_and(|held| held.modified > rule.modified) {
            return Ok(());
        }
        let source = if rule.revoked {
            None
        } else {
            let pattern = model::pattern::parse(&rule.pattern).map_err(|fault| format!("{name}: {}", fault.message))?;
            let (valid_from, valid_until) = (rule.valid_from, rule.valid_until);
            Some(RuleSource { key: name.as_str().into(), pattern, valid_from, valid_until })
        };
        self.0.insert(name, Version { modified: rule.modified, source });
        Ok(())
    }

    fn sources(self) -> impl Iterator<Item = RuleSource> {
        self.0.into_values().filter_map(|version| version.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(modified: i64, pattern: &str, revoked: bool) -> Rule {
        Rule {
            named: Named::Indicator("indicator--94868c89-83c2-464b-929b-a1a8aa3c8487".parse().unwrap()),
            modified: Some(Timestamp::from_micros(modified)),
            pattern: pattern.to_owned(),
            valid_from: Some(Timestamp::from_micros(i64::MAX)),
            valid_until: None,
            revoked,
        }
    }

    #[test]
    fn the_newest_version_counts_whatever_the_order() {
        let path = Path::new("a.json");
        let (old, new) = (rule(1, "[domain-name:value = 'a.example']", false), rule(2, "[url:value = 'x']", false));
        for order in [[&old, &new], [&new, &old]] {
            let mut wanted = Wanted::default();
            order.into_iter().for_each(|rule| wanted.add(path, rule).unwrap());
            let sources: Vec<_> = wanted.sources().collect();
            assert_eq!(sources.len(), 1);
            assert_eq!(sources[0].pattern.to_string(), "[url:value = 'x']");
            assert_eq!(sources[0].valid_from, new.valid_from, "a set that is compiled says from when it counts");
        }
        let mut wanted = Wanted::default();
        wanted.add(path, &old).unwrap();
        wanted.add(path, &Rule { revoked: true, ..new }).unwrap();
        assert_eq!(wanted.sources().count(), 0, "revoked");
        assert!(Wanted::default().add(path, &Rule { pattern: "[".to_owned(), ..old }).is_err());
    }

    #[test]
    fn a_value_of_a_list_is_called_by_its_line() {
        let mut wanted = Wanted::default();
        let line = Rule { named: Named::Line(7), ..rule(0, "[ipv4-addr:value = '192.0.2.1']", false) };
        wanted.add(Path::new("bad.txt"), &line).unwrap();
        assert_eq!(&*wanted.sources().next().unwrap().key, "bad.txt:7");
    }
}
