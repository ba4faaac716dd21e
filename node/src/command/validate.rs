//! `bridgewatch validate`.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use model::fault::{FaultView, Severity};
use model::json::Limits;
use model::stix::InPieces;

use super::arguments::ValidateArguments;
use super::output::Lines;
use super::windows::Windows;
use super::{Status, complain};

/// Longest input, bytes. All but a bundle in a large file is held whole.
const FILE_BYTES_MAX: u64 = 1 << 30;
/// From here on a bundle is read twice through a window rather than once whole: that costs less than room for all of it.
const LARGE_FILE_BYTES: u64 = 1 << 20;

pub(super) fn run(arguments: &ValidateArguments) -> Result<Status> {
    let mut lines = Lines::new();
    let mut status = Status::Done;
    for path in &arguments.files {
        let mut told = Told { line: FaultLine::of(path)?, strict: arguments.strict, status: Status::Done };
        if !large(path, &mut told, &mut lines)? {
            match whole(path) {
                Ok(text) => each_fault(&text, |fault| told.tell(fault, &mut lines))?,
                Err(error) => {
                    complain(&error);
                    told.status = Status::Unusable;
                }
            }
        }
        status = status.or(told.status);
    }
    lines.finish()?;
    Ok(status)
}

/// A whole file, or standard input.
pub(super) fn whole(path: &Path) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    let reader: Box<dyn Read> = if path == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        let file = std::fs::File::open(path).with_context(|| format!("cannot read `{}`", path.display()))?;
        // Room for all of it at once: growing into it costs as much again as reading it.
        let length = file.metadata().map_or(0, |metadata| metadata.len()).min(FILE_BYTES_MAX);
        text.reserve_exact(usize::try_from(length).unwrap_or(0).saturating_add(1));
        Box::new(file)
    };
    let read = reader.take(FILE_BYTES_MAX.saturating_add(1)).read_to_end(&mut text);
    read.with_context(|| format!("cannot read `{}`", path.display()))?;
    anyhow::ensure!(
        text.len() as u64 <= FILE_BYTES_MAX,
        "`{}` is longer than {FILE_BYTES_MAX} bytes: split it",
        path.display()
    );
    Ok(text)
}

/// Validates a bundle that is a large file, of which only a window is held. False, and nothing told, where it is another file
/// or not as usual: then whoever has the whole of it says what is wrong.
fn large(path: &Path, told: &mut Told, lines: &mut Lines) -> Result<bool> {
    let Ok(file) = std::fs::File::open(path) else { return Ok(false) };
    let length = match file.metadata() {
        Ok(metadata) if metadata.is_file() => metadata.len(),
        _ => return Ok(false),
    };
    if !(LARGE_FILE_BYTES..=FILE_BYTES_MAX).contains(&length) {
        return Ok(false);
    }
    let length = usize::try_from(length)?;
    let limits = Limits { body_bytes: length, ..Limits::default() };
    let mut windows = Windows::new(&file);
    let mut first = InPieces::new(limits);
    // What cannot be read a first time is for the other way to complain of.
    if !windows.each(length, |window, last| Ok(first.pass(window, last).ok())).unwrap_or(false) {
        return Ok(false);
    }
    let Ok(again) = first.again(|fault| told.tell(fault, lines)) else { return Ok(false) };
    let mut again = again?;
    let whole = windows
        .each(length, |window, last| again.pass(window, last, |fault| told.tell(fault, lines)).ok().transpose())?;
    anyhow::ensure!(whole, "`{}` was changed while it was read: validate it again", path.display());
    Ok(true)
}

/// How the faults of one file are told.
struct Told {
    line: FaultLine,
    strict: bool,
    status: Status,
}

impl Told {
    fn tell(&mut self, fault: FaultView<'_>, lines: &mut Lines) -> Result<()> {
        if self.strict || fault.severity == Severity::Error {
            self.status = Status::Negative;
        }
        lines.written(|line| self.line.write(fault, line))
    }
}

/// A line of JSON: a fault and the file it is in. What could not be read has an empty `object`. Written by hand, since a
/// file can have more faults than bytes: its texts seldom have anything to escape.
struct FaultLine {
    /// What every line begins with.
    begin: Vec<u8>,
}

impl FaultLine {
    fn of(file: &Path) -> Result<Self> {
        let mut begin = br#"{"file":"#.to_vec();
        serde_json::to_writer(&mut begin, &file.display().to_string())?;
        Ok(Self { begin })
    }

    fn write(&self, fault: FaultView<'_>, line: &mut Vec<u8>) -> Result<()> {
        line.extend_from_slice(&self.begin);
        let begin = line.len();
        let severity = match fault.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let members = [
            (r#","object":""#, fault.object.unwrap_or_default()),
            (r#"","pointer":""#, fault.pointer),
            (r#"","severity":""#, severity),
            (r#"","code":""#, fault.code),
            (r#"","section":""#, fault.section),
            (r#"","message":""#, fault.message),
        ];
        for (name, text) in members {
            line.extend_from_slice(name.as_bytes());
            line.extend_from_slice(text.as_bytes());
        }
        line.push(b'"');
        // Its names and its own quotes; one more is in a text.
        let own = members.len() * 4;
        if line.get(begin..).is_none_or(|rest| escapable(rest) != own) {
            line.truncate(begin);
            for (name, text) in members {
                // The writer sets the quotes around the text.
                line.extend_from_slice(name.trim_start_matches('"').trim_end_matches('"').as_bytes());
                serde_json::to_writer(&mut *line, text)?;
            }
        }
        line.extend_from_slice(b"}\n");
        Ok(())
    }
}

/// How many bytes are such as do not stand in a text of JSON as they are.
fn escapable(line: &[u8]) -> usize {
    // Sums of a byte each that cannot overflow: many bytes at a time.
    let few = |bytes: &[u8]| {
        bytes.iter().fold(0_u8, |sum, b| sum.wrapping_add(u8::from((*b < b' ') | (*b == b'"') | (*b == b'\\'))))
    };
    line.chunks(usize::from(u8::MAX)).map(|bytes| usize::from(few(bytes))).sum()
}

/// Every fault of a bundle, list or object.
fn each_fault(text: &[u8], each: impl FnMut(FaultView<'_>) -> Result<()>) -> Result<()> {
    let limits = Limits { body_bytes: text.len(), ..Limits::default() };
    model::stix::faults_of_text(text, &limits, each)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<(String, String)> {
        let mut found = Vec::new();
        each_fault(text.as_bytes(), |fault| {
            found.push((fault.code.to_string(), fault.object.unwrap_or_default().to_owned()));
            Ok(())
        })
        .unwrap();
        found
    }

    const IDENTITY: &str = r#"{"type":"identity","spec_version":"2.1","id":"identity--7d5b7f0a-7a4f-4f0f-8a57-0d4d0f6c2f5e",
        "created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"A","identity_class":"organization"}"#;

    #[test]
    fn one_bad_object_says_nothing_of_the_next() {
        let bundle = |objects: &str| {
            format!(r#"{{"type":"bundle","id":"bundle--7d5b7f0a-7a4f-4f0f-8a57-0d4d0f6c2f5e","objects":[{objects}]}}"#)
        };
        assert_eq!(codes(&bundle(IDENTITY)), vec![]);
        let bad = IDENTITY.replace("\"created\":\"2026-01-01T00:00:00.000Z\",", "");
        let worse = IDENTITY.replace("\"2.1\"", "\"7\"");
        let found = codes(&bundle(&format!("{bad},{IDENTITY},{worse}")));
        let own: Vec<&str> =
            found.iter().map(|(code, _)| code.as_str()).filter(|code| *code != "bundle-duplicate").collect();
        assert_eq!(own, ["property-missing", "spec-version"], "{found:?}");
        assert!(found.iter().all(|(_, object)| object.starts_with("identity--")));
    }

    #[test]
    fn a_bundle_has_an_id_and_json_is_json() {
        assert_eq!(codes(r#"{"type":"bundle","objects":[]}"#)[0].0, "bundle-id");
        assert_eq!(codes(r#"{"type":"bundle","id":"bundle--1","objects":[]}"#)[0].0, "bundle-id");
        assert_eq!(codes("{")[0].0, "json");
        assert_eq!(codes(""), codes("{"), "an empty file is no JSON either");
    }

    #[test]
    fn a_line_is_the_json_that_it_says() {
        let line = FaultLine::of(Path::new("a \"b\".json")).unwrap();
        for (object, pointer, message) in
            [(Some("x--1"), "/a", "plain é"), (None, "", "\"\\\n\u{1}\u{7f}\u{2028}"), (Some("\t"), "/\"", "")]
        {
            let severity = Severity::Warning;
            let fault = FaultView { object, pointer, severity, code: "a-b", section: "STIX 2.1 §3", message };
            let expected = serde_json::json!({
                "file": "a \"b\".json", "object": object.unwrap_or_default(), "pointer": pointer, "severity": "warning",
                "code": "a-b", "section": "STIX 2.1 §3", "message": message,
            });
            let mut text = Vec::new();
            line.write(fault, &mut text).unwrap();
            assert_eq!(serde_json::from_slice::<serde_json::Value>(&text).unwrap(), expected);
            assert_eq!(text.last(), Some(&b'\n'));
        }
    }
}
