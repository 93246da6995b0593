//! All facts about contracts and billing, gathered once.

use super::activity::Activity;
use super::billing;
use super::company::Company;
use super::facts::{Contract, Invoice};
use super::leaks::{Leaks, Review};
use super::meters::Meters;
use super::planning;
use super::rows_reference::Rates;
use super::terms;
use chrono::NaiveDate;

/// Contracts, invoices and what was planted in them.
#[derive(Debug, PartialEq, Eq)]
pub struct World {
    /// Every contract, by account and date.
    pub contracts: Vec<Contract>,
    /// Every invoice, by account and date.
    pub invoices: Vec<Invoice>,
    /// What was planted.
    pub leaks: Leaks,
    /// What was measured.
    pub meters: Meters,
    /// What was decided about findings.
    pub reviews: Vec<Review>,
    /// What currencies cost.
    pub rates: Rates,
}

impl World {
    /// Facts up to `horizon`, and whatever the plan of leaks looks at beyond it.
    pub fn new(company: &Company, horizon: NaiveDate) -> Self {
        let planned_until = planning::planned_until(company);
        let until = horizon.max(planned_until);
        let activity = Activity::new(company, until);
        let planned = terms::contracts(company, &activity, planned_until);
        let meters = Meters::new(company, &activity, until);
        let (leaks, planned_invoices) = planning::plan(company, &meters, &planned);
        let (mut contracts, mut invoices) = if until == planned_until {
            (planned, planned_invoices)
        } else {
            let contracts = terms::contracts(company, &activity, until);
            let invoices = billing::invoices(company, &meters, &contracts, &leaks, until);
            (contracts, invoices)
        };
        let rates = Rates::new(company, until);
        planning::approve(company, &mut contracts, &leaks);
        let reviews = planning::reviews(company, &contracts, &leaks);
        billing::fail(company, &mut invoices, &leaks);
        contracts.extend(terms::orphans(company, &contracts, until));
        World { contracts, invoices, leaks, meters, reviews, rates }
    }
}
