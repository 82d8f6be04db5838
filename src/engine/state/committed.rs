//! The committed part of a task's state: what readers see.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use parking_lot::RwLock;

use super::keyed::Keyed;
use super::overlay::Overlay;
use super::{Layout, Segment};
use crate::engine::operators::closes;
use crate::engine::topology::EmitMode;

/// The committed state of one partition of a table. Tasks write it, readers hold it through a [`Table`].
///
/// [`Table`]: super::Table
#[derive(Debug)]
pub struct TablePart {
    pub(super) layout: Arc<Layout>,
    pub(super) committed: RwLock<Committed>,
}

/// Cheap to clone: segments are shared.
#[derive(Debug, Clone, Default)]
pub struct Committed {
    /// By start; one without a window.
    pub windows: BTreeMap<i64, Keyed>,
    pub stream_time: Option<i64>,
    /// Sums over the windows: there may be thousands.
    rows: usize,
    bytes: usize,
}

impl TablePart {
    pub fn new(layout: Arc<Layout>) -> Arc<Self> {
        Arc::new(Self { layout, committed: RwLock::default() })
    }

    /// The windows that readers may see, with starts in these bounds: all, or where windows are final the closed ones.
    pub(super) fn visible(&self, from: i64, to: i64) -> Vec<(i64, Keyed)> {
        if from > to {
            return Vec::new();
        }
        let committed = self.committed.read();
        let windows = committed.windows.range(from..=to);
        let windows = windows.filter(|(start, _)| self.is_visible(&committed, **start));
        windows.map(|(start, keyed)| (*start, keyed.clone())).collect()
    }

    /// Where a key's groups are, in the visible windows whose starts lie in these bounds.
    pub(super) fn find(&self, from: i64, to: i64, hash: u64, key: &[u8]) -> Vec<(i64, Arc<Segment>, u32)> {
        if from > to {
            return Vec::new();
        }
        let committed = self.committed.read();
        let windows = committed.windows.range(from..=to);
        let windows = windows.filter(|(start, _)| self.is_visible(&committed, **start));
        let found = windows.filter_map(|(start, keyed)| {
            keyed.find(hash, key).map(|(segment, slot)| (*start, segment.clone(), slot))
        });
        found.collect()
    }

    fn is_visible(&self, committed: &Committed, start: i64) -> bool {
        match (&self.layout.spec.window, self.layout.spec.emit) {
            (Some(spec), EmitMode::Final) => {
                committed.stream_time.is_some_and(|now| closes(spec, start) <= now)
            }
            _ => true,
        }
    }
}

impl Committed {
    /// Takes over the changes of an epoch, and drops the windows that have expired.
    pub fn merge(&mut self, layout: &Layout, changes: Overlay) {
        self.stream_time = self.stream_time.max(changes.stream_time);
        for (start, segment) in changes.windows {
            if layout.is_expired(start, self.stream_time) {
                continue;
            }
            let (rows, bytes) = self.windows.get(&start).map_or((0, 0), |k| (k.rows(), k.bytes()));
            let keyed = match self.windows.entry(start) {
                Entry::Occupied(found) => {
                    let keyed = found.into_mut();
                    keyed.merge(layout, &segment);
                    keyed
                }
                Entry::Vacant(vacant) => vacant.insert(Keyed::new(layout, segment)),
            };
            self.rows = (self.rows + keyed.rows()).saturating_sub(rows);
            self.bytes = (self.bytes + keyed.bytes()).saturating_sub(bytes);
        }
        while let Some(first) = self.windows.first_entry() {
            if !layout.is_expired(*first.key(), self.stream_time) {
                break;
            }
            let keyed = first.remove();
            self.rows = self.rows.saturating_sub(keyed.rows());
            self.bytes = self.bytes.saturating_sub(keyed.bytes());
        }
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }
}
