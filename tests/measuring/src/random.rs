//! Chance that can be had again: the same seed gives the same order of routes and tokens.

/// Marsaglia's xorshift64*; good enough to shuffle with.
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

impl Random {
    /// The same seed gives the same numbers.
    pub fn seeded(seed: u64) -> Random {
        // Seeds that differ in few bits must not begin alike, and zero would stay zero.
        let mut random = Random { state: (seed ^ 0x9e37_79b9_7f4a_7c15) | 1 };
        for _ in 0..8 {
            random.below(2);
        }
        random
    }

    /// A number from 0 up to, but not including, `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        let high = self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        ((high * bound as u64) >> 32) as usize
    }

    /// Puts them in any order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}
