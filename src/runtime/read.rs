//! Reading a part of the log to its end: recovery, the command log and scans.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::formats::RawRecord;
use crate::log::{Log, LogError, OffsetAt, Record, Result, TopicPartition};

/// Records handed over at a time.
const BATCH: usize = 8192;

/// How long nothing may come while something must.
const STALL: Duration = Duration::from_secs(60);

/// Reads each partition from `from` to the end that it has now, and hands the records over, runs of one partition in
/// the order of their offsets. Blocks. Ends early with Ok where `go_on` says false.
///
/// Errors: those of the log, and [`LogError::Unavailable`] where nothing comes for a minute.
pub fn read_to_end(
    log: &dyn Log,
    group: &str,
    from: &[(TopicPartition, i64)],
    go_on: &dyn Fn() -> bool,
    on_records: &mut dyn FnMut(usize, &[Record<'_>]),
) -> Result<()> {
    let ends = from.iter().map(|(at, _)| log.offset(at, OffsetAt::Latest)).collect::<Result<Vec<_>>>()?;
    if from.iter().zip(&ends).all(|((_, start), end)| start >= end) {
        return Ok(());
    }
    let mut reader = log.reader(group, from)?;
    let bell = Arc::new((Mutex::new(false), Condvar::new()));
    let rung = bell.clone();
    reader.set_waker(Arc::new(move || {
        *rung.0.lock() = true;
        rung.1.notify_one();
    }));
    let mut last = Instant::now();
    while go_on() {
        let n = reader.poll(BATCH, &mut |partition, records| {
            // What came after the end was asked for belongs to others.
            let end = ends.get(partition).copied().unwrap_or(0);
            let records = &records[..records.partition_point(|r| r.offset < end)];
            if !records.is_empty() {
                on_records(partition, records);
            }
        })?;
        if reader.positions()?.iter().zip(&ends).all(|(position, end)| position >= end) {
            return Ok(());
        }
        if n > 0 {
            last = Instant::now();
            continue;
        }
        if last.elapsed() > STALL {
            return Err(LogError::Unavailable(format!(
                "nothing came for {} s while reading to the end",
                STALL.as_secs()
            )));
        }
        let mut ringing = bell.0.lock();
        if !*ringing {
            // Positions can move without a record to tell of it: look again after a moment.
            bell.1.wait_for(&mut ringing, Duration::from_millis(20));
        }
        *ringing = false;
    }
    Ok(())
}

/// Records as the engine and the formats take them: a few words each, the bytes stay where they are.
pub(super) fn raw<'a>(records: &[Record<'a>]) -> Vec<RawRecord<'a>> {
    let raw = |r: &Record<'a>| RawRecord {
        offset: r.offset,
        timestamp: r.timestamp,
        key: r.key,
        value: r.value,
        headers: r.headers,
    };
    records.iter().map(raw).collect()
}
