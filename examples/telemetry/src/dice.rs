//! Chance that can be had again, on any machine: its own generator, and no function of the platform's.

/// Steele's splitmix64.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Dice for one purpose of a trace; other purposes draw from other sequences, so that one that draws more changes no other.
    pub fn seeded(seed: u64, purpose: &str) -> Self {
        let mut dice = Self(seed);
        // FNV-1a of the purpose, begun at what the seed gives.
        let begun = dice.next() ^ 0xcbf2_9ce4_8422_2325;
        let mixed = purpose.bytes().fold(begun, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        Self(mixed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to, but not including, 1.
    pub fn share(&mut self) -> f64 {
        // 53 bits are as many as a double holds.
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// From `low` up to `high`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.share()
    }

    /// Whether something of this probability happens.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.share() < probability
    }

    /// A normal deviate (Marsaglia's polar method).
    pub fn normal(&mut self) -> f64 {
        loop {
            let (x, y) = (self.between(-1.0, 1.0), self.between(-1.0, 1.0));
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                return x * libm::sqrt(-2.0 * libm::log(square) / square);
            }
        }
    }

    /// A time to wait, of this mean.
    pub fn wait(&mut self, mean: f64) -> f64 {
        -mean * libm::log(1.0 - self.share())
    }

    /// Brings a list into any order.
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for end in (1..list.len()).rev() {
            let other = (self.share() * (end.saturating_add(1)) as f64) as usize;
            list.swap(end, other.min(end));
        }
    }
}

/// A value that wanders about 0 and forgets where it was (an Ornstein-Uhlenbeck process), with a standard deviation of 1.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wander(f64);

impl Wander {
    /// Lets `step` seconds pass, where what was is forgotten to a third in `memory` seconds.
    pub fn step(&mut self, dice: &mut Dice, step: f64, memory: f64) -> f64 {
        let kept = libm::exp(-step / memory);
        self.0 = kept * self.0 + libm::sqrt(1.0 - kept * kept) * dice.normal();
        self.0
    }

    /// Where it is.
    pub fn value(self) -> f64 {
        self.0
    }
}
