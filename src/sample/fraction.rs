//! Exact fractions of whole numbers, for amounts that are rounded once at the end.

use std::ops::{Add, Mul, Sub};

/// A reduced fraction; the denominator is positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fraction {
    numerator: i128,
    denominator: i128,
}

/// Digits behind the point to which a value is rounded before it is rounded to the currency's.
const GUARD_DIGITS: u32 = 10;

fn gcd(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a.abs(), b.abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// `numerator / denominator` rounded half away from zero; 0 where the denominator is 0.
pub fn divide_half_up(numerator: i128, denominator: i128) -> i128 {
    if denominator == 0 {
        return 0;
    }
    let (n, d) = if denominator < 0 { (-numerator, -denominator) } else { (numerator, denominator) };
    // Quotient and remainder keep doubled numerators from overflowing.
    let (quotient, remainder) = (n.abs() / d, n.abs() % d);
    let magnitude = if remainder >= d - remainder { quotient + 1 } else { quotient };
    if n < 0 { -magnitude } else { magnitude }
}

impl Default for Fraction {
    fn default() -> Self {
        Fraction::ZERO
    }
}

impl Fraction {
    /// Nothing.
    pub const ZERO: Fraction = Fraction { numerator: 0, denominator: 1 };
    /// One.
    pub const ONE: Fraction = Fraction { numerator: 1, denominator: 1 };

    /// `numerator / denominator`; 0 where the denominator is 0.
    pub fn new(numerator: i128, denominator: i128) -> Self {
        if denominator == 0 {
            return Fraction::ZERO;
        }
        let common = gcd(numerator, denominator).max(1) * denominator.signum();
        Fraction { numerator: numerator / common, denominator: denominator / common }
    }

    /// A whole number.
    pub fn whole(value: i128) -> Self {
        Fraction { numerator: value, denominator: 1 }
    }

    /// `digits` with `scale` of them behind the point.
    pub fn decimal(digits: i128, scale: u32) -> Self {
        Fraction::new(digits, 10_i128.pow(scale))
    }

    /// The quotient; 0 where `other` is 0.
    pub fn over(self, other: Fraction) -> Self {
        self * Fraction::new(other.denominator, other.numerator)
    }

    /// The smallest whole number that is not less.
    pub fn ceiling(self) -> Self {
        Fraction::whole(-((-self.numerator).div_euclid(self.denominator)))
    }

    /// Whether it is 0.
    pub fn is_zero(self) -> bool {
        self.numerator == 0
    }

    /// Whether it is more than 0.
    pub fn is_positive(self) -> bool {
        self.numerator > 0
    }

    /// Rounded half away from zero at `scale` digits behind the point, as a whole number of the last digit.
    pub fn digits(self, scale: u32) -> i128 {
        // The whole part apart, so that only the remainder is scaled.
        let unit = 10_i128.pow(scale);
        let whole = self.numerator / self.denominator;
        let rest = self.numerator % self.denominator;
        let (rest, denominator) = shrink(rest, self.denominator, i128::MAX / (unit * 4));
        whole * unit + divide_half_up(rest * unit, denominator)
    }

    /// Rounded at `scale` digits, kept as a fraction.
    pub fn rounded(self, scale: u32) -> Self {
        Fraction::decimal(self.digits(scale), scale)
    }

    /// Minor units of a currency with `exponent` digits: half away from zero, first at ten digits behind the point.
    pub fn minor(self, exponent: u32) -> i128 {
        divide_half_up(self.digits(GUARD_DIGITS), 10_i128.pow(GUARD_DIGITS - exponent))
    }

    /// The order of two fractions.
    pub fn less_than(self, other: Fraction) -> bool {
        (self - other).numerator < 0
    }
}

/// Both parts halved until the larger fits; loses digits only beyond the thirtieth.
fn shrink(mut numerator: i128, mut denominator: i128, limit: i128) -> (i128, i128) {
    while numerator.abs() > limit || denominator > limit {
        numerator /= 2;
        denominator /= 2;
    }
    (numerator, denominator.max(1))
}

/// Half of the digits of an `i128`: two factors below this bound multiply safely.
const FACTOR_LIMIT: i128 = 1 << 63;

impl Mul for Fraction {
    type Output = Fraction;

    fn mul(self, other: Fraction) -> Fraction {
        // Reducing crosswise first keeps products small; what is still too large is shortened.
        let left = Fraction::new(self.numerator, other.denominator);
        let right = Fraction::new(other.numerator, self.denominator);
        let product = left.numerator.checked_mul(right.numerator).zip(left.denominator.checked_mul(right.denominator));
        if let Some((numerator, denominator)) = product {
            return Fraction { numerator, denominator };
        }
        let (a, b) = shrink(left.numerator, left.denominator, FACTOR_LIMIT);
        let (c, d) = shrink(right.numerator, right.denominator, FACTOR_LIMIT);
        Fraction::new(a * c, b * d)
    }
}

impl Add for Fraction {
    type Output = Fraction;

    fn add(self, other: Fraction) -> Fraction {
        let common = gcd(self.denominator, other.denominator).max(1);
        let (left, right) = (other.denominator / common, self.denominator / common);
        let sum = self
            .numerator
            .checked_mul(left)
            .zip(other.numerator.checked_mul(right))
            .and_then(|(a, b)| a.checked_add(b))
            .zip(self.denominator.checked_mul(left));
        if let Some((numerator, denominator)) = sum {
            return Fraction::new(numerator, denominator);
        }
        let (a, b) = shrink(self.numerator, self.denominator, FACTOR_LIMIT / 2);
        let (c, d) = shrink(other.numerator, other.denominator, FACTOR_LIMIT / 2);
        Fraction::new(a * d + c * b, b * d)
    }
}

impl Sub for Fraction {
    type Output = Fraction;

    fn sub(self, other: Fraction) -> Fraction {
        self + Fraction { numerator: -other.numerator, denominator: other.denominator }
    }
}

impl std::iter::Sum for Fraction {
    fn sum<I: Iterator<Item = Fraction>>(parts: I) -> Fraction {
        parts.fold(Fraction::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_away_from_zero() {
        assert_eq!(divide_half_up(5, 10), 1);
        assert_eq!(divide_half_up(-5, 10), -1);
        assert_eq!(divide_half_up(49, 100), 0);
        assert_eq!(divide_half_up(7, -2), -4);
        assert_eq!(Fraction::new(1_005, 1_000).minor(2), 101);
        assert_eq!(Fraction::new(-1_005, 1_000).minor(2), -101);
        assert_eq!(Fraction::new(1, 3).digits(12), 333_333_333_333);
    }

    #[test]
    fn arithmetic_is_exact() {
        let third = Fraction::new(1, 3);
        assert_eq!(third + third + third, Fraction::ONE);
        assert_eq!(third * Fraction::whole(3), Fraction::ONE);
        assert_eq!(Fraction::ONE.over(third), Fraction::whole(3));
        assert_eq!(Fraction::decimal(850_000, 6) - Fraction::new(17, 20), Fraction::ZERO);
    }
}
