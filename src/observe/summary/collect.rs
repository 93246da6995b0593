//! Asks the result tables for what the summary says.

use super::{Answers, Kind, Quarantined, Rate, TopFinding, Unverified};
use crate::error::{Error, Result};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Decimal128Type, Int64Type};
use chrono::NaiveDate;
use datafusion::prelude::SessionContext;
use std::collections::BTreeMap;

/// How many findings are named.
const TOP: usize = 5;

/// Reads the result tables in `session` (by bare name) as of a date. Tables that were not computed are left out.
///
/// # Errors
/// A table lacks a column that the summary needs, or cannot be read (70).
pub async fn collect(session: &SessionContext, as_of: NaiveDate, currency: &str) -> Result<Answers> {
    let ask = Ask { session, as_of, currency };
    let has_drift = ask.has("contract_drift");
    Ok(Answers {
        money: if has_drift { Some(ask.money().await?) } else { None },
        top: if has_drift { ask.top().await? } else { Vec::new() },
        rate: ask.rate().await?,
        health: ask.health().await?,
        unverified: ask.unverified().await?,
        quarantined: ask.quarantined().await?,
    })
}

struct Ask<'a> {
    session: &'a SessionContext,
    as_of: NaiveDate,
    currency: &'a str,
}

impl Ask<'_> {
    /// Whether a table was computed.
    fn has(&self, table: &str) -> bool {
        self.session.table_exist(table).unwrap_or(false)
    }

    async fn rows(&self, query: &str) -> Result<Vec<Row>> {
        let failed = |error| broken("could not read the results for the summary", error);
        let frame = self.session.sql(query).await.map_err(failed)?;
        let batches = frame.collect().await.map_err(failed)?;
        Ok(batches
            .iter()
            .flat_map(|batch| (0..batch.num_rows()).map(|row| Row { batch: batch.clone(), row }))
            .collect())
    }

    fn of_the_date(&self) -> String {
        format!("as_of_date = cast('{}' as date)", self.as_of)
    }

    async fn money(&self) -> Result<Vec<Kind>> {
        let rows = self
            .rows(&format!(
                "select class, currency, count(*) as findings,
                    cast(sum(leak_amount) as decimal(38, 4)) as amount,
                    cast(coalesce(sum(leak_amount_reporting), 0) as decimal(38, 4)) as reporting,
                    count(*) filter (where leak_amount_reporting is null) as unconverted
                from contract_drift where leak_amount <> 0 and {} group by class, currency order by class, currency",
                self.of_the_date()
            ))
            .await?;
        let mut kinds: BTreeMap<String, Kind> = BTreeMap::new();
        for row in rows {
            let class = row.text("class");
            let kind = kinds.entry(class.clone()).or_insert_with(|| Kind {
                class,
                findings: 0,
                reporting: 0,
                unconverted: 0,
                by_currency: Vec::new(),
            });
            kind.findings += row.count("findings");
            kind.reporting += row.amount("reporting");
            kind.unconverted += row.count("unconverted");
            kind.by_currency.push((row.text("currency"), row.amount("amount")));
        }
        Ok(kinds.into_values().collect())
    }

    async fn top(&self) -> Result<Vec<TopFinding>> {
        // An unpaid invoice is known to whoever sends reminders; what nobody billed is known to nobody: that comes first.
        let rows = self
            .rows(&format!(
                "select coalesce(account_name, account_id, '') as account, class, check_code, currency,
                    cast(leak_amount as decimal(38, 4)) as amount, explanation
                from contract_drift
                where class in ('leak', 'liability', 'exposure') and leak_amount <> 0 and {}
                order by case when class = 'exposure' then 1 else 0 end,
                    abs(leak_amount_reporting) desc nulls last, abs(leak_amount) desc, finding_id
                limit {TOP}",
                self.of_the_date()
            ))
            .await?;
        let finding = |row: &Row| TopFinding {
            account: row.text("account"),
            class: row.text("class"),
            code: row.text("check_code"),
            amount: row.amount("amount"),
            currency: row.text("currency"),
            reason: row.text("explanation"),
        };
        Ok(rows.iter().map(finding).collect())
    }

    async fn rate(&self) -> Result<Option<Rate>> {
        if !self.has("revenue_leakage") {
            return Ok(None);
        }
        let rows = self
            .rows(&format!(
                "select cast(coalesce(sum(underbilled_reporting), 0) as decimal(38, 4)) as underbilled,
                    cast(coalesce(sum(billable_reporting), 0) as decimal(38, 4)) as billable
                from revenue_leakage where {}",
                self.of_the_date()
            ))
            .await?;
        Ok(rows.first().map(|row| Rate {
            currency: self.currency.to_owned(),
            underbilled: row.amount("underbilled"),
            billable: row.amount("billable"),
        }))
    }

    async fn health(&self) -> Result<Option<Vec<(String, u64)>>> {
        if !self.has("account_health") {
            return Ok(None);
        }
        let query = format!(
            "select coalesce(band, 'insufficient_data') as band, count(*) as accounts from account_health
            where not is_churned and {} group by 1 order by 1",
            self.of_the_date()
        );
        let counted: BTreeMap<String, u64> =
            self.rows(&query).await?.iter().map(|row| (row.text("band"), row.count("accounts"))).collect();
        let mut bands: Vec<(String, u64)> = Vec::new();
        for band in ["red", "yellow", "green", "insufficient_data"] {
            bands.push((band.to_owned(), counted.get(band).copied().unwrap_or_default()));
        }
        bands.extend(
            counted.into_iter().filter(|(band, _)| bands.iter().all(|(known, _)| known != band)).collect::<Vec<_>>(),
        );
        Ok(Some(bands))
    }

    async fn unverified(&self) -> Result<Option<Unverified>> {
        if !self.has("obligation") {
            return Ok(None);
        }
        let rows = self
            .rows(&format!(
                "select verdict, coalesce(missing_term, '') as missing_term, currency, count(*) as obligations,
                    cast(coalesce(sum(blocked_amount), 0) as decimal(38, 4)) as blocked
                from obligation where verdict <> 'not_due' and {} group by 1, 2, 3 order by 1, 2, 3",
                self.of_the_date()
            ))
            .await?;
        let mut unverified = Unverified::default();
        let (mut blocked, mut terms) = (BTreeMap::<String, i128>::new(), BTreeMap::<String, u64>::new());
        for row in rows {
            let obligations = row.count("obligations");
            unverified.due += obligations;
            if row.text("verdict") != "unverifiable" {
                continue;
            }
            unverified.obligations += obligations;
            *blocked.entry(row.text("currency")).or_default() += row.amount("blocked");
            for term in row.text("missing_term").split("; ").filter(|term| !term.is_empty()) {
                *terms.entry(term.to_owned()).or_default() += obligations;
            }
        }
        unverified.blocked = blocked.into_iter().filter(|(_, amount)| *amount != 0).collect();
        unverified.missing_terms = terms.into_iter().collect();
        unverified.missing_terms.sort_by(|a, b| (b.1, &a.0).cmp(&(a.1, &b.0)));
        Ok(Some(unverified))
    }

    async fn quarantined(&self) -> Result<Option<Quarantined>> {
        if !self.has("source_coverage") {
            return Ok(None);
        }
        let rows = self
            .rows(&format!(
                "select coalesce(quarantined_currency, '') as currency, cast(sum(quarantined_rows) as bigint) as quarantined,
                    cast(coalesce(sum(quarantined_money), 0) as decimal(38, 4)) as money
                from source_coverage where quarantined_rows > 0 and {} group by 1 order by 1",
                self.of_the_date()
            ))
            .await?;
        let mut quarantined = Quarantined::default();
        for row in rows {
            quarantined.rows += row.count("quarantined");
            let money = row.amount("money");
            if money != 0 {
                quarantined.money.push((row.text("currency"), money));
            }
        }
        Ok(Some(quarantined))
    }
}

/// One row of an answer.
struct Row {
    batch: RecordBatch,
    row: usize,
}

impl Row {
    fn column(&self, name: &str) -> Option<&dyn Array> {
        let column = self.batch.column_by_name(name)?;
        column.is_valid(self.row).then_some(column.as_ref())
    }

    fn text(&self, name: &str) -> String {
        let Some(column) = self.column(name) else { return String::new() };
        let text = match column.data_type() {
            DataType::Utf8View => column.as_string_view_opt().map(|texts| texts.value(self.row)),
            DataType::LargeUtf8 => column.as_string_opt::<i64>().map(|texts| texts.value(self.row)),
            _ => column.as_string_opt::<i32>().map(|texts| texts.value(self.row)),
        };
        text.unwrap_or_default().to_owned()
    }

    fn count(&self, name: &str) -> u64 {
        let number = self.column(name).and_then(|column| Some(column.as_primitive_opt::<Int64Type>()?.value(self.row)));
        number.and_then(|number| u64::try_from(number).ok()).unwrap_or_default()
    }

    fn amount(&self, name: &str) -> i128 {
        let amount = self.column(name).and_then(|c| Some(c.as_primitive_opt::<Decimal128Type>()?.value(self.row)));
        amount.unwrap_or_default()
    }
}

fn broken(what: &str, error: datafusion::error::DataFusionError) -> Error {
    Error::bug(what.to_owned()).caused_by(error)
}
