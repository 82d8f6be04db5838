#![no_main]
//! JSON values.

use libfuzzer_sys::fuzz_target;
use rivermill::catalog::Format;
use rivermill_fuzz::{decode_values, flat_columns};

fuzz_target!(|data: &[u8]| decode_values(Format::Json, flat_columns(), data));
