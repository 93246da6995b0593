//! `source.toml`, read into a [`SourceSpec`] with every problem of the file at once.

mod access;
mod fields;
mod request;
mod stream;
mod verify;

pub(crate) use fields::duration_or;
pub(crate) use stream::{personal, source_type};

use super::access::Auth;
use super::stream::Origin;
use super::template::Template;
use super::{Setting, SourceSpec};
use crate::error::Result;
use crate::model::document::{Item, Report, Table, parse};
use crate::model::header::is_snake_case;
use crate::model::sha256;
use fields::{ANY_OF_AUTH, Scope, template};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;

/// What a job writes beside the settings, so that no setting has such a name.
pub const JOB_KEYS: [&str; 8] =
    ["system", "base_url", "start_date", "skip", "max_age_days", "keep_raw_days", "streams", "entities"];

/// What a job adds to a system.
#[derive(Default)]
pub struct Additions<'a> {
    /// The settings that it writes out, by name: they choose the way in and the ways streams are asked.
    pub written: BTreeMap<String, String>,
    /// `[sources.<name>.streams]`: further columns and streams, or other values for keys of a stream. Problems in it go to
    /// its own report.
    pub streams: Option<Item<'a>>,
}

/// Reads a `source.toml` as a job with `additions` reads it; its entities are not looked at.
///
/// None where what the job adds is wrong in a way that was told in the job's report.
///
/// # Errors
/// Every problem of the file, each with its place.
pub fn read(system: &str, file: &Path, text: &str, additions: &Additions<'_>) -> Result<Option<SourceSpec>> {
    let report = Report::new(file, text);
    let spec = parse(&report, text).and_then(|parsed| whole(&Table::root(&report, &parsed), system, text, additions));
    report.finish()?;
    Ok(spec)
}

/// What streams are read with.
struct Reader<'a, 's> {
    settings: &'s BTreeMap<String, Setting>,
    used: &'s RefCell<BTreeSet<String>>,
    /// None where it could not be read.
    auth: Option<&'s Auth>,
    ways: &'s BTreeMap<String, Rc<Table<'a>>>,
    additions: &'s Additions<'a>,
}

impl<'a, 's> Reader<'a, 's> {
    fn scope(&self) -> Scope<'s> {
        Scope::new(self.settings, self.used)
    }

    /// `{auth.<name>}`.
    fn auth_places(&self) -> Vec<String> {
        auth_places(self.auth)
    }

    /// The stream's table over that of its way.
    fn in_its_way(&self, table: Table<'a>) -> Table<'a> {
        let (way, by) = (table.get("way"), table.get("way_by"));
        let name = match (&way, &by) {
            (Some(way), None) => way.text().map(str::to_owned),
            (None, Some(by)) => by.text().and_then(|setting| self.chosen(setting, by)),
            (Some(_), Some(by)) => {
                by.report().error(&by.key_span, "a stream says `way` or `way_by`, not both");
                None
            }
            (None, None) => None,
        };
        let Some((name, item)) = name.zip(way.or(by)) else { return table };
        match self.ways.get(&name) {
            Some(way) => table.over(Rc::clone(way)),
            None => {
                item.report().unknown(&item.span, "way", &name, self.ways.keys().map(String::as_str));
                table
            }
        }
    }

    fn chosen(&self, setting: &str, item: &Item<'_>) -> Option<String> {
        chosen(setting, item, self.settings, self.additions, self.used)
    }
}

fn auth_places(auth: Option<&Auth>) -> Vec<String> {
    match auth {
        None => vec![ANY_OF_AUTH.to_owned()],
        Some(Auth::OAuth(oauth)) => oauth.outputs.iter().map(|(name, _)| format!("auth.{name}")).collect(),
        Some(_) => Vec::new(),
    }
}

/// The value of a setting that chooses: the job's, or the default.
fn chosen(
    setting: &str,
    item: &Item<'_>,
    settings: &BTreeMap<String, Setting>,
    additions: &Additions<'_>,
    used: &RefCell<BTreeSet<String>>,
) -> Option<String> {
    let Some(known) = settings.get(setting) else {
        item.report().unknown(&item.span, "setting", setting, settings.keys().map(String::as_str));
        return None;
    };
    used.borrow_mut().insert(setting.to_owned());
    if known.is_secret {
        item.report().error(&item.span, format!("the setting `{setting}` is secret, so that it cannot choose"));
    }
    // Where the job does not say what it must, or says what it cannot, it is told so elsewhere.
    let first = || known.choices.keys().next().cloned();
    let written = additions.written.get(setting).filter(|written| known.choices.contains_key(*written));
    written.cloned().or_else(|| known.default.clone()).or_else(first)
}

/// A setting that chooses ways and does not list its choices may be any of the ways.
fn choose_ways(root: &Table<'_>, settings: &mut BTreeMap<String, Setting>, ways: &[Item<'_>]) {
    for stream in root.table("streams").map(|table| table.items()).unwrap_or_default() {
        let Some(table) = matches!(stream.value, toml::de::DeValue::Table(_)).then(|| stream.table()).flatten() else {
            continue;
        };
        let by = table.get("way_by").filter(|item| matches!(item.value, toml::de::DeValue::String(_)));
        let setting = by.and_then(|item| item.text()).and_then(|name| settings.get_mut(name));
        if let Some(setting) = setting.filter(|setting| setting.choices.is_empty()) {
            setting.choices = ways.iter().map(|way| (way.key.clone(), way.key.clone())).collect();
        }
    }
}

fn whole(root: &Table<'_>, system: &str, text: &str, additions: &Additions<'_>) -> Option<SourceSpec> {
    let title = root.need_text("title").map(str::to_owned);
    let mut settings = settings(root);
    let used = RefCell::default();
    let ways_in = ways_in(root, &mut settings, additions, &used);
    let auth = ways_in.as_ref().map(|(auth, _)| auth);
    let base_url_item = root.get("base_url");
    let limits_table = root.table("limits");
    let limits = access::limits(limits_table.as_ref());
    let errors = access::errors(root.get("errors").as_ref());
    let minor_digits = minor_digits(root);
    let way_items = root.table("ways").map(|table| table.items()).unwrap_or_default();
    let ways = way_items.iter().filter_map(|item| Some((item.key.clone(), Rc::new(item.table()?)))).collect();
    choose_ways(root, &mut settings, &way_items);
    let scope = Scope::new(&settings, &used);
    let base_url = base_url_item.as_ref().map(|item| base_url(item, &scope.with(auth_places(auth))));
    let headers = fields::pairs(root, "headers", &scope);
    let reader = Reader { settings: &settings, used: &used, auth, ways: &ways, additions };
    let streams = streams(root, &reader);
    if base_url.is_none() && streams.iter().flatten().any(|stream| matches!(stream.origin, Origin::Requests(_))) {
        root.report().error(&(0..0), "the file lacks `base_url`: where requests go");
    }
    unnamed(root, &way_items, text);
    root.finish();
    let (auth, auth_by) = ways_in?;
    let streams = streams?;
    Some(SourceSpec {
        system: system.to_owned(),
        title: title?,
        base_url: base_url.unwrap_or_else(|| Some(Template::default()))?,
        auth,
        auth_by,
        headers,
        limits,
        errors,
        minor_digits,
        streams,
        entities: Vec::new(),
        hash: sha256(text),
        used: used.take(),
        settings,
    })
}

/// The streams of the file, with what the job adds to them, and the job's own.
fn streams<'a>(root: &Table<'a>, reader: &Reader<'a, '_>) -> Option<Vec<super::stream::StreamSpec>> {
    let own = root.need("streams")?.table()?;
    let own_items = own.items();
    let mut names: Vec<String> = own_items.into_iter().map(|item| item.key).collect();
    let all = match reader.additions.streams.as_ref().and_then(Item::table) {
        Some(added) => {
            names.extend(added.items().into_iter().map(|item| item.key).filter(|name| own.get(name).is_none()));
            added.over(Rc::new(own))
        }
        None => own,
    };
    let items: Vec<Item<'a>> = names.iter().filter_map(|name| all.get(name)).collect();
    let read: Vec<stream::Read<'a>> = items.iter().filter_map(|item| stream::stream(item, reader)).collect();
    let is_whole = read.len() == items.len();
    // A stream that could not be read would make every name that leads to it wrong.
    is_whole.then(|| verify::ordered(read))
}

fn settings(root: &Table<'_>) -> BTreeMap<String, Setting> {
    let items = root.table("settings").map(|table| table.items()).unwrap_or_default();
    let mut settings = BTreeMap::new();
    for item in items {
        if !is_snake_case(&item.key) {
            item.report().error(&item.key_span, format!("setting `{}` is not lower snake case", item.key));
        }
        if JOB_KEYS.contains(&item.key.as_str()) {
            item.report().error(&item.key_span, format!("every source has a key `{}` already", item.key));
        }
        let Some(table) = item.table() else { continue };
        let doc = table.need_text("doc").map(str::to_owned);
        let is_secret = table.boolean("secret").unwrap_or(false);
        let default = table.get("default");
        let choices = table.table("choices").map(|table| table.items()).unwrap_or_default();
        let choices: BTreeMap<String, String> =
            choices.iter().filter_map(|item| Some((item.key.clone(), item.text()?.to_owned()))).collect();
        table.finish();
        let text = default.as_ref().and_then(Item::text);
        if let (Some(item), Some(text)) = (&default, text) {
            if is_secret && !text.is_empty() {
                item.report().error(&item.span, "a secret has no default but the empty text");
            }
            if !choices.is_empty() && !choices.contains_key(text) {
                item.report().unknown(&item.span, "choice", text, choices.keys().map(String::as_str));
            }
        }
        let default = text.map(str::to_owned);
        settings.insert(item.key.clone(), Setting { doc: doc.unwrap_or_default(), is_secret, default, choices });
    }
    settings
}

/// `https://…` without a slash at its end.
fn base_url(item: &Item<'_>, scope: &Scope<'_>) -> Option<Template> {
    let text = item.text()?;
    if !["https://", "http://", "{"].iter().any(|start| text.starts_with(start)) {
        item.report().error(&item.span, "an address begins with https://");
    }
    if text.ends_with('/') {
        item.report().error(&item.span, "the address ends in `/`, with which the paths of streams begin");
    }
    template(item, scope)
}

/// `minor_digits = { isk = 2 }`.
fn minor_digits(root: &Table<'_>) -> BTreeMap<String, u32> {
    let items = root.table("minor_digits").map(|table| table.items()).unwrap_or_default();
    let digits = |item: &Item<'_>| item.integer(0, 6).and_then(|digits| u32::try_from(digits).ok());
    items.iter().filter_map(|item| Some((item.key.to_lowercase(), digits(item)?))).collect()
}

type WaysIn = (Auth, Option<(String, BTreeMap<String, Auth>)>);

/// `[auth]`, or `auth_by` and `[auth.<name>]`.
fn ways_in(
    root: &Table<'_>,
    settings: &mut BTreeMap<String, Setting>,
    additions: &Additions<'_>,
    used: &RefCell<BTreeSet<String>>,
) -> Option<WaysIn> {
    let Some(by) = root.get("auth_by") else {
        let Some(table) = root.table("auth") else { return Some((Auth::None, None)) };
        return access::auth(&table, &Scope::new(settings, used)).map(|auth| (auth, None));
    };
    let setting = by.text()?.to_owned();
    let items = root.need("auth")?.table()?.items();
    if let Some(known) = settings.get_mut(&setting)
        && known.choices.is_empty()
    {
        known.choices = items.iter().map(|item| (item.key.clone(), item.key.clone())).collect();
    }
    let name = chosen(&setting, &by, settings, additions, used)?;
    let mut all = BTreeMap::new();
    for item in &items {
        // What only another way needs is not needed.
        let elsewhere = RefCell::default();
        let scope = Scope::new(settings, if item.key == name { used } else { &elsewhere });
        if let Some(auth) = item.table().and_then(|table| access::auth(&table, &scope)) {
            all.insert(item.key.clone(), auth);
        }
    }
    let auth = all.get(&name).cloned();
    if !items.iter().any(|item| item.key == name) {
        by.report().unknown(&by.span, "way in", &name, items.iter().map(|item| item.key.as_str()));
    }
    Some((auth.unwrap_or(Auth::None), Some((setting, all))))
}

/// Settings and ways that nothing names are probably misspelt somewhere.
fn unnamed(root: &Table<'_>, ways: &[Item<'_>], text: &str) {
    let settings = root.table("settings").map(|table| table.items()).unwrap_or_default();
    let is_chosen_by = |name: &str| {
        ["auth_by", "way_by"]
            .iter()
            .any(|key| text.lines().any(|line| line.contains(key) && line.contains(&format!("\"{name}\""))))
    };
    for item in settings {
        if !text.contains(&format!("{{{}}}", item.key)) && !is_chosen_by(&item.key) {
            item.report().error(&item.key_span, format!("nothing uses the setting `{}`", item.key));
        }
    }
    let is_way = |name: &str| text.contains(&format!("\"{name}\"")) || text.contains("way_by");
    for item in ways.iter().filter(|item| !is_way(&item.key)) {
        item.report().error(&item.key_span, format!("no stream goes the way `{}`", item.key));
    }
}

#[cfg(test)]
mod tests;
