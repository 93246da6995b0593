//! A folder of SQL files becomes models: header, query, inputs, contract, policy.

pub mod contract;
