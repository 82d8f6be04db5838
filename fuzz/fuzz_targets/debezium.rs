#![no_main]
//! Change events, rows and keys of a table.

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rivermill::catalog::Source;
use rivermill_fuzz::{FLAT, decode, source};

static SOURCE: LazyLock<Source> = LazyLock::new(|| {
    source(&format!("CREATE TABLE s (k BIGINT PRIMARY KEY, {FLAT}) WITH (KAFKA_TOPIC = 's', VALUE_FORMAT = 'DEBEZIUM_JSON')"))
});

fuzz_target!(|data: &[u8]| decode(&SOURCE, data));
