#![no_main]
//! Messages as keys and values.

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rivermill::catalog::Source;
use rivermill_fuzz::{FLAT, NESTED, decode, source};

static SOURCE: LazyLock<Source> = LazyLock::new(|| {
    source(&format!(
        "CREATE STREAM s (k1 STRING KEY, k2 DATE KEY, {FLAT}, {NESTED}) WITH (KAFKA_TOPIC = 's', FORMAT = 'PROTOBUF_NOSR', VALUE_PROTOBUF_NULLABLE_REPRESENTATION = 'WRAPPER')"
    ))
});

fuzz_target!(|data: &[u8]| decode(&SOURCE, data));
