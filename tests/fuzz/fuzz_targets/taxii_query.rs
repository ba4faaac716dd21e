//! TAXII's filters and the Accept header of a request.
#![no_main]

use api::taxii::Filters;
use libfuzzer_sys::fuzz_target;

const KNOWN: &[&str] =
    &["added_after", "limit", "next", "match[id]", "match[type]", "match[version]", "match[spec_version]"];

fuzz_target!(|text: &str| {
    if let Ok(filters) = Filters::read(text, KNOWN, 1_000) {
        assert!((1..=1_000).contains(&filters.limit));
    }
    let _ = Filters::read(&format!("match[version]={text}"), KNOWN, 1_000);
    let _ = Filters::read(&format!("added_after={text}"), KNOWN, 1_000);
    if let Ok(value) = http::HeaderValue::from_str(text) {
        let headers = [(http::header::ACCEPT, value)].into_iter().collect();
        let _ = api::taxii::acceptable(&headers);
    }
});
