#![no_main]
//! Values of each type that Kafka's own serialisers know, behind windowed keys.

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rivermill::catalog::Source;
use rivermill_fuzz::{decode, source};

static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(|| {
    let types = ["INT", "BIGINT", "DOUBLE", "STRING", "BYTES"];
    let windows = ["'TUMBLING', WINDOW_SIZE = '1 SECOND'", "'SESSION'"];
    let declare = |(ty, window): (&str, &str)| {
        source(&format!(
            "CREATE STREAM s (k {ty} KEY, v {ty}) WITH (KAFKA_TOPIC = 's', FORMAT = 'KAFKA', WINDOW_TYPE = {window})"
        ))
    };
    types.iter().flat_map(|ty| windows.map(|window| (*ty, window))).map(declare).collect()
});

fuzz_target!(|data: &[u8]| {
    if let Some((choice, data)) = data.split_first() {
        decode(&SOURCES[usize::from(*choice) % SOURCES.len()], data);
    }
});
