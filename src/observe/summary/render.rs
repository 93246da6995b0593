//! Puts the summary into lines of at most a hundred columns, or into one JSON object.

use super::{Answers, Kind, Quarantined, Summary, TopFinding};
use crate::finding::Severity;
use crate::observe::format::{bytes, count, counted, cut, date, duration, money, percent, sentence, wrap};
use crate::observe::paint::{Ink, Paint};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Columns that the text fits into.
const WIDTH: usize = 92;
/// Where the second column begins.
const INDENT: usize = 19;
/// Lines that a finding's reason may take.
const REASON_LINES: usize = 3;
/// How many of a list are named before the rest is only counted.
const NAMED: usize = 6;

/// The summary as text, ending with a line feed.
pub fn render(summary: &Summary, paint: Paint) -> String {
    let mut page = Page { text: String::new(), paint };
    let answers = summary.answers();
    page.title(summary);
    page.money(&answers, &summary.currency);
    page.top(&answers.top);
    page.health(&answers);
    page.unverified(&answers);
    page.attention(summary, answers.quarantined.unwrap_or_default());
    page.tables(summary);
    page.stages(summary);
    page.place(summary);
    page.text
}

struct Page {
    text: String,
    paint: Paint,
}

impl Page {
    fn line(&mut self, text: &str) {
        self.text.push_str(text.trim_end());
        self.text.push('\n');
    }

    fn heading(&mut self, name: &str, rest: &str) {
        let name = self.paint.ink(Ink::Bold, &name.to_uppercase());
        let rest = self.paint.ink(Ink::Dim, rest);
        self.line("");
        self.line(&format!("{name}  {rest}"));
    }

    /// `label` in the first column; `rest`, already painted, in the second.
    fn item(&mut self, label: &str, rest: &str) {
        self.line(&format!("  {label:<width$}{rest}", width = INDENT - 2));
    }

    /// Items joined by dots, wrapped under the second column.
    fn list(&mut self, label: &str, items: &[String]) {
        let mut lines: Vec<String> = Vec::new();
        for item in items {
            match lines.last_mut() {
                Some(line) if INDENT + line.chars().count() + 3 + item.chars().count() <= WIDTH => {
                    line.push_str(" · ");
                    line.push_str(item);
                }
                _ => lines.push(item.clone()),
            }
        }
        for (at, line) in lines.iter().enumerate() {
            let line = self.paint.ink(Ink::Dim, line);
            self.item(if at == 0 { label } else { "" }, &line);
        }
    }

    fn title(&mut self, summary: &Summary) {
        let what = if summary.is_published { "done" } else { "nothing published" };
        let left = format!("{} as of {}", summary.job, date(summary.as_of));
        let right = format!("{what} in {}", duration(summary.elapsed));
        let gap = WIDTH.saturating_sub(left.chars().count() + right.chars().count()).max(2);
        let ink = if summary.is_published { Ink::Green } else { Ink::Red };
        let (left, right) = (self.paint.ink(Ink::Bold, &left), self.paint.ink(ink, &right));
        self.line(&format!("{left}{}{right}", " ".repeat(gap)));
    }

    fn money(&mut self, answers: &Answers, currency: &str) {
        let Some(kinds) = &answers.money else { return };
        self.heading("money found", "");
        let known = ["leak", "liability", "exposure"];
        let others = kinds.iter().map(|kind| kind.class.as_str()).filter(|class| !known.contains(class));
        for class in known.into_iter().chain(others) {
            match kinds.iter().find(|kind| kind.class == class) {
                Some(kind) => self.kind(kind, currency),
                None => self.item(
                    kind_name(class).0,
                    &self.paint.ink(Ink::Dim, &format!("{:>21}  {:<13} {}", "-", "none", kind_name(class).1)),
                ),
            }
        }
        if let Some(rate) = &answers.rate
            && let Some(share) = percent(rate.underbilled, rate.billable)
        {
            let of = format!(
                "{} of {} billable",
                money(rate.underbilled, &rate.currency),
                money(rate.billable, &rate.currency)
            );
            let text =
                format!("{}  {}", self.paint.ink(Ink::Bold, &format!("{share:>21}")), self.paint.ink(Ink::Dim, &of));
            self.item("leakage rate", &text);
        }
    }

    fn kind(&mut self, kind: &Kind, currency: &str) {
        let (name, meaning) = kind_name(&kind.class);
        let total = format!("{:>21}", money(kind.reporting.abs(), currency));
        let rest = format!("  {:<13} {meaning}", counted(kind.findings, "finding"));
        let text = format!("{}{}", self.paint.ink(Ink::Bold, &total), self.paint.ink(Ink::Dim, rest.trim_end()));
        self.item(name, &text);
        let is_plain = kind.by_currency.iter().all(|(of, _)| of == currency);
        if !is_plain {
            let sums: Vec<String> = kind.by_currency.iter().map(|(of, sum)| money(sum.abs(), of)).collect();
            self.list("", &sums);
        }
        if kind.unconverted > 0 {
            let missing = format!("without {}, for want of a rate", counted(kind.unconverted, "finding"));
            self.item("", &self.paint.ink(Ink::Yellow, &missing));
        }
    }

    fn top(&mut self, top: &[TopFinding]) {
        if top.is_empty() {
            return;
        }
        self.heading("largest findings", "");
        for (at, finding) in top.iter().enumerate() {
            let amount = self.paint.ink(Ink::Bold, &format!("{:>18}", money(finding.amount.abs(), &finding.currency)));
            let (name, _) = kind_name(&finding.class);
            let what = self.paint.ink(Ink::Dim, &format!("{name} {}", finding.code));
            self.line(&format!("  {}. {amount}  {}  {what}", at + 1, cut(&finding.account, 44)));
            let mut reason = wrap(&sentence(&finding.reason), WIDTH - 25);
            if reason.len() > REASON_LINES {
                reason.truncate(REASON_LINES);
                if let Some(last) = reason.last_mut() {
                    *last = cut(&format!("{last} …"), WIDTH - 25);
                }
            }
            for line in reason {
                self.line(&format!("{}{line}", " ".repeat(25)));
            }
        }
    }

    fn health(&mut self, answers: &Answers) {
        let Some(bands) = &answers.health else { return };
        let total: u64 = bands.iter().map(|(_, accounts)| accounts).sum();
        self.heading("account health", &counted(total, "account"));
        for (band, accounts) in bands {
            let ink = match band.as_str() {
                "red" => Ink::Red,
                "yellow" => Ink::Yellow,
                "green" => Ink::Green,
                _ => Ink::Dim,
            };
            let bar = bar(*accounts, total, 40);
            let text = format!("{:>7}  {}", count(*accounts), self.paint.ink(ink, &bar));
            self.item(&band.replace('_', " "), &text);
        }
    }

    fn unverified(&mut self, answers: &Answers) {
        let Some(unverified) = &answers.unverified else { return };
        let of = format!("{} of {} due", count(unverified.obligations), counted(unverified.due, "obligation"));
        self.heading("could not be verified", &of);
        if unverified.obligations == 0 {
            return;
        }
        let blocked: Vec<String> = unverified.blocked.iter().map(|(of, amount)| money(*amount, of)).collect();
        if !blocked.is_empty() {
            self.list("money in them", &blocked);
        }
        let mut terms: Vec<String> = unverified
            .missing_terms
            .iter()
            .take(NAMED)
            .map(|(term, obligations)| format!("{term} {}", count(*obligations)))
            .collect();
        let rest = unverified.missing_terms.len().saturating_sub(NAMED);
        if rest > 0 {
            terms.push(format!("and {rest} more"));
        }
        self.list("missing terms", &terms);
    }

    /// What somebody should look at: quarantine, warnings, stale dates.
    fn attention(&mut self, summary: &Summary, quarantined: Quarantined) {
        let warnings: Vec<_> = summary.totals.findings.iter().filter(|f| f.severity != Severity::Pass).collect();
        let rows = quarantined.rows.max(summary.totals.quarantined_rows);
        if warnings.is_empty() && rows == 0 && summary.stale.is_empty() {
            return;
        }
        self.heading("look at", "");
        if rows > 0 {
            let mut items = vec![counted(rows, "row")];
            let amount = |(of, sum): &(String, i128)| if of.is_empty() { money(*sum, "?") } else { money(*sum, of) };
            items.extend(quarantined.money.iter().map(amount));
            self.list("quarantine", &items);
        }
        for finding in warnings.iter().take(NAMED) {
            let what = format!("{}.{}: {}", finding.table, finding.check, finding.observed);
            self.item("check", &self.paint.ink(Ink::Yellow, &cut(&what, WIDTH - INDENT)));
        }
        if warnings.len() > NAMED {
            let more = format!("and {} more, in the table check_result", warnings.len() - NAMED);
            self.item("", &self.paint.ink(Ink::Dim, &more));
        }
        let mut resting: std::collections::BTreeMap<&str, u64> = std::collections::BTreeMap::new();
        for on in summary.stale.iter().filter_map(|stale| stale.rests_on.as_deref()) {
            *resting.entry(on).or_default() += 1;
        }
        for (on, tables) in resting {
            let verb = if tables == 1 { "rests" } else { "rest" };
            let what = format!("{} {verb} on {on}", counted(tables, "table"));
            self.item("stale", &self.paint.ink(Ink::Yellow, &cut(&what, WIDTH - INDENT)));
        }
        for stale in summary.stale.iter().filter(|stale| stale.rests_on.is_none()) {
            let dates = counted(stale.partitions, "later date");
            let what = format!("{}: {dates} from {} rest on what was replaced", stale.table, date(stale.from_date));
            self.item("stale", &self.paint.ink(Ink::Yellow, &cut(&what, WIDTH - INDENT)));
        }
    }

    fn tables(&mut self, summary: &Summary) {
        let public: Vec<_> = summary.totals.tables.iter().filter(|(_, total)| total.partitions > 0).collect();
        if public.is_empty() {
            return;
        }
        let width = public.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default().max(12);
        self.heading("tables", "");
        for (name, total) in public {
            let files = if total.partitions == 1 { String::new() } else { counted(total.partitions, "partition") };
            let state = match total.changed {
                0 => "unchanged".to_owned(),
                changed if changed < total.partitions => format!("{} changed", count(changed)),
                _ => String::new(),
            };
            let rest: Vec<String> = [files, state].into_iter().filter(|text| !text.is_empty()).collect();
            let rest = self.paint.ink(Ink::Dim, &rest.join(", "));
            self.line(&format!(
                "  {name:<width$}  {:>14}  {:>9}  {rest}",
                counted(total.rows, "row"),
                bytes(total.bytes)
            ));
        }
    }

    fn stages(&mut self, summary: &Summary) {
        let shown = summary.totals.stages.iter().filter(|(_, time)| **time >= Duration::from_millis(50));
        let items: Vec<String> = shown.map(|(stage, time)| format!("{} {}", stage.name(), duration(*time))).collect();
        if !items.is_empty() {
            self.line("");
            let label = self.paint.ink(Ink::Bold, "TIME");
            let times = self.paint.ink(Ink::Dim, &items.join(" · "));
            self.line(&format!("{label}  {times}"));
        }
    }

    fn place(&mut self, summary: &Summary) {
        if !summary.is_published {
            return;
        }
        let tables = &summary.totals.tables;
        let preferred = ["contract_drift", "account_health"].into_iter();
        let public = tables.iter().filter(|(_, total)| total.partitions > 0).map(|(name, _)| name.as_str());
        let is_public = |name: &&str| tables.get(*name).is_some_and(|total| total.partitions > 0);
        let Some(table) = preferred.chain(public).find(is_public) else { return };
        self.line("");
        let label = self.paint.ink(Ink::Bold, "WAREHOUSE");
        self.line(&format!("{label}  {}", summary.warehouse.display()));
        let order = match table {
            "contract_drift" => " order by leak_amount_reporting desc",
            "account_health" => " order by score",
            _ => "",
        };
        let files = format!("{}/{table}/*/*.parquet", summary.warehouse.display()).replace('\'', "''");
        self.line("");
        self.line(&self.paint.ink(Ink::Dim, "Paste into DuckDB:"));
        let only =
            if table == "usage_daily" { String::new() } else { format!(" where as_of_date = '{}'", summary.as_of) };
        self.line(&format!("from '{files}'{only}{order} limit 20;"));
    }
}

/// What a class is called, and what it means.
fn kind_name(class: &str) -> (&str, &'static str) {
    match class {
        "leak" => ("leak", "due and not billed"),
        "liability" => ("liability", "billed and not due"),
        "exposure" => ("unpaid", "billed and overdue"),
        "opportunity" => ("opportunity", "could be charged"),
        "timing" => ("timing", "late, not lost"),
        other => (other, ""),
    }
}

fn bar(part: u64, whole: u64, width: u64) -> String {
    if whole == 0 || part == 0 {
        return String::new();
    }
    let blocks = (part * width + whole / 2) / whole;
    "█".repeat(usize::try_from(blocks.max(1)).unwrap_or(1))
}

/// The summary as one JSON object with stable names; amounts are decimal texts.
pub fn json(summary: &Summary) -> Value {
    let answers = summary.answers();
    let sums = |sums: &[(String, i128)]| -> Value {
        sums.iter().map(|(of, sum)| (of.clone(), json!(decimal(*sum)))).collect::<Map<_, _>>().into()
    };
    let kind = |kind: &Kind| {
        json!({"class": kind.class, "findings": kind.findings, "amount_reporting": decimal(kind.reporting),
            "unconverted": kind.unconverted, "amount": sums(&kind.by_currency)})
    };
    let top = |finding: &TopFinding| {
        json!({"account": finding.account, "class": finding.class, "check_code": finding.code,
            "amount": decimal(finding.amount), "currency": finding.currency, "explanation": finding.reason})
    };
    let tables: Map<String, Value> = summary
        .totals
        .tables
        .iter()
        .map(|(name, total)| {
            let value = json!({"rows": total.rows, "partitions": total.partitions, "changed": total.changed, "bytes": total.bytes});
            (name.clone(), value)
        })
        .collect();
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let stages: Map<String, Value> =
        summary.totals.stages.iter().map(|(stage, time)| (stage.name().to_owned(), json!(millis(*time)))).collect();
    json!({
        "event": "summary",
        "job": summary.job,
        "run_id": summary.run_id,
        "as_of_date": summary.as_of.to_string(),
        "is_published": summary.is_published,
        "elapsed_ms": millis(summary.elapsed),
        "reporting_currency": summary.currency,
        "money": answers.money.as_ref().map(|kinds| kinds.iter().map(kind).collect::<Vec<_>>()),
        "underbilled_reporting": answers.rate.as_ref().map(|rate| decimal(rate.underbilled)),
        "billable_reporting": answers.rate.as_ref().map(|rate| decimal(rate.billable)),
        "top": answers.top.iter().map(top).collect::<Vec<_>>(),
        "health": answers.health.as_ref().map(|bands| bands.iter().cloned().collect::<std::collections::BTreeMap<_, _>>()),
        "unverified": answers.unverified.as_ref().map(|unverified| json!({
            "obligations": unverified.obligations, "due": unverified.due, "blocked": sums(&unverified.blocked),
            "missing_terms": unverified.missing_terms.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
        })),
        "quarantined_rows": summary.totals.quarantined_rows,
        "stale": summary.stale.iter().map(|stale| match &stale.rests_on {
            None => json!({
                "table": stale.table, "from_date": stale.from_date.to_string(), "partitions": stale.partitions,
            }),
            Some(on) => json!({ "table": stale.table, "from_date": stale.from_date.to_string(), "rests_on": on }),
        }).collect::<Vec<_>>(),
        "tables": tables,
        "stages_ms": stages,
        "warehouse": summary.warehouse.display().to_string(),
    })
}

/// Ten-thousandths as a decimal text.
fn decimal(amount: i128) -> String {
    let sign = if amount < 0 { "-" } else { "" };
    format!("{sign}{}.{:04}", amount.unsigned_abs() / 10_000, amount.unsigned_abs() % 10_000)
}
