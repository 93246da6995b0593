//! A folder of SQL files becomes models: header, query, inputs, contract, policy.

pub mod contract;
pub mod document;
pub mod engine;
mod graph;
pub mod header;
mod load;
mod locate;
pub mod params;
pub mod plan;
pub mod policy;
mod query;
mod reproducible;
pub mod source;
pub mod text;

pub use graph::place_of;
pub use load::{SqlFile, compile_source, sha256};

use crate::error::Place;
use crate::finding::Severity;
use contract::Contract;
use policy::PolicySpec;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

/// The layer of a model: its folder, and what it may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// A user's own query that turns landed columns into one entity; reads `landed.*` only.
    Source,
    /// Usage events rolled up day by day; reads `usage_event` and `feature` only.
    Rollup,
    /// A canonical table; reads what sources provide, roll-ups and other entities.
    Entity,
    /// One business step that marts share; reads entities and intermediates.
    Intermediate,
    /// What BI reads; reads anything but checks.
    Mart,
    /// A question whose answer's rows are failures; reads anything but checks.
    Check,
}

impl Layer {
    /// The folder under `sql/` that holds the layer, and its name in messages.
    pub fn folder(self) -> &'static str {
        match self {
            Layer::Source => "sources",
            Layer::Rollup => "rollups",
            Layer::Entity => "entities",
            Layer::Intermediate => "intermediate",
            Layer::Mart => "marts",
            Layer::Check => "checks",
        }
    }
}

/// A table that a model reads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Input {
    /// Another model, by its bare name: an edge of the graph.
    Model(String),
    /// `provided.<entity>`: what the job's sources provide of an entity, before it is de-duplicated.
    Provided(String),
    /// `published.<table>`: the partitions of a mart before the run's date.
    Published(String),
    /// `landed.<input>`: a raw input of the `files` source, as it was landed.
    Landed(String),
    /// `run.landed` and `run.quarantine`: what this run found in the landing area.
    Run(String),
}

impl Input {
    /// The schema of the session that holds the table; none for models.
    pub fn schema(&self) -> Option<&'static str> {
        match self {
            Input::Model(_) => None,
            Input::Provided(_) => Some("provided"),
            Input::Published(_) => Some("published"),
            Input::Landed(_) => Some("landed"),
            Input::Run(_) => Some("run"),
        }
    }

    /// The table's name without schema.
    pub fn table(&self) -> &str {
        match self {
            Input::Model(name)
            | Input::Provided(name)
            | Input::Published(name)
            | Input::Landed(name)
            | Input::Run(name) => name,
        }
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.schema() {
            Some(schema) => write!(f, "{schema}.{}", self.table()),
            None => f.write_str(self.table()),
        }
    }
}

/// A condition every row of a model meets.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// Its name in the header (`expect.<name>`).
    pub name: String,
    /// A boolean SQL expression over one row; null counts as met.
    pub sql: String,
    /// What a failing row does.
    pub severity: Severity,
    /// Where it is written.
    pub place: Place,
}

/// One SQL file: one table.
#[derive(Debug, Clone)]
pub struct Model {
    /// The table's name, which is the file's.
    pub name: String,
    /// Its layer.
    pub layer: Layer,
    /// The file as shown to people: `sql/marts/obligation.sql` for built-in ones, the path on disk otherwise.
    pub file: PathBuf,
    /// The whole file.
    pub text: String,
    /// The query; the header is blanked so that lines and columns are those of the file.
    pub sql: String,
    /// Columns, grain and partitions.
    pub contract: Contract,
    /// One line that names the table.
    pub title: String,
    /// Who answers for its meaning: finance, cs or data.
    pub owner: String,
    /// Whether the query runs once per span of changed days (`each = "usage_date"`).
    pub each: bool,
    /// The date column whose month the one partition column is (`month_of`): a large table is computed month by month then.
    pub month_of: Option<String>,
    /// Whether the result becomes a public table (every mart; entities that say `publish = true`).
    pub publish: bool,
    /// Conditions on every row.
    pub expectations: Vec<Expectation>,
    /// Severity of failing header checks by check name (`grain`, `not_null.<column>`); `Block` where absent.
    pub check_severity: BTreeMap<String, Severity>,
    /// Checks only: what a row in the answer does.
    pub severity: Severity,
    /// Columns that tailwater fills itself, so that no source provides them (`derived`).
    pub derived: Vec<String>,
    /// What was decided, by name.
    pub decisions: BTreeMap<String, String>,
    /// Tables that nothing upstream of this model may be.
    pub never_reads: Vec<String>,
    /// What the query reads.
    pub inputs: BTreeSet<Input>,
    /// The parameters it mentions, without `$`.
    pub parameters: BTreeSet<String>,
    /// SHA-256 of the file's text, lower-case hex.
    pub hash: String,
}

impl Model {
    /// The names of the models it reads.
    pub fn reads(&self) -> impl Iterator<Item = &str> {
        self.inputs.iter().filter_map(|input| match input {
            Input::Model(name) => Some(name.as_str()),
            _ => None,
        })
    }
}

/// All models of a job: the built-in ones, with the replacements and additions from the job's folder.
#[derive(Debug, Clone, Default)]
pub struct Models {
    by_name: BTreeMap<String, Model>,
    order: Vec<String>,
    policy: PolicySpec,
}

impl Models {
    /// The model of that name.
    pub fn get(&self, name: &str) -> Option<&Model> {
        self.by_name.get(name)
    }

    /// The contract of an entity; none where no entity has that name.
    pub fn entity(&self, name: &str) -> Option<&Model> {
        self.get(name).filter(|model| model.layer == Layer::Entity)
    }

    /// Every model, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Model> {
        self.by_name.values()
    }

    /// Every model, each after all that it reads; ties by name.
    pub fn in_order(&self) -> Vec<&Model> {
        self.order.iter().filter_map(|name| self.by_name.get(name)).collect()
    }

    /// `tables` and everything upstream of them, in order.
    pub fn closure(&self, tables: &[String]) -> Vec<&Model> {
        let mut wanted: BTreeSet<&str> = BTreeSet::new();
        let mut open: Vec<&str> = tables.iter().map(String::as_str).collect();
        while let Some(name) = open.pop() {
            if let Some(model) = self.get(name)
                && wanted.insert(&model.name)
            {
                open.extend(model.reads());
            }
        }
        self.in_order().into_iter().filter(|model| wanted.contains(model.name.as_str())).collect()
    }

    /// The thresholds: name, type, default, meaning.
    pub fn policy(&self) -> &PolicySpec {
        &self.policy
    }
}

#[cfg(test)]
mod tests;
