//! A source described as data: how a system is asked, how its answers are taken apart, how its rows are told from each other.
//!
//! `sql/sources/<system>/source.toml` becomes a [`SourceSpec`]; the SQL files beside it turn its landed streams into entities.

pub mod access;
mod folder;
pub mod path;
mod read;
pub mod stream;
pub mod template;

pub use folder::Folder;
pub use read::{Additions, JOB_KEYS, read};
pub(crate) use read::{duration_or, personal, source_type};

use super::Model;
use access::{Auth, ErrorRule, Limits};
use std::collections::{BTreeMap, BTreeSet};
use stream::StreamSpec;
use template::Template;

/// One system: `sql/sources/<system>/`.
#[derive(Debug, Clone)]
pub struct SourceSpec {
    /// Its name: the folder's, what a job says as `system`.
    pub system: String,
    /// Its name for people.
    pub title: String,
    /// What a job may or must say about it, by name.
    pub settings: BTreeMap<String, Setting>,
    /// Where requests go unless a stream says otherwise; `https://…` without a path's end.
    pub base_url: Template,
    /// How requests are allowed in; in a job's source the way that the job chose.
    pub auth: Auth,
    /// Where there are several ways: the setting whose value names one, and all of them.
    pub auth_by: Option<(String, BTreeMap<String, Auth>)>,
    /// Headers of every request.
    pub headers: Vec<(String, Template)>,
    /// How much may be asked, and how long to wait.
    pub limits: Limits,
    /// Digits behind the point that the system gives a currency's amounts in minor units, by lower-case code, where they are
    /// not those of ISO 4217.
    pub minor_digits: BTreeMap<String, u32>,
    /// What answers mean, before the defaults; the first rule that fits decides.
    pub errors: Vec<ErrorRule>,
    /// What is fetched, parents before their children.
    pub streams: Vec<StreamSpec>,
    /// The queries that turn its streams into entities.
    pub entities: Vec<SourceEntity>,
    /// The settings that its requests name, the way in and the ways that the job chose being what they are.
    pub used: BTreeSet<String>,
    /// SHA-256 of `source.toml`, lower-case hex.
    pub hash: String,
}

/// A query of a source's folder: the entity it provides and its text.
#[derive(Debug, Clone)]
pub struct SourceEntity {
    /// The entity.
    pub entity: String,
    /// The query, in the layer [`Layer::Source`](super::Layer::Source).
    pub model: Model,
}

/// A value that a job gives a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// What it is, for the job's author.
    pub doc: String,
    /// Whether it is a secret: then it comes by reference and is never shown.
    pub is_secret: bool,
    /// What it is where the job does not say; a setting without default is required.
    pub default: Option<String>,
    /// The values it may have, each with what it stands for; any where empty.
    pub choices: BTreeMap<String, String>,
}
