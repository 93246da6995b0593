"""What BI tools see: every published table is opened by DuckDB, Polars and pyarrow as Hive-partitioned Parquet with the types of its contract.

usage: readers.py WAREHOUSE
"""

import pathlib
import sys
import tomllib

import duckdb
import polars
import pyarrow as pa
import pyarrow.dataset as dataset

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLAIN = {
    "text": pa.string(),
    "boolean": pa.bool_(),
    "integer": pa.int64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", "UTC"),
    "float": pa.float64(),
}


def arrow(name):
    """The Arrow type of a header's type name."""
    if name.startswith("decimal("):
        precision, scale = name[8:-1].split(",")
        return pa.decimal128(int(precision), int(scale))
    return PLAIN[name]


def problems(table, folder, header):
    """What one of the three readers sees otherwise than the contract says."""
    files = f"{folder}/*/*.parquet"
    seen = dataset.dataset(folder, format="parquet", partitioning="hive")
    wrong = []
    for name, column in header["columns"].items():
        if name in header["partition_by"]:
            continue
        kind = seen.schema.field(name).type
        if kind != arrow(column["type"]):
            wrong.append(f"pyarrow reads {name} as {kind}, the contract says {column['type']}")
    counts = {
        "pyarrow": seen.count_rows(),
        "polars": polars.scan_parquet(files, hive_partitioning=True).select(polars.len()).collect().item(),
        "duckdb": duckdb.sql(f"select count(*) from read_parquet('{files}', hive_partitioning = true)").fetchall()[0][0],
    }
    if len(set(counts.values())) != 1:
        wrong.append(f"row counts differ: {counts}")
    names = duckdb.sql(f"select * from read_parquet('{files}', hive_partitioning = true) limit 0").columns
    if sorted(names) != sorted(header["columns"]):
        wrong.append(f"duckdb sees columns {sorted(set(names) ^ set(header['columns']))} otherwise")
    return counts["duckdb"], wrong


def main():
    warehouse = pathlib.Path(sys.argv[1])
    failed = opened = 0
    for path in sorted((ROOT / "sql").glob("*/*.sql")):
        header = tomllib.loads(path.read_text().removeprefix("/*---").partition("---*/")[0])
        folder = warehouse / path.stem
        if not header.get("partition_by") or not folder.exists():
            continue
        rows, wrong = problems(path.stem, str(folder), header)
        opened += 1
        failed += bool(wrong)
        print(f"{'ok' if not wrong else 'WRONG':6} {path.stem:28} {rows:>9,} rows")
        for line in wrong:
            print(f"    {line}")
    print(f"readers: {opened} tables opened by DuckDB, Polars and pyarrow, {failed} wrong")
    sys.exit(1 if failed or not opened else 0)


main()
