//! Validation against recorded answers and against real content.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use model::fault::{Fault, Severity};
use model::json::{Limits, split_objects};
use model::stix::{InPieces, faults_of_text};
use serde_json::Value;

use crate::corpora;

fn limits() -> Limits {
    Limits { body_bytes: 1 << 30, ..Limits::default() }
}

fn faults(text: &[u8]) -> Vec<Fault> {
    let mut found = Vec::new();
    let whole: Result<(), ()> = faults_of_text(text, &limits(), |fault| {
        found.push(fault.to_fault());
        Ok(())
    });
    whole.unwrap();
    found
}

/// The single checks of the reference, by the faults that are ours.
fn is_of(check: &str, fault: &Fault) -> bool {
    let (code, message) = (fault.code.as_ref(), fault.message.as_str());
    let word = |vocabulary: &str| code == "vocabulary-value" && message.contains(vocabulary);
    match check {
        "extensions-use" => matches!(code, "custom-property" | "custom-object" | "custom-extension" | "custom-marking"),
        "custom-prefix" => code == "custom-name",
        "custom-prefix-lax" => code == "custom-prefix",
        "hash-algo" => word("hash-algorithm-ov"),
        "hash-length" => code == "hash-form",
        "malware-types" => word("malware-type-ov"),
        "indicator-properties" | "extension-description" | "extension-properties" => code == "property-advised",
        "network-traffic-ports" => code == "property-advised" && fault.pointer.ends_with("_port"),
        "extref-hashes" => code == "property-advised" && fault.pointer.ends_with("/hashes"),
        "attack-motivation" => word("attack-motivation-ov"),
        "attack-resource-level" => word("attack-resource-level-ov"),
        "uuid-check" => code == "id-version",
        "industry-sector" => word("industry-sector-ov"),
        "indicator-pattern-types" => word("pattern-type-ov"),
        "countries" => code == "country-code",
        "region" => word("region-ov"),
        "marking-definition-type" => code == "custom-marking",
        "http-request-headers" => code == "http-header",
        "ipfix" => code == "ipfix-element",
        "mime-type" => code == "mime-type",
        "pdf-doc-info" => code == "pdf-information",
        "account-type" => word("account-type-ov"),
        "relationship-types" => code == "relationship-suggested",
        "threat-actor-role" => word("threat-actor-role-ov"),
        "threat-actor-sophistication" => word("threat-actor-sophistication-ov"),
        "tool-types" => word("tool-type-ov"),
        "kill-chain-names" => code == "kill-chain-form",
        "format-checks" => {
            matches!(code, "custom-name" | "custom-prefix" | "id-version" | "vocabulary-form" | "kill-chain-form")
        }
        "approved-values" => matches!(
            code,
            "vocabulary-value"
                | "relationship-suggested"
                | "country-code"
                | "mime-type"
                | "http-header"
                | "ipfix-element"
                | "pdf-information"
                | "custom-marking"
        ),
        _ => panic!("no such check is known: {check}"),
    }
}

/// What we say to a fact with its options, and the faults that count, or why it cannot be compared.
fn answer(fact: &Value) -> Result<(bool, Vec<Fault>), &'static str> {
    let options = &fact["options"];
    for (option, reason) in crate::known::NOT_COMPARABLE {
        if options.get(option).is_some() {
            return Err(reason);
        }
    }
    let case = fact["case"].as_str().unwrap();
    let given = options.to_string();
    for (known, only, reason) in crate::known::CASES_NOT_COMPARABLE {
        if case.ends_with(known) && given == *only {
            return Err(reason);
        }
    }
    let text = fact["input_text"].as_str().map_or_else(|| fact["input"].to_string(), str::to_owned);
    let names =
        |key: &str| -> Vec<&str> { options[key].as_array().into_iter().flatten().filter_map(Value::as_str).collect() };
    let mut disabled = names("disabled");
    if !disabled.contains(&"custom-prefix") {
        // The wider check holds what the narrower one holds.
        disabled.retain(|check| *check != "custom-prefix-lax");
    }
    let counts = |fault: &Fault| {
        if fault.severity == Severity::Error {
            return true;
        }
        if options["strict_properties"] == true && fault.code == "custom-property"
            || options["strict_types"] == true && fault.code == "custom-object"
        {
            return true;
        }
        options["strict"] == true && !disabled.iter().any(|check| is_of(check, fault))
    };
    let found: Vec<Fault> = faults(text.as_bytes()).into_iter().filter(|fault| counts(fault)).collect();
    Ok((found.is_empty(), found))
}

#[test]
fn recorded_answers_agree() {
    let Some(place) = corpora::file("stix/validity-facts.jsonl") else { return };
    let text = std::fs::read_to_string(place).unwrap();
    let facts: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (mut agree, mut listed, mut wrong) = (0, 0, Vec::new());
    let mut apart: BTreeMap<&str, usize> = BTreeMap::new();
    let mut used = BTreeSet::new();
    for (number, fact) in facts.iter().enumerate() {
        let (ours, found) = match answer(fact) {
            Ok(answer) => answer,
            Err(reason) => {
                *apart.entry(reason).or_default() += 1;
                continue;
            }
        };
        let case = fact["case"].as_str().unwrap();
        if ours == (fact["expected"] == "valid") {
            agree += 1;
        } else if let Some((known, _, _)) = crate::known::DISAGREEMENTS
            .iter()
            .find(|(known, input, _)| case.ends_with(known) && fact["input"].to_string().contains(input))
        {
            listed += 1;
            used.insert(*known);
        } else {
            wrong.push(format!(
                "line {} {case} {}\n  expected {} {}\n  {}\n  {}",
                number + 1,
                fact["options"],
                fact["expected"],
                fact["errors"],
                fact["input"],
                found
                    .iter()
                    .map(|fault| format!("{} {} {}", fault.code, fault.pointer, fault.message))
                    .collect::<Vec<_>>()
                    .join("\n  ")
            ));
        }
    }
    println!("{agree} of {} agree, {listed} listed as disagreements, not comparable: {apart:?}", facts.len());
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), facts.len(), wrong.join("\n"));
    assert!(listed * 100 <= facts.len(), "{listed} disagreements are more than 1 %");
    let unused: Vec<_> = crate::known::DISAGREEMENTS.iter().filter(|(known, _, _)| !used.contains(known)).collect();
    assert!(unused.is_empty(), "listed, but we agree: {unused:?}");
}

fn content(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap();
    if path.extension().is_none_or(|extension| extension != "xz") {
        return bytes;
    }
    let mut text = Vec::new();
    std::io::Read::read_to_end(&mut liblzma::read::XzDecoder::new(bytes.as_slice()), &mut text).unwrap();
    text
}

/// The files of these folders of the corpora.
fn files(places: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting: Vec<PathBuf> = places.iter().filter_map(|place| corpora::file(place)).collect();
    while let Some(place) = waiting.pop() {
        if place.is_dir() {
            waiting.extend(std::fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path()));
        } else if place
            .extension()
            .is_some_and(|extension| ["json", "xz", "stix2", "jsonl"].iter().any(|e| extension == *e))
        {
            found.push(place);
        }
    }
    found.sort();
    found
}

const VALID: &[&str] = &[
    "attack/enterprise-attack-18.1.stix21.json.xz",
    "attack/ics-attack-17.1.stix21.json.xz",
    "attack/ics-attack-18.1.stix21.json.xz",
    "attack/capec.stix21.json.xz",
    "stix/examples",
    "stix/validator-examples-v21",
    "stix/mvt",
    "stix/markings",
    "stix/misp-stix-bundles/external_stix21_bundles.jsonl",
    "stix/misp-stix-bundles/internal_stix21_bundles.jsonl",
];

#[test]
fn real_content_has_no_errors() {
    let (mut objects, mut warnings) = (0, BTreeMap::<String, usize>::new());
    let mut wrong = BTreeMap::<String, (usize, String)>::new();
    let mut unexplained = Vec::new();
    for file in files(VALID) {
        let text = content(&file);
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let texts: Vec<&[u8]> =
            if name.ends_with(".jsonl") { text.split(|b| *b == b'\n').collect() } else { vec![&text] };
        for text in texts.into_iter().filter(|text| !text.is_empty()) {
            objects += split_objects(text, &limits()).map_or(0, |objects| objects.len());
            for fault in faults(text) {
                if fault.severity == Severity::Warning {
                    *warnings.entry(fault.code.to_string()).or_default() += 1;
                    continue;
                }
                let known = crate::known::REAL_ERRORS.iter().any(|(of, code, pointer, _)| {
                    name.starts_with(of) && *code == fault.code && fault.pointer.contains(pointer)
                });
                if !known {
                    unexplained.push(format!("{name}: {fault:?}"));
                }
                let of = wrong.entry(format!("{name} {}", fault.code)).or_insert((0, format!("{fault:?}")));
                of.0 += 1;
            }
        }
    }
    println!("{objects} objects; warnings: {warnings:?}; errors, all right and listed: {wrong:#?}");
    assert!(
        unexplained.is_empty(),
        "{} unexplained, of {wrong:#?}\n{}",
        unexplained.len(),
        unexplained.iter().take(60).cloned().collect::<Vec<_>>().join("\n")
    );
}

/// The faults of a bundle that is read twice in windows which grow from `size`; none if it cannot be.
fn in_pieces(text: &str, size: usize) -> Option<Vec<Fault>> {
    let limits = Limits { body_bytes: text.len(), ..Limits::default() };
    let mut found = Vec::new();
    let windows = |pass: &mut dyn FnMut(&str, bool) -> Option<usize>| {
        let (mut from, mut wide) = (0, size);
        while from < text.len() {
            let to = text.ceil_char_boundary(from + wide);
            let passed = pass(text.get(from..to)?, to == text.len())?;
            wide = if passed == 0 { wide * 2 } else { size };
            from += passed;
        }
        Some(())
    };
    let mut first = InPieces::new(limits);
    windows(&mut |window, last| first.pass(window, last).ok())?;
    let mut keep = |fault: model::fault::FaultView<'_>| {
        found.push(fault.to_fault());
        Ok::<_, ()>(())
    };
    let mut again = first.again(&mut keep).ok()?.unwrap();
    windows(&mut |window, last| again.pass(window, last, &mut keep).ok().map(Result::unwrap)).unwrap();
    Some(found)
}

#[test]
fn a_bundle_in_pieces_has_the_faults_of_the_whole() {
    let id = "7d5b7f0a-7a4f-4f0f-8a57-0d4d0f6c2f5e";
    let odd = format!(
        r#" {{"type":"bundle","id":"bundle--{id}","x_y":[],"objects":[ {{"type":"identity","id":"identity--{id}"}},
        {{"type":"identity","id":"identity--{id}","name":"é\n","x_own":null}}, 17,{{"a":"\ud800"}},{{"a":1,"a":2}},[],
        {{"type":"x-a","spec_version":"2.1","id":"x-a--{id}","A~/":[[],{{"b":"]}},"}}]}}],"z":1}} "#
    );
    let whole = faults(odd.as_bytes());
    assert!(whole.len() > 15 && whole.iter().any(|fault| fault.code == "bundle-duplicate"), "{whole:#?}");
    for size in 1..=odd.len() {
        assert_eq!(in_pieces(&odd, size).as_ref(), Some(&whole), "{size}");
    }
    assert_eq!(in_pieces(&odd.replace("\"z\":1", "\"z\":"), 100), None);
    for file in files(&["attack/ics-attack-18.1.stix20.json.xz", "attack/capec.stix21.json.xz"]) {
        let text = String::from_utf8(content(&file)).unwrap();
        assert!(in_pieces(&text, 10_000) == Some(faults(text.as_bytes())), "{}", file.display());
    }
}

/// How fast objects are read and validated; run by hand on a release build, on one core.
#[test]
#[ignore = "measures"]
fn objects_a_second() {
    let Some(place) = corpora::file("attack/enterprise-attack-18.1.stix21.json.xz") else { return };
    let text = content(&place);
    let limits = limits();
    let objects = split_objects(&text, &limits).unwrap();
    let time = |work: &dyn Fn(&[u8]) -> usize| {
        let mut best = f64::MAX;
        for _ in 0..5 {
            let start = std::time::Instant::now();
            let found: usize = objects.iter().map(|raw| work(raw)).sum();
            assert!(found > 0);
            best = best.min(start.elapsed().as_secs_f64());
        }
        objects.len() as f64 / best
    };
    let tree = time(&|raw| model::json::tree::Node::read(raw, &limits).map_or(0, |_| 1));
    let validated = time(&|raw| model::stix::faults(raw, &limits).len());
    let read = time(&|raw| model::stix::read(raw, &limits).map_or(0, |(_, warnings)| 1 + warnings.len()));
    let start = std::time::Instant::now();
    let found = faults(&text).len();
    let whole = objects.len() as f64 / start.elapsed().as_secs_f64();
    println!("the text as a whole: {whole:.0} objects/s, {found} faults");
    println!(
        "{} objects, {} MB: tree only {tree:.0}, validated {validated:.0}, read and validated {read:.0} objects/s",
        objects.len(),
        text.len() / 1_000_000
    );
}
