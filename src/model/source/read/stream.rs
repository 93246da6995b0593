//! `[streams.<name>]`.

use super::Reader;
use super::fields::{self, Scope, path};
use super::request::{self, METHODS};
use crate::model::contract::ColumnType;
use crate::model::document::{Item, Table};
use crate::model::header::is_snake_case;
use crate::model::source::path::{JsonPath, PathStart, Step};
use crate::model::source::stream::{
    BodyFormat, FileListing, Origin, Paging, Personal, Requests, SourceColumn, SourceType, StreamSpec, TokenTarget,
};
use crate::model::source::template::Template;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use toml::de::DeValue;

/// One stream, and the table that it was read from.
pub(super) struct Read<'a> {
    pub spec: StreamSpec,
    pub table: Rc<Table<'a>>,
}

/// Reads one stream; `item` is its name with its table, which may lie over others.
pub(super) fn stream<'a>(item: &Item<'a>, reader: &Reader<'a, '_>) -> Option<Read<'a>> {
    if !is_snake_case(&item.key) {
        item.report().error(&item.key_span, format!("stream name `{}` is not lower snake case", item.key));
    }
    let table = Rc::new(reader.in_its_way(item.table()?));
    let empty_is_null = table.boolean("empty_is_null").unwrap_or(false);
    let columns = table.need("columns").and_then(|item| item.table()).map(|table| table.items()).unwrap_or_default();
    let columns: Vec<SourceColumn> = columns.iter().filter_map(|item| column(item, empty_is_null)).collect();
    let origin = origin(&table, reader, &columns);
    let format = format(&table);
    let records = match table.get("records") {
        Some(item) => path(&item),
        None => Some(JsonPath::default()),
    };
    let key = table.need("key").map(|item| item.texts()).unwrap_or_default();
    if let (Some(item), true) = (table.get("key"), key.is_empty()) {
        item.report().error(&item.span, "`key` names no column, so that rows cannot be told from each other");
    }
    let full_scan_days = table.get("full_scan_days").map(|_| fields::count(&table, "full_scan_days", 0, 0));
    let spec = StreamSpec {
        name: item.key.clone(),
        only: only(&table),
        key: key.into_iter().map(|(name, _)| name.to_owned()).collect(),
        columns,
        deleted_flag: table.text("deleted_flag").map(str::to_owned),
        full_scan_days,
        deleted_by: table.table("deleted_by").and_then(|table| deleted_by(&table)),
        is_optional: table.boolean("optional").unwrap_or(false),
        fields_under: table.text("fields_under").map(str::to_owned),
        origin: origin?,
        records: records?,
        format: format?,
    };
    table.finish();
    Some(Read { spec, table })
}

/// `only = { type = ["group"] }`.
fn only(table: &Table<'_>) -> Vec<(JsonPath, Vec<String>)> {
    let mut only = Vec::new();
    for item in table.table("only").map(|table| table.items()).unwrap_or_default() {
        let texts: Vec<String> = item.texts().into_iter().map(|(text, _)| text.to_owned()).collect();
        match JsonPath::parse(&item.key) {
            Ok(path) if !path.is_many() => only.push((path, texts)),
            Ok(_) => item.report().error(&item.key_span, "this path stands for many values, and one is wanted"),
            Err((_, told)) => item.report().error(&item.key_span, told),
        }
    }
    only
}

fn deleted_by(table: &Table<'_>) -> Option<(String, Vec<String>)> {
    let stream = table.need_text("stream").map(str::to_owned);
    let columns = table.need("columns").map(|item| item.texts()).unwrap_or_default();
    table.finish();
    Some((stream?, columns.into_iter().map(|(name, _)| name.to_owned()).collect()))
}

fn origin(table: &Table<'_>, reader: &Reader<'_, '_>, columns: &[SourceColumn]) -> Option<Origin> {
    let (inside, files) = (table.get("inside"), table.get("files"));
    match (inside, files) {
        (Some(inside), None) => inside.text().map(|stream| Origin::Inside(stream.to_owned())),
        (None, Some(files)) => file_listing(&files.table()?, &reader.scope()).map(Origin::Files),
        (None, None) => requests(table, reader, columns).map(|requests| Origin::Requests(Box::new(requests))),
        (Some(inside), Some(_)) => {
            inside.report().error(&inside.key_span, "a stream is `inside` another or in `files`, not both");
            None
        }
    }
}

fn file_listing(table: &Table<'_>, scope: &Scope<'_>) -> Option<FileListing> {
    let root = fields::need_template(table, "root", scope);
    let item = table.need("pattern");
    let pattern = item.as_ref().and_then(Item::text).map(str::to_owned);
    if let (Some(item), Some(Err(error))) = (item, pattern.as_deref().map(glob::Pattern::new)) {
        item.report().error(&item.span, format!("this is not a pattern of file names: {error}"));
    }
    table.finish();
    Some(FileListing { root: root?, pattern: pattern? })
}

/// What a stream asks for itself.
fn requests(table: &Table<'_>, reader: &Reader<'_, '_>, columns: &[SourceColumn]) -> Option<Requests> {
    let paging = match table.table("paging") {
        Some(table) => request::paging(&table),
        None => Some(Paging::None),
    };
    let cursor = table.table("cursor").map(|table| request::cursor(&table));
    let window = table.table("window").and_then(|table| request::window(&table));
    let parent = table.table("parent").and_then(|table| request::parent(&table));
    let export_table = table.table("export");
    let slices = table.get("slices").and_then(|item| item.list()).unwrap_or_default();
    let values: Vec<Template> = slices.iter().filter_map(|item| fields::template(item, &reader.scope())).collect();
    let has = |key: &str| table.get(key).is_some();
    let mut places: Vec<String> = vec!["today".to_owned(), "fields".to_owned()];
    places.extend(has("cursor").then(|| "cursor".to_owned()));
    if has("window") || has("cursor") {
        places.extend(["window.start".to_owned(), "window.end".to_owned()]);
    }
    places.extend(has("slices").then(|| "slice".to_owned()));
    places.extend(parent.iter().flat_map(|parent| &parent.values).map(|(name, _)| format!("parent.{name}")));
    let is_targeted = paging.as_ref().is_none_or(|paging| request::target_of(paging).is_some());
    places.extend(is_targeted.then(|| "token".to_owned()));
    let scope = reader.scope().with(reader.auth_places()).with(places);
    let (created, polled) = export_table.as_ref().map(request::export_values).unwrap_or_default();
    let request = request::request(table, &scope.with(created.into_iter().chain(polled)), &METHODS);
    let export = export_table.and_then(|table| request::export(&table, &scope));
    let requests = Requests { request: request?, paging: paging?, window, cursor, parent, values, export };
    is_asked_for(table, &requests, columns);
    Some(requests)
}

/// What is declared must reach a request, or rows would silently be read again, or never.
fn is_asked_for(table: &Table<'_>, requests: &Requests, columns: &[SourceColumn]) {
    let mut places: BTreeSet<String> = request::places(&requests.request);
    // A slice may also be there for a column alone, which is how a setting becomes a row.
    places.extend(columns.iter().flat_map(|column| &column.paths).filter_map(|path| match &path.start {
        PathStart::Given(name) => Some(name.clone()),
        _ => None,
    }));
    if let Some(export) = &requests.export {
        places.extend(request::places(&export.create));
        places.extend(request::places(&export.poll));
    }
    let says = |place: &str| places.contains(place);
    let is_sliced = says("window.start") || says("window.end");
    let lacks = |key: &str, what: &str| {
        if let Some(item) = table.get(key) {
            item.report().error(&item.key_span, format!("nothing in the requests says {what}"));
        }
    };
    if requests.cursor.as_ref().is_some_and(|cursor| !cursor.is_token) && !says("cursor") && !is_sliced {
        lacks("cursor", "{cursor}, {window.start} or {window.end}");
    }
    if requests.window.is_some() && !is_sliced {
        lacks("window", "{window.start} or {window.end}");
    }
    if !requests.values.is_empty() && !says("slice") {
        lacks("slices", "{slice}");
    }
    let parents = requests.parent.iter().flat_map(|parent| &parent.values);
    if requests.parent.is_some() && !parents.into_iter().any(|(name, _)| says(&format!("parent.{name}"))) {
        lacks("parent", "{parent.<name>}");
    }
    if request::target_of(&requests.paging) == Some(&TokenTarget::Path) && !says("token") {
        lacks("paging", "{token}, and `paging` names no `param`, `body` or `header` for it");
    }
    let is_paged =
        matches!(requests.paging, Paging::Token { .. } | Paging::TokenHeader { .. } | Paging::NextUrl { .. });
    if requests.cursor.as_ref().is_some_and(|cursor| cursor.is_token) && !is_paged {
        lacks("cursor", "a token: `token = true` needs paging by token, token_header or next_url");
    }
}

fn format(table: &Table<'_>) -> Option<BodyFormat> {
    let names = table.get("names");
    let Some(item) = table.get("format") else { return Some(BodyFormat::Json) };
    let known = [("json", "json"), ("jsonl", "jsonl"), ("csv", "csv"), ("json_rows", "json_rows")];
    let format = match fields::choice(&item, &known)? {
        "jsonl" => BodyFormat::JsonLines,
        "csv" => BodyFormat::Csv,
        "json_rows" => return fields::need_single(table, "names").map(|names| BodyFormat::JsonRows { names }),
        _ => BodyFormat::Json,
    };
    if let Some(names) = names {
        names.report().error(&names.key_span, "`names` is for format = \"json_rows\"");
    }
    Some(format)
}

const TYPES: [&str; 9] = ["text", "boolean", "integer", "date", "timestamp", "decimal(18,4)", "float", "json", "list"];

/// A column's type.
pub(crate) fn source_type(item: &Item<'_>) -> Option<SourceType> {
    let text = item.text()?;
    let ty = match text {
        "json" => Some(SourceType::Json),
        "list" => Some(SourceType::List),
        other => ColumnType::parse(other).map(SourceType::Plain),
    };
    if ty.is_none() {
        item.report().unknown(&item.span, "type", text, TYPES);
    }
    ty
}

/// `name = "text"` or `name = { type = "text", … }`.
fn column(item: &Item<'_>, empty_is_null: bool) -> Option<SourceColumn> {
    if !is_snake_case(&item.key) {
        item.report().error(&item.key_span, format!("column name `{}` is not lower snake case", item.key));
    }
    let own_path = || vec![JsonPath { start: PathStart::Here, steps: vec![Step::Member(item.key.clone())] }];
    let mut column = SourceColumn {
        name: item.key.clone(),
        ty: SourceType::Json,
        paths: Vec::new(),
        format: None,
        minor_of: None,
        is_required: false,
        values: BTreeMap::new(),
        empty_is_null,
        personal: Personal::Keep,
    };
    if !matches!(item.value, DeValue::Table(_)) {
        return Some(SourceColumn { ty: source_type(item)?, paths: own_path(), ..column });
    }
    let table = item.table()?;
    let ty = table.need("type").and_then(|item| source_type(&item));
    column.ty = ty.unwrap_or(column.ty);
    column.paths = match table.get("path") {
        Some(item) => column_paths(&item, column.ty),
        None => own_path(),
    };
    column.format = table.get("format").and_then(|item| column_format(&item, ty));
    column.minor_of = table.get("minor_of").and_then(|item| {
        if !matches!(ty, None | Some(SourceType::Plain(ColumnType::Decimal { .. }))) {
            item.report()
                .error(&item.key_span, "`minor_of` is for decimals: an amount in the currency's smallest unit");
        }
        path(&item)
    });
    column.is_required = table.boolean("required").unwrap_or(false);
    if let (Some(item), true, true) = (table.get("required"), column.is_required, column.paths.is_empty()) {
        item.report().error(&item.key_span, "a column without a path is always null");
    }
    column.values = values(&table);
    column.empty_is_null = table.boolean("empty_is_null").unwrap_or(empty_is_null);
    column.personal = table.get("personal").and_then(|item| personal(&item, ty)).unwrap_or_default();
    table.finish();
    ty.map(|_| column)
}

/// One path, or several of which the first with a value decides.
fn column_paths(item: &Item<'_>, ty: SourceType) -> Vec<JsonPath> {
    let items = match item.value {
        DeValue::Array(_) => item.list().unwrap_or_default(),
        _ => vec![item.clone()],
    };
    let mut paths = Vec::new();
    for item in &items {
        let Some(path) = path(item) else { continue };
        if path.is_many() && matches!(ty, SourceType::Plain(_)) {
            let told = "[*] stands for many values, and the column is one";
            item.report().error_with_help(&item.span, told, "use the type list or json, or a position such as [0]");
        }
        paths.push(path);
    }
    paths
}

fn column_format(item: &Item<'_>, ty: Option<SourceType>) -> Option<String> {
    let is_time = |ty: SourceType| matches!(ty, SourceType::Plain(ColumnType::Date | ColumnType::Timestamp));
    if ty.is_some_and(|ty| !is_time(ty)) {
        item.report().error(&item.key_span, "`format` is for dates and timestamps");
        return None;
    }
    match item.text()? {
        text @ ("unix" | "unix_ms") => Some(text.to_owned()),
        _ => fields::time_pattern(item),
    }
}

fn values(table: &Table<'_>) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    for item in table.table("values").map(|table| table.items()).unwrap_or_default() {
        match item.scalar_text() {
            Some(text) => {
                values.insert(item.key.clone(), text);
            }
            None => item.wrong("one value"),
        }
    }
    values
}

/// What landing keeps of a personal value; `ty` is its column's type, where that is known.
pub(crate) fn personal(item: &Item<'_>, ty: Option<SourceType>) -> Option<Personal> {
    let known =
        [("keep", Personal::Keep), ("hash", Personal::Hash), ("domain", Personal::Domain), ("drop", Personal::Drop)];
    let personal = fields::choice(item, &known)?;
    let is_text = ty.is_none_or(|ty| ty == SourceType::Plain(ColumnType::Text));
    if !is_text && matches!(personal, Personal::Hash | Personal::Domain) {
        item.report().error(&item.span, "only a text can be hashed or cut to its domain");
    }
    Some(personal)
}
