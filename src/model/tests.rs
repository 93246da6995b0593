//! What a folder of SQL files may say, and how it is told that it may not. Each expected message is the whole text a
//! user sees.

use super::engine::EngineConfig;
use super::params::Params;
use super::policy::Policy;
use super::{Layer, Models, SqlFile, engine, plan};
use crate::error::{Error, Result};
use chrono::{NaiveDate, TimeZone, Utc};
use std::path::{Path, PathBuf};

const POLICY: &str = "[grace_days]\ntype = \"integer\"\ndefault = 5\ndoc = \"Days\"\n\n\
[bar_pct]\ntype = \"decimal(9,4)\"\ndefault = 2.5\ndoc = \"Percent\"\n";

/// An entity `invoice` that most cases read.
const INVOICE: &str = "/*---
title = \"Invoices\"
owner = \"finance\"
grain = [\"invoice_id\"]
[columns]
invoice_id = { type = \"text\", doc = \"Id\" }
issued_date = { type = \"date\", doc = \"Day\" }
amount = { type = \"decimal(18,4)\", doc = \"Money\" }
share = { type = \"float\", doc = \"Share\" }
source = { type = \"text\", doc = \"Source\" }
source_id = { type = \"text\", doc = \"Id there\" }
---*/
select invoice_id, issued_date, amount, share, source, source_id
from provided.invoice
";

fn header(rest: &str) -> String {
    format!("/*---\ntitle = \"T\"\nowner = \"finance\"\ngrain = [\"id\"]\n{rest}\n---*/\n")
}

fn file(path: &str, text: &str) -> SqlFile {
    let folder = path.split('/').nth(1).unwrap();
    let layers = [Layer::Rollup, Layer::Entity, Layer::Intermediate, Layer::Mart, Layer::Check];
    let layer = layers.into_iter().find(|layer| layer.folder() == folder).unwrap();
    SqlFile { layer, file: PathBuf::from(path), text: text.to_owned() }
}

fn params(models: &Models) -> Params {
    let day = NaiveDate::from_ymd_opt(2026, 7, 1).unwrap();
    let end = Utc.with_ymd_and_hms(2026, 7, 2, 0, 0, 0).unwrap();
    Params::new(&Policy::new(models.policy(), Default::default()), day, end, "USD")
}

fn load(files: &[(&str, &str)]) -> Result<Models> {
    let mut all = vec![file("sql/entities/invoice.sql", INVOICE)];
    all.extend(files.iter().map(|(path, text)| file(path, text)));
    let policy = [(PathBuf::from("sql/policy.toml"), POLICY.to_owned())];
    let models = Models::from_files(all, Vec::new(), &policy)?;
    plan::check(&models, &params(&models))?;
    Ok(models)
}

fn told(files: &[(&str, &str)]) -> String {
    match load(files) {
        Ok(_) => format!("nothing is wrong with {files:?}"),
        Err(error) => error.to_string(),
    }
}

/// An intermediate with one text column `id` and the query `sql`.
fn one(sql: &str) -> String {
    header("[columns]\nid = { type = \"text\", doc = \"Id\" }") + sql
}

#[test]
fn the_built_in_models_load_and_keep_their_contracts() {
    let models = Models::load(None).unwrap_or_else(|error| panic!("{error}"));
    let values = params(&models);
    plan::check(&models, &values).unwrap_or_else(|error| panic!("{error}"));
    let order: Vec<&str> = models.in_order().iter().map(|model| model.name.as_str()).collect();
    for model in models.iter() {
        let own = order.iter().position(|name| *name == model.name);
        assert!(model.reads().all(|read| order.iter().position(|name| *name == read) < own), "{}", model.name);
    }
}

fn a_header_says_everything_that_is_wrong_with_it() -> Vec<String> {
    let mut texts = Vec::new();
    let text = "/*---
titel = \"T\"
owner = \"sales\"
grain = [\"idd\"]
[columns]
id = { type = \"txt\", doc = \"Id\" }
Amount = { type = \"decimal(18,4)\" }
day = { type = 5, doc = \"\" }
---*/
select 1
";
    texts.push(told(&[("sql/intermediate/x.sql", text)]));
    texts
}

fn a_file_without_header_is_told_how_to_begin() -> Vec<String> {
    let mut texts = Vec::new();
    texts.push(told(&[("sql/intermediate/x.sql", "select 1\n")]));
    texts.push(told(&[("sql/intermediate/x.sql", "/*---\ntitle = \"T\"\nselect 1\n")]));
    texts.push(told(&[("sql/intermediate/x.sql", "/*---\ntitle = \"T\nowner = 1\n---*/\nselect 1\n")]));
    let mart = header("[columns]\nid = { type = \"text\", doc = \"Id\" }") + "select invoice_id as id from invoice";
    texts.push(told(&[("sql/marts/x.sql", &mart)]));
    texts
}

fn sql_that_does_not_parse_or_is_no_select() -> Vec<String> {
    vec![
        told(&[("sql/intermediate/x.sql", &one("select invoice_id as id\nfrom invoice\ngroup invoice_id\n"))]),
        told(&[("sql/intermediate/x.sql", &one("drop table invoice"))]),
        told(&[("sql/intermediate/x.sql", &one("select 1; select 2"))]),
    ]
}

fn inputs_are_known_tables_of_the_right_layer() -> Vec<String> {
    let mut texts = Vec::new();
    let reads = |table: &str| one(&format!("select invoice_id as id\nfrom {table}\n"));
    texts.push(told(&[("sql/intermediate/x.sql", &reads("invoices"))]));
    texts.push(told(&[("sql/intermediate/x.sql", &reads("provided.invoice"))]));
    texts.push(told(&[("sql/intermediate/x.sql", &reads("provded.invoice"))]));
    texts.push(told(&[("sql/intermediate/x.sql", &reads("planted"))]));
    texts.push(told(&[("sql/intermediate/x.sql", &reads("published.contract_drift"))]));
    texts.push(told(&[("sql/rollups/x.sql", &reads("invoice"))]));
    texts.push(told(&[("sql/entities/x.sql", &reads("landed.invoice"))]));
    texts.push(told(&[("sql/intermediate/y.sql", &reads("x")), ("sql/checks/x.sql", &reads("invoice"))]));
    texts
}

fn a_circle_is_shown_as_a_path() -> Vec<String> {
    let mut texts = Vec::new();
    let reads = |table: &str| one(&format!("select id from {table}\n"));
    let files = [("sql/intermediate/a.sql", reads("b")), ("sql/intermediate/b.sql", reads("c"))];
    let c = reads("a");
    texts.push(told(&[(files[0].0, &files[0].1), (files[1].0, &files[1].1), ("sql/intermediate/c.sql", &c)]));
    texts
}

fn never_reads_holds_over_everything_upstream() -> Vec<String> {
    let mut texts = Vec::new();
    let a = one("select invoice_id as id from invoice");
    let b =
        header("never_reads = [\"invoice\"]\n[columns]\nid = { type = \"text\", doc = \"Id\" }") + "select id from a";
    texts.push(told(&[("sql/intermediate/a.sql", &a), ("sql/intermediate/b.sql", &b)]));
    texts
}

fn parameters_have_the_type_of_the_policy() -> Vec<String> {
    let mut texts = Vec::new();
    let with = |condition: &str| {
        one(&format!("select invoice_id as id\nfrom invoice\nwhere issued_date > date '2026-01-01' - {condition}\n"))
    };
    texts.push(told(&[("sql/intermediate/x.sql", &with("cast($grace_day as bigint)"))]));
    texts.push(told(&[("sql/intermediate/x.sql", &with("cast($grace_days as integer)"))]));
    texts.push(told(&[("sql/intermediate/x.sql", &with("$grace_days"))]));
    texts.push(told(&[("sql/intermediate/x.sql", &with("cast($span_start as date)"))]));
    let right = one("select invoice_id as id\nfrom invoice\nwhere amount > cast( $bar_pct as decimal(9, 4) )\n\
         and issued_date <= cast($as_of as date) and '$nothing' <> '' -- $nothing\n");
    let models = load(&[("sql/intermediate/x.sql", &right)]).unwrap();
    let names: Vec<&str> = models.get("x").unwrap().parameters.iter().map(String::as_str).collect();
    assert_eq!(names, ["as_of", "bar_pct"]);
    texts
}

fn a_contract_is_what_the_query_gives() -> Vec<String> {
    let mut texts = Vec::new();
    let columns = "[columns]\nid = { type = \"text\", doc = \"Id\" }\nday = { type = \"timestamp\", doc = \"Day\" }\n\
                   amount = { type = \"decimal(18,2)\", doc = \"Money\" }\nlost = { type = \"text\", doc = \"Lost\" }";
    let sql =
        "select\n    invoice_id as id,\n    issued_date as day,\n    amount,\n    amount as amout\nfrom invoice\n";
    texts.push(told(&[("sql/intermediate/x.sql", &(header(columns) + sql))]));
    texts
}

fn planning_errors_point_into_the_file() -> Vec<String> {
    vec![
        told(&[("sql/intermediate/x.sql", &one("select\n    invoce_id as id\nfrom invoice\n"))]),
        told(&[("sql/intermediate/x.sql", &one("select\n    uppper(invoice_id) as id\nfrom invoice\n"))]),
        told(&[(
            "sql/intermediate/x.sql",
            &one("select invoice_id as id\nfrom invoice\nwhere amount = issued_date\n"),
        )]),
    ]
}

fn results_depend_on_rows_alone() -> Vec<String> {
    let mut texts = Vec::new();
    let rate = header("[columns]\nid = { type = \"text\", doc = \"Id\" }\nrate = { type = \"float\", doc = \"Rate\" }");
    let sum = rate.clone() + "select invoice_id as id, sum(share) as rate from invoice group by invoice_id";
    let window = rate.clone() + "select invoice_id as id, avg(share) over (partition by source) as rate from invoice";
    let most = rate + "select invoice_id as id, max(share) as rate from invoice group by invoice_id";
    texts.push(told(&[("sql/intermediate/x.sql", &sum)]));
    texts.push(told(&[("sql/intermediate/x.sql", &window)]));
    assert!(load(&[("sql/intermediate/x.sql", &most)]).is_ok());
    let clock = one("select invoice_id as id from invoice where issued_date < now()");
    texts.push(told(&[("sql/intermediate/x.sql", &clock)]));
    for unordered in [
        "select string_agg(invoice_id, ',') as id from invoice",
        "select distinct on (source) invoice_id as id from invoice",
        "select invoice_id as id from invoice limit 5",
        "select invoice_id as id from invoice qualify row_number() over (partition by source) = 1",
        "select cast(approx_distinct(invoice_id) as varchar) as id from invoice",
    ] {
        texts.push(told(&[("sql/intermediate/x.sql", &one(unordered))]));
    }
    let ordered = one(
        "select invoice_id as id from (select distinct on (source) invoice_id, source from invoice order by source, \
         invoice_id) as first order by invoice_id limit 5",
    );
    assert!(load(&[("sql/intermediate/x.sql", &ordered)]).is_ok());
    let dice = one("select invoice_id as id from invoice where random() < 0.5");
    texts.push(told(&[("sql/intermediate/x.sql", &dice)]));
    texts
}

fn expectations_are_conditions_on_a_row() -> Vec<String> {
    let mut texts = Vec::new();
    let text = header(
        "[columns]\nid = { type = \"text\", doc = \"Id\" }\n[checks]\nnot_null = [\"id\"]\n\
         expect.short = \"length(idd) < 5\"\nexpect.long = \"length(id)\"\nseverity.shrt = \"warn\"",
    );
    texts.push(told(&[("sql/intermediate/x.sql", &(text.clone() + "select invoice_id as id from invoice"))]));
    let text = text.replace("severity.shrt", "severity.short");
    texts.push(told(&[("sql/intermediate/x.sql", &(text + "select invoice_id as id from invoice"))]));
    texts
}

fn a_replacement_keeps_its_promises_and_may_add() -> Vec<String> {
    let mut texts = Vec::new();
    let replace = |columns: &str, query: &str| -> Result<Models, Error> {
        let text = header(columns).replace("\"id\"", "\"invoice_id\"") + query;
        let own = vec![file("own/entities/invoice.sql", &text), file("own/marts/extra.sql", &mart())];
        Models::from_files(vec![file("sql/entities/invoice.sql", INVOICE)], own, &[])
    };
    let all = INVOICE.split("[columns]\n").nth(1).unwrap().split("---*/").next().unwrap();
    let more = format!("[columns]\n{all}extra = {{ type = \"text\", doc = \"More\" }}");
    let models = replace(&more, "select *, 'x' as extra from provided.invoice").unwrap();
    assert_eq!(models.get("invoice").unwrap().file, Path::new("own/entities/invoice.sql"));
    assert!(models.get("extra").is_some());
    let less = more.replace("amount = { type = \"decimal(18,4)\"", "amount = { type = \"text\"");
    let less = less.replace("source_id = { type = \"text\", doc = \"Id there\" }\n", "");
    texts.push(replace(&less, "select 1").map(|_| ()).unwrap_err().to_string());
    texts
}

#[test]
fn a_folder_of_models_is_laid_out_like_the_built_in_one() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let shown = |error: Error| error.to_string().replace(&format!("{}/", folder.path().display()), "");
    write("README.md", "notes");
    write("policy.toml", "[own_bar]\ntype = \"integer\"\ndefault = 3\ndoc = \"Bar\"\n");
    write("marts/extra.sql", &mart().replace("from invoice", "from invoice where cast($own_bar as bigint) > 2"));
    let models = Models::load(Some(folder.path())).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(models.get("extra").unwrap().file, folder.path().join("marts/extra.sql"));
    assert!(models.policy().entries.contains_key("own_bar"));
    write("policy.toml", "[quarantine_max_share_pct]\ntype = \"integer\"\ndefault = 3\ndoc = \"Bar\"\n");
    assert_eq!(
        shown(Models::load(Some(folder.path())).map(|_| ()).unwrap_err()),
        "`quarantine_max_share_pct` is declared already in sql/policy.toml\n  --> policy.toml:1:2\n 1 | \
         [quarantine_max_share_pct]\n   |  ^^^^^^^^^^^^^^^^^^^^^^^^\n  help: give it another value in the job's [policy]"
    );
    std::fs::remove_file(folder.path().join("policy.toml")).unwrap();
    write("mart/extra.sql", "select 1");
    assert_eq!(
        shown(Models::load(Some(folder.path())).map(|_| ()).unwrap_err()),
        "mart is not in a folder of models\n  help: did you mean `marts`?"
    );
}

fn mart() -> String {
    header(
        "partition_by = [\"as_of_date\"]\n[columns]\nid = { type = \"text\", doc = \"Id\" }\nas_of_date = { type = \"date\", doc = \"Date\" }",
    ) + "select invoice_id as id, cast($as_of as date) as as_of_date from invoice"
}

#[test]
fn values_are_written_out_for_another_engine() {
    let models = load(&[]).unwrap();
    let values = params(&models);
    let sql = "select '$as_of', cast($as_of as date), cast($bar_pct as decimal(9,4)), cast($as_of_end as timestamp), \
               cast($reporting_currency as varchar), cast($grace_days as bigint) -- $as_of";
    assert_eq!(
        values.write_out(sql),
        "select '$as_of', cast(date '2026-07-01' as date), cast(2.5 as decimal(9,4)), \
         cast(timestamp '2026-07-02 00:00:00.000000' as timestamp), cast('USD' as varchar), cast(5 as bigint) -- $as_of"
    );
}

#[tokio::test]
async fn a_session_reads_decimals_and_utc() {
    let context = engine::session(&EngineConfig { partitions: 2, ..EngineConfig::default() }).unwrap();
    let batches = context
        .sql("select arrow_typeof(0.05) as a, arrow_typeof(cast('x' as varchar)) as b, 1 as c")
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    let shown = arrow::util::pretty::pretty_format_batches(&batches).unwrap().to_string();
    assert!(shown.contains("Decimal128(2, 2)") && shown.contains("Utf8 "), "{shown}");
}

#[test]
fn every_message_reads_as_agreed() {
    crate::tests::golden(
        "src/model/messages.txt",
        &[
            ("a header says everything that is wrong with it", a_header_says_everything_that_is_wrong_with_it()),
            ("a file without header is told how to begin", a_file_without_header_is_told_how_to_begin()),
            ("sql that does not parse or is no select", sql_that_does_not_parse_or_is_no_select()),
            ("inputs are known tables of the right layer", inputs_are_known_tables_of_the_right_layer()),
            ("a circle is shown as a path", a_circle_is_shown_as_a_path()),
            ("never reads holds over everything upstream", never_reads_holds_over_everything_upstream()),
            ("parameters have the type of the policy", parameters_have_the_type_of_the_policy()),
            ("a contract is what the query gives", a_contract_is_what_the_query_gives()),
            ("planning errors point into the file", planning_errors_point_into_the_file()),
            ("results depend on rows alone", results_depend_on_rows_alone()),
            ("expectations are conditions on a row", expectations_are_conditions_on_a_row()),
            ("a replacement keeps its promises and may add", a_replacement_keeps_its_promises_and_may_add()),
        ],
    );
}
