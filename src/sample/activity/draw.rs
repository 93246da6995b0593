//! Random numbers by address instead of by sequence.
//!
//! What happens to an account on a day is a function of (seed, account, day, purpose): any day can be drawn without drawing
//! the days before it, so one day's usage streams alone, a later horizon changes nothing, and the billed quantity of a month is a
//! sum of draws. The generator is SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
//! 2014), whose output function is a full mixer and therefore may be fed with addresses. All arithmetic is integer, or
//! floating point restricted to + - * / and square root, which IEEE 754 rounds alike on every machine.

const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// SplitMix64's output function: every input bit reaches every output bit.
pub(crate) fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// The address below `key` that `part` names.
pub(crate) fn address(key: u64, part: u64) -> u64 {
    mix(key.wrapping_add(GOLDEN_GAMMA).wrapping_add(part.wrapping_mul(0xd1b5_4a32_d192_ed03)))
}

/// The address below `key` that the word `purpose` names (FNV-1a over its bytes).
pub(crate) fn named(key: u64, purpose: &str) -> u64 {
    let word = purpose
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    address(key, word)
}

/// A short stream of random numbers that begins at an address.
#[derive(Clone, Debug)]
pub(crate) struct Draw(u64);

impl Draw {
    /// The stream at `key`.
    pub(crate) fn at(key: u64) -> Self {
        Self(key)
    }

    /// The stream for one purpose below `key`, for one number of it (a day, a sequence).
    pub(crate) fn of(key: u64, purpose: &str, number: i64) -> Self {
        Self(address(named(key, purpose), number.cast_unsigned()))
    }

    /// 64 random bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN_GAMMA);
        mix(self.0)
    }

    /// A number in [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        unit(self.bits())
    }

    /// A number in [low, high).
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A whole number in [low, high], both included; `low` where the range is empty.
    pub(crate) fn whole(&mut self, low: i32, high: i32) -> i32 {
        let span = u64::try_from(i64::from(high) - i64::from(low) + 1).unwrap_or(1).max(1);
        low + i32::try_from(self.below(span)).unwrap_or(0)
    }

    /// A whole number in [0, n); 0 where n is 0.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        // Lemire's multiply-shift; the bias of 2^-64 per value is far below what anything here could show.
        ((u128::from(self.bits()) * u128::from(n)) >> 64) as u64
    }

    /// True with probability `chance`.
    pub(crate) fn chance(&mut self, chance: f64) -> bool {
        self.unit() < chance
    }

    /// One of `options`.
    pub(crate) fn pick<'a, T: ?Sized>(&mut self, options: &[&'a T], fallback: &'a T) -> &'a T {
        let index = usize::try_from(self.below(options.len() as u64)).unwrap_or(0);
        options.get(index).copied().unwrap_or(fallback)
    }

    /// Roughly normal with mean 0 and standard deviation 1, within ±3.5 (sum of four uniform numbers).
    pub(crate) fn normal(&mut self) -> f64 {
        let bits = self.bits();
        let sum: u64 = (0..4).map(|part| (bits >> (16 * part)) & 0xffff).sum();
        // Four 16-bit uniforms have mean 131 070 and standard deviation 65 536 / sqrt(3).
        (sum as f64 - 131_070.0) / 37_837.2
    }

    /// A Poisson number: how many of many rare things happened, when `mean` are expected.
    pub(crate) fn poisson(&mut self, mean: f64) -> u32 {
        if mean <= 0.0 {
            return 0;
        }
        if mean > 30.0 {
            let value = mean + mean.sqrt() * self.normal() + 0.5;
            return count(value);
        }
        let target = self.unit();
        let mut term = exp_minus(mean);
        let mut sum = term;
        let mut count = 0_u32;
        while sum < target && count < 120 {
            count += 1;
            term *= mean / f64::from(count);
            sum += term;
        }
        count
    }
}

/// A number in [0, 1) from 64 random bits.
pub(crate) fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
}

/// The whole part of a number.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the conversion saturates, and nothing drawn here comes near its ends"
)]
pub(crate) fn whole_part(value: f64) -> i64 {
    value as i64
}

/// The whole part of a number that counts something; 0 for what is below 0.
pub(crate) fn count(value: f64) -> u32 {
    u32::try_from(whole_part(value).max(0)).unwrap_or(u32::MAX)
}

/// e to the power of -x for x in [0, 32), by (1 - x/2^16)^(2^16): only multiplications, so the same on every machine, unlike
/// the libraries' exponential. Its relative error is below x²/2^17, under one percent.
fn exp_minus(x: f64) -> f64 {
    let mut value = 1.0 - x / 65_536.0;
    for _ in 0..16 {
        value *= value;
    }
    value
}
