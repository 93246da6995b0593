use super::files::{self, Found};
use super::{Quarantined, Receiver, Seen};
use crate::error::{Class, Error, Result};
use crate::job::{ColumnMapping, CsvFormat, FileInput, Format, MappedFrom, RawColumn, Target, ValueFormat};
use crate::model::contract::{Column, ColumnType, Contract};
use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampNanosecondArray};
use arrow::util::pretty::pretty_format_batches;
use parquet::arrow::ArrowWriter;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const MONEY: ColumnType = ColumnType::Decimal { precision: 18, scale: 4 };

fn invoice() -> Contract {
    let column = |name: &str, ty, required| Column { name: name.to_owned(), ty, doc: String::new(), required };
    Contract {
        table: "invoice".to_owned(),
        columns: vec![
            column("invoice_id", ColumnType::Text, true),
            column("issued_date", ColumnType::Date, false),
            column("amount", MONEY, false),
            column("currency", ColumnType::Text, true),
            column("is_paid", ColumnType::Boolean, false),
        ],
        grain: vec!["invoice_id".to_owned()],
        partition_by: Vec::new(),
    }
}

fn csv() -> Format {
    Format::Csv(CsvFormat::default())
}

fn input(format: Format, target: Target) -> FileInput {
    FileInput {
        name: "invoices".to_owned(),
        pattern: PathBuf::from("x"),
        format,
        target,
        defaults: ValueFormat::default(),
        nulls: Vec::new(),
        key: Vec::new(),
    }
}

fn entity(format: Format) -> FileInput {
    input(format, Target::Entity { entity: "invoice".to_owned(), mapping: Vec::new() })
}

fn raw(format: Format, columns: &[(&str, ColumnType)]) -> FileInput {
    let column = |(name, ty): &(&str, ColumnType)| RawColumn {
        name: (*name).to_owned(),
        ty: *ty,
        format: ValueFormat::default(),
    };
    input(format, Target::Raw { columns: columns.iter().map(column).collect() })
}

#[derive(Default)]
struct Collected {
    batches: Vec<RecordBatch>,
    aside: Vec<Quarantined>,
}

impl Receiver for Collected {
    fn rows(&mut self, batch: RecordBatch) -> Result<()> {
        self.batches.push(batch);
        Ok(())
    }
    fn quarantine(&mut self, row: Quarantined) -> Result<()> {
        self.aside.push(row);
        Ok(())
    }
}

impl Collected {
    /// The rows as lines of `a|b|c`, header first.
    fn lines(&self) -> Vec<String> {
        let table = pretty_format_batches(&self.batches).unwrap().to_string();
        let lines = table.lines().filter(|line| line.starts_with('|'));
        lines.map(|line| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>().join("|")).collect()
    }

    fn reasons(&self) -> Vec<String> {
        let shown = |row: &Quarantined| {
            let money = row.money.map_or(String::new(), |money| format!(" [{money} {:?}]", row.currency));
            format!("{} {}: {}{money}", row.line, row.column.as_deref().unwrap_or("-"), row.reason)
        };
        self.aside.iter().map(shown).collect()
    }
}

fn read_file(path: &Path, input: &FileInput) -> Result<Collected> {
    let mut collected = Collected::default();
    let found = Found { path: path.to_owned(), name: "f".to_owned() };
    let contract = matches!(input.target, Target::Entity { .. }).then(invoice);
    let scratch = path.with_extension("scratch");
    files::read(&found, input, contract.as_ref(), &scratch, &mut Seen::default(), &mut collected)?;
    Ok(collected)
}

fn read(bytes: &[u8], input: &FileInput) -> Result<Collected> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    std::fs::write(&path, bytes).unwrap();
    read_file(&path, input)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

const GOOD: &str = "invoice_id,issued_date,amount,currency,is_paid\ni1,2026-01-31,10.5,USD,true\n";

#[test]
fn csv_with_mark_quotes_comments_and_both_line_ends() {
    let text = "\u{feff}Invoice_ID;issued_date;note;amount;currency;is_paid\r\n# a comment; with; marks\r\n\r\n\
                \"i1\";2026-01-31;\"two\r\nlines; \"\"quoted\"\"\";10.5;USD;yes\r\ni2;;;-1;EUR;\r\n;2026-01-31;;7;EUR;0\r\n";
    let format = CsvFormat { delimiter: b';', comment: Some(b'#'), ..CsvFormat::default() };
    let collected = read(text.as_bytes(), &entity(Format::Csv(format))).unwrap();
    assert_eq!(
        collected.lines(),
        [
            "invoice_id|issued_date|amount|currency|is_paid|source_id",
            "i1|2026-01-31|10.5000|USD|true|",
            "i2||-1.0000|EUR||"
        ]
    );
    assert_eq!(
        collected.reasons(),
        ["7 Invoice_ID: is missing [70000 Some(\"EUR\")]"],
        "lines as an editor counts them"
    );
}

#[test]
fn old_line_ends_and_last_lines_without_one_are_lines_too() {
    let old = read(b"invoice_id,currency\ri1,USD\ri2,\r", &entity(csv())).unwrap();
    assert_eq!((old.lines().len(), old.reasons()), (2, vec!["3 currency: is missing".to_owned()]));
    let bare = read(b"invoice_id,currency\ni1,USD\n#\n\ni2,\"U\nS\"\ni3,", &entity(csv())).unwrap();
    assert_eq!(bare.reasons(), ["3 -: has 1 fields where the header has 2", "7 currency: is missing"]);
}

#[test]
fn rows_that_cannot_be_read_are_set_aside_with_their_money() {
    let text = "invoice_id,issued_date,amount,currency,is_paid\n\
                i1,2026-02-30,10.5,USD,true\ni2,2026-02-28,ten,USD,true\ni3,2026-02-28,10\n\
                i4,2026-02-28,999999999999999,USD,true\ni5,2026-02-28,1,,true\ni6,2026-02-28,1,USD,perhaps\ni7,2026-02-28,1,USD,1\n";
    let collected = read(text.as_bytes(), &entity(csv())).unwrap();
    assert_eq!(collected.lines().len(), 2);
    assert_eq!(
        collected.reasons(),
        [
            "2 issued_date: is not a date (YYYY-MM-DD…) [105000 Some(\"USD\")]",
            "3 amount: is not a number",
            "4 -: has 3 fields where the header has 5 [100000 None]",
            "5 amount: has more digits than decimal(18,4) holds",
            "6 currency: is missing [10000 None]",
            "7 is_paid: is neither true nor false [10000 Some(\"USD\")]",
        ]
    );
}

#[test]
fn mapping_renames_fills_and_reads_other_spellings() {
    let text = "nr,datum,betrag,bezahlt\nA-1,31.01.2026,\"1.234,50\",J\nA-1,31.01.2026,\"5,00\",J\n";
    let column = |column: &str, ty, from, format| ColumnMapping { column: column.to_owned(), ty, from, format };
    let named = |name: &str| MappedFrom::Column(name.to_owned());
    let german = ValueFormat { decimal: Some(','), thousands: Some('.'), ..ValueFormat::default() };
    let dates = ValueFormat { date: Some("%d.%m.%Y".to_owned()), ..ValueFormat::default() };
    let words = ValueFormat { values: [("J".to_owned(), "true".to_owned())].into(), ..ValueFormat::default() };
    let mapping = vec![
        column("invoice_id", ColumnType::Text, named("nr"), ValueFormat::default()),
        column("issued_date", ColumnType::Date, named("datum"), dates),
        column("amount", MONEY, named("betrag"), german),
        column("currency", ColumnType::Text, MappedFrom::Constant("EUR".to_owned()), ValueFormat::default()),
        column("is_paid", ColumnType::Boolean, named("bezahlt"), words),
        column("source_id", ColumnType::Text, named("nr"), ValueFormat::default()),
    ];
    let mut input = input(csv(), Target::Entity { entity: "invoice".to_owned(), mapping });
    input.key = vec!["invoice_id".to_owned()];
    let collected = read(text.as_bytes(), &input).unwrap();
    assert_eq!(collected.lines()[1..], ["A-1|2026-01-31|1234.5000|EUR|true|A-1"]);
    assert_eq!(collected.reasons(), ["3 nr: repeats key invoice_id = A-1 of line 2 [50000 Some(\"EUR\")]"]);
}

#[test]
fn raw_columns_land_as_text_or_as_declared() {
    let collected = read(b"Sub ID,mrr\n 7,1.5\n", &raw(csv(), &[("mrr", MONEY)])).unwrap();
    assert_eq!(collected.lines(), ["sub_id|mrr", "7|1.5000"]);
    let text = "{\"id\":1,\"plan\":{\"name\":\"Pro\",\"tags\":[1]}}\n{\"id\":2,\"new\":true}\n";
    let collected = read(text.as_bytes(), &raw(Format::JsonLines, &[("id", ColumnType::Integer)])).unwrap();
    assert_eq!(collected.lines(), ["id|plan_name|plan_tags|new", "1|Pro|[1]|", "2|||true"]);
}

#[test]
fn json_lines_by_dotted_path_keep_every_digit() {
    let text = "{\"invoice_id\":\"i1\",\"money\":{\"value\":12345678901234.5678,\"code\":\"USD\"},\"is_paid\":false}\n\
                {\"invoice_id\":\"i2\",\"money\":{\"value\":\"1.5\",\"code\":\"USD\"}\n\n\
                {\"invoice_id\":3,\"money\":{\"value\":null,\"code\":\"EUR\"}}\n";
    let mapped = |column: &str, path: &str, ty| ColumnMapping {
        column: column.to_owned(),
        ty,
        from: MappedFrom::Column(path.to_owned()),
        format: ValueFormat::default(),
    };
    let mapping = vec![mapped("amount", "money.value", MONEY), mapped("currency", "money.code", ColumnType::Text)];
    let input = input(Format::JsonLines, Target::Entity { entity: "invoice".to_owned(), mapping });
    let collected = read(text.as_bytes(), &input).unwrap();
    assert_eq!(collected.lines()[1..], ["i1||12345678901234.5678|USD|false|", "3|||EUR||"]);
    assert_eq!(collected.reasons(), ["2 -: has no , or } after a value (character 56)"]);
}

fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

#[test]
fn parquet_columns_are_found_by_name_and_cast_without_loss() {
    let bytes = parquet(vec![
        ("extra", Arc::new(Int64Array::from(vec![1, 2, 3, 4]))),
        ("amount", Arc::new(Float64Array::from(vec![Some(0.1), Some(f64::NAN), None, Some(19.99)]))),
        ("invoice_id", Arc::new(Int64Array::from(vec![Some(1), Some(2), None, Some(4)]))),
        ("currency", Arc::new(StringArray::from(vec!["USD", "USD", "EUR", "USD"]))),
        ("issued_date", Arc::new(TimestampNanosecondArray::from(vec![0, 0, 0, 3_600_000_000_000]))),
    ]);
    let check = |bytes: &[u8]| {
        let collected = read(bytes, &entity(Format::Parquet)).unwrap();
        assert_eq!(collected.lines()[1..], ["1|1970-01-01|0.1000|USD||"]);
        assert_eq!(
            collected.reasons(),
            [
                "2 amount: does not fit decimal(18,4)",
                "3 invoice_id: is missing",
                "4 issued_date: has a time of day where a date is wanted [199900 Some(\"USD\")]",
            ]
        );
    };
    check(&bytes);
    check(&gzip(&bytes));
    let collected = read(&bytes, &raw(Format::Parquet, &[])).unwrap();
    assert_eq!(collected.lines()[1], "1|0.1|1|USD|1970-01-01T00:00:00Z");
}

#[test]
fn compressed_text_is_recognised_by_its_first_bytes() {
    let twice: Vec<u8> = [gzip(GOOD.as_bytes()), gzip(b"i2,,,EUR,\n")].concat();
    assert_eq!(read(&twice, &entity(csv())).unwrap().lines().len(), 3, "members of a gzip file follow each other");
    let zstd = zstd::encode_all(GOOD.as_bytes(), 1).unwrap();
    assert_eq!(read(&zstd, &entity(csv())).unwrap().lines().len(), 2);
}

fn refused(bytes: &[u8], input: &FileInput) -> (Class, String) {
    let error: Error = read(bytes, input).err().expect("the file should be refused");
    (error.class(), error.to_string())
}

#[test]
fn files_that_are_not_what_they_should_be_are_refused_whole() {
    let zipped = gzip(GOOD.repeat(500).as_bytes());
    let zstd = zstd::encode_all(GOOD.repeat(500).as_bytes(), 1).unwrap();
    let columns = parquet(vec![("invoice_id", Arc::new(Int64Array::from(vec![1])))]);
    let csv = entity(csv());
    let cases: [(&[u8], &FileInput, Class, &str); 16] = [
        (b"", &csv, Class::Unavailable, "is empty"),
        (&gzip(b""), &csv, Class::Unavailable, "is empty"),
        (zipped.get(..zipped.len() - 9).unwrap(), &csv, Class::Unavailable, "cut off"),
        (zstd.get(..zstd.len() - 3).unwrap(), &csv, Class::Unavailable, "cut off"),
        (b"\x00\x01\x02\x03junk", &csv, Class::Usage, "binary data"),
        (&columns, &csv, Class::Usage, "is Parquet, not CSV"),
        (GOOD.as_bytes(), &entity(Format::Parquet), Class::Usage, "not Parquet"),
        (columns.get(..columns.len() - 9).unwrap(), &entity(Format::Parquet), Class::Unavailable, "cut off"),
        (&columns, &entity(Format::Parquet), Class::Usage, "has no column \"currency\""),
        (b"invoice_id,curency\n1,USD\n", &csv, Class::Usage, "did you mean \"curency\""),
        (b"invoice_id;currency\n1;USD\n", &csv, Class::Usage, "delimiter ';'"),
        (b"invoice_id,currency\n1,USD\n2", &csv, Class::Unavailable, "cut off at line 3"),
        (b"invoice_id,currency\n1,\"USD\n2,USD\n", &csv, Class::Unavailable, "cut off at line 2"),
        (b"[{\"invoice_id\":1}]\n", &entity(Format::JsonLines), Class::Usage, "JSON array"),
        (b"{\"invoice_id\":1}\n{\"inv", &entity(Format::JsonLines), Class::Unavailable, "cut off at line 2"),
        (b"{\"invoice_id\":1}\n", &entity(Format::JsonLines), Class::Usage, "has the member \"currency\""),
    ];
    for (at, (bytes, input, class, part)) in cases.into_iter().enumerate() {
        let (found, text) = refused(bytes, input);
        assert_eq!(found, class, "case {at}: {text}");
        assert!(text.contains(part), "case {at}: {text}");
        assert!(text.contains("help: "), "case {at} has no way out: {text}");
    }
}

#[test]
fn an_input_means_one_file_a_folder_or_a_pattern() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["b.csv", "a.csv", "c.txt", "_skip.csv", "sub/d.csv"] {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "x").unwrap();
    }
    let names = |pattern: &str| {
        let input = FileInput { pattern: PathBuf::from(pattern), ..entity(csv()) };
        files::find(folder.path(), &input)
            .map(|found| found.into_iter().map(|file| file.name).collect::<Vec<_>>().join(" "))
    };
    assert_eq!(names("a.csv").unwrap(), "a.csv");
    assert_eq!(names("*.csv").unwrap(), "_skip.csv a.csv b.csv");
    assert_eq!(names(".").unwrap(), "a.csv b.csv c.txt sub/d.csv");
    let error = names("nothing*.csv").unwrap_err();
    assert_eq!(error.class(), Class::Unavailable);
    assert!(error.to_string().contains("nothing*.csv"), "{error}");
}
