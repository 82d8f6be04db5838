//! A task's state: overlays above the committed part.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};

use super::block::{Block, BlockKind};
use super::committed::TablePart;
use super::keyed::Keyed;
use super::overlay::Overlay;
use super::rewrite::{Rewrite, write_blocks};
use super::segment::copy_states;
use super::{Keys, Layout, Segment};
use crate::engine::EngineError;
use crate::engine::operators::closes;
use crate::functions::aggregate::Accumulator;

/// The changelog of an epoch.
#[derive(Debug, Default)]
pub struct Sealed {
    /// To be appended in this order, in the epoch's transaction. Each has about 1 MiB at most before compression.
    pub blocks: Vec<Vec<u8>>,
    /// The pass of segment rewrites that goes on in these blocks.
    ///
    /// The number grows by one, and only once the pass before is complete *and committed*. So: note the changelog's
    /// end before the first blocks of each pass; when a number is seen for the first time, all that lies before the
    /// start of the pass *before it* can be deleted. A restarted task begins at pass 0 again.
    pub pass: u64,
}

#[derive(Debug)]
pub struct Store {
    pub layout: Arc<Layout>,
    part: Arc<TablePart>,
    sealed: Option<SealedEpoch>,
    running: Overlay,
    /// As of the last commit.
    rewrite: Rewrite,
}

#[derive(Debug)]
struct SealedEpoch {
    changes: Overlay,
    rewrite: Rewrite,
}

/// The states of some keys before an epoch.
pub struct Before {
    /// Whether the key was there.
    pub found: Vec<bool>,
    pub states: Vec<Box<dyn Accumulator>>,
}

impl Store {
    pub fn new(layout: Arc<Layout>) -> Self {
        let part = TablePart::new(layout.clone());
        Self { layout, part, sealed: None, running: Overlay::default(), rewrite: Rewrite::new() }
    }

    pub fn part(&self) -> &Arc<TablePart> {
        &self.part
    }

    /// Stream time as the running epoch has it.
    pub fn stream_time(&mut self) -> &mut Option<i64> {
        &mut self.running.stream_time
    }

    pub fn running(&self) -> &Overlay {
        &self.running
    }

    /// Finds the groups of these rows, or makes them, with the states that they have now, and gives their slots in the
    /// running epoch's segment of the window.
    pub fn touch(&mut self, window: i64, keys: &Keys, rows: &[u32]) -> (&mut Segment, Vec<u32>) {
        let segment = self.running.windows.entry(window).or_insert_with(|| Segment::new(&self.layout));
        let before = segment.len() as u32;
        let slots = rows.iter().map(|row| {
            let (hash, key) = keys.get(*row);
            segment.intern(hash, key)
        });
        let slots = slots.collect();
        segment.make_states();
        if segment.len() as u32 > before {
            let committed = self.part.committed.read();
            let sealed = self.sealed.as_ref().and_then(|s| s.changes.windows.get(&window));
            for found in find_beneath(segment, before, sealed, committed.windows.get(&window)) {
                segment.copy_from(&found.to, found.source, &found.from);
            }
        }
        (segment, slots)
    }

    /// Keeps the grouping columns of windows for the changelog.
    pub fn keep_groups(&mut self, groups: BTreeMap<i64, Vec<ArrayRef>>) {
        self.running.groups = groups;
    }

    /// The running epoch's segment of a window that it touched.
    pub fn touched(&mut self, window: i64) -> Result<&mut Segment, EngineError> {
        let segment = self.running.windows.get_mut(&window);
        segment.ok_or_else(|| EngineError::internal(format!("window {window} was not touched")))
    }

    /// The states that the touched keys of a window had before the running epoch.
    pub fn before(&self, window: i64, touched: &Segment) -> Before {
        let mut states = self.layout.accumulators();
        states.iter_mut().for_each(|s| s.resize(touched.len()));
        let mut found = vec![false; touched.len()];
        let committed = self.part.committed.read();
        let sealed = self.sealed.as_ref().and_then(|s| s.changes.windows.get(&window));
        for pairs in find_beneath(touched, 0, sealed, committed.windows.get(&window)) {
            copy_states(&mut states, &pairs.to, pairs.source, &pairs.from);
            pairs.to.iter().for_each(|slot| found[*slot as usize] = true);
        }
        Before { found, states }
    }

    /// The windows that have closed in the running epoch, in order. Those that had closed before have been emitted:
    /// stream time alone tells, also after a restart.
    pub fn closed(&self) -> Vec<i64> {
        let (Some(spec), Some(now)) = (&self.layout.spec.window, self.running.stream_time) else {
            return Vec::new();
        };
        let committed = self.part.committed.read();
        let sealed = self.sealed.as_ref().map(|s| &s.changes);
        let since = sealed.map_or(committed.stream_time, |s| s.stream_time);
        let windows = committed.windows.keys().copied();
        let windows = windows.chain(sealed.into_iter().flat_map(|s| s.windows.keys().copied()));
        let windows = windows.chain(self.running.windows.keys().copied());
        let newly = |start: &i64| {
            let closes = closes(spec, *start);
            closes <= now && since.is_none_or(|since| closes > since)
        };
        let mut closed: Vec<i64> = windows.filter(newly).collect();
        closed.sort_unstable();
        closed.dedup();
        closed
    }

    /// All groups of a window as they are now.
    pub fn whole(&self, window: i64) -> Segment {
        let mut whole = Segment::new(&self.layout);
        let committed = self.part.committed.read();
        for segment in committed.windows.get(&window).into_iter().flat_map(Keyed::segments) {
            whole.upsert(segment, &segment.slots());
        }
        let sealed = self.sealed.as_ref().and_then(|s| s.changes.windows.get(&window));
        for segment in sealed.into_iter().chain(self.running.windows.get(&window)) {
            whole.upsert(segment, &segment.slots());
        }
        whole
    }

    /// Ends the running epoch: its changes, now sealed, are written down. Errors: an epoch is sealed already.
    pub fn seal(&mut self) -> Result<Sealed, EngineError> {
        if self.sealed.is_some() {
            return Err(EngineError::internal("an epoch is sealed while the one before is not committed"));
        }
        let layout = &self.layout;
        let now = self.running.stream_time;
        let mut changes = Vec::new();
        let mut changed = 0;
        for (window, segment) in &self.running.windows {
            if !layout.is_expired(*window, now) {
                let slots = segment.slots();
                let made = self.running.groups.get(window);
                let columns = match made.filter(|made| made.iter().all(|c| c.len() == slots.len())) {
                    Some(made) => segment.block_columns_of(made.clone(), &slots),
                    None => segment.block_columns(layout, &slots)?,
                };
                changed += write_blocks(BlockKind::Changes, now, *window, &columns, &mut changes)?;
            }
        }
        let mut rewrite = self.rewrite;
        let mut sealed = Sealed { blocks: Vec::new(), pass: rewrite.pass };
        {
            let committed = self.part.committed.read();
            if changes.is_empty() && committed.stream_time != now {
                let only_time = Block {
                    kind: BlockKind::Changes,
                    stream_time: now,
                    window: super::NO_WINDOW,
                    columns: Vec::new(),
                };
                only_time.write(&mut changes)?;
            }
            // Rewrites hold the state before this epoch: they go before its changes.
            rewrite.run(layout, &committed, now, changed, &mut sealed.blocks)?;
        }
        sealed.blocks.append(&mut changes);
        let changes = std::mem::replace(&mut self.running, Overlay::new(now));
        self.sealed = Some(SealedEpoch { changes, rewrite });
        Ok(sealed)
    }

    /// Makes the sealed epoch visible to readers. Nothing sealed: nothing happens.
    pub fn commit(&mut self) {
        if let Some(sealed) = self.sealed.take() {
            self.rewrite = sealed.rewrite;
            self.part.committed.write().merge(&self.layout, sealed.changes);
        }
    }

    /// Forgets the sealed and the running epoch.
    pub fn rollback(&mut self) {
        self.sealed = None;
        self.running = Overlay::new(self.part.committed.read().stream_time);
    }

    /// Takes in a block of the changelog; the later of two holds.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), EngineError> {
        if self.sealed.is_some() || !self.running.windows.is_empty() {
            return Err(EngineError::internal("state is restored while an epoch runs"));
        }
        let block = Block::read(bytes, &self.layout.block_types)?;
        let mut changes = Overlay::new(block.stream_time);
        if !block.columns.is_empty() {
            changes.windows.insert(block.window, Segment::from_block(&self.layout, &block.columns)?);
        }
        let mut committed = self.part.committed.write();
        committed.merge(&self.layout, changes);
        self.running.stream_time = committed.stream_time;
        Ok(())
    }

    /// Groups that are committed.
    pub fn rows(&self) -> usize {
        self.part.committed.read().rows()
    }

    /// Memory held, in bytes, roughly.
    pub fn bytes(&self) -> usize {
        let sealed = self.sealed.as_ref().map_or(0, |s| s.changes.bytes());
        self.part.committed.read().bytes() + sealed + self.running.bytes()
    }
}

/// Slots of the touched segment, and where their states are.
struct Found<'a> {
    source: &'a Segment,
    to: Vec<u32>,
    from: Vec<u32>,
}

/// Looks keys up beneath the running epoch, from the slot `first` on.
fn find_beneath<'a>(
    touched: &Segment,
    first: u32,
    sealed: Option<&'a Segment>,
    committed: Option<&'a Keyed>,
) -> Vec<Found<'a>> {
    let empty = |source| Found { source, to: Vec::new(), from: Vec::new() };
    let segments = committed.map_or(&[][..], |keyed| keyed.segments());
    // The sealed one is last, behind the committed ones.
    let mut found: Vec<Found<'a>> = segments.iter().map(|s| empty(s.as_ref())).collect();
    found.extend(sealed.map(empty));
    if found.is_empty() {
        return found;
    }
    for slot in first..touched.len() as u32 {
        let (hash, key) = (touched.hash(slot), touched.key(slot));
        let (place, from) = match (sealed.and_then(|s| s.find(hash, key)), committed) {
            (Some(from), _) => (segments.len(), from),
            (None, Some(keyed)) => {
                let place = keyed.segment_of(Keyed::prefix(hash));
                match segments.get(place).and_then(|s| s.find(hash, key)) {
                    Some(from) => (place, from),
                    None => continue,
                }
            }
            (None, None) => continue,
        };
        if let Some(found) = found.get_mut(place) {
            found.to.push(slot);
            found.from.push(from);
        }
    }
    found.retain(|found| !found.to.is_empty());
    found
}
