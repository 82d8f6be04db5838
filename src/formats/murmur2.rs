//! Where a key lives: Kafka's murmur2 hash of its bytes.
//!
//! Every Kafka producer places keys by this hash, so state has the same shape here as in any other client, and
//! topics written by others are partitioned as ours are.

/// The 32-bit murmur2 of Kafka's `Utils.murmur2`, with Kafka's seed.
pub fn murmur2(bytes: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    const R: u32 = 24;

    let mut hash = SEED ^ bytes.len() as u32;
    let (words, tail) = bytes.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> R;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !tail.is_empty() {
        for (at, byte) in tail.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * at);
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

/// The partition of a key, as Kafka's default partitioner chooses it. `partitions` below 1 counts as 1.
pub fn partition_for(key: &[u8], partitions: i32) -> i32 {
    let positive = (murmur2(key) & 0x7fff_ffff) as i32;
    positive % partitions.max(1)
}

#[cfg(test)]
mod tests {
    use super::{murmur2, partition_for};

    /// The vectors of Kafka's own test of its hash.
    #[test]
    fn agrees_with_kafka() {
        for (text, expected) in [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(text.as_bytes()) as i32, expected, "{text}");
        }
    }

    #[test]
    fn partitions_are_in_range() {
        for partitions in [-1, 0, 1, 3, 10_000, i32::MAX] {
            for key in [&b""[..], b"21", b"foobar"] {
                assert!((0..partitions.max(1)).contains(&partition_for(key, partitions)));
            }
        }
        assert_eq!(partition_for(b"21", 1000), (-973_932_308 & 0x7fff_ffff) % 1000);
    }
}
