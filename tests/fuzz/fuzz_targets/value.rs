//! Values of lists, defanged or not: each becomes a valid pattern, and its canonical form stays as it is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use model::value::{canonical_name, canonical_url, classify};

fuzz_target!(|text: &str| {
    if let Some(value) = classify(text) {
        let _ = value.too_broad();
        model::pattern::parse(&value.pattern()).expect("a list's value gives a pattern that is not valid");
    }
    let url = canonical_url(text);
    let _ = canonical_url(&url);
    let _ = canonical_name(text);
});
