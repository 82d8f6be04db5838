#![no_main]
//! Statements: what is parsed has a text that is parsed again.

use libfuzzer_sys::fuzz_target;
use rivermill::sql::{Variables, parse};

fuzz_target!(|text: &str| {
    let Ok(statements) = parse(text, &Variables::default()) else { return };
    for statement in statements {
        let again = parse(&statement.text, &Variables::default());
        assert_eq!(again.map(|s| s.len()).unwrap_or(0), 1, "{}", statement.text);
    }
});
