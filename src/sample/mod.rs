//! A made-up software company with leaks planted in it, and the list of what was planted.
//!
//! The demo, the test oracle and the benchmark's data. Facts are a function of [`SampleSpec`]; the horizon only cuts: a later
//! horizon adds facts and changes none that was dated before.

pub mod activity;
mod biller;
mod billing;
mod charge;
mod collection;
pub mod company;
mod concessions;
mod facts;
mod fraction;
mod leaks;
mod metering;
pub mod money;
pub mod months;
mod names;
mod offer;
mod periods;
mod planning;
pub mod planted;
mod products;
pub mod random;
pub mod table;
mod terms;
mod world;

use crate::error::Result;
use crate::model::contract::Contract;
use arrow::array::RecordBatch;
use chrono::NaiveDate;
use company::Company;
use std::ops::Range;

/// What a made-up company is a function of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleSpec {
    /// Every draw depends on it.
    pub seed: u64,
    /// How many customers the company ever has.
    pub accounts: u32,
    /// The first day of usage. Contracts and billing of older customers reach back further.
    pub start: NaiveDate,
    /// Usage events as permille of the normal volume: 1,000 is the demo, more makes a benchmark.
    pub usage_scale: u32,
}

impl Default for SampleSpec {
    fn default() -> Self {
        SampleSpec {
            seed: 1,
            accounts: 320,
            start: NaiveDate::from_ymd_opt(2025, 1, 1).unwrap_or(NaiveDate::MIN),
            usage_scale: 1_000,
        }
    }
}

/// The company as it can be known at the end of `horizon`.
#[derive(Debug)]
pub struct Sample {
    company: Company,
    horizon: NaiveDate,
}

impl Sample {
    /// The company of `spec`, cut after `horizon`.
    pub fn new(spec: &SampleSpec, horizon: NaiveDate) -> Self {
        Sample { company: Company::new(spec), horizon }
    }

    /// The company behind the rows.
    pub fn company(&self) -> &Company {
        &self.company
    }

    /// The entities that [`Sample::batches`] makes; `usage_event` comes from [`Sample::usage_events`].
    pub fn entities(&self) -> Vec<&'static str> {
        activity::ENTITIES.to_vec()
    }

    /// All rows of a small entity dated on or before the horizon, in the contract's columns.
    ///
    /// # Errors
    /// A bug where the contract lacks a column the sample fills.
    pub fn batches(&self, entity: &str, contract: &Contract) -> Result<Vec<RecordBatch>> {
        activity::batches(&self.company, self.horizon, entity, contract)
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
        planted::batches(&self.company, as_of.min(self.horizon))
    }
}
