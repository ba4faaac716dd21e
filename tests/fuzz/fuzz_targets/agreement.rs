//! Agreements: any text is an agreement or a fault.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = sharing::Agreement::read(text);
    let _ = sharing::Agreement::read(&format!("{}\n{text}", sharing::agreement::STARTER));
});
