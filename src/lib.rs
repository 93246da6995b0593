//! `tailwater`: a batch job that reads CRM, billing, usage and support data, joins them with SQL, computes revenue
//! leakage and account health, and publishes partitioned Parquet. Data flows one way through the modules below.

pub mod backtest;
pub mod calendar;
pub mod check;
pub mod cli;
pub mod dates;
pub mod error;
pub mod event;
pub mod extract;
pub mod finding;
pub mod job;
pub mod land;
pub mod model;
pub mod observe;
pub mod publish;
pub mod run;
pub mod sample;
pub mod store;
pub mod transform;

#[cfg(test)]
mod tests;
