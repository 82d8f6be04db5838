#![no_main]
//! Rows of text as keys and values, with a delimiter of more than one byte.

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rivermill::catalog::Source;
use rivermill_fuzz::{FLAT, decode, source};

static SOURCE: LazyLock<Source> = LazyLock::new(|| {
    source(&format!(
        "CREATE STREAM s (k1 STRING KEY, k2 BYTES KEY, {FLAT}) WITH (KAFKA_TOPIC = 's', FORMAT = 'DELIMITED', VALUE_DELIMITER = '·')"
    ))
});

fuzz_target!(|data: &[u8]| decode(&SOURCE, data));
