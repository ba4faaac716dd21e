//! The pattern grammar: what is printed is read again as the same; what is refused says where.
#![no_main]

use libfuzzer_sys::fuzz_target;
use model::pattern::parse;

fuzz_target!(|text: &str| match parse(text) {
    Ok(pattern) => {
        let printed = pattern.to_string();
        let again = parse(&printed).expect("what was printed cannot be read");
        assert_eq!(again.to_string(), printed);
    }
    Err(fault) => assert!(fault.position <= text.len() && text.is_char_boundary(fault.position)),
});
