#![no_main]
//! Java's date patterns: a pattern, a zone and a text, one a line. What is read can be written.

use libfuzzer_sys::fuzz_target;
use rivermill::formats::java_time::{DateTimePattern, Zone};

fuzz_target!(|text: &str| {
    let mut lines = text.splitn(3, '\n');
    let (pattern, zone, text) = (lines.next(), lines.next(), lines.next());
    let (Some(Ok(pattern)), Some(text)) = (pattern.map(DateTimePattern::parse), text) else { return };
    let zone = zone.and_then(Zone::parse).unwrap_or(Zone::UTC);
    if let Ok(ms) = pattern.read_timestamp(text, zone) {
        let _ = pattern.format_timestamp(ms, zone);
    }
    if let Ok(days) = pattern.read_date(text) {
        let _ = pattern.format_date(days);
    }
    if let Ok(ms) = pattern.read_time(text) {
        let _ = pattern.format_time(ms);
    }
});
