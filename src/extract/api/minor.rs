//! Amounts in minor units: how many of a currency's digits stand behind the point.

use std::collections::BTreeMap;

/// Digits behind the point of an amount in `currency` (any case), as the system has it: its exceptions by lower-case code,
/// else ISO 4217.
pub(super) fn digits(currency: &str, exceptions: &BTreeMap<String, u32>) -> u32 {
    if exceptions.is_empty() {
        return iso_digits(currency);
    }
    let own = exceptions.get(&currency.trim().to_ascii_lowercase()).copied();
    own.unwrap_or_else(|| iso_digits(currency))
}

/// ISO 4217: two, except where it is listed. The list is that of `sql/intermediate/currency_minor_unit.sql`.
fn iso_digits(currency: &str) -> u32 {
    let mut code = [0_u8; 3];
    for (upper, byte) in code.iter_mut().zip(currency.trim().bytes()) {
        *upper = byte.to_ascii_uppercase();
    }
    match &code {
        b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF" | b"UGX" | b"UYI"
        | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
        b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
        _ => 2,
    }
}

/// Writes the amount that `text` minor units are as a number with an exponent, which loses no digit; false where it is no
/// number.
pub(super) fn shift(text: &str, digits: u32, into: &mut String) -> bool {
    let plain = text.trim();
    let (mantissa, exponent) = match plain.split_once(['e', 'E']) {
        None => (plain, 0),
        Some((mantissa, exponent)) => match exponent.parse::<i32>() {
            Ok(exponent) => (mantissa, exponent),
            Err(_) => return false,
        },
    };
    let shifted = i32::try_from(digits).ok().and_then(|digits| exponent.checked_sub(digits));
    let Some(shifted) = shifted else { return false };
    into.clear();
    into.push_str(mantissa);
    if shifted != 0 {
        into.push('e');
        into.push_str(&shifted.to_string());
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::value::{Spelling, decimal};

    #[test]
    fn minor_units_follow_the_currency() {
        let amount = |text: &str, currency: &str| {
            let mut shifted = String::new();
            let exceptions = BTreeMap::from([("isk".to_owned(), 2)]);
            assert!(shift(text, digits(currency, &exceptions), &mut shifted));
            decimal(&shifted, 38, 4, &Spelling::default()).unwrap()
        };
        assert_eq!(amount("1999", "usd"), 199_900);
        assert_eq!(amount("-1999", "JPY"), -19_990_000);
        assert_eq!(amount("1999", "kwd"), 19_990);
        assert_eq!(amount("1", "XXX"), 100);
        assert_eq!(amount("500", "ISK"), 50_000);
        assert_eq!(amount("0.05", "usd"), 5);
        assert_eq!(amount("2e3", "EUR"), 200_000);
        assert_eq!(amount("9007199254740993", "JPY") % 10_000_000, 9_930_000);
    }

    #[test]
    fn the_list_is_that_of_the_models() {
        let sql = include_str!("../../../sql/intermediate/currency_minor_unit.sql");
        let listed: Vec<(&str, u32)> =
            sql.split("('").skip(1).filter_map(|rest| Some((rest.get(..3)?, rest.get(6..7)?.parse().ok()?))).collect();
        assert!(listed.len() > 20);
        for (currency, minor) in listed {
            assert_eq!(iso_digits(currency), minor, "{currency}");
        }
    }
}
