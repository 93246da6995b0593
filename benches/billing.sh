#!/usr/bin/env bash
# Three years of invoices through the finance tables: time, peak memory and the slowest models at a tenth and at the full size, and
# how they grow. The baseline of the ratio is DuckDB running the same SQL files over the same landed files on the same machine.
#
# usage: benches/billing.sh SCRATCH   (a folder that holds venv/ with duckdb; takes about 3 GB of disk)
#
# TAILWATER_BENCH_ACCOUNTS says how many accounts the full size has: 15,000 have more than a million invoice lines.
set -euo pipefail
cd "$(dirname "$0")/.."

scratch="$1"
tailwater="${CARGO_TARGET_DIR:-target}/release/tailwater"
accounts="${TAILWATER_BENCH_ACCOUNTS:-15000}"
start=2023-11-01
as_of=2026-10-31
tables=obligation,contract_drift,contract_drift_period,revenue_leakage,recovery_ledger,contract_audit,renewal_baseline,term_mismatch,exception_expiry

# Log lines go to a file of their own; what was measured stands with the results.
measured() {
    /usr/bin/time -o "$scratch/time.txt" -f 'wall %e s, user %U s, peak memory %M KiB' "$@" 2>>"$scratch/billing.log"
    cat "$scratch/time.txt"
}

size() {
    local name="$1" data="$scratch/billing-$1" job="$scratch/billing-$1.toml"
    "$tailwater" sample "$data" --seed 7 --accounts "$2" --start "$start" --to "$as_of" --usage-scale 0.02
    {
        printf 'name = "%s"\nwarehouse = "%s"\n\n[engine]\nmemory = "2GiB"\n\n[company]\ncurrency = "USD"\n\n' "$name" "$scratch/warehouse-$name"
        printf '[sources.files]\nsystem = "files"\nroot = "%s"\n\n' "$data"
        for entity in "$data"/*; do
            case "$(basename "$entity")" in planted* | source*) continue ;; esac
            local files
            files="$(basename "$entity")"
            if [ -d "$entity" ]; then files="$files/*.parquet"; fi
            printf '[[sources.files.inputs]]\npath = "%s"\nentity = "%s"\n\n' "$files" "$(basename "$entity" .parquet)"
        done
    } >"$job"
    echo "== $name: $2 accounts"
    measured "$tailwater" run "$job" --as-of "$as_of" --select "$tables" | tail -n 1
    "$tailwater" sql "$job" "
        select table_name, rows, elapsed_ms from table_history
        where table_name in ('contract_line', 'invoice_line', 'obligation', 'contract_drift', 'contract_drift_period')
        order by table_name"
    echo "the slowest models:"
    "$tailwater" sql "$job" 'select table_name, rows, elapsed_ms from table_history where elapsed_ms is not null order by elapsed_ms desc limit 8'
    "$tailwater" show --all "$job" --as-of "$as_of" --dialect duckdb >"$scratch/billing-$name.sql"
    "$tailwater" sql "$job" "select distinct table_name from table_history where elapsed_ms is not null" --format csv >"$scratch/billing-$name.csv"
    echo "baseline, DuckDB runs the queries of the same tables:"
    measured "$scratch/venv/bin/python" - "$scratch/billing-$name.sql" "$scratch/billing-$name.csv" <<'PY'
import re
import sys
import time

import duckdb

# The events are a view in the job and a table here; both read them to roll them up.
wanted = {"usage_event", *open(sys.argv[2]).read().split()[1:]}
connection = duckdb.connect()
connection.execute("set threads = 2")
took = {}
for statement in re.split(r"(?m)^(?=create )", open(sys.argv[1]).read()):
    table = re.match(r'create (?:or replace )?table "?(\w+)"? as', statement)
    if table and table[1] not in wanted:
        continue
    began = time.monotonic()
    connection.execute(statement)
    if table:
        took[table[1]] = time.monotonic() - began
print(f"{len(took)} tables in {sum(took.values()):.1f} s; the slowest:")
for table, seconds in sorted(took.items(), key=lambda item: -item[1])[:5]:
    print(f"  {table}: {seconds:.1f} s")
PY
}

echo "machine: $(nproc) cores, $(free -g | awk '/^Mem/ {print $2}') GiB"
size tenth "$((accounts / 10))"
size full "$accounts"
