//! What the made-up company sells, and at what price.

use super::facts::{Charge, Pricing, Product};
use super::money::Currency;

const fn flat(id: &'static str, name: &'static str, list_cents: i64) -> Product {
    Product { id, name, charge: Charge::Recurring, pricing: Pricing::Flat, unit: None, metric: None, list_cents }
}

const fn metered(id: &'static str, name: &'static str, metric: &'static str, pricing: Pricing) -> Product {
    let list_cents = 1;
    Product { id, name, charge: Charge::Usage, pricing, unit: Some("unit"), metric: Some(metric), list_cents }
}

/// Seats of the platform.
pub const PLATFORM: Product = Product {
    id: "platform",
    name: "Platform seats",
    charge: Charge::Recurring,
    pricing: Pricing::PerUnit,
    unit: Some("seat"),
    metric: None,
    list_cents: 4_900,
};
/// Devices of field workers.
pub const FIELD_APP: Product = Product {
    id: "field_app",
    name: "Field app devices",
    charge: Charge::Recurring,
    pricing: Pricing::PerUnit,
    unit: Some("device"),
    metric: None,
    list_cents: 1_850,
};
/// Locations on the network plan.
pub const LOCATIONS: Product = Product {
    id: "locations",
    name: "Network locations",
    charge: Charge::Recurring,
    pricing: Pricing::PerUnit,
    unit: Some("location"),
    metric: None,
    list_cents: 12_345,
};
/// Flat monthly add-ons.
pub const ADD_ONS: [Product; 5] = [
    flat("analytics", "Analytics", 59_000),
    flat("premium_support", "Premium support", 120_000),
    flat("single_sign_on", "Single sign-on", 25_000),
    flat("sandbox", "Sandbox environment", 40_000),
    flat("data_retention", "Extended data retention", 33_300),
];
/// The fee of putting a customer to work.
pub const ONBOARDING: Product = Product {
    id: "onboarding",
    name: "Guided onboarding",
    charge: Charge::OneOff,
    pricing: Pricing::Flat,
    unit: None,
    metric: None,
    list_cents: 350_000,
};
/// What a commitment falls short by is no product.
pub const TRUE_UP: Product = Product {
    id: "",
    name: "Minimum commitment",
    charge: Charge::OneOff,
    pricing: Pricing::Flat,
    unit: None,
    metric: None,
    list_cents: 0,
};
/// What is metered.
pub const METERED: [Product; 3] = [
    metered("api", "API calls", "api_calls", Pricing::Graduated),
    metered("documents", "Documents", "documents", Pricing::Volume),
    metered("messaging", "Messages", "messages", Pricing::Graduated),
];

/// Every product.
pub fn all() -> Vec<Product> {
    [PLATFORM, FIELD_APP, LOCATIONS].into_iter().chain(ADD_ONS).chain([ONBOARDING]).chain(METERED).collect()
}

/// A list price in another currency at 8 digits, as a price list would print it: `permille` of list, in round steps.
pub fn price(list_cents: i64, currency: Currency, permille: i64) -> i128 {
    let cents = i128::from(list_cents) * i128::from(permille);
    // A price list per currency, not a conversion: the factors are fixed.
    let (factor, step) = match currency {
        Currency::Usd => (1_000, 1_000_000),
        Currency::Eur => (920, 1_000_000),
        Currency::Gbp => (800, 1_000_000),
        // Yen list prices end in ten; dinar prices have three digits.
        Currency::Jpy => (150_000, 1_000_000_000),
        Currency::Kwd => (308, 100_000),
    };
    // cents / 100 * permille / 1,000 * factor / 1,000 at 8 digits
    let exact = cents * factor;
    let rounded = (exact + step / 2) / step * step;
    rounded.max(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_round_in_their_currency() {
        assert_eq!(price(4_900, Currency::Usd, 1_000), 4_900_000_000);
        assert_eq!(price(4_900, Currency::Jpy, 1_000), 735_000_000_000);
        assert_eq!(price(4_900, Currency::Usd, 931) % 1_000_000, 0);
    }
}
