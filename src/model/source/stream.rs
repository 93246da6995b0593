//! One list of rows: how it is asked for, paged, cut into slices and typed.

use super::path::{JsonPath, PathStart, Step};
use super::template::Template;
use crate::model::contract::ColumnType;
use arrow::datatypes::{Field, Schema, SchemaRef};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// One list of rows.
#[derive(Debug, Clone)]
pub struct StreamSpec {
    /// Its name; landed as `landed.<name>`.
    pub name: String,
    /// How it is had.
    pub origin: Origin,
    /// Where the records stand in an answer.
    pub records: JsonPath,
    /// The member whose members `{fields}` lists, where the columns stand in one (`fields_under`).
    pub fields_under: Option<String>,
    /// How an answer is written, after zip and gzip, which are recognised by their first bytes.
    pub format: BodyFormat,
    /// Which records are rows of it: those that have one of the texts at every path; all where empty. Others are nobody's
    /// mistake.
    pub only: Vec<(JsonPath, Vec<String>)>,
    /// The columns that tell its rows from each other.
    pub key: Vec<String>,
    /// Its columns.
    pub columns: Vec<SourceColumn>,
    /// Whether a row says that it is gone: a boolean column of it.
    pub deleted_flag: Option<String>,
    /// How many days may pass until the whole list is read again to see which keys are gone; none for never, 0 for every run.
    pub full_scan_days: Option<u32>,
    /// Streams (by name) whose rows are keys that are gone from this one: (stream, its columns in the order of `key`).
    pub deleted_by: Option<(String, Vec<String>)>,
    /// Whether the source may lack it (a feature not bought): then a 403 or 404 leaves it out with a warning.
    pub is_optional: bool,
}

impl StreamSpec {
    /// What `{fields}` stands for: the names that lead to every column, joined by dots and without what follows a
    /// bracket, each once, in the order of the columns. Of [`StreamSpec::fields_under`] only those below it.
    pub fn fields(&self) -> Vec<String> {
        let mut fields = Vec::new();
        let paths = self.columns.iter().flat_map(|column| &column.paths);
        for path in paths.filter(|path| path.start == PathStart::Here) {
            let mut names: Vec<&str> = Vec::new();
            for step in &path.steps {
                let Step::Member(name) = step else { break };
                names.push(name);
            }
            if let Some(outer) = &self.fields_under {
                if names.first() != Some(&outer.as_str()) {
                    continue;
                }
                names.remove(0);
            }
            let field = names.join(".");
            if !field.is_empty() && !fields.contains(&field) {
                fields.push(field);
            }
        }
        fields
    }

    /// The columns of `landed.<name>`: the stream's own, then `_seen_from`, the day since which a row's version is
    /// known, and `_landed`, which is larger for what was landed later.
    pub fn landed_schema(&self) -> SchemaRef {
        let own = self.columns.iter().map(|column| (column.name.as_str(), column.ty.landed()));
        let stamped = [("_seen_from", ColumnType::Date), ("_landed", ColumnType::Integer)];
        let fields = own.chain(stamped).map(|(name, ty)| Field::new(name, ty.arrow(), true));
        Arc::new(Schema::new(fields.collect::<Vec<Field>>()))
    }

    /// The stream that it cannot be had without: that whose answers it stands in, or whose rows are its slices.
    pub fn needs(&self) -> Option<&str> {
        match &self.origin {
            Origin::Inside(outer) => Some(outer),
            Origin::Requests(requests) => requests.parent.as_ref().map(|parent| parent.stream.as_str()),
            Origin::Files(_) | Origin::Pushed => None,
        }
    }
}

/// How a stream is had.
#[derive(Debug, Clone)]
pub enum Origin {
    /// By requests of its own.
    Requests(Box<Requests>),
    /// Inside the answers of another stream, whose pages it is read from: its `records` start at that page's root.
    Inside(String),
    /// From files below a folder (or, later, a bucket) that a setting names.
    Files(FileListing),
    /// By a reader of its own, which knows its columns only when it runs: a database's table, a tap's stream.
    Pushed,
}

/// Requests of a stream.
#[derive(Debug, Clone)]
pub struct Requests {
    /// What is asked.
    pub request: Request,
    /// How the next page is had.
    pub paging: Paging,
    /// Slices of time.
    pub window: Option<Window>,
    /// What is new since last time.
    pub cursor: Option<Cursor>,
    /// One slice for each of a parent's rows.
    pub parent: Option<Parent>,
    /// One slice for each value, given to templates as `{slice}`.
    pub values: Vec<Template>,
    /// An export that is made first and fetched when ready; `request` then is the download.
    pub export: Option<Export>,
}

/// One request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// Whether it is a POST (then it is still read-only and safe to repeat, unless it creates an export).
    pub is_post: bool,
    /// Below the base address, or a whole address.
    pub path: Template,
    /// The query, repeated names allowed. A parameter whose places are all unknown (no cursor yet) is left out.
    pub params: Vec<(String, Template)>,
    /// Headers.
    pub headers: Vec<(String, Template)>,
    /// The body.
    pub body: Option<RequestBody>,
}

/// A request's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestBody {
    /// JSON; texts in it are templates, members whose places are all unknown are left out.
    Json(serde_json::Value),
    /// A form.
    Form(Vec<(String, Template)>),
}

/// Where a page's token goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenTarget {
    /// Into the query, under this name.
    Param(String),
    /// Into the JSON body, at this dotted path.
    Body(String),
    /// Into a header.
    Header(String),
    /// Wherever the request says `{token}`, which is mostly its path.
    Path,
}

/// How the next page is had. Whatever it is, a token or first row that repeats stops the stream with an error.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the sentence of each variant names its fields")]
pub enum Paging {
    /// One answer is all.
    None,
    /// The answer holds the next address (whole, or below the base address); the end is where it is missing or null.
    NextUrl { path: JsonPath, more: Option<More> },
    /// The answer holds a token in its body; where it `repeats`, the same one may lead on from page to page.
    Token { path: JsonPath, target: TokenTarget, more: Option<More>, repeats: bool },
    /// The answer holds a token in a header; the text in `end` means that there is none.
    TokenHeader { header: String, end: Option<String>, target: TokenTarget },
    /// The last record's value is the token.
    LastId { path: JsonPath, target: TokenTarget, more: Option<More> },
    /// Pages are counted.
    Page { target: TokenTarget, first: u64, size: Option<u64>, more: Option<More> },
    /// Records are counted.
    Offset { target: TokenTarget, size: u64, more: Option<More> },
    /// RFC 8288.
    LinkHeader,
}

/// The part of an answer that says whether there is more: a boolean at `path`, true for more unless `is_end`.
/// Without it an empty page, a page shorter than its size, or a missing token is the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct More {
    /// Where it stands.
    pub path: JsonPath,
    /// Whether true means the end.
    pub is_end: bool,
}

/// How instants are written in requests.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the sentence of each variant names its fields")]
pub enum TimeFormat {
    /// `2026-11-23T00:00:00Z`; milliseconds where the flag is set.
    Iso { has_millis: bool },
    /// Seconds since 1970.
    Unix,
    /// Milliseconds since 1970.
    UnixMillis,
    /// A `strftime` pattern.
    Pattern(String),
}

/// Slices of time that are asked one by one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// How long a slice is.
    pub step: Duration,
    /// Its bounds' spelling.
    pub format: TimeFormat,
    /// How much before the next slice's start a slice's end is written, for systems that include it: 0 where the end is exclusive.
    pub end_gap: Duration,
    /// Bounds are multiples of it (an hour, a day); none for any instant.
    pub align: Option<Duration>,
    /// The shortest slice that is worth halving into.
    pub least: Duration,
}

/// What is new since last time. Rows are asked from the cursor less the look-back up to the run's instant less the lag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The column whose greatest value is kept; none where the window's end, or the token, is.
    pub column: Option<String>,
    /// Where a first read begins, whatever the job's start date; none for that.
    pub first: Option<DateTime<Utc>>,
    /// Whether the page token itself is kept and continued with next time (Zendesk's cursor exports).
    pub is_token: bool,
    /// Whether rows at the cursor's own value are given again.
    pub is_inclusive: bool,
    /// How far before it is asked again.
    pub lookback: Duration,
    /// How long before now is not asked.
    pub lag: Duration,
    /// Its spelling in requests.
    pub format: TimeFormat,
    /// Whether rows come in its order, so that it may move before the last page; else only a whole pass moves it.
    pub is_ordered: bool,
    /// How far back the source can tell what changed; a cursor older than that means a full read.
    pub retention: Option<Duration>,
}

/// One slice for each row of a parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    /// The parent stream.
    pub stream: String,
    /// Names for templates (`{parent.<name>}`) and the parent's columns they come from.
    pub values: Vec<(String, String)>,
    /// How many parents one request asks for: their values are joined by commas (or make a JSON array in a body). 1 for one by one.
    pub group: usize,
    /// Whether only parents that were new or changed in this run are asked.
    pub is_incremental: bool,
    /// Only parents whose column says so are asked: a boolean that is true, or any other value that is not null.
    pub only_where: Option<String>,
}

/// An export made in three steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// Makes it; not repeated blindly.
    pub create: Request,
    /// Values of its answer, for templates as `{job.<name>}`.
    pub values: Vec<(String, JsonPath)>,
    /// Asks how it is.
    pub poll: Request,
    /// Where the state stands in the poll's answer.
    pub status: JsonPath,
    /// States that mean ready.
    pub done: Vec<String>,
    /// States that mean failed.
    pub failed: Vec<String>,
    /// Further values of the poll's answer, e.g. a download address.
    pub poll_values: Vec<(String, JsonPath)>,
    /// The first wait between two questions; it grows up to a minute.
    pub wait: Duration,
    /// How long it may take.
    pub timeout: Duration,
    /// Takes it away afterwards.
    pub delete: Option<Request>,
}

/// Files that hold a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileListing {
    /// The folder.
    pub root: Template,
    /// A pattern below it, with `*` and `**`.
    pub pattern: String,
}

/// How an answer is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyFormat {
    /// One JSON document.
    Json,
    /// One JSON object a line.
    JsonLines,
    /// Comma-separated values with a header; the header's names are paths.
    Csv,
    /// One JSON document whose records are arrays; the names stand at this path.
    JsonRows {
        /// Where the names stand.
        names: JsonPath,
    },
}

/// One column of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceColumn {
    /// Its name as landed.
    pub name: String,
    /// Its type.
    pub ty: SourceType,
    /// Where it stands in the record: the first path with a value that is not null decides. Always null where there is
    /// none: a place that a job may fill.
    pub paths: Vec<JsonPath>,
    /// `strftime` pattern, `unix` or `unix_ms`; none for ISO.
    pub format: Option<String>,
    /// Where the amount's currency stands, for minor units: the amount is divided by ten to the currency's digits.
    pub minor_of: Option<JsonPath>,
    /// Whether a row without it is quarantined.
    pub is_required: bool,
    /// Texts that are replaced before anything else.
    pub values: BTreeMap<String, String>,
    /// Whether an empty text is null.
    pub empty_is_null: bool,
    /// What landing keeps of it.
    pub personal: Personal,
}

/// A column's type as a source has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceType {
    /// A type of the contracts'; an object or array is no value of it.
    Plain(ColumnType),
    /// Whatever stands there, as the JSON text it is; landed as text.
    Json,
    /// The texts of an array, joined by `; `; landed as text.
    List,
}

impl SourceType {
    /// The type it lands in.
    pub fn landed(self) -> ColumnType {
        match self {
            SourceType::Plain(ty) => ty,
            SourceType::Json | SourceType::List => ColumnType::Text,
        }
    }
}

/// What landing keeps of a personal value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Personal {
    /// All of it.
    #[default]
    Keep,
    /// SHA-256 of its lower-case, trimmed text, lower-case hex.
    Hash,
    /// What follows the last `@` of its trimmed, lower-case text; null where there is none.
    Domain,
    /// Nothing: the column is null.
    Drop,
}
