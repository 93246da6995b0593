"""The second opinion: DuckDB runs the same SQL files over the same landing area, and every published row must agree.

usage: compare.py SCRIPT WAREHOUSE AS_OF

SCRIPT is what `tailwater show --all --dialect duckdb JOB` prints. Money, text, dates and counts must be equal row for row;
floats to 1e-9 relative. Exits 1 and shows the first rows that differ otherwise.
"""

import pathlib
import sys
import tomllib

import duckdb

ROOT = pathlib.Path(__file__).resolve().parents[2]


def headers():
    """The header of every model that is published, by table name."""
    found = {}
    for path in sorted((ROOT / "sql").glob("*/*.sql")):
        head, mark, _ = path.read_text().removeprefix("/*---").partition("---*/")
        if mark:
            header = tomllib.loads(head)
            if header.get("partition_by"):
                found[path.stem] = header
    return found


def published(warehouse, table, header, as_of):
    """The files of the table's partitions that the run of `as_of` wrote."""
    if header["partition_by"] == ["as_of_date"]:
        return f"{warehouse}/{table}/as_of_date={as_of}/*.parquet"
    return f"{warehouse}/{table}/*/*.parquet"


def compare(connection, table, header, files):
    """The number of rows compared and the rows that differ, as text."""
    columns = header["columns"]
    exact = [name for name, column in columns.items() if column["type"] != "float"]
    floats = [name for name, column in columns.items() if column["type"] == "float"]
    connection.execute(
        f"create or replace temp view theirs as select * from read_parquet('{files}', hive_partitioning = true, hive_types_autocast = true)"
    )
    ours, theirs = f'select {", ".join(exact)} from "{table}"', f'select {", ".join(exact)} from theirs'
    differ = []
    for side, left, right in (("duckdb only", ours, theirs), ("tailwater only", theirs, ours)):
        rows = connection.execute(f"select * from ({left} except all {right}) limit 5").fetchall()
        differ += [f"{side}: {dict(zip(exact, map(str, row)))}" for row in rows]
    if floats:
        same = " and ".join(f"a.{key} is not distinct from b.{key}" for key in header["grain"])
        apart = " or ".join(
            f"(a.{name} is null) <> (b.{name} is null) or abs(a.{name} - b.{name}) > 1e-9 * greatest(abs(a.{name}), abs(b.{name}))"
            for name in floats
        )
        rows = connection.execute(f'select a.*, b.* from "{table}" as a join theirs as b on {same} where {apart} limit 5').fetchall()
        differ += [f"floats apart: {row}" for row in rows]
    return connection.execute("select count(*) from theirs").fetchone()[0], differ


def main():
    script, warehouse, as_of = sys.argv[1:]
    connection = duckdb.connect()
    connection.execute(pathlib.Path(script).read_text())
    failed = compared = 0
    for table, header in headers().items():
        if not pathlib.Path(warehouse, table).exists():
            print(f"missing: {table} was not published")
            failed += 1
            continue
        rows, differ = compare(connection, table, header, published(warehouse, table, header, as_of))
        compared += rows
        print(f"{'agrees' if not differ else 'DIFFERS':8} {table:28} {rows:>9,} rows")
        for line in differ:
            print(f"    {line}")
        failed += bool(differ)
    print(f"second opinion: {compared:,} rows compared, {failed} tables differ")
    sys.exit(1 if failed or not compared else 0)


main()
