//! PostgreSQL as a source: tables and views, read in one read-only snapshot each, by COPY, never held in memory.

mod address;
mod copy;
mod table;
mod tls;

use super::api::{Destination, Outcome, PassEnd, Progress, Sink, StreamEnd};
use super::pushed::Pushed;
use crate::error::{Class, Error, Result, reasons};
use crate::event::{Event, Reporter, Stage};
use crate::job::postgres::{PostgresSource, PostgresTable};
use address::Address;
use chrono::{DateTime, NaiveDate, Utc};
use copy::Lines;
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use std::pin::pin;
use std::time::Duration;
use table::Table;
use tokio_postgres::Client;
use tokio_postgres_rustls::MakeRustlsConnect;

/// Between two pieces of an answer: a query that sorts a large table says nothing until it has.
const READ_TIMEOUT: Duration = Duration::from_secs(600);

/// Rows between two words about progress and two checks whether to stop.
const STEP_ROWS: u64 = 65_536;

/// What is asked, and by whom.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// The source's name in the job.
    pub name: &'a str,
    /// The database.
    pub source: &'a PostgresSource,
    /// The run's instant.
    pub now: DateTime<Utc>,
    /// Told how far it is.
    pub reporter: &'a Reporter,
    /// Fails once the run was asked to end.
    pub stop: &'a (dyn Fn() -> Result<()> + Sync),
}

/// Where a table's reading stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct State {
    /// The greatest cursor value landed, as the database writes it.
    cursor: Option<String>,
    /// The day on which the whole table was read last.
    last_full: Option<NaiveDate>,
}

/// Reads every table of a database that the job names, one after the other over one connection. A table's failure is its own.
///
/// # Errors
/// The address is none (64), or nobody answers there or lets this user in (69).
pub fn read(asked: Asked<'_>, destination: &dyn Destination) -> Result<Vec<StreamEnd>> {
    waited(async {
        let url = asked.source.url.resolve()?;
        let address = Address::parse(url.reveal())?;
        let mut client = connect(&address).await?;
        let mut ends = Vec::new();
        for table in &asked.source.tables {
            (asked.stop)()?;
            if client.is_closed() {
                client = connect(&address).await?;
            }
            let outcome = read_table(asked, &client, table, destination).await.map(|()| Outcome::Read);
            ends.push(StreamEnd { stream: table.name.clone(), outcome });
        }
        Ok(ends)
    })
}

/// Whether the database lets this user in and each table be read, for `check --connect`: a line a table.
///
/// # Errors
/// As [`read`].
pub fn probe(source: &PostgresSource) -> Result<Vec<(String, Result<String>)>> {
    waited(async {
        let url = source.url.resolve()?;
        let client = connect(&Address::parse(url.reveal())?).await?;
        let mut told = Vec::new();
        for asked in &source.tables {
            let found = match Table::describe(&client, asked).await {
                Ok(table) => client
                    .simple_query(&table.probe())
                    .await
                    .map(|_| format!("{} columns", table.stream.columns.len()))
                    .map_err(|error| table::unreadable(asked, &error)),
                Err(error) => Err(error),
            };
            told.push((asked.name.clone(), found));
        }
        Ok(told)
    })
}

/// Runs work that waits for the network to its end.
fn waited<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| Error::new(Class::TryAgain, "the network cannot be used").caused_by(error))?;
    runtime.block_on(work)
}

async fn connect(address: &Address) -> Result<Client> {
    let tls = MakeRustlsConnect::new(tls::config(&address.trust)?);
    let connected = address.config.connect(tls).await;
    let (client, connection) = connected.map_err(|error| {
        let cause = error.as_db_error().map(|db| db.message().to_owned());
        let cause = cause.unwrap_or_else(|| reasons(&error));
        Error::new(Class::Unavailable, format!("the database {} does not let us in", address.shown))
            .caused_by(cause)
            .help("check address, user and password, and that this machine may connect")
    })?;
    // It ends when the client is dropped; its failure shows in the client's next call.
    tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok(client)
}

async fn read_table(
    asked: Asked<'_>,
    client: &Client,
    wanted: &PostgresTable,
    destination: &dyn Destination,
) -> Result<()> {
    let table = Table::describe(client, wanted).await?;
    let (progress, mut sink) = destination.open(&table.stream)?;
    let before = state_of(&progress);
    let today = asked.now.date_naive();
    let is_due = wanted.full_scan_days.is_some_and(|days| {
        before.last_full.is_none_or(|last| today.signed_duration_since(last).num_days() >= i64::from(days))
    });
    // The first read of a table with a cursor finds nothing that could be gone, and may be resumed where it ended.
    let is_first = table.cursor.is_some() && before == State::default();
    let is_full = table.cursor.is_none() || (is_due && !is_first);
    let since = before.cursor.as_deref().filter(|_| !is_full);
    // One snapshot for the whole table: a row that changes meanwhile is read whole, once, as it was or as it is.
    client
        .batch_execute("begin transaction isolation level repeatable read, read only")
        .await
        .map_err(|error| table::unreadable(wanted, &error))?;
    let mut pass = Pass {
        pass: is_full.then(|| format!("full-{}", asked.now.timestamp_micros())),
        state: before.clone(),
        rows: 0,
        pushed: Pushed::new(&table.stream, wanted.table.as_str()),
        cursor_at: table.cursor.map(|(at, _)| at),
    };
    sink.declare(&table.stream)?;
    let query = table.copy(since, wanted.lookback.as_secs());
    let copied = copy_all(asked, client, wanted, &query, &mut pass, sink.as_mut()).await;
    // Whatever came of it, the snapshot is given back; a failure of that is the next call's.
    let _ = client.batch_execute("rollback").await;
    copied?;
    pass.pushed.flush(sink.as_mut())?;
    if is_full || is_first {
        pass.state.last_full = Some(today);
    }
    let end = if is_full { PassEnd::Full } else { PassEnd::Incremental };
    sink.finish(&pass.progress()?, end)
}

fn state_of(progress: &Progress) -> State {
    progress.state().and_then(|state| serde_json::from_value(state.clone()).ok()).unwrap_or_default()
}

/// A table's rows on their way.
struct Pass {
    pass: Option<String>,
    state: State,
    rows: u64,
    pushed: Pushed,
    cursor_at: Option<usize>,
}

impl Pass {
    fn progress(&self) -> Result<Progress> {
        let state = serde_json::to_value(&self.state)
            .map_err(|error| Error::bug("a table's state is no JSON").caused_by(error))?;
        Ok(Progress::own(state, self.pass.clone()))
    }

    fn line(&mut self, line: &[u8], sink: &mut dyn Sink) -> Result<()> {
        self.rows += 1;
        let values = match copy::fields(line) {
            Ok(values) => values,
            Err(malformed) => {
                let whole = String::from_utf8_lossy(line);
                let row = self.pushed.refuse(self.rows, &whole, malformed.told());
                return sink.quarantine(self.pushed.stream(), row);
            }
        };
        if let Some(cursor) = self.cursor_at.and_then(|at| values.get(at)).and_then(Option::as_deref)
            && self.state.cursor.as_deref() != Some(cursor)
        {
            self.state.cursor = Some(cursor.to_owned());
        }
        self.pushed.push(self.rows, &values, sink)
    }
}

async fn copy_all(
    asked: Asked<'_>,
    client: &Client,
    wanted: &PostgresTable,
    query: &str,
    pass: &mut Pass,
    sink: &mut dyn Sink,
) -> Result<()> {
    let what = format!("{}.{}", asked.name, wanted.name);
    let stream = tokio::time::timeout(READ_TIMEOUT, client.copy_out(query));
    let stream = stream.await.map_err(|_| silent(&what))?.map_err(|error| table::unreadable(wanted, &error))?;
    let mut stream = pin!(stream);
    let mut lines = Lines::default();
    let mut told = 0;
    loop {
        let piece = tokio::time::timeout(READ_TIMEOUT, stream.next()).await.map_err(|_| silent(&what))?;
        let Some(piece) = piece else { break };
        let piece = piece.map_err(|error| table::unreadable(wanted, &error))?;
        lines.feed(&piece, |line| pass.line(line, sink))?;
        if pass.rows / STEP_ROWS != told {
            told = pass.rows / STEP_ROWS;
            (asked.stop)()?;
            asked.reporter.say(Event::Progress {
                stage: Stage::Land,
                what: what.clone(),
                done: pass.rows,
                total: None,
            });
            pass.pushed.flush(sink)?;
            // Rows come in the cursor's order and its own value is asked for again, so that it may move already; what has no
            // cursor is only whole at its end.
            if pass.cursor_at.is_some() && pass.pass.is_none() {
                sink.checkpoint(&pass.progress()?)?;
            }
        }
    }
    if lines.is_cut() {
        let told = format!("{what} ended in the middle of a row");
        return Err(Error::new(Class::Unavailable, told).help("run again: reading goes on where it ended"));
    }
    Ok(())
}

fn silent(what: &str) -> Error {
    let told = format!("{what}: the database said nothing for {} s", READ_TIMEOUT.as_secs());
    Error::new(Class::Unavailable, told)
        .help("look whether the query waits for a lock, or sorts without an index on the cursor")
}
