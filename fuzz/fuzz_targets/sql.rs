#![no_main]
//! Statements: what is parsed has a text that is parsed again.

use libfuzzer_sys::fuzz_target;
use rivermill::sql::{Variables, parse, parse_stored};

fuzz_target!(|text: &str| {
    let Ok(statements) = parse(text, &Variables::default()) else { return };
    for statement in statements {
        if let Err(error) = parse_stored(&statement.text) {
            panic!("{error}: {}", statement.text);
        }
    }
});
