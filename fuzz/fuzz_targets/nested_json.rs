#![no_main]
//! JSON values with arrays, maps and structs.

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rivermill::catalog::Source;
use rivermill_fuzz::{NESTED, decode, source};

static SOURCE: LazyLock<Source> = LazyLock::new(|| {
    source(&format!("CREATE STREAM s (k STRUCT<f INT, g ARRAY<STRING>> KEY, {NESTED}) WITH (KAFKA_TOPIC = 's', FORMAT = 'JSON')"))
});

fuzz_target!(|data: &[u8]| decode(&SOURCE, data));
