//! The house rules as code: crate edges, length of files and functions, names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use tests::place::project;

/// Which crates of the house each may name. Floors of `docs`' house from the ground up: nobody looks upwards, and those
/// of floor 2 do not see each other.
const EDGES: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("matching", &["model"]),
    ("sharing", &["model"]),
    ("collector", &["model", "matching"]),
    ("indexer", &["model", "sharing"]),
    ("feeds", &["model", "sharing"]),
    ("dashboards", &[]),
    ("api", &["model", "sharing", "indexer", "dashboards"]),
    ("node", &["model", "matching", "sharing", "collector", "indexer", "feeds", "api", "dashboards"]),
];

/// Libraries that one crate alone may name (its reason for being).
const KEEPERS: &[(&str, &[&str])] = &[
    ("redb", &["indexer"]),
    ("tantivy", &["indexer"]),
    ("warp", &["api"]),
    ("hyper-util", &["api"]),
    ("pnet_packet", &["collector", "node"]), // node: the demo's traffic generator
    ("clap", &["node"]),
    ("anyhow", &["node", "tests"]),
];

const FILE_LINES_MAX: usize = 500;
const ATTICS: &[&str] = &["util", "utils", "common", "helpers", "helper", "misc", "core", "types"];

fn dependencies(manifest: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(manifest).unwrap();
    let mut section = String::new();
    let mut found = BTreeSet::new();
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with('[') {
            section = line.trim_matches(['[', ']']).to_owned();
        } else if section == "dependencies"
            && let Some(name) = line.split(['.', '=', ' ']).next()
            && !name.is_empty()
            && !name.starts_with('#')
        {
            found.insert(name.to_owned());
        }
    }
    found
}

fn rust_files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !matches!(name.as_str(), "target" | "node_modules" | "dist" | ".git") {
                rust_files(&path, into);
            }
        } else if name.ends_with(".rs") {
            into.push(path);
        }
    }
}

#[test]
fn crates_look_down_only() {
    let houses: BTreeMap<_, _> = EDGES.iter().copied().collect();
    for (name, allowed) in &houses {
        for dependency in dependencies(&project().join(name).join("Cargo.toml")) {
            if houses.contains_key(dependency.as_str()) {
                assert!(allowed.contains(&dependency.as_str()), "`{name}` may not name `{dependency}`");
            }
            if let Some((_, keepers)) = KEEPERS.iter().find(|(library, _)| *library == dependency) {
                assert!(keepers.contains(name), "`{dependency}` belongs to {keepers:?}, not to `{name}`");
            }
        }
    }
}

#[test]
fn files_are_short_and_named() {
    let mut files = Vec::new();
    rust_files(&project(), &mut files);
    assert!(files.len() > 50, "the tidy test sees only {} files", files.len());
    let mut faults = Vec::new();
    for file in files {
        let lines = std::fs::read_to_string(&file).unwrap().lines().count();
        if lines > FILE_LINES_MAX {
            faults.push(format!("{}: {lines} lines, {FILE_LINES_MAX} at the most", file.display()));
        }
        let stem = file.file_stem().unwrap().to_string_lossy().into_owned();
        let folder = file.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
        if ATTICS.contains(&stem.as_str()) || ATTICS.contains(&folder.as_str()) {
            faults.push(format!("{}: an attic's name; name it after what it is", file.display()));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_crate_takes_the_lint_table() {
    for (name, _) in EDGES.iter().chain(&[("tests", &[] as &[&str])]) {
        let text = std::fs::read_to_string(project().join(name).join("Cargo.toml")).unwrap();
        assert!(text.contains("[lints]\nworkspace = true"), "`{name}` does not take the workspace's lints");
    }
}

/// Documentation of public items, length of functions and what may panic are the compiler's to check: these lines make it.
#[test]
fn the_lint_table_says_what_the_house_rules_say() {
    let read = |name: &str| std::fs::read_to_string(project().join(name)).unwrap();
    let manifest = read("Cargo.toml");
    for rule in [
        "unsafe_code = \"forbid\"",
        "missing_docs = \"warn\"", // clippy runs with warnings denied
        "too_many_lines = \"deny\"",
        "unwrap_used = \"deny\"",
        "expect_used = \"deny\"",
        "panic = \"deny\"",
        "indexing_slicing = \"deny\"",
    ] {
        assert!(manifest.contains(rule), "the lint table lacks `{rule}`");
    }
    assert!(read("clippy.toml").contains("too-many-lines-threshold = 70"), "functions have at most 70 lines");
    assert!(read("Makefile").contains("-D warnings"), "clippy runs with warnings denied");
}

/// A golden file that nobody reads, or that is not there, protects nothing.
#[test]
fn every_golden_file_is_there_and_read() {
    let mut files = Vec::new();
    rust_files(&project(), &mut files);
    let sources: Vec<(PathBuf, String)> =
        files.into_iter().map(|file| (file.clone(), std::fs::read_to_string(file).unwrap())).collect();
    let mut found = 0;
    for (name, _) in EDGES {
        let folder = project().join(name);
        let own = || sources.iter().filter(|(file, _)| file.starts_with(&folder));
        let Ok(golden) = std::fs::read_dir(folder.join("golden")) else {
            let named = own().any(|(_, text)| text.contains("/golden/"));
            assert!(!named, "`{name}` reads golden files, but has none");
            continue;
        };
        for entry in golden {
            let file = entry.unwrap().file_name().to_string_lossy().into_owned();
            assert!(
                own().any(|(_, text)| text.contains(&format!("golden/{file}"))),
                "nobody reads `{name}/golden/{file}`"
            );
            found += 1;
        }
    }
    assert!(found > 3, "the tidy test sees only {found} golden files");
}

/// Every fuzz target is listed, and every listed one is there.
#[test]
fn every_fuzz_target_is_listed() {
    let folder = project().join("tests/fuzz");
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    let listed: BTreeSet<String> = manifest
        .lines()
        .filter_map(|line| line.strip_prefix("path = \"fuzz_targets/")?.strip_suffix(".rs\"").map(str::to_owned))
        .collect();
    let targets = std::fs::read_dir(folder.join("fuzz_targets")).unwrap().map(|entry| entry.unwrap().path());
    let there: BTreeSet<String> = targets
        .filter(|path| std::fs::read_to_string(path).unwrap().contains("fuzz_target!("))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(listed, there);
    assert!(there.len() >= 14, "only {} fuzz targets", there.len());
}
