//! The current view of a stream for a date: of every key the newest version known on it, without rows that were gone.
//!
//! Its cost follows what changed: the base is read as it is, less the keys that newer versions name. Only dates before
//! what compaction has merged, or before the first landing, need all versions side by side.

use super::compact::schemas;
use super::shape::{DELETED, UNTIL, with_field};
use super::state::{DataFile, StreamState};
use crate::error::Result;
use crate::model::contract::ColumnType;
use crate::model::source::stream::StreamSpec;
use crate::store::Store;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use chrono::NaiveDate;
use std::path::PathBuf;
use std::sync::Arc;

/// Files of one kind and the columns they are read in; a column that a file lacks is null.
#[derive(Debug, Clone)]
pub struct Files {
    /// Where they lie.
    pub paths: Vec<PathBuf>,
    /// For each the greatest `_landed` in it.
    newest: Vec<i64>,
    /// Their columns.
    pub schema: SchemaRef,
}

/// A stream's versions, and how the view of a date is made of them.
#[derive(Debug, Clone)]
pub struct Versions {
    /// Rows with unique keys.
    pub base: Files,
    /// Newer versions and ends of rows.
    pub deltas: Files,
    /// Superseded versions that compaction has set aside.
    pub history: Files,
    /// The view's columns: the stream's own, `_seen_from` and `_landed`.
    pub schema: SchemaRef,
    key: Vec<String>,
    /// The date that is looked at.
    as_of: NaiveDate,
    /// The last day whose versions may be taken: the date, or the first landing's where that is later.
    last: NaiveDate,
    /// Whether some base row is newer than that.
    is_cut: bool,
    kind: Kind,
    /// Only rows with a greater `_landed` are asked.
    after: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Base files alone.
    Plain,
    /// The base, and newer versions in the place of what they name.
    Replaced,
    /// All versions side by side.
    All,
}

impl Versions {
    /// How `stream` is seen at the end of `as_of`; `declared` says which columns readers expect, where that is known.
    pub(in crate::land) fn of(
        store: &Store,
        stream: &StreamState,
        declared: Option<&StreamSpec>,
        first_landed: Option<NaiveDate>,
        as_of: NaiveDate,
    ) -> Result<Versions> {
        let (base_schema, delta_schema) = schemas(stream)?;
        let history_schema = with_field(&base_schema, Field::new(UNTIL, DataType::Date32, true));
        let first_landed = first_landed.unwrap_or(as_of);
        let is_backdated = as_of < first_landed;
        let has_versions = !stream.deltas.is_empty() || !stream.history.is_empty();
        let needs_history = !stream.history.is_empty() && stream.history_before.is_some_and(|before| as_of < before);
        let kind = match () {
            () if needs_history || (is_backdated && has_versions) => Kind::All,
            () if stream.deltas.is_empty() => Kind::Plain,
            () => Kind::Replaced,
        };
        let files = |files: &[DataFile], schema: SchemaRef| -> Result<Files> {
            let paths = files.iter().map(|file| store.path(&file.key)).collect::<Result<Vec<_>>>()?;
            Ok(Files { paths, newest: files.iter().map(|file| file.newest).collect(), schema })
        };
        let last = as_of.max(first_landed);
        let history = match kind {
            Kind::All => stream.history.iter().map(|file| store.path(&file.key)).collect::<Result<Vec<_>>>()?,
            _ => Vec::new(),
        };
        Ok(Versions {
            is_cut: stream.base.iter().any(|file| file.seen.1 > last),
            base: files(&stream.base, Arc::clone(&base_schema))?,
            deltas: files(&stream.deltas, delta_schema)?,
            history: Files { newest: vec![i64::MAX; history.len()], paths: history, schema: history_schema },
            after: None,
            schema: readers(&base_schema, declared),
            key: stream.key.clone(),
            as_of,
            last,
            kind,
        })
    }

    /// Of a stream that nothing was landed of: no rows.
    pub(in crate::land) fn none(stream: &StreamSpec, as_of: NaiveDate) -> Versions {
        let schema = stream.landed_schema();
        let none = || Files { paths: Vec::new(), newest: Vec::new(), schema: Arc::clone(&schema) };
        Versions {
            base: none(),
            deltas: none(),
            history: none(),
            schema: Arc::clone(&schema),
            key: stream.key.clone(),
            as_of,
            last: as_of,
            is_cut: false,
            kind: Kind::Plain,
            after: None,
        }
    }

    /// The same view, of the rows alone whose newest version was landed after `landed`.
    #[must_use]
    pub fn newer_than(&self, landed: i64) -> Versions {
        let mut newer = self.clone();
        newer.after = Some(landed);
        if self.kind != Kind::All {
            let (paths, newest) = (self.base.paths.iter().cloned(), self.base.newest.iter().copied());
            let kept = paths.zip(newest).filter(|(_, newest)| *newest > landed);
            (newer.base.paths, newer.base.newest) = kept.unzip();
        }
        newer
    }

    /// The view as a query, in the dialect that both engines read; the arguments are what stands for the files of each
    /// kind.
    pub fn sql(&self, base: &str, deltas: &str, history: &str) -> String {
        match self.kind {
            Kind::Plain => {
                let cut = self.cut("base");
                format!("select {}\nfrom {base} as base\nwhere {cut}", self.columns("base"))
            }
            Kind::Replaced => self.replaced(base, deltas),
            Kind::All => self.all(base, deltas, history),
        }
    }

    fn replaced(&self, base: &str, deltas: &str) -> String {
        let key = self.key_columns();
        let list =
            |table: &str| key.iter().map(|name| format!("{table}.{}", quoted(name))).collect::<Vec<_>>().join(", ");
        // A declared key is never null; rows without one are told apart by all they say, nulls included.
        let equals = if self.key.is_empty() { "is not distinct from" } else { "=" };
        let same: Vec<String> = key.iter().map(|name| format!("newest.{0} {equals} base.{0}", quoted(name))).collect();
        let (cut, newer) = (self.cut("base"), self.newer("deltas"));
        format!(
            "with newest as (\n    select {}, max(deltas._landed) as _newest\n    from {deltas} as deltas\n    where {}\n    \
             group by {}\n)\nselect {}\nfrom {base} as base\nwhere {cut}\n    and not exists (select 1 from newest where {})\n\
             union all\nselect {}\nfrom {deltas} as deltas\nwhere deltas._landed in (select newest._newest from newest)\n    \
             and not deltas.{DELETED}{newer}",
            list("deltas"),
            self.known("deltas"),
            list("deltas"),
            self.columns("base"),
            same.join(" and "),
            self.columns("deltas"),
        )
    }

    fn all(&self, base: &str, deltas: &str, history: &str) -> String {
        let key: Vec<String> = self.key_columns().iter().map(|name| format!("version.{}", quoted(name))).collect();
        let day = self.as_of;
        format!(
            "with version as (\n    select {}, false as {DELETED}\n    from {base} as base\n    union all\n    \
             select {}, deltas.{DELETED}\n    from {deltas} as deltas\n    union all\n    \
             select {}, false as {DELETED}\n    from {history} as history\n    \
             where history.{UNTIL} > date '{day}'\n),\nranked as (\n    select\n        version.*,\n        \
             row_number() over (\n            partition by {}\n            order by\n                \
             case when version._seen_from <= date '{day}' then 0 else 1 end,\n                \
             case when version._seen_from <= date '{day}' then -version._landed else version._landed end\n        ) as _rank\n    \
             from version\n    where {}\n)\nselect {}\nfrom ranked\nwhere ranked._rank = 1\n    and not ranked.{DELETED}{}",
            self.columns("base"),
            self.columns("deltas"),
            self.columns("history"),
            key.join(", "),
            self.known("version"),
            self.columns("ranked"),
            self.newer("ranked"),
        )
    }

    /// Which rows of the base count.
    fn cut(&self, table: &str) -> String {
        let known = if self.is_cut { self.known(table) } else { "true".to_owned() };
        format!("{known}{}", self.newer(table))
    }

    fn newer(&self, table: &str) -> String {
        self.after.map_or_else(String::new, |landed| format!("\n    and {table}._landed > {landed}"))
    }

    fn known(&self, table: &str) -> String {
        format!("{table}._seen_from <= date '{}'", self.last)
    }

    fn columns(&self, table: &str) -> String {
        let held = &self.base.schema;
        let column = |field: &Arc<Field>| {
            let name = quoted(field.name());
            match held.field_with_name(field.name()) {
                Ok(_) => format!("{table}.{name}"),
                // Declared and never landed.
                Err(_) => format!("cast(null as {}) as {name}", sql_type(field.data_type())),
            }
        };
        self.schema.fields().iter().map(column).collect::<Vec<_>>().join(", ")
    }

    fn key_columns(&self) -> Vec<String> {
        if !self.key.is_empty() {
            return self.key.clone();
        }
        let names = self.base.schema.fields().iter().map(|field| field.name());
        names.filter(|name| !name.starts_with('_')).cloned().collect()
    }

    /// Whether earliest versions stand in for ones that were known on the date.
    pub fn is_backdated(&self) -> bool {
        self.as_of < self.last
    }
}

/// The columns that readers see: those declared, or all where the stream knows its columns only when it is read.
fn readers(held: &SchemaRef, declared: Option<&StreamSpec>) -> SchemaRef {
    match declared {
        Some(stream) if !stream.columns.is_empty() => stream.landed_schema(),
        _ => Arc::new(Schema::clone(held)),
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The spelling of a landed type in both dialects.
fn sql_type(ty: &DataType) -> String {
    match ty {
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Timestamp(..) => "timestamp".to_owned(),
        DataType::Decimal128(precision, scale) => {
            ColumnType::Decimal { precision: *precision, scale: *scale }.to_string()
        }
        DataType::Float64 => "double".to_owned(),
        _ => "varchar".to_owned(),
    }
}
