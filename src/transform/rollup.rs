//! Usage events are rolled up once, day by day: a run's queries touch only the days that received events.
//!
//! Days that changed are taken together into spans of bounded size, so that memory does not grow with history. What was
//! rolled up is landing state: a later run reads it and adds to it.

use crate::error::Result;
use crate::event::Event;
use crate::land::Rollup;
use crate::model::{Input, Layer, Model};
use crate::store::sha256;
use crate::transform::conform::Conform;
use crate::transform::exec::{self, TableResult, as_contract, failed};
use crate::transform::{Transform, files, register};
use arrow::array::RecordBatch;
use chrono::NaiveDate;
use datafusion::common::TableReference;
use datafusion::prelude::{SessionContext, ident};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Most events that one query rolls up: its hash tables stay far below the smallest memory a job may have.
const SPAN_EVENTS: u64 = 500_000;

/// An entity of events with at most this many rows is computed once like any other; a larger one is read in place.
const SMALL_EVENTS: u64 = 200_000;

impl Transform {
    /// Whether a model stays a view: the events themselves, where there are many. Their roll-ups are what marts read.
    pub(super) fn is_view(&self, model: &Model) -> Result<bool> {
        let may_be = model.layer == Layer::Entity && !model.publish && self.is_rolled_up(&model.name);
        Ok(may_be && self.provided_rows(&model.name)? > SMALL_EVENTS)
    }

    fn is_rolled_up(&self, entity: &str) -> bool {
        self.job.models.iter().any(|model| model.each && model.inputs.contains(&Input::Model(entity.to_owned())))
    }

    fn provided_rows(&self, entity: &str) -> Result<u64> {
        let views = self.catalog.view(self.as_of)?;
        Ok(views.iter().filter(|view| view.entity.as_deref() == Some(entity)).map(|view| view.rows).sum())
    }

    /// Registers a model as a view: whoever reads it reads its inputs.
    pub(super) async fn view(&self, session: &SessionContext, model: &Model) -> Result<TableResult> {
        let frame = exec::plan(session, model, &self.params).await?;
        let frame = as_contract(model, frame)?;
        register(session, TableReference::bare(model.name.as_str()), frame.into_view())?;
        Ok(TableResult { contract: model.contract.clone(), rows: None, files: Vec::new(), elapsed: Duration::ZERO })
    }

    /// Brings the roll-ups up to date and registers them, after the tables that they read.
    pub(super) async fn roll_up(
        self: &Arc<Self>,
        session: &SessionContext,
        models: &[&Model],
        tables: &mut BTreeMap<String, TableResult>,
    ) -> Result<()> {
        let rolled: Vec<&Model> = models.iter().copied().filter(|model| model.each).collect();
        if rolled.is_empty() {
            return Ok(());
        }
        let upstream: Vec<String> = rolled.iter().flat_map(|model| model.reads()).map(str::to_owned).collect();
        let upstream = self.job.models.closure(&upstream);
        self.build_all(session, &upstream, tables).await?;
        for model in rolled {
            let result = self.roll_up_table(session, model, tables).await?;
            tables.insert(model.name.clone(), result);
        }
        Ok(())
    }

    async fn roll_up_table(
        &self,
        session: &SessionContext,
        model: &Model,
        tables: &BTreeMap<String, TableResult>,
    ) -> Result<TableResult> {
        let started = Instant::now();
        let schema = model.contract.schema();
        let mut rolled = Rollup::open(&self.catalog, &model.name, &self.recipe(model, tables)?, Arc::clone(&schema))?;
        let spans = spans(&rolled.changed_days(&self.catalog), SPAN_EVENTS);
        for (done, span) in (0_u64..).zip(&spans) {
            self.progress(&format!("{} {}", model.name, span.start), done, spans.len() as u64);
            let rows = self.roll_up_span(session, model, span).await?;
            rolled.replace_days(span.start, span.end, &rows)?;
        }
        rolled.commit(&self.catalog)?;
        register(session, TableReference::bare(model.name.as_str()), files::listing(&rolled.files()?, schema)?)?;
        let elapsed = started.elapsed();
        self.reporter.say(Event::Built { table: model.name.clone(), rows: rolled.rows(), elapsed });
        Ok(TableResult { contract: model.contract.clone(), rows: None, files: Vec::new(), elapsed })
    }

    /// The roll-up of a span's days, sorted by day and then by grain.
    async fn roll_up_span(
        &self,
        session: &SessionContext,
        model: &Model,
        span: &Range<NaiveDate>,
    ) -> Result<Vec<RecordBatch>> {
        let params = self.params.with_span(span.start, span.end);
        let frame = exec::plan(session, model, &params).await?;
        let conform = Conform::new(&model.contract, &frame.schema().as_arrow().clone().into())?;
        let mut order = vec![ident("usage_date").sort(true, false)];
        order.extend(exec::order(&model.contract));
        let frame = frame.sort(order).map_err(|e| failed(model, "sort", &e))?;
        let batches = frame.collect().await.map_err(|e| failed(model, "run", &e))?;
        batches.iter().map(|batch| conform.batch(batch)).collect()
    }

    /// What a roll-up's rows depend on beside the events: its query, the thresholds in it, and the small tables it reads.
    /// Where that changes, every day is rolled up again.
    fn recipe(&self, model: &Model, tables: &BTreeMap<String, TableResult>) -> Result<String> {
        let mut text = model.sql.clone();
        for (name, value) in self.params.of(model) {
            if !name.starts_with("span_") {
                text.push_str(&format!("\n{name} = {value}"));
            }
        }
        for input in model.reads() {
            if let Some(entity) = self.job.models.get(input) {
                text.push_str(&format!("\n{}", entity.sql));
            }
            if self.is_rolled_up(input)
                && self.job.models.get(input).is_some_and(|entity| entity.contract.column("usage_date").is_some())
            {
                continue;
            }
            if let Some(rows) = tables.get(input).and_then(|table| table.rows.as_ref()) {
                text.push_str(&format!("\n{input} {}", rows.fingerprint()?));
            }
        }
        Ok(sha256(text.as_bytes()))
    }
}

/// Runs of consecutive days with at most `most` events together; a day with more stands alone.
fn spans(days: &BTreeMap<NaiveDate, u64>, most: u64) -> Vec<Range<NaiveDate>> {
    let mut spans: Vec<Range<NaiveDate>> = Vec::new();
    let mut events = 0;
    for (day, count) in days {
        let end = day.succ_opt().unwrap_or(*day);
        match spans.last_mut() {
            Some(last) if last.end == *day && events + count <= most => {
                last.end = end;
                events += count;
            }
            _ => {
                spans.push(*day..end);
                events = *count;
            }
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_consecutive_and_bounded() {
        let day = |number: u32| NaiveDate::from_ymd_opt(2026, 3, number).unwrap();
        let days = [(1, 40), (2, 40), (3, 40), (5, 10), (6, 500), (7, 1)].map(|(number, count)| (day(number), count));
        let found = spans(&days.into_iter().collect(), 100);
        assert_eq!(found, [day(1)..day(3), day(3)..day(4), day(5)..day(6), day(6)..day(7), day(7)..day(8)]);
    }
}
