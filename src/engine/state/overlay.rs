//! The changes of one epoch.

use std::collections::BTreeMap;

use arrow::array::ArrayRef;

use super::Segment;

/// The keys that an epoch touched, each with its whole new state.
#[derive(Debug, Default)]
pub struct Overlay {
    /// By start; one without a window.
    pub windows: BTreeMap<i64, Segment>,
    /// The grouping columns of all slots of a window, where they were made to be emitted: making them costs more than
    /// most of what else is done for a key.
    pub groups: BTreeMap<i64, Vec<ArrayRef>>,
    /// As of the end of the epoch.
    pub stream_time: Option<i64>,
}

impl Overlay {
    pub fn new(stream_time: Option<i64>) -> Self {
        Self { stream_time, ..Self::default() }
    }

    pub fn bytes(&self) -> usize {
        self.windows.values().map(Segment::bytes).sum()
    }
}
