//! The ledger over time: thirty daily runs, the same days computed afterwards, and what became of each case.

use crate::dsl::{World, files_job, files_under};
use chrono::{Days, NaiveDate};
use std::fmt::Write as _;
use std::path::Path;

const FIRST_DAY: &str = "2026-06-01";
const DAYS: u64 = 30;

const ENTITIES: [&str; 8] =
    ["account", "contract", "contract_line", "discount", "invoice", "invoice_line", "payment_event", "credit_note"];

/// The days of June, in order.
fn june() -> impl Iterator<Item = NaiveDate> {
    let first: NaiveDate = FIRST_DAY.parse().unwrap();
    (0..DAYS).map(move |day| first + Days::new(day))
}

/// The clock on the morning after `date`.
fn morning_after(date: NaiveDate) -> Vec<(String, String)> {
    vec![("TAILWATER_NOW".to_owned(), format!("{}T06:00:00Z", date + Days::new(1)))]
}

/// An invoice of one whole month of 50 seats at 40.00: (id, line, month, issued, discount).
type Bill = (&'static str, &'static str, u32, &'static str, &'static str);

/// The bills that are not simply the month's own, issued on its first day.
const OWN_BILLS: [Bill; 4] = [
    // April of the first line is billed on 10 June only.
    ("late-april", "recovered", 4, "2026-06-10", "0.00"),
    // Billing of the second line stopped after March and resumes with June, billed on the 15th.
    ("resumed-june", "resumed", 6, "2026-06-15", "0.00"),
    // The second invoice for June of the fourth line.
    ("repeated-june", "repeated", 6, "2026-06-03", "0.00"),
    // One month of the fifth line was unpaid; this is its invoice, due at once.
    ("unpaid-may", "unpaid", 5, "2026-05-01", "0.00"),
];

fn bills() -> Vec<(String, &'static str, u32, String, String)> {
    let mut all = Vec::new();
    for (line, months, discount) in [
        ("recovered", vec![1, 2, 3, 5, 6], "0.00"),
        ("resumed", vec![1, 2, 3], "0.00"),
        // 15 % off had ended with March and stays on in every invoice.
        ("expired", vec![1, 2, 3, 4, 5, 6], "300.00"),
        ("repeated", vec![1, 2, 3, 4, 5, 6], "0.00"),
        ("unpaid", vec![1, 2, 3, 4, 6], "0.00"),
    ] {
        for month in months {
            let issued = format!("2026-{month:02}-01");
            all.push((format!("{line}-{month}"), line, month, issued, discount.to_owned()));
        }
    }
    for (id, line, month, issued, discount) in OWN_BILLS {
        all.push((id.to_owned(), line, month, issued.to_owned(), discount.to_owned()));
    }
    all.sort_by(|a, b| (&a.3, &a.0).cmp(&(&b.3, &b.0)));
    all
}

/// Writes what the company's systems say on the evening of `day`: nothing that is dated later.
fn write_company(world: &World, day: NaiveDate) {
    let today = day.to_string();
    let mut lines = String::from(
        "contract_line_id,version,contract_id,term_source,product_id,charge_type,pricing_model,quantity,unit_price,price_period,start_date\n",
    );
    for line in ["recovered", "resumed", "expired", "repeated", "unpaid"] {
        let _ = writeln!(lines, "{line},1,c-1,signed,p-{line},recurring,per_unit,50,40.00,month,2026-01-01");
    }
    let mut invoices =
        String::from("invoice_id,account_id,contract_id,status,issued_date,due_date,currency,subtotal,tax,total\n");
    let mut invoice_lines = String::from(
        "invoice_line_id,invoice_id,contract_line_id,kind,quantity,unit_price,gross_amount,discount_amount,amount,service_start_date,service_end_date\n",
    );
    for (id, line, month, issued, discount) in bills() {
        if issued > today {
            continue;
        }
        let amount = if discount == "0.00" { "2000.00" } else { "1700.00" };
        let due = if id == "unpaid-may" { "2026-05-20" } else { "2027-12-31" };
        let _ = writeln!(invoices, "{id},a-1,c-1,open,{issued},{due},USD,{amount},0.00,{amount}");
        let _ = writeln!(
            invoice_lines,
            "{id}-1,{id},{line},recurring,50,40.00,2000.00,{discount},{amount},2026-{month:02}-01,2026-{:02}-01",
            month + 1
        );
    }
    let mut events = String::from("event_id,payment_id,invoice_id,kind,amount,occurred_at\n");
    for (id, invoice, kind, date) in [
        // Where no payment is known at all, nobody can be called unpaid.
        ("known", "recovered-1", "applied", "2026-01-15"),
        ("paid", "unpaid-may", "applied", "2026-06-12"),
        ("back", "unpaid-may", "refund", "2026-06-22"),
    ] {
        if *date <= *today {
            let _ = writeln!(events, "{id},pm-{invoice},{invoice},{kind},2000.00,{date}T09:00:00Z");
        }
    }
    let mut notes = String::from("credit_note_id,account_id,invoice_id,invoice_line_id,issued_date,amount,currency\n");
    if "2026-06-20" <= today.as_str() {
        notes.push_str("cn-1,a-1,repeated-june,repeated-june-1,2026-06-20,2000.00,USD\n");
    }
    world
        .file("data/account.csv", "account_id,name,currency\na-1,Ada,USD\n")
        .file(
            "data/contract.csv",
            "contract_id,version,effective_date,account_id,term_source,start_date,end_date,billing_frequency,bill_timing,currency,proration_method,issue_grace_days\n\
             c-1,1,2026-01-01,a-1,signed,2026-01-01,2027-01-01,monthly,advance,USD,act_act,5\n",
        )
        .file("data/contract_line.csv", lines)
        .file(
            "data/discount.csv",
            "discount_id,contract_id,contract_line_id,term_source,kind,value,start_date,end_date\nd-1,c-1,expired,signed,percent,15,2026-01-01,2026-04-01\n",
        )
        .file("data/invoice.csv", invoices)
        .file("data/invoice_line.csv", invoice_lines)
        .file("data/payment_event.csv", events)
        .file("data/credit_note.csv", notes);
}

/// Publishes one date of the ledger and of all it stands on; `None` leaves the date to the clock.
fn run(world: &World, job: &str, date: Option<NaiveDate>, clock: &[(String, String)]) {
    let mut call = world.tailwater(&["run", job, "--select", "recovery_ledger"]).envs(clock);
    if let Some(date) = date {
        call = call.arg("--as-of").arg(&date.to_string());
    }
    call.run();
}

fn copy_folder(from: &Path, to: &Path) {
    for file in files_under(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(&file, target).unwrap();
    }
}

/// The ledger's last word on every case but late invoices, which are timing.
const LAST_WORD: &str = "select check_code, contract_line_id as line, status, first_seen_date as seen, closed_date as closed, \
    cast(opened_amount as int) as opened, cast(grew_amount as int) as grew, cast(recovered_amount as int) as recovered, \
    cast(reclassified_amount as int) as reclassified, cast(corrected_amount as int) as corrected, cast(open_amount as int) as open, \
    times_reopened as reopened, resolved_by \
    from latest.recovery_ledger where check_code <> 'C11' order by check_code, contract_line_id";

const WHAT_BECAME_OF_THEM: &str = "\
check_code,line,status,seen,closed,opened,grew,recovered,reclassified,corrected,open,reopened,resolved_by
C2,recovered,recovered,2026-06-01,2026-06-10,2000,0,2000,0,0,0,0,invoice line late-april-1 on invoice late-april of 2026-06-10
C2,resumed,open,2026-06-01,,4000,0,0,0,0,4000,0,
C3,resumed,reclassified,2026-06-01,2026-06-15,4000,2000,2000,4000,0,0,0,invoice line resumed-june-1 on invoice resumed-june of 2026-06-15
O1,repeated,corrected,2026-06-06,2026-06-20,-2000,0,0,0,-2000,0,0,credit note cn-1 on invoice repeated-june of 2026-06-20
P1,expired,open,2026-06-01,,600,300,0,0,0,900,0,
R1,,open,2026-06-01,,2000,2000,2000,0,0,2000,1,payment paid on invoice unpaid-may of 2026-06-12
";

#[test]
fn thirty_days_computed_afterwards_are_the_thirty_days_as_they_were_run() {
    let world = World::new();
    world.file("daily.toml", files_job("daily", &ENTITIES, ""));
    for day in june() {
        write_company(&world, day);
        run(&world, "daily.toml", None, &morning_after(day));
    }
    let daily = world.public_files("warehouse");
    let ledgers = daily.keys().filter(|name| name.starts_with("recovery_ledger/")).count();
    assert_eq!(ledgers as u64, DAYS, "{daily:?}");
    world.tailwater(&["sql", "daily.toml", LAST_WORD, "--format", "csv"]).stdout(WHAT_BECAME_OF_THEM).run();

    // The same landed history, and nothing else: the dates in order, long after.
    let again = World::new();
    copy_folder(&world.path("data"), &again.path("data"));
    for folder in ["landing", "raw", "state"] {
        let folder = format!("warehouse/_tailwater/{folder}");
        copy_folder(&world.path(&folder), &again.path(&folder));
    }
    again.file("daily.toml", files_job("daily", &ENTITIES, ""));
    // The files as they came in at the end, landed at once: no fact tells of a day after the one it is asked for.
    let at_once = World::new();
    copy_folder(&world.path("data"), &at_once.path("data"));
    at_once.file("daily.toml", files_job("daily", &ENTITIES, ""));
    let last = june().last().unwrap();
    for day in june() {
        run(&again, "daily.toml", Some(day), &morning_after(last));
        run(&at_once, "daily.toml", Some(day), &morning_after(last));
    }
    assert_eq!(daily, again.public_files("warehouse"), "from the same landed history");
    assert_eq!(daily, at_once.public_files("warehouse"), "landed at once");
}

#[test]
fn days_that_were_left_out_are_bridged() {
    let world = World::new();
    world.file("daily.toml", files_job("daily", &ENTITIES, ""));
    let last = june().last().unwrap();
    write_company(&world, last);
    for day in june().step_by(7).chain([last]) {
        run(&world, "daily.toml", Some(day), &morning_after(last));
    }
    // Seen on 1, 8, 15, 22, 29 and 30 June: what a run finds is dated by the run, what it adds up to is the same.
    let answer = world.tailwater(&["sql", "daily.toml", LAST_WORD, "--format", "csv"]).run().stdout;
    for line in [
        "C2,recovered,recovered,2026-06-01,2026-06-15,2000,0,2000,0,0,0,0,invoice line late-april-1 on invoice late-april of 2026-06-10",
        "C3,resumed,reclassified,2026-06-01,2026-06-15,4000,2000,2000,4000,0,0,0,",
        "O1,repeated,corrected,2026-06-08,2026-06-22,-2000,0,0,0,-2000,0,0,",
        "P1,expired,open,2026-06-01,,600,300,0,0,0,900,0,",
    ] {
        assert!(answer.contains(line), "lacks {line}\n{answer}");
    }
}

#[test]
fn an_old_date_that_changes_makes_the_later_ledgers_stale() {
    let world = World::new();
    world.file("daily.toml", files_job("daily", &ENTITIES, ""));
    let last = june().last().unwrap();
    write_company(&world, last);
    let days: Vec<NaiveDate> = june().take(3).collect();
    for &day in &days {
        run(&world, "daily.toml", Some(day), &morning_after(last));
    }
    let before = world.public_files("warehouse");
    // April turns out to have been billed in time.
    let path = world.path("data/invoice.csv");
    let known = std::fs::read_to_string(&path).unwrap();
    world.file(
        "data/invoice.csv",
        known.replace("late-april,a-1,c-1,open,2026-06-10", "late-april,a-1,c-1,open,2026-04-02"),
    );
    run(&world, "daily.toml", Some(days[0]), &morning_after(last));
    let asked = "select table_name, stale_from_date from table_history where is_stale order by table_name";
    let stale = world.tailwater(&["sql", "daily.toml", asked, "--format", "csv"]).run().stdout;
    assert!(stale.contains("recovery_ledger,2026-06-02"), "{stale}");
    assert!(stale.contains("contract_drift,2026-06-02"), "{stale}");

    // Rebuilt in order they are what they would have been.
    for &day in &days[1..] {
        run(&world, "daily.toml", Some(day), &morning_after(last));
    }
    let rebuilt = world.public_files("warehouse");
    assert_ne!(before, rebuilt);
    let fresh = World::new();
    copy_folder(&world.path("data"), &fresh.path("data"));
    fresh.file("daily.toml", files_job("daily", &ENTITIES, ""));
    for &day in &days {
        run(&fresh, "daily.toml", Some(day), &morning_after(last));
    }
    assert_eq!(rebuilt, fresh.public_files("warehouse"));
}
