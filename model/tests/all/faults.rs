//! `docs/faults.md` lists every code that validation can give, and no other of its own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The text in quotes at the beginning of `rest`, if it is a code.
fn code(rest: &str) -> Option<&str> {
    let code = rest.trim_start().strip_prefix('"')?.split_once('"')?.0;
    let kebab = !code.is_empty() && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    kebab.then_some(code)
}

#[test]
fn every_code_is_documented() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let documented = std::fs::read_to_string(root.join("../docs/faults.md")).unwrap();
    let documented: BTreeSet<&str> =
        documented.lines().filter_map(|line| Some(line.strip_prefix("| `")?.split_once('`')?.0)).collect();
    let mut files = Vec::new();
    sources(&root.join("src/stix"), &mut files);
    let texts: Vec<String> = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    let mut given = BTreeSet::new();
    for text in &texts {
        for maker in ["error(", "warning(", "form(", "advised("] {
            given.extend(text.split(maker).skip(1).filter_map(code));
        }
    }
    assert!(given.len() > 40, "the sources are read: {given:?}");
    let missing: Vec<_> = given.difference(&documented).collect();
    assert!(missing.is_empty(), "not in docs/faults.md: {missing:?}");
    for neighbour in ["../sharing/src", "../feeds/src", "../node/src"] {
        sources(&root.join(neighbour), &mut files);
    }
    let all: String = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    let stale: Vec<_> = documented.iter().filter(|code| !all.contains(&format!("\"{code}\""))).collect();
    assert!(stale.is_empty(), "in docs/faults.md, but nobody gives it: {stale:?}");
}
