//! STIX objects: read, and read again without what is hidden; the faults of a bundle are the same however it is read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use model::fault::{Fault, FaultView};
use model::json::Limits;
use model::stix::{self, Again, InPieces, faults_of_text};

/// What is passed at first, bytes; doubled while nothing in it is whole.
const WINDOW: usize = 24;

fuzz_target!(|data: &[u8]| {
    if let Ok((object, _)) = stix::read(data, &Limits::default()) {
        let _ = stix::without(&object, data, |id| id.object_type() == "identity");
        assert!(data.windows(2).any(|pair| pair == b"--"), "an object without an id was read");
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Some(found) = in_pieces(text) {
        let mut whole = Vec::new();
        let _ = faults_of_text(data, &Limits::default(), |fault| keep(&mut whole, fault));
        assert_eq!(found, whole, "read in pieces it has other faults");
    }
});

fn keep(found: &mut Vec<Fault>, fault: FaultView<'_>) -> Result<(), ()> {
    found.push(fault.to_fault());
    Ok(())
}

fn in_pieces(text: &str) -> Option<Vec<Fault>> {
    let (mut first, mut found) = (InPieces::new(Limits::default()), Vec::new());
    windows(text, |window, last| first.pass(window, last).ok())?;
    let mut again: Again = first.again(|fault| keep(&mut found, fault)).ok()?.ok()?;
    let pass = |window: &str, last| again.pass(window, last, |fault| keep(&mut found, fault)).ok()?.ok();
    windows(text, pass).expect("what was passed once is passed again");
    Some(found)
}

fn windows(text: &str, mut pass: impl FnMut(&str, bool) -> Option<usize>) -> Option<()> {
    let (mut from, mut wide) = (0, WINDOW);
    while from < text.len() {
        let to = text.ceil_char_boundary(from.saturating_add(wide).min(text.len()));
        let passed = pass(&text[from..to], to == text.len())?;
        wide = if passed == 0 { wide * 2 } else { WINDOW };
        from += passed;
    }
    Some(())
}
