//! How a stream is asked for: requests, pages, slices, cursors, exports.

use super::fields::{self, Scope, need_single, pairs};
use crate::model::document::{Item, Table};
use crate::model::source::path::JsonPath;
use crate::model::source::stream::{
    Cursor, Export, More, Paging, Parent, Request, RequestBody, TimeFormat, TokenTarget, Window,
};
use crate::model::source::template::Template;
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::time::Duration;
use toml::de::DeValue;

/// `path`, `method`, `params`, `headers` and `json` or `form`.
pub(super) fn request(table: &Table<'_>, scope: &Scope<'_>, methods: &[(&str, bool)]) -> Option<Request> {
    let path = fields::need_template(table, "path", scope);
    let is_post = match table.get("method") {
        Some(item) => fields::choice(&item, methods),
        None => Some(false),
    };
    let (params, headers) = (pairs(table, "params", scope), pairs(table, "headers", scope));
    let (json_item, form) = (table.get("json"), table.get("form"));
    let body = match (&json_item, &form) {
        (Some(_), Some(form)) => {
            form.report().error(&form.key_span, "a request has a `json` or a `form` body, not both");
            None
        }
        (Some(item), None) => json(item, scope).map(RequestBody::Json),
        (None, Some(_)) => Some(RequestBody::Form(pairs(table, "form", scope))),
        (None, None) => None,
    };
    if let (Some(item), Some(false)) = (json_item.or(form), is_post) {
        item.report().error(&item.key_span, "a request with a body says method = \"POST\"");
    }
    Some(Request { is_post: is_post?, path: path?, params, headers, body })
}

/// The methods of requests that read.
pub(super) const METHODS: [(&str, bool); 2] = [("GET", false), ("POST", true)];

/// A TOML value as JSON; its texts are templates.
fn json(item: &Item<'_>, scope: &Scope<'_>) -> Option<Json> {
    Some(match item.value {
        DeValue::Table(_) => {
            let mut members = serde_json::Map::new();
            for member in item.table()?.items() {
                members.insert(member.key.clone(), json(&member, scope)?);
            }
            Json::Object(members)
        }
        DeValue::Array(_) => Json::Array(item.list()?.iter().map(|item| json(item, scope)).collect::<Option<_>>()?),
        DeValue::Boolean(value) => Json::Bool(*value),
        DeValue::Integer(_) | DeValue::Float(_) => {
            let number = item.scalar_text().and_then(|text| serde_json::from_str(&text.replace('_', "")).ok());
            if number.is_none() {
                item.wrong("a number that JSON can write");
            }
            number?
        }
        DeValue::String(_) | DeValue::Datetime(_) => {
            fields::template(item, scope)?;
            Json::String(item.scalar_text()?)
        }
    })
}

/// The places that a request mentions.
pub(super) fn places(request: &Request) -> BTreeSet<String> {
    let mut places = BTreeSet::new();
    let mut add = |template: &Template| places.extend(template.names().map(str::to_owned));
    add(&request.path);
    request.params.iter().chain(&request.headers).for_each(|(_, template)| add(template));
    match &request.body {
        Some(RequestBody::Form(fields)) => fields.iter().for_each(|(_, template)| add(template)),
        Some(RequestBody::Json(body)) => json_texts(body, &mut |text| {
            if let Ok(template) = Template::parse(text) {
                add(&template);
            }
        }),
        None => {}
    }
    places
}

fn json_texts(value: &Json, each: &mut dyn FnMut(&str)) {
    match value {
        Json::String(text) => each(text),
        Json::Array(values) => values.iter().for_each(|value| json_texts(value, each)),
        Json::Object(members) => members.values().for_each(|value| json_texts(value, each)),
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}

/// `[….paging]`.
pub(super) fn paging(table: &Table<'_>) -> Option<Paging> {
    let item = table.need("kind")?;
    let paging = match item.text()? {
        "next_url" => need_single(table, "path").map(|path| Paging::NextUrl { path, more: more(table) }),
        "token" => {
            let repeats = table.boolean("repeats").unwrap_or(false);
            let path = need_single(table, "path");
            path.map(|path| Paging::Token { path, target: target(table), more: more(table), repeats })
        }
        "token_header" => {
            let end = table.text("end").map(str::to_owned);
            let header = table.need_text("header").map(str::to_owned);
            // Its `header` is where the token comes from, so that it cannot say where it goes.
            header.map(|header| Paging::TokenHeader { header, end, target: target_among(table, &["param", "body"]) })
        }
        "last_id" => {
            need_single(table, "path").map(|path| Paging::LastId { path, target: target(table), more: more(table) })
        }
        "page" => {
            let first = u64::from(fields::count(table, "first", 0, 1));
            let size = table.get("size").and_then(|item| item.integer(1, i64::from(u32::MAX))).map(i64::unsigned_abs);
            Some(Paging::Page { target: target(table), first, size, more: more(table) })
        }
        "offset" => {
            let size = table.need("size").and_then(|item| item.integer(1, i64::from(u32::MAX)));
            size.map(|size| Paging::Offset { target: target(table), size: size.unsigned_abs(), more: more(table) })
        }
        "link_header" => Some(Paging::LinkHeader),
        other => {
            let known = ["next_url", "token", "token_header", "last_id", "page", "offset", "link_header"];
            item.report().unknown(&item.span, "kind", other, known);
            // Its keys belong to the kind that was meant.
            return None;
        }
    };
    table.finish();
    paging
}

/// Where the token goes: one of three keys, or `{token}` somewhere in the request.
fn target(table: &Table<'_>) -> TokenTarget {
    target_among(table, &["param", "body", "header"])
}

fn target_among(table: &Table<'_>, keys: &[&str]) -> TokenTarget {
    let said: Vec<Item<'_>> = keys.iter().filter_map(|key| table.get(key)).collect();
    if let [_, second, ..] = &said[..] {
        second.report().error(&second.key_span, "a token goes to one place: `param`, `body` or `header`");
    }
    let Some(item) = said.first() else { return TokenTarget::Path };
    let name = item.text().unwrap_or_default().to_owned();
    match item.key.as_str() {
        "param" => TokenTarget::Param(name),
        "body" => TokenTarget::Body(name),
        _ => TokenTarget::Header(name),
    }
}

fn more(table: &Table<'_>) -> Option<More> {
    let more_is = table.get("more_is");
    let Some(item) = table.get("more") else {
        if let Some(item) = more_is {
            item.report()
                .error(&item.key_span, "`more_is` needs `more`: which boolean says whether there are more pages");
        }
        return None;
    };
    let is_more = more_is.and_then(|item| item.boolean()).unwrap_or(true);
    fields::single(&item).map(|path| More { path, is_end: !is_more })
}

/// Where the next page's token goes; none where there is none.
pub(super) fn target_of(paging: &Paging) -> Option<&TokenTarget> {
    match paging {
        Paging::Token { target, .. }
        | Paging::TokenHeader { target, .. }
        | Paging::LastId { target, .. }
        | Paging::Page { target, .. }
        | Paging::Offset { target, .. } => Some(target),
        Paging::None | Paging::NextUrl { .. } | Paging::LinkHeader => None,
    }
}

fn time_format(table: &Table<'_>) -> TimeFormat {
    let Some(item) = table.get("format") else { return TimeFormat::Iso { has_millis: false } };
    match item.text() {
        Some("iso") | None => TimeFormat::Iso { has_millis: false },
        Some("iso_ms") => TimeFormat::Iso { has_millis: true },
        Some("unix") => TimeFormat::Unix,
        Some("unix_ms") => TimeFormat::UnixMillis,
        Some(_) => TimeFormat::Pattern(fields::time_pattern(&item).unwrap_or_default()),
    }
}

/// `[….cursor]`.
pub(super) fn cursor(table: &Table<'_>) -> Cursor {
    let time = |key: &str| table.get(key).and_then(|item| fields::duration(&item));
    let cursor = Cursor {
        column: table.text("column").map(str::to_owned),
        first: table.get("first").and_then(|item| fields::instant(&item)),
        is_token: table.boolean("token").unwrap_or(false),
        is_inclusive: table.boolean("inclusive").unwrap_or(true),
        lookback: time("lookback").unwrap_or_default(),
        lag: time("lag").unwrap_or_default(),
        format: time_format(table),
        is_ordered: table.boolean("ordered").unwrap_or(false),
        retention: time("retention"),
    };
    table.finish();
    if let (Some(item), None) = (table.get("ordered"), &cursor.column) {
        item.report().error(&item.key_span, "`ordered` needs `column`: which column rows come in the order of");
    }
    if let (Some(item), true) = (table.get("column"), cursor.is_token) {
        item.report().error(&item.key_span, "a cursor keeps the token of the last page or a column's value, not both");
    }
    cursor
}

/// `[….window]`.
pub(super) fn window(table: &Table<'_>) -> Option<Window> {
    let step_item = table.need("step");
    let step = step_item.as_ref().map(|_| fields::some_time(table, "step", Duration::from_secs(86_400)));
    let align = table.get("align").map(|_| fields::some_time(table, "align", Duration::from_secs(1)));
    let least = table.get("least").map(|_| fields::some_time(table, "least", Duration::from_secs(1)));
    let window = Window {
        step: step.unwrap_or_default(),
        format: time_format(table),
        end_gap: fields::duration_or(table, "end_gap", Duration::ZERO),
        align,
        // Without a word of the source's, halving ends at what its bounds can say, or at a minute.
        least: least.or(align).unwrap_or(Duration::from_secs(60)).min(step.unwrap_or_default()),
    };
    table.finish();
    if let (Some(item), Some(step), Some(align)) = (&step_item, step, align)
        && step.as_secs() % align.as_secs().max(1) != 0
    {
        item.report().error(&item.span, "`step` must be a multiple of `align`");
    }
    step.map(|_| window)
}

/// `parent = { … }`.
pub(super) fn parent(table: &Table<'_>) -> Option<Parent> {
    let stream = table.need_text("stream").map(str::to_owned);
    let values = table.need("values").and_then(|item| item.table()).map(|table| table.items()).unwrap_or_default();
    let group =
        table.get("group").and_then(|item| item.integer(1, 10_000)).and_then(|group| usize::try_from(group).ok());
    let parent = Parent {
        stream: stream.unwrap_or_default(),
        values: values.iter().filter_map(|item| Some((item.key.clone(), item.text()?.to_owned()))).collect(),
        group: group.unwrap_or(1),
        is_incremental: table.boolean("incremental").unwrap_or(false),
        only_where: table.text("only_where").map(str::to_owned),
    };
    table.finish();
    (!parent.stream.is_empty()).then_some(parent)
}

/// The names of an export's values: those of the answer that makes it, and those of the answer that says it is ready.
pub(super) fn export_values(table: &Table<'_>) -> (Vec<String>, Vec<String>) {
    let names = |key: &str| -> Vec<String> {
        let values = table.table(key).and_then(|table| table.table("values"));
        values
            .map(|table| table.items())
            .unwrap_or_default()
            .into_iter()
            .map(|item| format!("job.{}", item.key))
            .collect()
    };
    (names("create"), names("poll"))
}

/// `[….export]`.
pub(super) fn export(table: &Table<'_>, scope: &Scope<'_>) -> Option<Export> {
    let with_job = scope.with(export_values(table).0);
    let create = table.need("create").and_then(|item| item.table()).and_then(|create| {
        let request = request(&create, scope, &METHODS);
        let values = fields::paths(&create, "values");
        create.finish();
        Some((request?, values))
    });
    let poll = table.need("poll").and_then(|item| item.table()).and_then(|poll| {
        let request = request(&poll, &with_job, &METHODS);
        let status = need_single(&poll, "status");
        if poll.need("done").is_some_and(|item| item.texts().is_empty()) {
            poll.report().error(poll.span(), "`done` names no state, so that the export would never be ready");
        }
        let polled = Polled {
            request: request?,
            status: status?,
            values: fields::paths(&poll, "values"),
            done: texts(&poll, "done"),
            failed: texts(&poll, "failed"),
        };
        poll.finish();
        Some(polled)
    });
    let delete = table.table("delete").and_then(|delete| {
        let request = request(&delete, &with_job, &[("DELETE", false), ("POST", true)]);
        delete.finish();
        request
    });
    let wait = fields::some_time(table, "wait", Duration::from_secs(2));
    let timeout = fields::some_time(table, "timeout", Duration::from_secs(2 * 3_600));
    table.finish();
    let ((create, values), poll) = (create?, poll?);
    Some(Export {
        create,
        values,
        poll: poll.request,
        status: poll.status,
        done: poll.done,
        failed: poll.failed,
        poll_values: poll.values,
        wait,
        timeout,
        delete,
    })
}

struct Polled {
    request: Request,
    status: JsonPath,
    values: Vec<(String, JsonPath)>,
    done: Vec<String>,
    failed: Vec<String>,
}

fn texts(table: &Table<'_>, key: &str) -> Vec<String> {
    table.texts(key).into_iter().map(|(text, _)| text.to_owned()).collect()
}
