//! Numbers that follow from a seed and an event's number: SplitMix64.

/// A stream of numbers for one event.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    pub fn of(seed: u64, event: u64) -> Self {
        // Two rounds, or events beside each other would share numbers.
        let mut mixed = Self(seed ^ event.wrapping_mul(0xd134_2543_de82_ef95));
        Self(mixed.next_u64())
    }

    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`; 0 where n is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(n)) >> 64) as u64
    }

    /// One of some words.
    pub fn pick(&mut self, words: &[&'static str]) -> &'static str {
        let at = self.below(words.len() as u64) as usize;
        words.get(at).copied().unwrap_or("")
    }

    /// A number between 100 and 10^8, small ones as often as large ones: prices in cents.
    pub fn price(&mut self) -> u64 {
        let decade = 10u64.pow(2 + self.below(6) as u32);
        decade + self.below(decade * 9)
    }
}
