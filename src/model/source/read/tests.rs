//! What a `source.toml` may say, and how it is told that it may not. Each expected message is the whole text a user sees.

use super::*;
use crate::model::contract::ColumnType;
use crate::model::source::access::Grant;
use crate::model::source::path::{JsonPath, PathStart, Step};
use crate::model::source::stream::{Origin, Paging, SourceType, StreamSpec, TokenTarget};
use std::time::Duration;

const HEAD: &str = "title = \"Acme\"\nbase_url = \"https://acme.example\"\n";
const ITEM: &str = "[streams.item]\npath = \"/items\"\nkey = [\"id\"]\ncolumns.id = \"text\"\n";

fn spec(text: &str) -> Result<SourceSpec, String> {
    match read("acme", Path::new("source.toml"), text, &Additions::default()) {
        Ok(spec) => Ok(spec.unwrap()),
        Err(error) => Err(error.to_string()),
    }
}

fn told(text: &str) -> String {
    spec(text).map(|_| ()).unwrap_err()
}

fn stream<'s>(spec: &'s SourceSpec, name: &str) -> &'s StreamSpec {
    spec.streams.iter().find(|stream| stream.name == name).unwrap()
}

fn the_system_is_checked() -> Vec<String> {
    vec![
        told(
            "titel = \"Acme\"
base_url = \"acme.example/{sit}/\"
auth_by = \"methd\"
[settings]
start_date = { doc = \"x\" }
site = { doc = \"The site\", default = \"us\", choices = { eu = \"eu.acme\" } }
key = { doc = \"A key\", secret = true, default = \"hunter2\" }
[auth]
kind = \"bearer\"
",
        ),
        told(&format!("{HEAD}{ITEM}[auth]\nkind = \"barer\"\n")),
        told(&format!(
            "{HEAD}{ITEM}[auth]\nkind = \"oauth\"\ngrant = \"jwt_bearer\"\nclient_id = \"x\"\nexpires_path = \"a[*]\"\n"
        )),
        told(&format!(
            "{HEAD}{ITEM}[limits]\nattempts = 0\nread_timeout = \"60\"\n[[limits.rate]]\nrequests = 1\n[[limits.signal]]\n\
             remaining = \"x\"\nreset_unit = \"minutes\"\n[[errors]]\naction = \"rety\"\n[[errors]]\nstatus = [99]\n\
             body_contains = \"x\"\naction = \"fail\"\n"
        )),
    ]
}

fn streams_are_checked() -> Vec<String> {
    let text = format!(
        "{HEAD}[streams.item]
path = \"/items/{{token}}\"
method = \"PUT\"
params = {{ since = \"{{cursr}}\", all = \"{{\", n = [\"{{today}}\", true] }}
records = \"data[\"
key = []
formt = \"json\"
names = \"columns\"
only = {{ \"a[*]\" = [\"x\"] }}
[streams.item.columns]
Id = \"text\"
amount = {{ type = \"money\" }}
total = {{ type = \"text\", minor_of = \"currency\", format = \"%Y\" }}
day = {{ type = \"date\", format = \"%Q\" }}
tags = {{ type = \"text\", path = \"tags[*]\" }}
gone = {{ type = \"text\", path = [], required = true }}
mail = {{ type = \"integer\", personal = \"hash\" }}
"
    );
    vec![told(&text)]
}

fn requests_are_checked() -> Vec<String> {
    let text = format!(
        "{HEAD}[streams.item]
path = \"/items\"
json = {{ a = 1 }}
form = {{ a = \"1\" }}
key = [\"id\"]
columns.id = \"text\"
slices = [\"a\"]
cursor = {{ first = \"yesterday\", lag = \"5 m\", ordered = true }}
window = {{ step = \"1d\", align = \"7h\" }}
paging = {{ kind = \"page\", param = \"page\", header = \"x\", more_is = false }}
parent = {{ stream = \"acount\", values = {{ id = \"id\" }} }}
export = {{ create = {{ path = \"/jobs\" }}, poll = {{ path = \"/jobs/{{job.id}}\", status = \"s\", done = [] }} }}
"
    );
    let unpaged = format!("{HEAD}{ITEM}paging = {{ kind = \"token\", path = \"next\" }}\ncursor.token = true\n");
    let kinds = format!("{HEAD}{ITEM}paging.kind = \"tokn\"\nformat = \"cvs\"\nwindow = {{ format = \"iso\" }}\n");
    vec![told(&text), told(&unpaged), told(&kinds)]
}

fn names_of_streams_and_columns_lead_somewhere() -> Vec<String> {
    let text = format!(
        "{HEAD}[streams.item]
path = \"/items\"
params = {{ since = \"{{cursor}}\" }}
key = [\"idd\", \"email\", \"meta\"]
deleted_flag = \"state\"
deleted_by = {{ stream = \"gone\", columns = [\"id\"] }}
cursor = {{ column = \"state\" }}
[streams.item.columns]
id = \"text\"
state = \"text\"
email = {{ type = \"text\", personal = \"drop\" }}
meta = \"json\"
parent_id = {{ type = \"text\", path = \"$parent.id\" }}
[streams.gone]
path = \"/gone\"
key = [\"id\"]
columns.id = \"integer\"
[streams.line]
inside = \"itm\"
key = [\"id\"]
columns.id = \"text\"
[streams.part]
path = \"/items/{{parent.id}}/parts\"
key = [\"id\"]
columns.id = \"text\"
parent = {{ stream = \"item\", values = {{ id = \"nr\" }}, only_where = \"state\" }}
[streams.owner]
path = \"/owners\"
params = {{ after = \"{{cursor}}\" }}
cursor = {{ column = \"id\", format = \"unix\" }}
key = [\"nr\"]
columns = {{ id = \"integer\", nr = \"text\" }}
deleted_by = {{ stream = \"gone\", columns = [\"id\"] }}
"
    );
    let circle = format!(
        "{HEAD}[streams.a]\npath = \"/a/{{parent.id}}\"\nparent = {{ stream = \"b\", values = {{ id = \"id\" }} }}\nkey = [\"id\"]\n\
         columns.id = \"text\"\n[streams.b]\ninside = \"a\"\nkey = [\"id\"]\ncolumns.id = \"text\"\n"
    );
    vec![told(&text), told(&circle)]
}

fn ways_and_settings_are_checked() -> Vec<String> {
    let text = format!(
        "{HEAD}[settings]
api = {{ doc = \"Which\", default = \"rest\" }}
unused = {{ doc = \"Nobody\" }}
[ways.rest]
path = \"/rest/{{slce}}\"
[ways.bulk]
path = \"/bulk\"
patth = \"/x\"
[ways.other]
path = \"/other\"
[streams.item]
way_by = \"api\"
key = [\"id\"]
columns.id = \"text\"
[streams.more]
way = \"bluk\"
key = [\"id\"]
columns.id = \"text\"
[streams.third]
way = \"bulk\"
key = [\"id\"]
columns.id = \"text\"
"
    );
    vec![told(&text)]
}

#[test]
fn every_message_reads_as_agreed() {
    crate::tests::golden(
        "src/model/source/read/messages.txt",
        &[
            ("the system is checked", the_system_is_checked()),
            ("streams are checked", streams_are_checked()),
            ("requests are checked", requests_are_checked()),
            ("names of streams and columns lead somewhere", names_of_streams_and_columns_lead_somewhere()),
            ("ways and settings are checked", ways_and_settings_are_checked()),
        ],
    );
}

#[test]
fn the_shortest_source_has_defaults() {
    let spec = spec(&format!("{HEAD}{ITEM}")).unwrap();
    assert_eq!((spec.title.as_str(), &spec.auth, spec.limits.attempts), ("Acme", &Auth::None, 6));
    let item = stream(&spec, "item");
    let Origin::Requests(requests) = &item.origin else { panic!("no requests") };
    assert_eq!((&requests.paging, requests.request.is_post), (&Paging::None, false));
    assert_eq!(item.columns[0].paths, [JsonPath::parse("id").unwrap()]);
    assert_eq!(item.landed_schema().fields().len(), 3);
}

#[test]
fn streams_stand_behind_those_they_need() {
    let text = format!(
        "{HEAD}[streams.part]\npath = \"/{{parent.id}}\"\nparent = {{ stream = \"line\", values = {{ id = \"id\" }} }}\nkey = [\"id\"]\n\
         columns.id = {{ type = \"text\", path = \"$parent.id\" }}\n[streams.line]\ninside = \"item\"\nrecords = \"data[*].lines\"\n\
         key = [\"id\"]\ncolumns.id = \"text\"\n{ITEM}"
    );
    let names: Vec<String> = spec(&text).unwrap().streams.into_iter().map(|stream| stream.name).collect();
    assert_eq!(names, ["item", "line", "part"]);
}

#[test]
fn a_stream_says_in_its_own_words_what_its_way_does_not() {
    let text = format!(
        "{HEAD}[settings]\napi = {{ doc = \"Which\", default = \"rest\" }}\n[ways.rest]\npath = \"/q\"\nrecords = \"records\"\n\
         params = {{ q = \"select {{fields}} from {{slice}}\", n = \"1\" }}\npaging = {{ kind = \"next_url\", path = \"next\" }}\n\
         [ways.bulk]\npath = \"/bulk/{{slice}}\"\nformat = \"csv\"\n\
         [streams.account]\nway_by = \"api\"\nslices = [\"Account\"]\nparams.n = \"2\"\nkey = [\"id\"]\n\
         columns = {{ id = {{ type = \"text\", path = \"Id\" }}, kind = {{ type = \"text\", path = [\"RecordType.Name\", \"Type\"] }}, \
         later = {{ type = \"text\", path = [] }}, first = {{ type = \"text\", path = \"Lines[0].x\" }} }}\n"
    );
    let spec = spec(&text).unwrap();
    let account = stream(&spec, "account");
    let Origin::Requests(requests) = &account.origin else { panic!("no requests") };
    assert_eq!(requests.request.params.len(), 2);
    assert_eq!(requests.request.params[1], ("n".to_owned(), Template::text("2")));
    assert_eq!(account.fields(), ["Id", "RecordType.Name", "Type", "Lines"]);
    assert_eq!(spec.settings["api"].choices.len(), 2);
    let written = BTreeMap::from([("api".to_owned(), "bulk".to_owned())]);
    let bulk = read("acme", Path::new("s"), &text, &Additions { written, streams: None }).unwrap().unwrap();
    assert_eq!(stream(&bulk, "account").format, crate::model::source::stream::BodyFormat::Csv);
}

#[test]
fn the_way_in_is_the_one_that_a_setting_names() {
    let text = format!(
        "{HEAD}auth_by = \"method\"\n[settings]\nmethod = {{ doc = \"How\", default = \"key\" }}\nkey = {{ doc = \"k\", secret = true }}\n\
         id = {{ doc = \"i\" }}\n[auth.key]\nkind = \"bearer\"\ntoken = \"{{key}}\"\n[auth.client]\nkind = \"oauth\"\n\
         grant = \"client_credentials\"\ntoken_url = \"https://a/{{id}}\"\nclient_id = \"{{id}}\"\nclient_secret = \"{{key}}\"\n{ITEM}"
    );
    let by_key = spec(&text).unwrap();
    assert_eq!(by_key.auth, Auth::Bearer { token: Template::parse("{key}").unwrap() });
    assert!(by_key.used.contains("key") && !by_key.used.contains("id"));
    let written = BTreeMap::from([("method".to_owned(), "client".to_owned())]);
    let client = read("acme", Path::new("s"), &text, &Additions { written, streams: None }).unwrap().unwrap();
    let Auth::OAuth(oauth) = &client.auth else { panic!("no OAuth") };
    assert!(matches!(oauth.grant, Grant::ClientCredentials { is_basic: false, .. }));
    assert_eq!(oauth.lifetime, Duration::from_secs(3_600));
}

#[test]
fn a_job_adds_columns_and_streams() {
    let job = "[streams.item.columns]\nid = \"integer\"\npo = { type = \"text\", path = \"custom.po\" }\n[streams.extra]\npath = \"/extra\"\n\
               key = [\"id\"]\ncolumns.id = \"text\"\npaging = { kind = \"page\", param = \"page\" }\n";
    let report = Report::new(Path::new("job.toml"), job);
    let parsed = parse(&report, job).unwrap();
    let streams = Table::root(&report, &parsed).get("streams");
    let additions = Additions { written: BTreeMap::new(), streams };
    let spec = read("acme", Path::new("s"), &format!("{HEAD}{ITEM}"), &additions).unwrap().unwrap();
    assert!(report.is_clean());
    let item = stream(&spec, "item");
    assert_eq!(item.columns.len(), 2);
    assert_eq!(item.columns[0].ty, SourceType::Plain(ColumnType::Integer));
    let Origin::Requests(requests) = &stream(&spec, "extra").origin else { panic!("no requests") };
    let target = TokenTarget::Param("page".to_owned());
    assert_eq!(requests.paging, Paging::Page { target, first: 1, size: None, more: None });
}

#[test]
fn what_a_job_adds_is_wrong_in_the_jobs_own_lines() {
    let job = "[streams.item.columns]\nid = \"integr\"\n[streams.itm]\nkey = [\"x\"]\n";
    let report = Report::new(Path::new("job.toml"), job);
    let parsed = parse(&report, job).unwrap();
    let streams = Table::root(&report, &parsed).get("streams");
    let additions = Additions { written: BTreeMap::new(), streams };
    assert!(read("acme", Path::new("source.toml"), &format!("{HEAD}{ITEM}"), &additions).unwrap().is_none());
    let told = report.finish().unwrap_err().to_string();
    assert!(told.contains("job.toml:2:6") && told.contains("did you mean `integer`?"), "{told}");
    assert!(told.contains("`itm` lacks `columns`") && !told.contains("source.toml"), "{told}");
}

#[test]
fn paths_have_steps() {
    let path = |text: &str| JsonPath::parse(text).map(|path| (path.start, path.steps));
    let member = |name: &str| Step::Member(name.to_owned());
    assert_eq!(path(""), Ok((PathStart::Here, vec![])));
    assert_eq!(path("a.b[0]"), Ok((PathStart::Here, vec![member("a"), member("b"), Step::Element(0)])));
    assert_eq!(
        path("a[*][x=1.5].b"),
        Ok((
            PathStart::Here,
            vec![member("a"), Step::Each, Step::Where("x".to_owned(), "1.5".to_owned()), member("b"),]
        ))
    );
    assert_eq!(path("a\\.b"), Ok((PathStart::Here, vec![member("a.b")])));
    assert_eq!(path("^^.id"), Ok((PathStart::Outer(2), vec![member("id")])));
    assert_eq!(path("^"), Ok((PathStart::Outer(1), vec![])));
    assert_eq!(path("/meta.x"), Ok((PathStart::Root, vec![member("meta"), member("x")])));
    assert_eq!(path("[0].id"), Ok((PathStart::Here, vec![Step::Element(0), member("id")])));
    assert_eq!(path("$parent.id"), Ok((PathStart::Given("parent.id".to_owned()), vec![])));
    for (wrong, at) in
        [("a..b", 2), ("a.", 1), ("a[x", 1), ("a]b", 1), ("a[0]b", 4), ("a[-1]", 1), ("^id", 1), (".a", 0), ("a\\", 1)]
    {
        assert_eq!(path(wrong).map_err(|(at, _)| at), Err(at), "{wrong}");
    }
}

#[test]
fn templates_have_places() {
    let names = |text: &str| Template::parse(text).map(|t| t.names().map(str::to_owned).collect::<Vec<_>>());
    assert_eq!(names("a{b}{c.d}e"), Ok(vec!["b".to_owned(), "c.d".to_owned()]));
    assert_eq!(Template::parse("{{x}}"), Ok(Template::text("{x}")));
    for (wrong, at) in [("a{b", 1), ("a}", 1), ("{}", 0), ("{a b}", 0)] {
        assert_eq!(Template::parse(wrong).map_err(|(at, _)| at), Err(at), "{wrong}");
    }
}

/// A file whose reading asks for every key there is.
const ALL_KINDS: &str = r#"
title = "All"
base_url = "https://all.example"
auth_by = "method"
errors = [{ status = [404], action = "empty" }]
limits = { rate = [{ requests = 1, per = "1s" }], signal = [{ remaining = "x" }] }
[settings.method]
doc = "How"
[auth]
a = { kind = "bearer", token = "x" }
b = { kind = "basic", user = "x" }
c = { kind = "key", name = "x", value = "x" }
d = { kind = "oauth", grant = "client_credentials", token_url = "x", client_id = "x", client_secret = "x" }
e = { kind = "oauth", grant = "refresh_token", token_url = "x", client_id = "x", client_secret = "x", refresh_token = "x" }
f = { kind = "oauth", grant = "jwt_bearer", token_url = "x", issuer = "x", subject = "x", audience = "x", key = "x" }
[streams.next]
path = "/{token}{slice}{cursor}{window.end}{parent.id}{job.id}"
slices = ["a"]
paging = { kind = "token", path = "x" }
cursor = { column = "at" }
window = { step = "1h" }
parent = { stream = "file", values = { id = "id" } }
key = ["id"]
columns = { id = { type = "text" }, at = { type = "timestamp" } }
format = "json_rows"
names = "x"
deleted_by = { stream = "file", columns = ["id"] }
[streams.next.export]
create = { path = "/a", values = { id = "id" } }
poll = { path = "/b", status = "x", done = ["y"] }
delete = { path = "/c" }
[streams.file]
files = { root = "/", pattern = "*" }
key = ["id"]
columns.id = { type = "text" }
[streams.line]
inside = "file"
key = ["id"]
columns.id = { type = "text" }
"#;

const PAGES: [&str; 6] = [
    "kind = \"next_url\", path = \"x\"",
    "kind = \"token_header\", header = \"x\", param = \"y\"",
    "kind = \"last_id\", path = \"x\", param = \"y\"",
    "kind = \"page\", param = \"y\"",
    "kind = \"offset\", param = \"y\", size = 1",
    "kind = \"link_header\"",
];

/// The parts of the schema, and the tables of [`ALL_KINDS`] that they are about.
const PARTS: [(&str, &[&str]); 17] = [
    ("", &["the file"]),
    ("setting", &["`method`"]),
    ("auth", &["`a`", "`b`", "`c`", "`d`", "`e`", "`f`"]),
    ("limits", &["`limits`"]),
    ("rate", &["`rate`"]),
    ("signal", &["`signal`"]),
    ("error", &["`errors`"]),
    ("stream", &["`next`", "`file`", "`line`"]),
    ("column", &["`id`", "`at`"]),
    ("files", &["`files`"]),
    ("deleted_by", &["`deleted_by`"]),
    ("paging", &["`paging`"]),
    ("cursor", &["`cursor`"]),
    ("window", &["`window`"]),
    ("parent", &["`parent`"]),
    ("export", &["`export`"]),
    ("create", &["`create`"]),
];

#[test]
fn the_schema_has_the_keys_that_are_read() {
    let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let token = "kind = \"token\", path = \"x\"";
    for pages in PAGES.into_iter().chain([token]) {
        let text = ALL_KINDS.replace(token, pages);
        let text = if pages == token { text } else { text.replace("{token}", "") };
        let report = Report::new(Path::new("source.toml"), &text);
        let parsed = parse(&report, &text).unwrap();
        whole(&Table::root(&report, &parsed), "all", &text, &Additions::default());
        for (table, keys) in report.known.take() {
            known.entry(table).or_default().extend(keys);
        }
        report.finish().unwrap_or_else(|error| panic!("{error}"));
    }
    let schema: serde_json::Value = serde_json::from_str(include_str!("../../../../docs/source.schema.json")).unwrap();
    let parts = PARTS.into_iter().chain([("poll", &["`poll`"][..]), ("delete", &["`delete`"])]);
    for (part, tables) in parts {
        let part_of = if part.is_empty() { &schema } else { &schema["$defs"][part] };
        let said: BTreeSet<String> = part_of["properties"].as_object().unwrap().keys().cloned().collect();
        let read: BTreeSet<String> = tables.iter().flat_map(|table| known[*table].iter().cloned()).collect();
        assert_eq!(said, read, "{part}");
    }
}
