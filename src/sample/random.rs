//! Random numbers by purpose: every decision of the made-up company draws from a stream of its own.
//!
//! A stream is addressed by (seed, purpose, index), never by what was drawn before it. A new decision therefore changes no
//! other, and a later horizon changes nothing at all.

use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::Rng as _;

/// One decision's stream of random numbers.
#[derive(Debug, Clone)]
pub struct Stream(Pcg64Mcg);

/// Spreads every bit of the input over the output (the finaliser of SplitMix64).
fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

impl Stream {
    /// The stream of one decision: `purpose` names the kind of decision, `index` the thing it is about.
    pub fn new(seed: u64, purpose: &str, index: u64) -> Self {
        // FNV-1a over the purpose: short words, no cryptographic need.
        let name = purpose
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let high = mix(seed ^ name);
        let low = mix(high.wrapping_add(index.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        Stream(Pcg64Mcg::new((u128::from(high) << 64) | u128::from(low)))
    }

    /// A whole number in `0..bound`; 0 where `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        // Multiply-shift: the bias of 2^-64 per value is far below anything visible here.
        let wide = u128::from(self.0.next_u64()) * u128::from(bound);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// A whole number between `low` and `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = u64::try_from(high - low + 1).unwrap_or(1);
        low + i64::try_from(self.below(width)).unwrap_or(0)
    }

    /// True in `permille` of 1,000 cases.
    pub fn chance(&mut self, permille: u64) -> bool {
        self.below(1000) < permille
    }

    /// One of `choices`, each as likely as its weight says; the first where all weights are 0.
    pub fn weighted<T: Copy>(&mut self, first: (T, u64), others: &[(T, u64)]) -> T {
        let total = others.iter().fold(first.1, |sum, (_, weight)| sum + weight);
        let mut left = self.below(total);
        if left < first.1 {
            return first.0;
        }
        left -= first.1;
        for &(choice, weight) in others {
            if left < weight {
                return choice;
            }
            left -= weight;
        }
        first.0
    }

    /// One of `choices`; `fallback` where there are none.
    pub fn pick<'a, T: ?Sized>(&mut self, choices: &[&'a T], fallback: &'a T) -> &'a T {
        let at = usize::try_from(self.below(choices.len() as u64)).unwrap_or(0);
        choices.get(at).copied().unwrap_or(fallback)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_depend_on_seed_purpose_and_index_only() {
        let draw = |seed, purpose, index| Stream::new(seed, purpose, index).below(1 << 40);
        assert_eq!(draw(1, "terms", 2), draw(1, "terms", 2));
        assert_ne!(draw(1, "terms", 2), draw(1, "terms", 3));
        assert_ne!(draw(1, "terms", 2), draw(1, "leak", 2));
        assert_ne!(draw(1, "terms", 2), draw(2, "terms", 2));
    }

    #[test]
    fn between_reaches_both_ends() {
        let mut stream = Stream::new(7, "test", 0);
        let drawn: Vec<i64> = (0..200).map(|_| stream.between(-1, 1)).collect();
        for value in [-1, 0, 1] {
            assert!(drawn.contains(&value));
        }
        assert!(drawn.iter().all(|value| (-1..=1).contains(value)));
    }
}
