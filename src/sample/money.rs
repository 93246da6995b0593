//! Currencies and exact money: whole minor units, half up.

use super::table::Cell;

/// The currencies the made-up company bills in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Currency {
    /// US dollar.
    Usd,
    /// Euro.
    Eur,
    /// Pound sterling.
    Gbp,
    /// Japanese yen: no minor unit.
    Jpy,
    /// Kuwaiti dinar: a thousand fils.
    Kwd,
}

impl Currency {
    /// Every currency of the sample.
    pub const ALL: [Currency; 5] = [Currency::Usd, Currency::Eur, Currency::Gbp, Currency::Jpy, Currency::Kwd];

    /// ISO 4217 code.
    pub fn code(self) -> &'static str {
        match self {
            Currency::Usd => "USD",
            Currency::Eur => "EUR",
            Currency::Gbp => "GBP",
            Currency::Jpy => "JPY",
            Currency::Kwd => "KWD",
        }
    }

    /// Digits behind the point (ISO 4217 exponent).
    pub fn exponent(self) -> u32 {
        match self {
            Currency::Usd | Currency::Eur | Currency::Gbp => 2,
            Currency::Jpy => 0,
            Currency::Kwd => 3,
        }
    }

    /// An amount of minor units as a table's value.
    pub fn cell(self, minor: i128) -> Cell {
        Cell::Decimal(minor, self.exponent())
    }
}

/// `numerator / denominator` rounded half away from zero, which is half up for what is owed and symmetric for credits.
/// 0 where the denominator is 0.
pub fn divide_half_up(numerator: i128, denominator: i128) -> i128 {
    if denominator == 0 {
        return 0;
    }
    let (n, d) = if denominator < 0 { (-numerator, -denominator) } else { (numerator, denominator) };
    let magnitude = (n.abs() * 2 + d) / (d * 2);
    if n < 0 { -magnitude } else { magnitude }
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
    }
}
