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
