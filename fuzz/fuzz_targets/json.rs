#![no_main]
//! JSON values and keys.

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rivermill::catalog::Source;
use rivermill_fuzz::{FLAT, decode, source};

static SOURCE: LazyLock<Source> = LazyLock::new(|| {
    source(&format!("CREATE STREAM s (k BIGINT KEY, {FLAT}) WITH (KAFKA_TOPIC = 's', FORMAT = 'JSON')"))
});

fuzz_target!(|data: &[u8]| decode(&SOURCE, data));
