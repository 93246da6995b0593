//! Parquet: columns found by name and cast where nothing is lost; rows that would lose something are set aside.

use super::batch::ColumnBuilder;
use super::rows::Seen;
use super::shape::{Field, MONEY, Origin, Plan};
use super::value::Spelling;
use super::{BATCH_ROWS, Quarantined, Receiver, bytes};
use crate::error::{Class, Error, Result};
use crate::model::contract::ColumnType;
use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray, new_null_array};
use arrow::compute::{CastOptions, cast_with_options, filter_record_batch};
use arrow::datatypes::{DataType, Decimal128Type, Schema, TimeUnit};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;
use std::sync::Arc;

/// What a Parquet file holds, before its rows are read.
pub(super) struct Opened {
    file: File,
    metadata: ArrowReaderMetadata,
}

/// Opens a file, decompressing it to `scratch` first where it is wrapped in gzip or zstd, and reads its footer.
pub(super) fn open(path: &Path, name: &str, scratch: &Path) -> Result<Opened> {
    let mut file = File::open(path).map_err(|error| bytes::unreadable(name, &error))?;
    let mut head = Vec::new();
    let mut first = (&mut file).take(64);
    first.read_to_end(&mut head).map_err(|error| bytes::unreadable(name, &error))?;
    if head.is_empty() {
        return Err(bytes::empty(name));
    }
    if head.starts_with(&[0x1f, 0x8b]) || head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        file = unwrapped(path, name, scratch)?;
    } else if !head.starts_with(b"PAR1") {
        let found = bytes::known(&head).unwrap_or("something else");
        return Err(Error::usage(format!("{name} is {found}, not Parquet"))
            .help("set `format` for this input to what the file is, or correct its `path`"));
    }
    file.rewind().map_err(|error| bytes::unreadable(name, &error))?;
    let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).map_err(|error| {
        Error::new(Class::Unavailable, format!("{name} is cut off or damaged: its Parquet footer cannot be read"))
            .caused_by(error)
            .help("copy or export it again")
    })?;
    Ok(Opened { file, metadata })
}

/// A file without a name that holds the decompressed bytes: Parquet is read from its end, streams are not.
fn unwrapped(path: &Path, name: &str, scratch: &Path) -> Result<File> {
    let mut bytes = bytes::open(path, name)?;
    let failed = |error: std::io::Error| Error::io("write to", scratch, &error);
    let mut file = File::options().read(true).write(true).create(true).truncate(true).open(scratch).map_err(failed)?;
    std::fs::remove_file(scratch).map_err(failed)?;
    std::io::copy(&mut bytes, &mut file).map_err(|error| bytes::unreadable(name, &error))?;
    Ok(file)
}

impl Opened {
    /// The names of the top-level columns.
    pub(super) fn header(&self) -> Vec<String> {
        self.metadata.schema().fields().iter().map(|field| field.name().clone()).collect()
    }

    /// The type that a raw column lands in where the job declares none; none for nested columns.
    pub(super) fn natural(&self, at: usize) -> Option<ColumnType> {
        natural(self.metadata.schema().fields().get(at)?.data_type())
    }

    /// Reads the rows.
    pub(super) fn read(self, name: &str, plan: &Plan, seen: &mut Seen, receiver: &mut dyn Receiver) -> Result<()> {
        let damaged = |error: &dyn std::fmt::Display| {
            Error::new(Class::Unavailable, format!("{name} is cut off or damaged: its rows cannot be read"))
                .caused_by(error)
                .help("copy or export it again")
        };
        let mut wanted: Vec<usize> = plan
            .fields
            .iter()
            .filter_map(|field| if let Origin::At(at) = field.from { Some(at) } else { None })
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        check_flat(self.metadata.schema(), plan, name)?;
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), wanted.iter().copied());
        let positions: BTreeMap<usize, usize> = wanted.iter().enumerate().map(|(read, at)| (*at, read)).collect();
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(self.file, self.metadata)
            .with_projection(mask)
            .with_batch_size(BATCH_ROWS)
            .build()
            .map_err(|error| damaged(&error))?;
        let mut page = Page { plan, name, positions, first_row: 1, seen };
        for batch in reader {
            page.take(&batch.map_err(|error| damaged(&error))?, receiver)?;
        }
        Ok(())
    }
}

/// The type of ours that holds every value of an Arrow type; none for nested types.
fn natural(ty: &DataType) -> Option<ColumnType> {
    use DataType as D;
    Some(match ty {
        D::Boolean => ColumnType::Boolean,
        D::Int8 | D::Int16 | D::Int32 | D::Int64 | D::UInt8 | D::UInt16 | D::UInt32 => ColumnType::Integer,
        D::UInt64 => ColumnType::Decimal { precision: 20, scale: 0 },
        D::Float16 | D::Float32 | D::Float64 => ColumnType::Float,
        D::Date32 | D::Date64 => ColumnType::Date,
        D::Timestamp(..) => ColumnType::Timestamp,
        D::Decimal32(precision, scale) | D::Decimal64(precision, scale) | D::Decimal128(precision, scale)
            if *scale >= 0 =>
        {
            ColumnType::Decimal { precision: *precision, scale: *scale }
        }
        D::Utf8 | D::LargeUtf8 | D::Utf8View | D::Null => ColumnType::Text,
        D::Dictionary(_, value) => natural(value)?,
        _ => return None,
    })
}

fn check_flat(schema: &Schema, plan: &Plan, name: &str) -> Result<()> {
    for field in &plan.fields {
        let Origin::At(at) = field.from else { continue };
        let Some(column) = schema.fields().get(at) else { continue };
        if column.data_type().is_nested() || matches!(column.data_type(), DataType::Binary | DataType::LargeBinary) {
            return Err(Error::usage(format!(
                "column \"{}\" of {name} is {}, which cannot become {}",
                column.name(),
                column.data_type(),
                field.ty
            ))
            .help("write it as a plain column, or as text"));
        }
    }
    Ok(())
}

/// Adapts batches of one file.
struct Page<'a> {
    plan: &'a Plan,
    name: &'a str,
    positions: BTreeMap<usize, usize>,
    first_row: u64,
    seen: &'a mut Seen,
}

impl Page<'_> {
    fn take(&mut self, batch: &RecordBatch, receiver: &mut dyn Receiver) -> Result<()> {
        let rows = batch.num_rows();
        let mut faults: BTreeMap<usize, (usize, String)> = BTreeMap::new();
        let mut arrays = Vec::with_capacity(self.plan.fields.len());
        for (at, field) in self.plan.fields.iter().enumerate() {
            let source = self.source(field, batch);
            let (array, refused) = adapt(field, source, rows, &self.plan.nulls)?;
            for (row, reason) in refused {
                faults.entry(row).or_insert((at, reason));
            }
            if field.is_required && array.null_count() > 0 {
                for row in (0..rows).filter(|row| array.is_null(*row)) {
                    faults.entry(row).or_insert((at, "is missing".to_owned()));
                }
            }
            arrays.push(array);
        }
        let name = self.name;
        let malformed = |error| Error::bug(format!("rows of {name} do not make a batch")).caused_by(error);
        let typed = RecordBatch::try_new(self.plan.schema(), arrays).map_err(malformed)?;
        self.find_repeats(&typed, &mut faults)?;
        for (row, (at, reason)) in &faults {
            receiver.quarantine(self.aside(batch, &typed, *row, *at, reason)?)?;
        }
        self.first_row += rows as u64;
        let typed = if faults.is_empty() {
            typed
        } else {
            let is_good: BooleanArray = (0..rows).map(|row| Some(!faults.contains_key(&row))).collect();
            filter_record_batch(&typed, &is_good).map_err(malformed)?
        };
        if typed.num_rows() == 0 { Ok(()) } else { receiver.rows(typed) }
    }

    fn source<'b>(&self, field: &Field, batch: &'b RecordBatch) -> Option<&'b ArrayRef> {
        let Origin::At(at) = field.from else { return None };
        self.positions.get(&at).and_then(|read| batch.columns().get(*read))
    }

    fn find_repeats(&mut self, typed: &RecordBatch, faults: &mut BTreeMap<usize, (usize, String)>) -> Result<()> {
        let Some(first_field) = self.plan.key.first().copied() else { return Ok(()) };
        let columns: Vec<(usize, &ArrayRef)> =
            self.plan.key.iter().filter_map(|at| typed.columns().get(*at).map(|column| (*at, column))).collect();
        for row in 0..typed.num_rows() {
            if faults.contains_key(&row) {
                continue;
            }
            let texts: Vec<Option<String>> =
                columns.iter().map(|(_, column)| shown(column, row)).collect::<Result<_>>()?;
            let key: Vec<Option<&str>> = texts.iter().map(Option::as_deref).collect();
            if let Some(first) = self.seen.repeated(&key, self.first_row + row as u64) {
                let names = columns.iter().filter_map(|(at, _)| self.plan.fields.get(*at)).zip(&key);
                let shown: Vec<String> =
                    names.map(|(field, text)| format!("{} = {}", field.name, text.unwrap_or("null"))).collect();
                faults.insert(row, (first_field, format!("repeats key {} of line {first}", shown.join(", "))));
            }
        }
        Ok(())
    }

    fn aside(
        &self,
        batch: &RecordBatch,
        typed: &RecordBatch,
        row: usize,
        at: usize,
        reason: &str,
    ) -> Result<Quarantined> {
        let field = self.plan.fields.get(at);
        let value = match field.and_then(|field| self.source(field, batch)) {
            Some(column) => shown(column, row)?,
            None => None,
        };
        let money = self.plan.money.iter().find_map(|at| {
            let column = typed.columns().get(*at)?;
            let is_money = column.data_type() == &MONEY.arrow() && column.is_valid(row);
            is_money.then(|| column.as_primitive::<Decimal128Type>().value(row))
        });
        let currency = match self.plan.currency.and_then(|at| typed.columns().get(at)) {
            Some(column) => shown(column, row)?,
            None => None,
        };
        Ok(Quarantined {
            file: self.name.to_owned(),
            line: self.first_row + row as u64,
            column: field.map(|field| self.plan.name_in_file(field).to_owned()),
            value,
            reason: reason.to_owned(),
            money,
            currency: money.and(currency.filter(|code| code.len() == 3)),
        })
    }
}

/// A value as text; none where it is null.
fn shown(column: &ArrayRef, row: usize) -> Result<Option<String>> {
    if column.is_null(row) {
        return Ok(None);
    }
    let formatter = ArrayFormatter::try_new(column, &FormatOptions::default())
        .map_err(|error| Error::bug("a value cannot be shown").caused_by(error))?;
    Ok(Some(formatter.value(row).to_string().chars().take(500).collect()))
}

type Refused = Vec<(usize, String)>;

/// A column in our type, with the rows whose value would lose something; those are null in it.
fn adapt(field: &Field, source: Option<&ArrayRef>, rows: usize, nulls: &[String]) -> Result<(ArrayRef, Refused)> {
    let Some(source) = source else {
        let array = match &field.from {
            Origin::Constant(text) => constant(field, text, rows)?,
            _ => new_null_array(&field.ty.arrow(), rows),
        };
        return Ok((array, Vec::new()));
    };
    let is_text = matches!(source.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
        || matches!(source.data_type(), DataType::Dictionary(_, value) if value.is_string());
    let is_plain = field.values.is_empty() && nulls.is_empty();
    if source.data_type() == &field.ty.arrow() && is_plain && !is_text {
        return Ok((Arc::clone(source), Vec::new()));
    }
    if !is_text && is_plain && keeps_all(source.data_type(), field.ty) {
        return by_cast(field, source);
    }
    by_text(field, source, nulls)
}

fn constant(field: &Field, text: &str, rows: usize) -> Result<ArrayRef> {
    let mut builder = ColumnBuilder::new(field.ty, rows);
    for _ in 0..rows {
        builder
            .value(text, &field.spelling)
            .map_err(|refusal| Error::usage(format!("the constant \"{text}\" for {} {refusal}", field.name)))?;
    }
    Ok(builder.finish())
}

/// Casts whose failures show as nulls and whose successes lose nothing but what a float never had.
fn keeps_all(from: &DataType, to: ColumnType) -> bool {
    let scale_of = |ty: &DataType| match ty {
        DataType::Decimal32(_, scale) | DataType::Decimal64(_, scale) | DataType::Decimal128(_, scale) => Some(*scale),
        _ => None,
    };
    match to {
        ColumnType::Integer => from.is_integer(),
        ColumnType::Float => from.is_floating() || matches!(from, DataType::Int8 | DataType::Int16 | DataType::Int32),
        ColumnType::Decimal { scale, .. } => {
            from.is_integer() || from.is_floating() || scale_of(from).is_some_and(|own| own <= scale)
        }
        ColumnType::Timestamp => matches!(from, DataType::Timestamp(..) | DataType::Date32 | DataType::Date64),
        ColumnType::Date => matches!(from, DataType::Date32 | DataType::Date64),
        ColumnType::Boolean => from == &DataType::Boolean,
        ColumnType::Text => from.is_integer(),
    }
}

fn by_cast(field: &Field, source: &ArrayRef) -> Result<(ArrayRef, Refused)> {
    let failed = |error| Error::bug(format!("{} cannot be cast to {}", source.data_type(), field.ty)).caused_by(error);
    let options = CastOptions { safe: true, ..CastOptions::default() };
    let mut column = Arc::clone(source);
    if let (DataType::Timestamp(unit, None), ColumnType::Timestamp) = (source.data_type(), field.ty) {
        // A wall clock without a zone is read as UTC, as texts without an offset are.
        column =
            cast_with_options(&column, &DataType::Timestamp(*unit, Some("UTC".into())), &options).map_err(failed)?;
    } else if matches!(source.data_type(), DataType::Date32 | DataType::Date64) && field.ty == ColumnType::Timestamp {
        column =
            cast_with_options(&column, &DataType::Timestamp(TimeUnit::Microsecond, None), &options).map_err(failed)?;
        column = cast_with_options(&column, &field.ty.arrow(), &options).map_err(failed)?;
    }
    let array = cast_with_options(&column, &field.ty.arrow(), &options).map_err(failed)?;
    if array.null_count() == source.null_count() {
        return Ok((array, Vec::new()));
    }
    let lost = (0..source.len()).filter(|row| array.is_null(*row) && source.is_valid(*row));
    let reason = format!("does not fit {}", field.ty);
    let refused = lost.map(|row| (row, reason.clone())).collect();
    Ok((array, refused))
}

/// The way of every text, and of every other type that could lose something: through our own exact readers.
fn by_text(field: &Field, source: &ArrayRef, nulls: &[String]) -> Result<(ArrayRef, Refused)> {
    let shown = |error| Error::bug(format!("values of {} cannot be shown", field.name)).caused_by(error);
    let is_text_already = matches!(source.data_type(), DataType::Utf8);
    let texts = if is_text_already {
        Arc::clone(source)
    } else if source.data_type().is_floating() {
        Arc::new(whole_floats_plain(source)?)
    } else {
        cast_with_options(source, &DataType::Utf8, &CastOptions::default()).map_err(shown)?
    };
    let texts = texts.as_string::<i32>();
    if field.ty == ColumnType::Text && field.values.is_empty() && nulls.is_empty() && !has_empty(texts) {
        return Ok((Arc::new(texts.clone()), Vec::new()));
    }
    // Text made from a value of another type is spelled our way, whatever the job says of the file's texts.
    let own = Spelling::default();
    let spelling = if is_text_already || source.data_type().is_string() { &field.spelling } else { &own };
    let mut builder = ColumnBuilder::new(field.ty, texts.len());
    let mut refused = Vec::new();
    for (row, text) in texts.iter().enumerate() {
        let text = text.filter(|text| !text.trim().is_empty() && !nulls.iter().any(|null| null == text.trim()));
        let Some(text) = text else {
            builder.null();
            continue;
        };
        let text = field.values.get(text).map_or(text, String::as_str);
        if let Err(reason) = builder.value(text, spelling) {
            builder.null();
            refused.push((row, reason));
        }
    }
    Ok((builder.finish(), refused))
}

fn has_empty(texts: &StringArray) -> bool {
    texts.iter().any(|text| text.is_some_and(|text| text.trim().is_empty()))
}

/// Floats as text, whole ones without a point: an id column with gaps comes as floats from many tools.
fn whole_floats_plain(source: &ArrayRef) -> Result<StringArray> {
    let wide = cast_with_options(source, &DataType::Float64, &CastOptions::default())
        .map_err(|error| Error::bug("a float cannot be widened").caused_by(error))?;
    Ok(wide
        .as_primitive::<arrow::datatypes::Float64Type>()
        .iter()
        .map(|value| value.map(|value| value.to_string()))
        .collect())
}
