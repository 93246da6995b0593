//! Questions that span tables (`sql/checks/`): a row in the answer is a failure.

use crate::check::{SAMPLE_ROWS, show};
use crate::error::Result;
use crate::finding::{Finding, Severity};
use crate::model::Model;
use crate::model::params::Params;
use crate::transform::{failed, plan};
use datafusion::prelude::{SessionContext, ident};
use futures::StreamExt;

/// Asks one question over the tables registered in `session`.
///
/// # Errors
/// The query fails.
pub async fn question(session: &SessionContext, model: &Model, params: &Params) -> Result<Finding> {
    let frame = plan(session, model, params).await?;
    let every_column = frame.schema().fields().iter().map(|field| ident(field.name()).sort(true, false)).collect();
    let frame = frame.sort(every_column).map_err(|e| failed(model, "sort", &e))?;
    let mut stream = frame.execute_stream().await.map_err(|e| failed(model, "run", &e))?;
    let (mut rows, mut first) = (0_u64, Vec::new());
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(|e| failed(model, "run", &e))?;
        if rows < SAMPLE_ROWS as u64 {
            first.push(batch.slice(0, batch.num_rows().min(SAMPLE_ROWS)));
        }
        rows += batch.num_rows() as u64;
    }
    Ok(Finding {
        code: "sql-check".to_owned(),
        severity: if rows == 0 { Severity::Pass } else { model.severity },
        table: model.name.clone(),
        check: model.name.clone(),
        observed: if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") },
        expected: format!("no row: {}", model.title),
        rows,
        sample: show::rows(&first)?,
    })
}
