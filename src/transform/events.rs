//! Queries of systems that provide usage events are asked when rows have come, about those rows only: the events are
//! landed, and rolled up from there.

use crate::error::{Error, Result};
use crate::job::{EntitySql, Job};
use crate::land::{Catalog, Events};
use crate::model::text::code_only;
use crate::model::{Input, Model, engine, plan};
use crate::store::{Store, sha256};
use crate::transform::exec::{self, failed};
use crate::transform::{Landed, Places, inputs, register};
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, NaiveDate, Utc};
use datafusion::common::TableReference;
use futures::StreamExt;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The entity whose rows are landed.
const EVENTS: &str = "usage_event";

/// Columns that landing fills.
const FILLED: [&str; 3] = ["_seen_from", "_landed", "usage_date"];

/// Lands the usage events that the job's systems make of rows which came since the last run; what can be read then.
///
/// Other streams that such a query reads are as they are now: an event whose account only a later row tells stays without
/// it. Where the query or a threshold in it changed, all rows are asked again.
///
/// # Errors
/// A query fails (64), or the warehouse cannot be written (75).
pub async fn land_events(
    job: &Job,
    store: &Store,
    catalog: Catalog,
    (now, as_of): (DateTime<Utc>, NaiveDate),
    places: &Places,
) -> Result<Catalog> {
    let mut has_new = false;
    for source in &job.sources {
        for query in source.kind.queries().iter().filter(|query| source.kind.is_streamed() && query.entity == EVENTS) {
            has_new |= land_query(job, store, &catalog, (&source.name, query), (now, as_of), places).await?;
        }
    }
    if has_new { catalog.read_again(job) } else { Ok(catalog) }
}

async fn land_query(
    job: &Job,
    store: &Store,
    catalog: &Catalog,
    (source, query): (&str, &EntitySql),
    (now, as_of): (DateTime<Utc>, NaiveDate),
    places: &Places,
) -> Result<bool> {
    let (model, params) = (&query.model, job.params(as_of));
    let Some(stream) = events_stream(model) else {
        return Err(Error::usage(format!("{} reads no landed stream", model.file.display())));
    };
    // The date itself is bound anew every day; a threshold changes what an event is.
    let values: Vec<String> = params
        .of(model)
        .into_iter()
        .filter(|(name, _)| !name.starts_with("as_of"))
        .map(|value| format!("{value:?}"))
        .collect();
    let reading = sha256(format!("{stream} {} {} {}", model.sql, values.join(" "), job.timezone.name()).as_bytes());
    let mut events = Events::open(store, job, source, &reading, now)?;
    // Events count as they are landed now, whatever date the run is for.
    let landed = Landed::of(job, Some(catalog), NaiveDate::from_ymd_opt(9999, 12, 31).unwrap_or(as_of))?;
    let until = catalog.newest(source, stream);
    if until <= events.until() {
        return Ok(false);
    }
    let config = engine::EngineConfig { spill_dir: Some(places.scratch.clone()), ..job.engine.clone() };
    let session = engine::session(&config)?;
    let mut schemas = BTreeMap::new();
    for ((_, input), raw) in landed.raw.iter().filter(|((of, _), _)| of == source) {
        schemas.insert(input.clone(), Arc::clone(&raw.schema));
        let table = if input == stream {
            raw.newer_than(events.until()).table(&session).await?
        } else {
            raw.table(&session).await?
        };
        register(&session, TableReference::partial("landed", input.as_str()), table)?;
    }
    plan::check_source(model, &schemas, &params)?;
    let entity = job.models.entity(EVENTS).ok_or_else(|| Error::bug("there is no entity usage_event"))?;
    let mut columns = inputs::columns_of(&plan::provided_schema(entity));
    columns.retain(|(name, _)| !FILLED.contains(&name.as_str()));
    let frame = exec::plan(&session, model, &params).await?;
    let frame = inputs::in_entity_shape(model, frame, &columns, source, as_of)?;
    let mut rows = frame.execute_stream().await.map_err(|e| failed(model, "run", &e))?;
    while let Some(batch) = rows.next().await {
        let batch = batch.map_err(|e| failed(model, "run", &e))?;
        events.push(typed(&batch, &columns)?)?;
    }
    drop(rows);
    events.commit(stream, until)?;
    Ok(true)
}

/// The stream whose rows are the events: the first one that the query names.
fn events_stream(model: &Model) -> Option<&str> {
    let code = code_only(&model.sql);
    let streams = model.inputs.iter().filter_map(|input| match input {
        Input::Landed(name) => Some(name.as_str()),
        _ => None,
    });
    let place = |name: &str| -> Option<usize> {
        let named = format!("landed.{name}");
        let is_whole = |at: &usize| {
            let next = code.get(at + named.len()..).and_then(|rest| rest.chars().next());
            next.is_none_or(|next| !next.is_alphanumeric() && next != '_')
        };
        code.match_indices(&named).map(|(at, _)| at).find(is_whole)
    };
    streams.min_by_key(|name| place(name).unwrap_or(usize::MAX))
}

/// The batch in the very types of landed files.
fn typed(batch: &RecordBatch, columns: &[(String, crate::model::contract::ColumnType)]) -> Result<RecordBatch> {
    let broken = |e| Error::bug("an event could not be represented").caused_by(e);
    let arrays = batch.columns().iter().zip(columns).map(|(column, (_, ty))| arrow::compute::cast(column, &ty.arrow()));
    let arrays = arrays.collect::<std::result::Result<Vec<_>, _>>().map_err(broken)?;
    RecordBatch::try_new(inputs::schema_of(columns), arrays).map_err(broken)
}
