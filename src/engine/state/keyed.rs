//! The committed groups of one window: segments by key hash, shared copy-on-write.

use std::sync::Arc;

use super::{Layout, Segment};

/// A segment is split when it would hold more rows than this on average: what a write copies while a reader holds
/// on to its snapshot, and what a rewrite writes at once.
const SEGMENT_ROWS: usize = 8192;

const SEGMENTS_MAX: usize = 1024;

/// The number of segments is a power of two; a segment's keys have hashes of one prefix. Small windows have one.
#[derive(Debug, Clone)]
pub struct Keyed {
    segments: Vec<Arc<Segment>>,
    rows: usize,
    bytes: usize,
}

impl Keyed {
    pub fn new(layout: &Layout, segment: Segment) -> Self {
        let (rows, bytes) = (segment.len(), segment.bytes());
        let mut keyed = Self { segments: vec![Arc::new(segment)], rows, bytes };
        keyed.grow(layout);
        keyed
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn segments(&self) -> &[Arc<Segment>] {
        &self.segments
    }

    /// The part of a hash that segments divide among them. Hash tables use the lowest and topmost bits.
    pub fn prefix(hash: u64) -> u32 {
        (hash >> 16) as u32
    }

    /// Which segment a key with this prefix is in.
    pub fn segment_of(&self, prefix: u32) -> usize {
        let bits = self.segments.len().trailing_zeros();
        if bits == 0 { 0 } else { (prefix >> (32 - bits)) as usize }
    }

    /// The first prefix behind a segment; None behind the last.
    pub fn prefix_behind(&self, segment: usize) -> Option<u32> {
        let bits = self.segments.len().trailing_zeros();
        (segment + 1 < self.segments.len()).then(|| ((segment + 1) as u32) << (32 - bits))
    }

    pub fn find(&self, hash: u64, key: &[u8]) -> Option<(&Arc<Segment>, u32)> {
        let segment = self.segments.get(self.segment_of(Self::prefix(hash)))?;
        segment.find(hash, key).map(|slot| (segment, slot))
    }

    /// Takes over the changes of an epoch.
    pub fn merge(&mut self, layout: &Layout, changes: &Segment) {
        let mut by_segment: Vec<Vec<u32>> = vec![Vec::new(); self.segments.len()];
        for slot in 0..changes.len() as u32 {
            by_segment[self.segment_of(Self::prefix(changes.hash(slot)))].push(slot);
        }
        for (segment, slots) in self.segments.iter_mut().zip(&by_segment) {
            if !slots.is_empty() {
                let (rows, bytes) = (segment.len(), segment.bytes());
                let segment = Arc::make_mut(segment);
                segment.upsert(changes, slots);
                self.rows += segment.len() - rows;
                self.bytes = (self.bytes + segment.bytes()).saturating_sub(bytes);
            }
        }
        self.grow(layout);
    }

    fn grow(&mut self, layout: &Layout) {
        let mut wanted = self.segments.len();
        while self.rows > wanted * SEGMENT_ROWS && wanted < SEGMENTS_MAX {
            wanted *= 2;
        }
        if wanted == self.segments.len() {
            return;
        }
        let parts = wanted / self.segments.len();
        let bits = wanted.trailing_zeros();
        let mut grown = Vec::with_capacity(wanted);
        for segment in &self.segments {
            let first = grown.len();
            let mut by_part: Vec<Vec<u32>> = vec![Vec::new(); parts];
            for slot in 0..segment.len() as u32 {
                let at = (Self::prefix(segment.hash(slot)) >> (32 - bits)) as usize;
                by_part[at - first].push(slot);
            }
            grown.extend(by_part.iter().map(|slots| {
                let mut part = Segment::new(layout);
                part.upsert(segment, slots);
                Arc::new(part)
            }));
        }
        self.bytes = grown.iter().map(|s| s.bytes()).sum();
        self.segments = grown;
    }
}
