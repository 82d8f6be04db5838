//! The keys of the store, and the small values that are not blocks.
//!
//! Numbers in keys are big-endian so that the store's order is theirs; numbers in values are little-endian.
//!
//! | keyspace | key | value |
//! |---|---|---|
//! | meta | `v` | format version of the store, u32 |
//! | meta | `i` | the next topic id, u64 |
//! | meta | `t` name | a [`TopicEntry`] |
//! | meta | `p` topic id, partition | a [`PartitionEntry`]; absent while nothing was written |
//! | meta | `g` topic id, partition, group | the position that the group committed, i64 |
//! | meta | `d` topic id | empty: a deleted topic whose blocks are still being removed |
//! | index | topic id, partition, first offset | the head of the block, see [`super::block`] |
//! | blocks | topic id, partition, first offset | the block |

/// The version of the store's layout as a whole. A store of another version is refused.
pub(super) const FORMAT_VERSION: u32 = 1;

pub(super) const FORMAT_KEY: &[u8] = b"v";
pub(super) const NEXT_TOPIC_ID_KEY: &[u8] = b"i";
pub(super) const TOPIC_PREFIX: u8 = b't';
pub(super) const PARTITION_PREFIX: u8 = b'p';
pub(super) const POSITION_PREFIX: u8 = b'g';
pub(super) const DELETED_PREFIX: u8 = b'd';

pub(super) fn topic_key(name: &str) -> Vec<u8> {
    [&[TOPIC_PREFIX], name.as_bytes()].concat()
}

pub(super) fn partition_key(topic: u64, partition: u32) -> Vec<u8> {
    [&[PARTITION_PREFIX][..], &topic.to_be_bytes(), &partition.to_be_bytes()].concat()
}

pub(super) fn position_key(topic: u64, partition: u32, group: &str) -> Vec<u8> {
    [&[POSITION_PREFIX][..], &topic.to_be_bytes(), &partition.to_be_bytes(), group.as_bytes()].concat()
}

pub(super) fn deleted_key(topic: u64) -> Vec<u8> {
    prefixed_topic(DELETED_PREFIX, topic)
}

/// The prefix under which everything of one kind lies that belongs to a topic.
pub(super) fn prefixed_topic(prefix: u8, topic: u64) -> Vec<u8> {
    [&[prefix][..], &topic.to_be_bytes()].concat()
}

/// The key of a block and of its head. Offsets are never negative, so their bytes sort as they do.
pub(super) fn block_key(topic: u64, partition: u32, first_offset: i64) -> [u8; 20] {
    let mut key = [0; 20];
    key[..8].copy_from_slice(&topic.to_be_bytes());
    key[8..12].copy_from_slice(&partition.to_be_bytes());
    key[12..].copy_from_slice(&first_offset.max(0).to_be_bytes());
    key
}

/// The first offset in a block's key; None where it is no such key.
pub(super) fn first_offset(key: &[u8]) -> Option<i64> {
    let (_, offset) = key.split_at_checked(12)?;
    Some(i64::from_be_bytes(offset.try_into().ok()?))
}

/// Topic id and partition out of a key of partitions, positions or (with the prefix cut off) blocks.
pub(super) fn topic_and_partition(key: &[u8]) -> Option<(u64, u32)> {
    let (topic, rest) = key.split_first_chunk::<8>()?;
    let (partition, _) = rest.split_first_chunk::<4>()?;
    Some((u64::from_be_bytes(*topic), u32::from_be_bytes(*partition)))
}

/// What is kept of a topic under its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TopicEntry {
    pub id: u64,
    pub partitions: u32,
    pub config: Vec<(String, String)>,
}

const TOPIC_ENTRY_VERSION: u8 = 1;

impl TopicEntry {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = vec![TOPIC_ENTRY_VERSION];
        out.extend(self.id.to_le_bytes());
        out.extend(self.partitions.to_le_bytes());
        out.extend((self.config.len() as u32).to_le_bytes());
        for text in self.config.iter().flat_map(|(name, value)| [name, value]) {
            out.extend((text.len() as u32).to_le_bytes());
            out.extend(text.as_bytes());
        }
        out
    }

    /// None where the bytes are of another version or damaged.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (&version, mut rest) = bytes.split_first()?;
        if version != TOPIC_ENTRY_VERSION {
            return None;
        }
        let id = u64::from_le_bytes(take(&mut rest)?);
        let partitions = u32::from_le_bytes(take(&mut rest)?);
        let count = u32::from_le_bytes(take(&mut rest)?);
        let mut text = || -> Option<String> {
            let length = u32::from_le_bytes(take(&mut rest)?) as usize;
            let (bytes, tail) = rest.split_at_checked(length)?;
            rest = tail;
            String::from_utf8(bytes.to_vec()).ok()
        };
        let mut config = Vec::new();
        for _ in 0..count {
            config.push((text()?, text()?));
        }
        rest.is_empty().then_some(Self { id, partitions, config })
    }
}

/// Where a partition begins and ends, and how far it is compacted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct PartitionEntry {
    /// The first offset that may be read.
    pub start: i64,
    /// The offset that the next record gets.
    pub end: i64,
    /// Below this offset compaction has been.
    pub compacted: i64,
}

const PARTITION_ENTRY_VERSION: u8 = 1;

impl PartitionEntry {
    pub(super) fn encode(&self) -> Vec<u8> {
        let numbers = [self.start, self.end, self.compacted].map(i64::to_le_bytes).concat();
        [&[PARTITION_ENTRY_VERSION][..], &numbers].concat()
    }

    /// None where the bytes are of another version or damaged.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (&version, mut rest) = bytes.split_first()?;
        if version != PARTITION_ENTRY_VERSION {
            return None;
        }
        let mut number = || take(&mut rest).map(i64::from_le_bytes);
        let entry = Self { start: number()?, end: number()?, compacted: number()? };
        (rest.is_empty() && 0 <= entry.start && entry.start <= entry.end).then_some(entry)
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_sort_by_topic_partition_and_offset() {
        let keys = [(1, 0, 5), (1, 0, 300), (1, 1, 0), (1, 256, 0), (2, 0, 0)];
        let keys: Vec<_> = keys.iter().map(|&(t, p, o)| block_key(t, p, o)).collect();
        assert!(keys.is_sorted());
        assert_eq!(first_offset(&keys[1]), Some(300));
        assert_eq!(topic_and_partition(&keys[3]), Some((1, 256)));
        assert_eq!(first_offset(b"short"), None);
    }

    #[test]
    fn entries_come_back_and_damage_is_noticed() {
        let topic = TopicEntry {
            id: 7,
            partitions: 3,
            config: vec![("cleanup.policy".into(), "compact".into()), ("x".into(), String::new())],
        };
        let bytes = topic.encode();
        assert_eq!(TopicEntry::decode(&bytes), Some(topic));
        let partition = PartitionEntry { start: 1, end: 9, compacted: 4 };
        let entry = partition.encode();
        assert_eq!(PartitionEntry::decode(&entry), Some(partition));
        for cut in 0..bytes.len() {
            assert_eq!(TopicEntry::decode(&bytes[..cut]), None);
            assert_eq!(PartitionEntry::decode(&entry[..cut.min(entry.len() - 1)]), None);
        }
    }
}
