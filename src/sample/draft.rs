//! From exact money to a line that an invoice can show: rounded, with its discount told apart.

use super::charge::Charged;
use super::facts::{Discount, DiscountValue, InvoiceLine, Line, LineKind};
use super::fraction::Fraction;
use chrono::NaiveDate;
use std::ops::Range;

/// Exact and rounded money of a period so far: the last line takes the rounding remainder.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    gross: Fraction,
    net: Fraction,
    billed_gross: i128,
    billed_net: i128,
}

/// What a line says besides its money: quantity at 6 digits, price at 8.
pub(super) struct Template {
    pub kind: LineKind,
    pub quantity: i128,
    pub unit_price: i128,
    pub days: Range<NaiveDate>,
}

impl Tally {
    /// Rounds a charge to an invoice line; the last line of a period takes the remainder of its rounding.
    pub(super) fn line(
        &mut self,
        stated: &Line,
        template: Template,
        (charged, discounts): (&Charged, &[Discount]),
        exponent: u32,
        mis_adds: Option<i64>,
    ) -> InvoiceLine {
        self.gross = self.gross + charged.gross;
        self.net = self.net + charged.net;
        let mut gross = self.gross.minor(exponent) - self.billed_gross;
        let mut amount = self.net.minor(exponent) - self.billed_net;
        self.billed_gross += gross;
        self.billed_net += amount;
        let discount = gross - amount;
        if let Some(permille) = mis_adds {
            let missing = (gross * i128::from(permille) / 1_000).max(1);
            // With a discount on it the sum is wrong, without one the product is.
            amount -= missing;
            if discount == 0 {
                gross -= missing;
            }
        }
        InvoiceLine {
            id: String::new(),
            contract_line: stated.id.clone(),
            commitment: None,
            product: stated.product,
            kind: template.kind,
            quantity: template.quantity,
            unit_size: 1,
            unit_price: template.unit_price,
            gross,
            discount,
            amount,
            tax: 0,
            start: template.days.start,
            end: template.days.end,
            is_override: false,
            applied: applied(charged, discounts, discount, exponent),
        }
    }
}

/// The discount of a line told apart by where it comes from; the last one takes the rounding remainder.
fn applied(
    charged: &Charged,
    discounts: &[Discount],
    total: i128,
    exponent: u32,
) -> Vec<(String, DiscountValue, i128)> {
    let mut sums: Vec<(usize, Fraction)> = Vec::new();
    for (at, part) in &charged.parts {
        match sums.iter_mut().find(|(same, _)| same == at) {
            Some((_, sum)) => *sum = *sum + *part,
            None => sums.push((*at, *part)),
        }
    }
    let mut left = total;
    let last = sums.len().saturating_sub(1);
    sums.iter()
        .enumerate()
        .filter_map(|(position, (at, sum))| {
            let amount = if position == last { left } else { sum.minor(exponent) };
            left -= amount;
            discounts.get(*at).map(|discount| (discount.id.clone(), discount.value, amount))
        })
        .collect()
}
