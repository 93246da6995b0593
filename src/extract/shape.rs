//! What the rows of an input become: which column of the file fills which column of ours, in what type and spelling.

use super::value::Spelling;
use crate::error::{Error, Result};
use crate::job::{ColumnMapping, FileInput, MappedFrom, RawColumn, Target, ValueFormat};
use crate::model::contract::{ColumnType, Contract};
use crate::model::text::nearest;
use arrow::datatypes::{Field as ArrowField, Schema, SchemaRef};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Columns every landed row of an entity has beside its contract's own.
pub const PROVENANCE: [&str; 2] = ["source", "source_id"];

/// The scale that quarantined money is summed in: that of the contracts' money columns.
pub const MONEY: ColumnType = ColumnType::Decimal { precision: 18, scale: 4 };

/// The amount that says best what a row is worth, first match wins.
pub(super) const MAIN_AMOUNTS: [&str; 9] = [
    "amount",
    "total",
    "amount_due",
    "subtotal",
    "gross_amount",
    "amount_paid",
    "discount_amount",
    "tax",
    "commit_amount",
];

/// One column of ours.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: ColumnType,
    /// Whether a row without it is quarantined.
    pub is_required: bool,
    /// What fills it.
    pub from: Origin,
    /// How its texts are spelled.
    pub spelling: Spelling,
    /// Texts replaced before anything else.
    pub values: BTreeMap<String, String>,
}

/// What fills a column of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The file's column at this position of its header.
    At(usize),
    /// The same text in every row.
    Constant(String),
    /// Nothing: the column is null.
    Nothing,
}

/// How the rows of one file are read.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Our columns, in order.
    pub fields: Vec<Field>,
    /// The file's column names, in its order.
    pub header: Vec<String>,
    /// Texts that mean null.
    pub nulls: Vec<String>,
    /// Fields that may hold the row's main amount, best first.
    pub money: Vec<usize>,
    /// The field that holds the amount's currency.
    pub currency: Option<usize>,
    /// Fields that together must not repeat within one landing.
    pub key: Vec<usize>,
}

impl Plan {
    /// How `input` reads a file with the columns of `header`; `entity` is the contract its rows must meet, without
    /// the columns that landing fills; `natural` is the type a raw column lands in where the job declares none, none
    /// for columns that are left out.
    ///
    /// # Errors
    /// A column that is mapped, declared or required is missing, or two columns have one name (64).
    pub fn new(
        input: &FileInput,
        entity: Option<&Contract>,
        header: &[String],
        natural: &dyn Fn(usize) -> Option<ColumnType>,
        file: &str,
    ) -> Result<Plan> {
        let lookup = Lookup { header, file, natural };
        let fields = match (&input.target, entity) {
            (Target::Entity { mapping, .. }, Some(contract)) => entity_fields(input, mapping, contract, &lookup)?,
            (Target::Raw { columns }, _) => raw_fields(input, columns, &lookup)?,
            (Target::Entity { entity, .. }, None) => {
                return Err(Error::bug(format!("input {} was planned without the contract of {entity}", input.name)));
            }
        };
        let position = |name: &str| fields.iter().position(|field| field.name == name);
        let mut money: Vec<usize> = MAIN_AMOUNTS.iter().filter_map(|name| position(name)).collect();
        money.extend((0..fields.len()).filter(|at| fields.get(*at).is_some_and(|field| field.ty == MONEY)));
        money.retain(|at| fields.get(*at).is_some_and(|field| field.ty == MONEY));
        let currency = position("currency");
        let nulls = input.nulls.clone();
        let key = input.key.iter().map(|name| key_field(&fields, name, input)).collect::<Result<_>>()?;
        Ok(Plan { fields, header: header.to_vec(), nulls, money, currency, key })
    }

    /// The schema of the batches.
    pub fn schema(&self) -> SchemaRef {
        let fields = self.fields.iter().map(|field| ArrowField::new(&field.name, field.ty.arrow(), true));
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    /// The name in the file of what fills `field`.
    pub fn name_in_file<'a>(&'a self, field: &'a Field) -> &'a str {
        match field.from {
            Origin::At(at) => self.header.get(at).map_or(&field.name, String::as_str),
            _ => &field.name,
        }
    }
}

/// A landed column's name: lower case, everything but letters and digits turned into single underscores, so that SQL
/// can name it without quotes.
pub fn landed_name(name: &str) -> String {
    let mut landed = String::with_capacity(name.len());
    for c in name.trim().chars() {
        if c.is_alphanumeric() {
            landed.extend(c.to_lowercase());
        } else if !landed.ends_with('_') && !landed.is_empty() {
            landed.push('_');
        }
    }
    landed.truncate(landed.trim_end_matches('_').len());
    landed
}

struct Lookup<'a> {
    header: &'a [String],
    file: &'a str,
    natural: &'a dyn Fn(usize) -> Option<ColumnType>,
}

impl Lookup<'_> {
    /// The position of a column: by exact name, else by the only name that differs in case or outer blanks.
    fn find(&self, name: &str) -> Option<usize> {
        if let Some(at) = self.header.iter().position(|column| column == name) {
            return Some(at);
        }
        let mut alike = (0..self.header.len())
            .filter(|at| self.header.get(*at).is_some_and(|column| column.trim().eq_ignore_ascii_case(name.trim())));
        alike.next().filter(|_| alike.next().is_none())
    }

    fn missing(&self, name: &str, why: &str) -> Error {
        let error = Error::usage(format!("{} has no column \"{name}\", {why}", self.file));
        let shown: Vec<&str> = self.header.iter().take(30).map(String::as_str).collect();
        let error = match nearest(name, self.header.iter().map(String::as_str)) {
            Some(near) => error.help(format!("did you mean \"{near}\"?")),
            None => error,
        };
        let error = error.help(format!("its columns are: {}", shown.join(", ")));
        match self.header {
            [only] => match [';', '\t', '|', ','].into_iter().find(|mark| only.contains(*mark)) {
                Some(mark) => error.help(format!("is the delimiter {mark:?}? Set `delimiter` for this input")),
                None => error,
            },
            _ => error,
        }
    }
}

fn entity_fields(
    input: &FileInput,
    mapping: &[ColumnMapping],
    contract: &Contract,
    lookup: &Lookup<'_>,
) -> Result<Vec<Field>> {
    let mut fields = Vec::with_capacity(contract.columns.len() + 1);
    for column in &contract.columns {
        if PROVENANCE.contains(&column.name.as_str()) {
            continue;
        }
        let mapped = mapping.iter().find(|mapped| mapped.column == column.name);
        let from =
            match mapped.map(|mapped| &mapped.from) {
                Some(MappedFrom::Constant(text)) => Origin::Constant(text.clone()),
                Some(MappedFrom::Column(name)) => Origin::At(lookup.find(name).ok_or_else(|| {
                    lookup.missing(name, &format!("which input {} maps to {}", input.name, column.name))
                })?),
                None => match lookup.find(&column.name) {
                    Some(at) => Origin::At(at),
                    None if column.required => {
                        let why = format!("which every {} must have", contract.table);
                        return Err(lookup.missing(&column.name, &why).help(format!(
                            "map it: [sources.<name>.inputs.map] {} = \"<column>\" or {{ value = \"<constant>\" }}",
                            column.name
                        )));
                    }
                    None => Origin::Nothing,
                },
            };
        let format = mapped.map_or(&input.defaults, |mapped| &mapped.format);
        fields.push(Field {
            name: column.name.clone(),
            ty: column.ty,
            is_required: column.required,
            from,
            spelling: spelling(format, &input.defaults),
            values: format.values.clone(),
        });
    }
    fields.push(source_id(mapping, lookup));
    Ok(fields)
}

/// The row's id in its source: an own column where the file has one.
fn source_id(mapping: &[ColumnMapping], lookup: &Lookup<'_>) -> Field {
    let mapped = mapping.iter().find(|mapped| mapped.column == "source_id");
    let from = match mapped.map(|mapped| &mapped.from) {
        Some(MappedFrom::Constant(text)) => Origin::Constant(text.clone()),
        Some(MappedFrom::Column(name)) => lookup.find(name).map_or(Origin::Nothing, Origin::At),
        None => lookup.find("source_id").map_or(Origin::Nothing, Origin::At),
    };
    Field {
        name: "source_id".to_owned(),
        ty: ColumnType::Text,
        is_required: false,
        from,
        spelling: Spelling::default(),
        values: BTreeMap::new(),
    }
}

fn raw_fields(input: &FileInput, columns: &[RawColumn], lookup: &Lookup<'_>) -> Result<Vec<Field>> {
    let mut declared: BTreeMap<usize, &RawColumn> = BTreeMap::new();
    for column in columns {
        let found = lookup
            .find(&column.name)
            .or_else(|| lookup.header.iter().position(|name| landed_name(name) == landed_name(&column.name)));
        let why = format!("which input {} declares", input.name);
        declared.insert(found.ok_or_else(|| lookup.missing(&column.name, &why))?, column);
    }
    let mut fields: Vec<Field> = Vec::with_capacity(lookup.header.len());
    for (at, name) in lookup.header.iter().enumerate() {
        let raw = declared.get(&at);
        let Some(ty) = raw.map(|raw| raw.ty).or_else(|| (lookup.natural)(at)) else { continue };
        let mut landed = landed_name(name);
        if landed.is_empty() {
            landed = format!("column_{}", at + 1);
        }
        if fields.iter().any(|field| field.name == landed) {
            return Err(Error::usage(format!("two columns of {} would land as \"{landed}\"", lookup.file))
                .help("rename one of them in the file, or give the input its own `names`"));
        }
        let format = raw.map_or(&input.defaults, |raw| &raw.format);
        fields.push(Field {
            name: landed,
            ty,
            is_required: false,
            from: Origin::At(at),
            spelling: spelling(format, &input.defaults),
            values: format.values.clone(),
        });
    }
    Ok(fields)
}

fn key_field(fields: &[Field], name: &str, input: &FileInput) -> Result<usize> {
    fields.iter().position(|field| field.name == name).ok_or_else(|| {
        let error =
            Error::usage(format!("the key of input {} names \"{name}\", which is no landed column", input.name));
        match nearest(name, fields.iter().map(|field| field.name.as_str())) {
            Some(near) => error.help(format!("did you mean \"{near}\"?")),
            None => error,
        }
    })
}

fn spelling(own: &ValueFormat, defaults: &ValueFormat) -> Spelling {
    Spelling {
        format: own.date.clone().or_else(|| defaults.date.clone()),
        decimal: own.decimal.or(defaults.decimal).unwrap_or('.'),
        thousands: own.thousands.or(defaults.thousands),
    }
}
