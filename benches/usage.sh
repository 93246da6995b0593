#!/usr/bin/env bash
# Ten million usage events from Parquet files through a whole run: time per stage and peak memory, beside DuckDB rolling up the
# same files on the same machine (the baseline of the ratio).
#
# usage: benches/usage.sh SCRATCH   (a folder that holds venv/ with duckdb; takes about 2 GB of disk)
set -euo pipefail
cd "$(dirname "$0")/.."

scratch="$1"
tailwater="${CARGO_TARGET_DIR:-target}/release/tailwater"
data="$scratch/usage-data"
as_of=2026-10-31

"$tailwater" sample "$data" --seed 7 --accounts "${TAILWATER_BENCH_ACCOUNTS:-1000}" --to "$as_of" --usage-scale "${TAILWATER_BENCH_SCALE:-3.2}"
cat >"$scratch/usage.toml" <<TOML
name = "usage"
warehouse = "$scratch/usage-warehouse"

[company]
currency = "USD"

[sources.files]
system = "files"
root = "$data"

$(for entity in "$data"/*; do
    name="$(basename "$entity")"
    case "$name" in planted* | source*) continue ;; esac
    files="$name"
    if [ -d "$entity" ]; then files="$name/*.parquet"; fi
    printf '[[sources.files.inputs]]\npath = "%s"\nentity = "%s"\n\n' "$files" "${name%.parquet}"
done)
TOML

echo "machine: $(nproc) cores, $(free -g | awk '/^Mem/ {print $2}') GiB"
echo "tailwater run:"
/usr/bin/time -f 'wall %e s, user %U s, peak memory %M KiB' "$tailwater" run "$scratch/usage.toml" --as-of "$as_of"
echo "second run, nothing new:"
/usr/bin/time -f 'wall %e s, user %U s, peak memory %M KiB' "$tailwater" run "$scratch/usage.toml" --as-of "$as_of" >"$scratch/second.txt"
tail -n 1 "$scratch/second.txt"
echo "baseline, DuckDB rolls up the same files (account, day, metric, product with distinct users; two-step form):"
/usr/bin/time -f 'wall %e s, user %U s, peak memory %M KiB' "$scratch/venv/bin/python" - "$data" <<'PY'
import sys

import duckdb

connection = duckdb.connect()
connection.execute("set threads = 2")
files = f"{sys.argv[1]}/usage_event/*.parquet"
rows = connection.execute(
    f"""
    with per_user as (
        select account_id, cast(occurred_at as date) as usage_date, metric, product_id, user_id, sum(quantity) as quantity, count(*) as events
        from read_parquet('{files}')
        group by all
    )
    select count(*), sum(events) from (
        select account_id, usage_date, metric, product_id, sum(quantity) as quantity, sum(events) as events, count(user_id) as users
        from per_user
        group by all
    )
    """
).fetchall()[0]
print(f"{rows[1]:,} events in {rows[0]:,} groups")
PY
