//! The corpora, read in place; each test says `skipped: no corpora` where there are none.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

/// The corpora, or none: the test is then skipped.
pub(crate) fn corpora() -> Option<PathBuf> {
    let place = std::env::var_os("BRIDGEWATCH_CORPORA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpora"), PathBuf::from);
    if !place.join("README.md").exists() {
        println!("skipped: no corpora");
        return None;
    }
    Some(place)
}

/// One file of the corpora, or none.
pub(crate) fn file(name: &str) -> Option<PathBuf> {
    corpora().map(|root| root.join(name))
}

/// Every JSON file below `folder` as one value, unpacked, JSON lines as a list; by its name relative to `root`. What is no
/// JSON (some files are broken on purpose) is left out.
pub(crate) fn documents(root: &Path, folder: &str) -> Vec<(String, Value)> {
    let mut files = Vec::new();
    walk(&root.join(folder), &mut files);
    files.sort();
    let mut found = Vec::new();
    for file in files {
        let name = file.strip_prefix(root).unwrap().to_string_lossy().into_owned();
        if let Some(value) = document(&file) {
            found.push((name, value));
        }
    }
    found
}

/// One file as a value; none if it is no JSON.
pub(crate) fn document(file: &Path) -> Option<Value> {
    let mut text = std::fs::read(file).unwrap();
    let mut name = file.to_string_lossy().into_owned();
    if let Some(bare) = name.strip_suffix(".xz") {
        let mut plain = Vec::new();
        liblzma::read::XzDecoder::new(text.as_slice()).read_to_end(&mut plain).unwrap();
        (text, name) = (plain, bare.to_owned());
    }
    if name.ends_with(".jsonl") {
        let lines: Result<Vec<Value>, _> =
            text.split(|b| *b == b'\n').filter(|line| !line.is_empty()).map(serde_json::from_slice).collect();
        return lines.ok().map(Value::Array);
    }
    name.ends_with(".json").then(|| serde_json::from_slice(&text).ok()).flatten()
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, files) } else { files.push(path) }
    }
}

/// Every JSON object inside `value`, itself first.
pub(crate) fn objects<'a>(value: &'a Value, into: &mut Vec<&'a Map<String, Value>>) {
    match value {
        Value::Object(members) => {
            into.push(members);
            members.values().for_each(|member| objects(member, into));
        }
        Value::Array(items) => items.iter().for_each(|item| objects(item, into)),
        _ => {}
    }
}
