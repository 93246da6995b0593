//! `landed.<stream>` as queries see it: files as they are, or the current view over a stream's versions.

use crate::error::{Error, Result};
use crate::land::{Files, Versions};
use crate::transform::{files, register};
use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::common::TableReference;
use datafusion::prelude::SessionContext;
use std::path::PathBuf;
use std::sync::Arc;

/// One landed stream.
#[derive(Debug, Clone)]
pub struct Raw {
    /// Files of an input; empty where there are versions.
    pub files: Vec<PathBuf>,
    /// The columns that queries see.
    pub schema: SchemaRef,
    /// Of a system's stream: what its view is made of.
    pub versions: Option<Versions>,
}

/// The names that a view's files have while it is planned.
const BASE: &str = "_base";
const DELTAS: &str = "_deltas";
const HISTORY: &str = "_history";

impl Raw {
    /// The rows alone that were landed after `landed`; all of an input that has no versions.
    #[must_use]
    pub fn newer_than(&self, landed: i64) -> Raw {
        let versions = self.versions.as_ref().map(|versions| versions.newer_than(landed));
        Raw { versions, ..self.clone() }
    }

    /// The table that queries read.
    ///
    /// # Errors
    /// A file's path is not absolute, or the view cannot be planned: a bug (70).
    pub async fn table(&self, session: &SessionContext) -> Result<Arc<dyn TableProvider>> {
        let Some(versions) = &self.versions else { return files::listing(&self.files, Arc::clone(&self.schema)) };
        let kinds = [(BASE, &versions.base), (DELTAS, &versions.deltas), (HISTORY, &versions.history)];
        let name = |kind: &str| TableReference::partial("landed", kind);
        for (kind, Files { paths, schema, .. }) in kinds {
            register(session, name(kind), files::listing(paths, Arc::clone(schema))?)?;
        }
        let sql = versions.sql(&format!("landed.{BASE}"), &format!("landed.{DELTAS}"), &format!("landed.{HISTORY}"));
        let planned = session.sql(&sql).await;
        for (kind, _) in kinds {
            let _ = session.deregister_table(name(kind));
        }
        let broken = |error| Error::bug("the current view of a landed stream cannot be planned").caused_by(error);
        planned.map(|frame| frame.into_view()).map_err(broken)
    }
}
