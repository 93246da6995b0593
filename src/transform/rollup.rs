//! Usage events are rolled up once, day by day: a run's queries touch only the days that received events.
//!
//! Days that changed are taken together into spans of bounded size, so that memory does not grow with history. What was
//! rolled up is landing state: a later run reads it and adds to it.

use crate::error::{Error, Result};
use crate::event::Event;
use crate::land::Rollup;
use crate::model::text::{code_only, find_word};
use crate::model::{Model, plan};
use crate::store::sha256;
use crate::transform::conform::Conform;
use crate::transform::exec::{self, TableResult, as_contract, failed};
use crate::transform::{Transform, files, register};
use arrow::datatypes::Date32Type;
use chrono::NaiveDate;
use datafusion::catalog::{MemTable, TableProvider};
use datafusion::common::{ScalarValue, TableReference};
use datafusion::logical_expr::lit;
use datafusion::prelude::{SessionContext, ident};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The entity whose rows are rolled up.
const EVENTS: &str = "usage_event";

/// Most events that one query rolls up: its hash tables stay far below the smallest memory a job may have.
const SPAN_EVENTS: u64 = 300_000;

/// An entity of events with at most this many rows is computed once like any other; a larger one is read in place.
const SMALL_EVENTS: u64 = 200_000;

impl Transform {
    /// Whether a model stays a view: the events themselves, where there are many. Their roll-ups are what marts read.
    pub(super) fn is_view(&self, model: &Model) -> Result<bool> {
        let is_rolled_up =
            || self.job.models.iter().any(|rolled| rolled.each && rolled.reads().any(|read| read == EVENTS));
        Ok(model.name == EVENTS && !model.publish && is_rolled_up() && self.provided_rows(EVENTS)? > SMALL_EVENTS)
    }

    fn provided_rows(&self, entity: &str) -> Result<u64> {
        let views = self.catalog.view(self.seen)?;
        Ok(views.iter().filter(|view| view.entity.as_deref() == Some(entity)).map(|view| view.rows).sum())
    }

    /// Registers a model as a view: whoever reads it reads its inputs.
    pub(super) async fn view(&self, session: &SessionContext, model: &Model) -> Result<TableResult> {
        let frame = exec::plan(session, model, &self.params).await?;
        let frame = as_contract(model, frame)?;
        replace(session, TableReference::bare(model.name.as_str()), frame.into_view())?;
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
        // Roll-ups count what is landed now, whatever date the run is for: the events of that date may be fewer.
        let events = self.job.models.entity(EVENTS);
        let mut states = Vec::new();
        let mut changed: BTreeMap<NaiveDate, u64> = BTreeMap::new();
        for model in &rolled {
            let recipe = self.recipe(model, tables)?;
            let state = Rollup::open(&self.catalog, &model.name, &recipe, model.contract.schema())?;
            let days = state.changed_days(&self.catalog);
            changed.extend(&days);
            states.push(State { model, state, days, elapsed: Duration::ZERO });
        }
        let spans = spans(&changed, SPAN_EVENTS);
        for (done, span) in (0_u64..).zip(&spans) {
            self.progress(&format!("usage of {}", span.start), done, spans.len() as u64);
            self.roll_up_span(session, events, span, &mut states).await?;
        }
        if let Some(events) = events {
            self.register_provided_events(session, None).await?;
            match tables.get(EVENTS).and_then(|built| built.rows.as_ref()) {
                Some(rows) => replace(session, TableReference::bare(EVENTS), rows.provider()?)?,
                None => {
                    self.view(session, events).await?;
                }
            }
        }
        for mut rolled in states {
            rolled.state.commit(&self.catalog)?;
            let name = &rolled.model.name;
            let files = files::listing(&rolled.state.files()?, rolled.model.contract.schema())?;
            register(session, TableReference::bare(name.as_str()), files)?;
            self.reporter.say(Event::Built { table: name.clone(), rows: rolled.state.rows(), elapsed: rolled.elapsed });
            let contract = rolled.model.contract.clone();
            tables
                .insert(name.clone(), TableResult { contract, rows: None, files: Vec::new(), elapsed: rolled.elapsed });
        }
        Ok(())
    }

    /// Rolls up one span of days into every table that has a changed day in it. Many events are settled once for all of
    /// these tables, and held in the columns that they read.
    async fn roll_up_span(
        &self,
        session: &SessionContext,
        events: Option<&Model>,
        span: &Range<NaiveDate>,
        states: &mut [State<'_>],
    ) -> Result<()> {
        let params = self.params.with_span(span.start, span.end);
        if let Some(events) = events {
            self.register_provided_events(session, Some(span)).await?;
            let read = |column: &str| states.iter().any(|state| mentions(state.model, column));
            let frame = as_contract(events, exec::plan(session, events, &params).await?)?;
            let columns = events.contract.columns.iter().filter(|column| read(&column.name));
            let frame = frame.select(columns.map(|column| ident(&column.name)).collect::<Vec<_>>());
            let frame = frame.map_err(|e| failed(events, "plan", &e))?;
            let schema = Arc::new(frame.schema().as_arrow().clone());
            let settled = frame.collect_partitioned().await.map_err(|e| failed(events, "run", &e))?;
            let table = MemTable::try_new(schema, settled).map_err(|e| failed(events, "hold", &e))?;
            replace(session, TableReference::bare(EVENTS), Arc::new(table))?;
        }
        for state in states.iter_mut().filter(|state| state.days.range(span.clone()).next().is_some()) {
            let (started, model) = (Instant::now(), state.model);
            let frame = exec::plan(session, model, &params).await?;
            let conform = Conform::new(&model.contract, &frame.schema().as_arrow().clone().into())?;
            let mut order = vec![ident("usage_date").sort(true, false)];
            order.extend(exec::order(&model.contract));
            let frame = frame.sort(order).map_err(|e| failed(model, "sort", &e))?;
            let batches = frame.collect().await.map_err(|e| failed(model, "run", &e))?;
            let rows = batches.iter().map(|batch| conform.batch(batch)).collect::<Result<Vec<_>>>()?;
            state.state.replace_days(span.start, span.end, &rows)?;
            state.elapsed += started.elapsed();
        }
        Ok(())
    }

    /// Registers `provided.usage_event`: the events of a span's days, or all.
    async fn register_provided_events(&self, session: &SessionContext, span: Option<&Range<NaiveDate>>) -> Result<()> {
        let Some(events) = self.job.models.entity(EVENTS) else { return Ok(()) };
        let schema = plan::provided_schema(events);
        let table = match span {
            None => {
                let views = self.catalog.view(self.seen)?.into_iter();
                let of_events = views.filter(|view| view.entity.as_deref() == Some(EVENTS));
                files::listing(&of_events.flat_map(|view| view.files).collect::<Vec<_>>(), schema)?
            }
            Some(span) => {
                let files = files::listing(&self.catalog.usage_files(span.start, span.end)?, schema)?;
                let day = |date: NaiveDate| lit(ScalarValue::Date32(Some(Date32Type::from_naive_date(date))));
                let within = ident("usage_date").gt_eq(day(span.start)).and(ident("usage_date").lt(day(span.end)));
                let frame = session.read_table(files).and_then(|frame| frame.filter(within));
                frame.map_err(|e| failed(events, "read the events of", &e))?.into_view()
            }
        };
        replace(session, TableReference::partial("provided", EVENTS), table)
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
            if input == EVENTS {
                continue;
            }
            if let Some(rows) = tables.get(input).and_then(|table| table.rows.as_ref()) {
                text.push_str(&format!("\n{input} {}", rows.fingerprint()?));
            }
        }
        Ok(sha256(text.as_bytes()))
    }
}

/// One roll-up while its spans are computed.
struct State<'a> {
    model: &'a Model,
    state: Rollup,
    days: BTreeMap<NaiveDate, u64>,
    elapsed: Duration,
}

fn mentions(model: &Model, column: &str) -> bool {
    find_word(&code_only(&model.sql), column).is_some()
}

fn replace(session: &SessionContext, name: TableReference, table: Arc<dyn TableProvider>) -> Result<()> {
    session.deregister_table(name.clone()).map_err(|e| Error::bug(format!("could not replace {name}")).caused_by(e))?;
    register(session, name, table)
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
