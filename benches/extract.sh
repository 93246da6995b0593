#!/usr/bin/env bash
# Five million records of cursor-paged JSON from a local server to landed Parquet: a job with a source of its own, and dlt in the same
# run; then the next day, on which a 730th of the records is new or changed.
#
# usage: benches/extract.sh SCRATCH   (a folder that holds venv/ with duckdb; takes about 4 GB of disk)
#
# TAILWATER_BENCH_RECORDS says how many records (5,000,000), TAILWATER_BENCH_DLT_RECORDS how many of them dlt reads (a fifth: its rate
# does not depend on how many they are), both whole thousands.
set -euo pipefail
cd "$(dirname "$0")/.."

scratch="$1"
tailwater="$(realpath "${CARGO_TARGET_DIR:-target}/release/tailwater")"
records="${TAILWATER_BENCH_RECORDS:-5000000}"
dlt_records="${TAILWATER_BENCH_DLT_RECORDS:-$((records / 5000 * 1000))}"
python="$scratch/venv/bin/python"

rm -f "$scratch/extract-address"
python3 -m venv "$scratch/dlt"
"$scratch/dlt/bin/pip" install --quiet 'dlt[filesystem,parquet]==1.*'

"$python" benches/extract_server.py "$records" "$scratch/extract-address" &
server=$!
trap 'kill $server' EXIT
until [ -e "$scratch/extract-address" ]; do sleep 0.1; done
address="$(cat "$scratch/extract-address")"

get() { "$python" -c 'import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read().decode())' "$address$1"; }

# A job in $1 that asks for pages of $2 records.
write_job() {
    local models="$1/models"
    mkdir -p "$models/sources/acme" "$models/entities" "$models/marts"
    cat >"$models/sources/acme/source.toml" <<TOML
title = "Acme"
base_url = "$address"

[auth]
kind = "none"

[streams.record]
path = "/records"
params = { limit = "$2", updated_after = "{cursor}" }
records = "data"
key = ["id"]

[streams.record.columns]
id = { type = "text", required = true }
name = "text"
number = "integer"
amount = "decimal(18,4)"
currency = "text"
seats = "integer"
active = "boolean"
created_at = "timestamp"
updated_at = "timestamp"
city = { type = "text", path = "address.city" }
country = { type = "text", path = "address.country" }

[streams.record.paging]
kind = "token"
path = "meta.next"
param = "cursor"

[streams.record.cursor]
column = "updated_at"
inclusive = true
format = "iso_ms"
ordered = true
TOML
    cat >"$models/sources/acme/acme_record.sql" <<'SQL'
/*---
title = "Records"
owner = "data"
---*/
select
    id,
    country,
    amount
from landed.record
SQL
    cat >"$models/entities/acme_record.sql" <<'SQL'
/*---
title = "Records"
owner = "data"
grain = ["id"]

[columns]
id = { type = "text", doc = "Key" }
country = { type = "text", doc = "Where it is" }
amount = { type = "decimal(18,4)", doc = "What it is worth" }
---*/
select
    id,
    country,
    amount
from provided.acme_record
SQL
    cat >"$models/marts/seen.sql" <<'SQL'
/*---
title = "Records of each country"
owner = "data"
grain = ["country", "as_of_date"]
partition_by = ["as_of_date"]

[columns]
country = { type = "text", doc = "Where they are" }
records = { type = "integer", doc = "How many" }
amount = { type = "decimal(18,4)", doc = "What they are worth" }
as_of_date = { type = "date", doc = "The run's date" }
---*/
select
    country,
    count(*) as records,
    cast(sum(amount) as decimal(18, 4)) as amount,
    cast($as_of as date) as as_of_date
from acme_record
group by country
SQL
    cat >"$1/job.toml" <<TOML
name = "extract"
warehouse = "$1/warehouse"
sql = "models"

[company]
currency = "USD"

[sources.acme]
system = "acme"
start_date = "2024-11-01"
TOML
}

# A run of the job in $1 as of $2, its result called $3.
run() {
    TAILWATER_NOW="$(date -u -d "$2 + 1 day" +%F)T06:00:00Z" python3 benches/extract_measured.py "$1/$3.json" "$1/$3.log" \
        "$tailwater" run "$1/job.toml" --as-of "$2" --select seen >"$1/$3.txt" || { cat "$1/$3.log"; return 1; }
    get /control/counted >"$1/$3-served.json"
}

measure() {
    local size="$1" folder="$scratch/extract-$1"
    mkdir -p "$folder"
    "$python" benches/extract_server.py --alone "$address" "$size"
    get /control/counted >"$folder/alone.json"

    write_job "$folder" "$size"
    run "$folder" 2026-10-31 first
    get "/control/next-day?limit=$size" >"$folder/delta.json"
    run "$folder" 2026-11-01 second
    "$tailwater" sql "$folder/job.toml" "select as_of_date, sum(records) as records from seen group by as_of_date order by as_of_date" --format csv >"$folder/seen.csv"
    "$python" - "$folder" >"$folder/landed.json" <<'PY'
import json
import sys

import duckdb

ids = f"read_parquet('{sys.argv[1]}/warehouse/_tailwater/landing/**/*.parquet', union_by_name = true)"
print(json.dumps(duckdb.sql(f"select count(*), count(distinct id) from {ids}").fetchall()[0]))
PY
    rm -rf "$folder/warehouse"

    python3 benches/extract_measured.py "$folder/dlt.json" "$folder/dlt.log" \
        "$scratch/dlt/bin/python" benches/extract_dlt.py "$address" "$size" "$dlt_records" "$folder/dlt" >"$folder/dlt.txt" ||
        { cat "$folder/dlt.log"; return 1; }
    get /control/counted >"$folder/dlt-served.json"
    "$python" - "$folder" >"$folder/dlt-landed.json" <<'PY'
import json
import sys

import duckdb

ids = f"read_parquet('{sys.argv[1]}/dlt/landed/acme/record/*.parquet')"
print(json.dumps(duckdb.sql(f"select count(*), count(distinct id) from {ids}").fetchall()[0]))
PY
    rm -rf "$folder/dlt"
    python3 benches/extract_report.py "$folder" "$records" "$size" "$dlt_records"
}

echo "machine: $(nproc) cores, $(free -g | awk '/^Mem/ {print $2}') GiB"
measure 1000
measure 100
