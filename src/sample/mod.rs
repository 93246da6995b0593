//! A made-up software company with leaks planted in it, and the list of what was planted.
//!
//! The demo, the test oracle and the benchmark's data. Facts are a function of [`SampleSpec`]; the horizon only cuts: a later
//! horizon adds facts and changes none that was dated before.

pub mod activity;
mod agreed;
mod biller;
mod billing;
mod charge;
mod clauses;
mod collection;
mod commitments;
pub mod company;
mod concessions;
mod draft;
mod drift;
mod facts;
mod fraction;
mod lapses;
mod leaks;
mod metering;
mod meters;
pub mod money;
pub mod months;
mod names;
mod offer;
mod periods;
mod planning;
pub mod planted;
mod price_index;
mod products;
mod promised;
pub mod random;
mod rating;
mod rows_billing;
mod rows_pricing;
mod rows_reference;
mod rows_terms;
mod schedule;
mod seats;
pub mod table;
mod terms;
mod upkeep;
mod world;

#[cfg(test)]
mod tests;

use crate::error::Result;
pub use crate::job::SampleSpec;
use crate::model::contract::Contract;
use arrow::array::RecordBatch;
use chrono::NaiveDate;
use company::Company;
use std::ops::Range;
use std::sync::OnceLock;
use world::World;

/// The small entities made from contracts and billing.
const BILLING_ENTITIES: &[&str] = &[
    "contract",
    "contract_line",
    "price_index",
    "price_tier",
    "discount",
    "escalator",
    "ramp_step",
    "commitment",
    "commitment_line",
    "free_period",
    "pause",
    "sla_term",
    "billing_exception",
    "finding_review",
    "fx_rate",
    "price_book",
    "invoice",
    "invoice_line",
    "applied_discount",
    "payment",
    "payment_event",
    "credit_note",
    "write_off",
];

/// The company as it can be known at the end of `horizon`.
#[derive(Debug)]
pub struct Sample {
    company: Company,
    world: OnceLock<World>,
    horizon: NaiveDate,
}

impl Sample {
    /// The company of `spec`, cut after `horizon`.
    pub fn new(spec: &SampleSpec, horizon: NaiveDate) -> Self {
        Sample { company: Company::new(spec), world: OnceLock::new(), horizon }
    }

    /// The company behind the rows.
    pub fn company(&self) -> &Company {
        &self.company
    }

    /// Contracts and billing, made when first asked for.
    fn world(&self) -> &World {
        self.world.get_or_init(|| World::new(&self.company, self.horizon))
    }

    /// The entities that [`Sample::batches`] makes; `usage_event` comes from [`Sample::usage_events`].
    pub fn entities(&self) -> Vec<&'static str> {
        activity::ENTITIES.iter().chain(BILLING_ENTITIES).copied().collect()
    }

    /// All rows of a small entity dated on or before the horizon, in the contract's columns.
    ///
    /// # Errors
    /// A bug where the contract lacks a column the sample fills.
    pub fn batches(&self, entity: &str, contract: &Contract) -> Result<Vec<RecordBatch>> {
        let horizon = self.horizon;
        if !BILLING_ENTITIES.contains(&entity) {
            return activity::batches(&self.company, horizon, entity, contract);
        }
        let (contracts, invoices) = (&self.world().contracts, &self.world().invoices);
        match entity {
            "contract" => rows_terms::contract(&self.company, contracts, horizon).batches(contract),
            "contract_line" => rows_terms::contract_line(contracts, horizon).batches(contract),
            "price_index" => rows_pricing::price_index(self.company.spec.start, horizon).batches(contract),
            "price_tier" => rows_pricing::price_tier(contracts, horizon).batches(contract),
            "discount" => rows_terms::discount(contracts, horizon).batches(contract),
            "escalator" => rows_pricing::escalator(contracts, horizon).batches(contract),
            "ramp_step" => rows_pricing::ramp_step(contracts, horizon).batches(contract),
            "commitment" => rows_pricing::commitment(contracts, horizon).batches(contract),
            "commitment_line" => rows_pricing::commitment_line(contracts, horizon).batches(contract),
            "free_period" => rows_terms::free_period(contracts, horizon).batches(contract),
            "sla_term" => rows_terms::sla_term(contracts, horizon).batches(contract),
            "pause" => rows_terms::pause(contracts, horizon).batches(contract),
            "finding_review" => rows_terms::finding_review(&self.world().reviews, horizon).batches(contract),
            "billing_exception" => rows_terms::billing_exception(&self.company, contracts, horizon).batches(contract),
            "fx_rate" => rows_reference::fx_rate(&self.company, horizon).batches(contract),
            "price_book" => rows_reference::price_book(&self.company, horizon).batches(contract),
            "invoice" => rows_billing::invoice(&self.company, invoices, horizon).batches(contract),
            "invoice_line" => rows_billing::invoice_line(invoices, horizon).batches(contract),
            "applied_discount" => rows_billing::applied_discount(invoices, horizon).batches(contract),
            "payment" => rows_billing::payment(&self.company, invoices, horizon).batches(contract),
            "payment_event" => rows_billing::payment_event(invoices, horizon).batches(contract),
            "write_off" => rows_billing::write_off(invoices, horizon).batches(contract),
            "credit_note" => rows_billing::credit_note(&self.company, invoices, horizon).batches(contract),
            _ => Ok(Vec::new()),
        }
    }

    /// Usage events of `days` (half-open, cut after the horizon), in bounded batches and constant memory.
    pub fn usage_events<'a>(
        &'a self,
        days: Range<NaiveDate>,
        contract: &'a Contract,
    ) -> impl Iterator<Item = Result<RecordBatch>> + 'a {
        let end = self.horizon.succ_opt().map_or(days.end, |after| days.end.min(after));
        activity::usage_events(&self.company, days.start..end, contract)
    }

    /// What a run for `as_of` must find, planted or natural, in the columns of [`planted::contract`].
    ///
    /// # Errors
    /// A bug where a row does not fit the contract.
    pub fn planted(&self, as_of: NaiveDate) -> Result<Vec<RecordBatch>> {
        planted::batches(&self.company, self.world(), as_of.min(self.horizon))
    }
}
