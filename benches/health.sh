#!/usr/bin/env bash
# Two years of daily use of 20,000 accounts through a whole run: time per stage, the slowest models and peak memory, beside DuckDB comparing
# the 28 days before as_of with the 28 before them over the same files (the baseline of the ratio).
#
# usage: benches/health.sh SCRATCH   (a folder that holds venv/ with duckdb; takes about 3 GB of disk)
#
# TAILWATER_BENCH_ACCOUNTS says how many accounts: 20,000 have 87.6 million rows of use in six metrics.
set -euo pipefail
cd "$(dirname "$0")/.."

scratch="$1"
tailwater="${CARGO_TARGET_DIR:-target}/release/tailwater"
accounts="${TAILWATER_BENCH_ACCOUNTS:-20000}"
data="$scratch/health-data"
job="$scratch/health.toml"
as_of=2026-10-31

# Log lines go to a file of their own; what was measured stands with the results.
measured() {
    /usr/bin/time -o "$scratch/time.txt" -f 'wall %e s, user %U s, peak memory %M KiB' "$@" 2>>"$scratch/health.log"
    cat "$scratch/time.txt"
}

mkdir -p "$data/usage_daily"
"$scratch/venv/bin/python" - "$data" "$accounts" "$as_of" <<'PY'
import sys

import duckdb

folder, accounts, as_of = sys.argv[1], int(sys.argv[2]), sys.argv[3]
connection = duckdb.connect()
connection.execute("set threads = 2")
connection.execute("set preserve_insertion_order = false")
connection.execute(
    f"""
    create table account as
    select
        format('acc-{{:06d}}', n) as account_id, format('Account {{}}', n) as name, 'USD' as currency,
        list_value('US', 'GB', 'DE', 'FR')[1 + n % 4] as country, list_value('smb', 'mid_market', 'enterprise')[1 + n % 3] as segment,
        date '2023-01-01' + cast(n % 400 as integer) as started_date, n
    from range({accounts}) as numbers(n)
    """
)
connection.execute(f"copy (select * exclude n from account) to '{folder}/account.parquet' (format parquet)")
# Every customer has a size, a weekend and weeks of its own; one in twelve declines in the end.
months = connection.execute(
    f"select strftime(m, '%Y-%m-01') from (select unnest(range(date '{as_of}' - interval 729 day, date '{as_of}' + interval 1 day, interval 1 day)) as m) group by 1 order by 1"
).fetchall()
for (month,) in months:
    connection.execute(
        f"""
        copy (
            select
                account_id, cast(day as date) as usage_date, metric,
                cast(round(
                    size * (case when isodow(day) >= 6 then 0.15 else 1.0 end)
                    * (1 - case when n % 12 = 5 and day >= date '{as_of}' - 60 - cast(n % 40 as integer) then 0.5 else 0 end)
                    * (0.75 + 0.5 * (hash(n, metric, day) % 1000) / 1000) * (0.9 + 0.2 * (hash(n, date_trunc('week', day)) % 1000) / 1000)
                ) as decimal(18, 6)) as quantity
            from (select *, exp(1 + 4.0 * (hash(n, metric) % 1000) / 1000) as size
                  from account cross join (select unnest(['actions', 'logins', 'api_calls', 'documents', 'messages', 'exports']) as metric)),
                 range(greatest(date '{month}', date '{as_of}' - 729), least(date '{month}' + interval 1 month, date '{as_of}' + interval 1 day), interval 1 day) as days(day)
            order by account_id, metric, usage_date
        ) to '{folder}/usage_daily/{month[:7]}.parquet' (format parquet, compression zstd)
        """
    )
rows = connection.execute(f"select count(*) from read_parquet('{folder}/usage_daily/*.parquet')").fetchone()[0]
print(f"{accounts:,} accounts, {rows:,} rows of use")
PY

cat >"$job" <<TOML
name = "health"
warehouse = "$scratch/health-warehouse"

[company]
currency = "USD"

[sources.files]
system = "files"
root = "$data"

[[sources.files.inputs]]
path = "account.parquet"
entity = "account"

[[sources.files.inputs]]
path = "usage_daily/*.parquet"
entity = "usage_daily"
TOML

echo "machine: $(nproc) cores, $(free -g | awk '/^Mem/ {print $2}') GiB"
echo "tailwater run:"
measured "$tailwater" run "$job" --as-of "$as_of" | grep -E '^TIME|^wall|^health'
echo "the slowest models:"
"$tailwater" sql "$job" 'select table_name, rows, elapsed_ms from table_history where elapsed_ms is not null order by elapsed_ms desc limit 8'
echo "second run, nothing new:"
measured "$tailwater" run "$job" --as-of "$as_of" | grep -E '^TIME|^wall|^health'
echo "baseline, DuckDB compares the same windows of the same files:"
measured "$scratch/venv/bin/python" - "$data" "$as_of" <<'PY'
import sys

import duckdb

connection = duckdb.connect()
connection.execute("set threads = 2")
rows = connection.execute(
    f"""
    select count(*), sum(case when current_quantity <= prior_quantity * 0.8 then 1 else 0 end) from (
        select
            account_id, metric,
            sum(case when usage_date >= date '{sys.argv[2]}' - 28 then quantity else 0 end) as current_quantity,
            sum(case when usage_date < date '{sys.argv[2]}' - 28 then quantity else 0 end) as prior_quantity
        from read_parquet('{sys.argv[1]}/usage_daily/*.parquet')
        where usage_date >= date '{sys.argv[2]}' - 56 and usage_date < date '{sys.argv[2]}'
        group by all
    )
    """
).fetchall()[0]
print(f"{rows[0]:,} windows, {rows[1]:,} with a fall of a fifth")
PY
