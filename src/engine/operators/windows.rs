//! Which windows a row belongs to, and which of them still take it (dialect 10.4).

use hashbrown::HashMap;

use crate::catalog::WindowSpec;

/// More windows a row than this are refused: each is a change of state.
pub const WINDOWS_PER_ROW_MAX: i64 = 10_000;

/// The rows of a batch by their windows.
#[derive(Debug, Default)]
pub struct Assigned {
    /// In the order in which windows first appear.
    pub windows: Vec<WindowRows>,
    /// Rows that came too late for one of their windows at least, or before 1970.
    pub late: u64,
}

#[derive(Debug)]
pub struct WindowRows {
    pub start: i64,
    /// Ascending.
    pub rows: Vec<u32>,
}

/// Assigns rows to windows. Stream time runs ahead row by row, a row's own time first, as in Kafka Streams; a window
/// takes a row while stream time is below its end and grace.
pub fn assign(spec: &WindowSpec, times: &[i64], stream_time: &mut Option<i64>) -> Assigned {
    let mut assigned = Assigned::default();
    let mut places: HashMap<i64, usize, foldhash::fast::FixedState> = HashMap::default();
    let mut last = 0;
    for (row, &time) in times.iter().enumerate() {
        if time < 0 {
            assigned.late += 1;
            continue;
        }
        let now = stream_time.map_or(time, |now| now.max(time));
        *stream_time = Some(now);
        let mut start = first_start(spec, time);
        let mut late = false;
        while start <= time {
            if closes(spec, start) > now {
                let here = assigned.windows.get(last).is_some_and(|w| w.start == start);
                if !here {
                    last = *places.entry(start).or_insert_with(|| {
                        assigned.windows.push(WindowRows { start, rows: Vec::new() });
                        assigned.windows.len() - 1
                    });
                }
                if let Some(window) = assigned.windows.get_mut(last) {
                    window.rows.push(row as u32);
                }
            } else {
                late = true;
            }
            start = match start.checked_add(spec.advance_ms) {
                Some(next) => next,
                None => break,
            };
        }
        assigned.late += u64::from(late);
    }
    assigned
}

/// The start of the first window that holds this time; windows are aligned to 1970, none starts before.
fn first_start(spec: &WindowSpec, time: i64) -> i64 {
    let earliest = (time - spec.size_ms).saturating_add(spec.advance_ms).max(0);
    earliest - earliest % spec.advance_ms.max(1)
}

/// The stream time from which a window takes no more rows.
pub fn closes(spec: &WindowSpec, start: i64) -> i64 {
    start.saturating_add(spec.size_ms).saturating_add(spec.grace_ms)
}

/// The stream time from which a window is not kept any more. Never before it closes.
pub fn expires(spec: &WindowSpec, start: i64) -> i64 {
    start.saturating_add(spec.retention_ms).max(closes(spec, start))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(size_ms: i64, advance_ms: i64, grace_ms: i64, times: &[i64], expected: Expect) {
        let spec =
            WindowSpec { size_ms, advance_ms, grace_ms, retention_ms: size_ms + grace_ms, session: false };
        let mut stream_time = None;
        let assigned = assign(&spec, times, &mut stream_time);
        let windows: Vec<String> =
            assigned.windows.iter().map(|w| format!("{}:{:?}", w.start, w.rows)).collect();
        expected.assert_eq(&format!("{} late={} time={stream_time:?}", windows.join(" "), assigned.late));
    }

    #[test]
    fn tumbling() {
        check(10, 10, 0, &[0, 9, 10, 25], expect!["0:[0, 1] 10:[2] 20:[3] late=0 time=Some(25)"]);
    }

    #[test]
    fn late_rows_are_judged_row_by_row() {
        check(10, 10, 0, &[5, 10, 6, 11], expect!["0:[0] 10:[1, 3] late=1 time=Some(11)"]);
        check(10, 10, 2, &[5, 11, 6, 12, 7], expect!["0:[0, 2] 10:[1, 3] late=1 time=Some(12)"]);
    }

    #[test]
    fn hopping_windows_are_judged_each_alone() {
        check(10, 5, 0, &[3, 7, 14], expect!["0:[0, 1] 5:[1, 2] 10:[2] late=0 time=Some(14)"]);
        check(10, 5, 0, &[12, 8], expect!["5:[0, 1] 10:[0] late=1 time=Some(12)"]);
        check(10, 3, 0, &[10], expect!["3:[0] 6:[0] 9:[0] late=0 time=Some(10)"]);
    }

    #[test]
    fn times_before_1970_and_at_the_end_of_time() {
        check(10, 10, 0, &[-1, 1], expect!["0:[1] late=1 time=Some(1)"]);
        check(10, 10, 0, &[i64::MAX], expect![" late=1 time=Some(9223372036854775807)"]);
    }
}
