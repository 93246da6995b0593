//! What a job file may say, and how it is told that it may not. Each expected message is the whole text a user sees.

use super::secret::Secret;
use super::*;
use std::fs;
use std::path::Path;

const HEAD: &str = "name = \"nightly\"\nwarehouse = \"./warehouse\"\n[company]\ncurrency = \"USD\"\n";
const SAMPLE: &str = "[sources.demo]\nsystem = \"sample\"\n";

/// Reads a job file of that text, with `files` beside it.
fn read(text: &str, files: &[(&str, &str)]) -> Result<Job, String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }
    let path = folder.path().join("job.toml");
    fs::write(&path, text).unwrap();
    Job::read(&path).map_err(|error| shown(&error, folder.path()))
}

/// The error's text without the folder of this test run.
fn shown(error: &Error, folder: &Path) -> String {
    error.to_string().replace(&format!("{}/", folder.display()), "")
}

fn told(text: &str) -> String {
    read(text, &[]).map(|_| ()).unwrap_err()
}

fn files(rest: &str) -> String {
    format!("{HEAD}[sources.billing]\nsystem = \"files\"\n{rest}")
}

#[test]
fn the_demo_is_a_valid_job() {
    let job = Job::load(Path::new("jobs/demo.toml")).unwrap_or_else(|error| panic!("{error}"));
    assert!(job.warnings.is_empty(), "{:?}", job.warnings);
    assert!(matches!(&job.sources[..], [Source { kind: SourceKind::Sample(_), .. }]));
}

#[test]
fn the_nightly_job_reads_four_systems() {
    let job = Job::load(Path::new("jobs/nightly.toml")).unwrap_or_else(|error| panic!("{error}"));
    assert!(job.warnings.is_empty(), "{:?}", job.warnings);
    assert!(job.sources.iter().all(|source| matches!(source.kind, SourceKind::Api(_))));
    assert_eq!(job.sources.len(), 4);
}

#[test]
fn the_shortest_job_has_defaults() {
    let job = read(&format!("{HEAD}{SAMPLE}"), &[]).unwrap();
    assert_eq!((job.name.as_str(), job.currency.as_str()), ("nightly", "USD"));
    assert_eq!(job.schedule.text(), "0 0 * * *");
    assert_eq!(job.timezone, Tz::Etc__UTC);
    assert_eq!(job.landing, LandingConfig::default());
    let now = DateTime::parse_from_rfc3339("2026-11-23T05:30:00Z").unwrap().with_timezone(&Utc);
    assert_eq!(job.as_of(now).to_string(), "2026-11-22");
}

fn everything_that_is_wrong_is_told_at_once() -> Vec<String> {
    let mut texts = Vec::new();
    let text = "nmae = \"nightly\"
schedule = \"0 25 * * *\"
timezone = \"Europe/Berln\"
warehouse = \"s3://acme\"
[company]
currency = \"usd\"
[engine]
memory = \"lots\"
partitions = 0
[landing]
history_day = 3
[sources.demo]
system = \"sampel\"
[policy]
quarantine_max_share = 3
";
    texts.push(told(text));
    texts
}

fn wrong_types_and_broken_toml() -> Vec<String> {
    let mut texts = Vec::new();
    texts.push(told(&format!(
        "name = 5\nschedule = true\n{}{SAMPLE}seed = \"x\"\nstart = \"2025-13-01\"\n",
        &HEAD[17..]
    )));
    texts.push(told("name = \"nightly\nwarehouse = 1\n"));
    texts.push(told(&format!("{HEAD}{SAMPLE}[policy]\nquarantine_max_share_pct = \"3\"\n")));
    texts.push(told(&format!("{HEAD}{SAMPLE}[policy]\nquarantine_max_share_pct = 2.00001\n")));
    texts
}

#[test]
fn policy_overrides_are_typed() {
    let job = read(&format!("{HEAD}{SAMPLE}[policy]\nquarantine_max_share_pct = 3\n"), &[]).unwrap();
    assert_eq!(job.policy.decimal("quarantine_max_share_pct"), Some((30_000, 4)));
    assert_eq!(job.policy.get("quarantine_max_share_pct").unwrap().to_string(), "3");
}

fn a_missing_secret_is_told_and_a_present_one_is_not() -> Vec<String> {
    let mut texts = Vec::new();
    let root = |reference: &str| {
        files(&format!("root = {reference}\n[[sources.billing.inputs]]\npath = \"a.csv\"\nentity = \"invoice\"\n"))
    };
    texts.push(told(&root("{ env = \"TAILWATER_NOT_SET\" }")));
    texts.push(told(&root("{ file = \"no/such/file\" }")));
    texts.push(told(&root("{ evn = \"X\" }")));
    let job = read(&root("{ file = \"secret\" }"), &[("secret", "/data/hidden\n")]).unwrap();
    let SourceKind::Files(source) = &job.sources[0].kind else { panic!("not files") };
    assert_eq!(source.root, Path::new("/data/hidden"));
    texts
}

#[test]
fn a_secret_never_prints_itself() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("key"), "hunter2\n").unwrap();
    let text = "key = { file = \"key\" }";
    let report = crate::model::document::Report::new(Path::new("job.toml"), text);
    let parsed = crate::model::document::parse(&report, text).unwrap();
    let item = crate::model::document::Table::root(&report, &parsed).get("key").unwrap();
    let secret: Secret = secret::text(&item, folder.path()).unwrap();
    assert_eq!((format!("{secret:?}").as_str(), secret.reveal()), ("***", "hunter2"));
}

fn inputs_and_mappings_are_checked() -> Vec<String> {
    let mut texts = Vec::new();
    let text = files(
        "[[sources.billing.inputs]]
path = \"invoices.csv.gz\"
entity = \"invoise\"
[[sources.billing.inputs]]
path = \"data\"
entity = \"invoice\"
[[sources.billing.inputs]]
path = \"payments.csv\"
entity = \"payment\"
delimiter = \";;\"
[sources.billing.inputs.map]
payment_idd = \"id\"
amount = { column = \"amt\", decimal = \",\", thousand = \".\" }
currency = { value = \"USD\", column = \"cur\" }
attempted_at = { column = \"at\", format = \"%d.%m.%Q\" }
attempt = { value = \"first\" }
[[sources.billing.inputs]]
path = \"more.csv\"
[[sources.billing.inputs]]
name = \"plans\"
path = \"plans.csv\"
columns = { price = \"money\" }
",
    );
    texts.push(told(&text));
    texts
}

#[test]
fn a_files_source_reads_what_it_is_told() {
    let text = files(
        "root = \"data\"
[[sources.billing.inputs]]
path = \"invoices/*.tsv.zst\"
entity = \"invoice\"
comment = \"#\"
date_format = \"%d.%m.%Y\"
nulls = [\"NULL\"]
[sources.billing.inputs.map]
invoice_id = \"id\"
currency = { value = \"USD\" }
status = { column = \"state\", values = { Paid = \"paid\" } }
[[sources.billing.inputs]]
name = \"subs\"
path = \"subs.jsonl\"
key = [\"id\"]
columns = { start = { type = \"date\", format = \"%d/%m/%Y\" }, mrr = \"decimal(18,4)\" }
[sources.billing.entities]
contract = \"contract.sql\"
",
    );
    let sql = "select id as contract_id, start as start_date from landed.subs";
    let job = read(&text, &[("contract.sql", sql)]).unwrap();
    assert!(job.warnings.is_empty());
    let SourceKind::Files(source) = &job.sources[0].kind else { panic!("not files") };
    assert!(source.root.ends_with("data"));
    let [invoices, subs] = &source.inputs[..] else { panic!("not two inputs") };
    let tabs = CsvFormat { delimiter: b'\t', comment: Some(b'#'), ..CsvFormat::default() };
    assert_eq!((invoices.name.as_str(), &invoices.format), ("invoice", &Format::Csv(tabs)));
    assert_eq!(invoices.defaults.date.as_deref(), Some("%d.%m.%Y"));
    assert_eq!((subs.format.clone(), subs.key.clone()), (Format::JsonLines, vec!["id".to_owned()]));
    let Target::Raw { columns } = &subs.target else { panic!("not raw") };
    assert_eq!(columns.len(), 2);
    assert_eq!(source.entities[0].entity, "contract");
}

fn a_users_query_reads_its_inputs_only() -> Vec<String> {
    let mut texts = Vec::new();
    let text = files(
        "[[sources.billing.inputs]]
name = \"subs\"
path = \"subs.csv\"
[[sources.billing.inputs]]
name = \"plans\"
path = \"plans.csv\"
[sources.billing.entities]
contract = \"contract.sql\"
contrct_line = \"contract.sql\"
invoice = \"invoice.sql\"
",
    );
    let sql = [("contract.sql", "select id as contract_id\nfrom landed.sub\njoin invoice on true\n")];
    texts.push(read(&text, &sql).map(|_| ()).unwrap_err());
    let text = files(
        "[[sources.billing.inputs]]\nname = \"subs\"\npath = \"subs.csv\"\n[[sources.billing.inputs]]\nname = \"plans\"\npath = \"plans.csv\"\n[sources.billing.entities]\ncontract = \"contract.sql\"\n",
    );
    let unread = read(&text, &[("contract.sql", "select 1 as contract_id from landed.subs")]).unwrap();
    let folder = unread.file.parent().unwrap();
    texts.extend(unread.warnings.iter().map(|warning| shown(warning, folder)));
    let sql = [("contract.sql", "select id as contract_id\nfrom landed.sub\n")];
    texts.push(read(&text, &sql).map(|_| ()).unwrap_err());
    texts
}

fn the_sources_of_one_job_do_not_share_names() -> Vec<String> {
    let mut texts = Vec::new();
    let text = files(
        "[[sources.billing.inputs]]\nname = \"subs\"\npath = \"subs.csv\"\n[sources.crm]\nsystem = \"files\"\n\
         [[sources.crm.inputs]]\nname = \"subs\"\npath = \"subs.csv\"\n[[sources.crm.inputs]]\nname = \"subs\"\npath = \"b.csv\"\n",
    );
    texts.push(told(&text));
    texts
}

const ACME: &str = "title = \"Acme\"
base_url = \"https://{site}.acme.example\"
[settings]
site = { doc = \"The part of the address before .acme.example\" }
region = { doc = \"Where\", default = \"us\", choices = { us = \"api\", eu = \"api.eu\" } }
key = { doc = \"A key that may read\", secret = true }
[auth]
kind = \"bearer\"
token = \"{key}\"
[streams.customer]
path = \"/{region}/customers\"
params = { since = \"{cursor}\" }
cursor = { column = \"updated_at\" }
key = [\"id\"]
columns = { id = \"text\", name = \"text\", updated_at = \"timestamp\" }
[streams.site]
path = \"/customers/{parent.id}/sites\"
parent = { stream = \"customer\", values = { id = \"id\" } }
key = [\"id\"]
columns.id = \"text\"
";

const ACME_SQL: &str = "/*---
title = \"Customers of Acme\"
owner = \"finance\"
[decisions]
name = \"As written\"
---*/
select id as external_id, 'acme' as system, name from landed.customer
";

fn acme(rest: &str, sql: &str) -> Result<Job, String> {
    let files =
        [("sql/sources/acme/source.toml", ACME), ("sql/sources/acme/external_account.sql", sql), ("key", "hunter2")];
    let head = HEAD.replacen("[company]", "sql = \"sql\"\n[company]", 1);
    let more = [("mine.sql", "select id as external_id, 'acme' as system, po as name from landed.customer")];
    read(&format!("{head}[sources.crm]\nsystem = \"acme\"\n{rest}"), &[&files[..], &more[..]].concat())
}

fn described_systems_are_checked() -> Vec<String> {
    let wrong = |rest: &str| acme(rest, ACME_SQL).map(|_| ()).unwrap_err();
    vec![
        wrong(""),
        wrong("sit = \"x\"\nkey = \"hunter2\"\nregion = \"su\"\nskip = [\"custmer\"]\nkeep_raw_days = -1\n"),
        wrong(
            "site = \"x\"\nkey = { file = \"key\" }\nstart_date = \"2024-01-32\"\n[sources.crm.streams.customer.columns]\n\
             po = \"txt\"\n",
        ),
        wrong(
            "site = \"x\"\nkey = { file = \"key\" }\nstart_date = \"2024-01-01\"\n[sources.crm.entities]\nacount = \"mine.sql\"\n",
        ),
        acme("site = \"x\"\n", "select a from landed.custmer").map(|_| ()).unwrap_err(),
        acme("site = \"x\"\n", &ACME_SQL.replace("landed.customer", "landed.custmer")).map(|_| ()).unwrap_err(),
        told(&format!("{HEAD}[sources.crm]\nsystem = \"salesfroce\"\n")),
    ]
}

#[test]
fn a_described_system_is_read_with_what_the_job_adds() {
    let job = acme(
        "site = \"x\"\nkey = { env = \"TAILWATER_NOT_SET\" }\nregion = \"eu\"\nstart_date = 2024-01-01\nskip = [\"customer\"]\n\
         base_url = \"http://127.0.0.1:9/\"\n[sources.crm.streams.customer.columns]\npo = \"text\"\n[sources.crm.entities]\n\
         external_account = \"mine.sql\"\n",
        ACME_SQL,
    )
    .unwrap();
    let SourceKind::Api(api) = &job.sources[0].kind else { panic!("not described") };
    assert_eq!(api.settings["region"], secret::Value::Text("api.eu".to_owned()));
    assert_eq!(api.settings["key"], secret::Value::Env("TAILWATER_NOT_SET".to_owned()));
    assert!(api.settings["key"].resolve().unwrap_err().to_string().contains("TAILWATER_NOT_SET"));
    assert_eq!(api.settings["base_url"], secret::Value::Text("http://127.0.0.1:9".to_owned()));
    assert_eq!(api.spec.base_url.names().collect::<Vec<_>>(), ["base_url"]);
    assert_eq!((api.keep_raw_days, api.max_age_days, api.streams().count()), (7, None, 0));
    assert_eq!(api.spec.streams[0].columns.len(), 4);
    assert!(api.entities[0].model.file.ends_with("mine.sql"));
}

#[test]
fn every_built_in_system_is_right_in_every_way_it_can_be_asked() {
    let models = Models::load(None).unwrap();
    let policy = Policy::new(models.policy(), BTreeMap::new());
    let params = Params::new(&policy, NaiveDate::default(), DateTime::<Utc>::default(), "USD");
    for system in crate::model::source::Folder::systems(None).unwrap() {
        let folder = crate::model::source::Folder::find(&system, None).unwrap().unwrap();
        let read = |written: BTreeMap<String, String>| {
            let spec = folder.read(&models, &crate::model::source::Additions { written, streams: None });
            spec.unwrap_or_else(|error| panic!("{error}")).unwrap()
        };
        let spec = read(BTreeMap::new());
        for (name, setting) in &spec.settings {
            for choice in setting.choices.keys() {
                read(BTreeMap::from([(name.clone(), choice.clone())]));
            }
        }
        let streams = spec.streams.iter().map(|stream| (stream.name.clone(), stream.landed_schema())).collect();
        for entity in &spec.entities {
            let checked = crate::model::plan::check_source(&entity.model, &streams, &params);
            checked.unwrap_or_else(|error| panic!("{error}"));
        }
    }
}

#[test]
fn every_message_reads_as_agreed() {
    crate::tests::golden(
        "src/job/messages.txt",
        &[
            ("everything that is wrong is told at once", everything_that_is_wrong_is_told_at_once()),
            ("wrong types and broken toml", wrong_types_and_broken_toml()),
            ("a missing secret is told and a present one is not", a_missing_secret_is_told_and_a_present_one_is_not()),
            ("inputs and mappings are checked", inputs_and_mappings_are_checked()),
            ("a users query reads its inputs only", a_users_query_reads_its_inputs_only()),
            ("described systems are checked", described_systems_are_checked()),
            ("the sources of one job do not share names", the_sources_of_one_job_do_not_share_names()),
        ],
    );
}
