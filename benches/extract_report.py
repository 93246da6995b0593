#!/usr/bin/env python3
"""Says what `extract.sh` measured, and fails where a row is missing or there twice.

usage: extract_report.py FOLDER RECORDS SIZE DLT_RECORDS
"""

import csv
import json
import sys
from pathlib import Path

folder, records, size = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])


def read(name):
    return json.loads((folder / name).read_text().splitlines()[-1])


def line(name, count, length, seconds, cpu, memory, whole):
    print(
        f"  {name}: {count:,} records, {length / 1e6:,.0f} MB of JSON in {seconds:.1f} s: {count / seconds:,.0f} records/s, "
        f"{length / 1e6 / seconds:,.1f} MB/s; CPU {cpu:.1f} s, {count / cpu:,.0f} records for a second of it; memory {memory / 1024:,.0f} MiB"
    )
    print(
        f"    whole process: wall {whole['wall']:.1f} s, CPU {whole['cpu']:.1f} s, memory {whole['memory_kib'] / 1024:,.0f} MiB "
        f"(resident {whole['rss_kib'] / 1024:,.0f} MiB), {whole['processes']} processes at most"
    )


first, second, dlt = read("first.json"), read("second.json"), read("dlt.json")
first_served, second_served, dlt_served = read("first-served.json"), read("second-served.json"), read("dlt-served.json")
told = read("dlt.txt")
dlt_count, dlt_distinct = read("dlt-landed.json")
land, later = first["land"], second["land"]

print(f"== {records:,} records in pages of {size:,}, {first_served['bytes'] / first_served['requests'] / size:,.0f} bytes a record")
line("tailwater, the land stage", records, first_served["bytes"], land["seconds"], land["cpu"], land["memory_kib"], first)
line(f"dlt {told['version']}, the first {dlt_count / records:.0%}", dlt_count, dlt_served["bytes"], told["seconds"], dlt["cpu"], dlt["memory_kib"], dlt)
print("  dlt's steps: " + ", ".join(f"{step} {seconds:.1f} s" for step, seconds in told["steps"].items()))
rate, dlt_rate = records / land["seconds"], dlt_count / told["seconds"]
whole, dlt_whole = records / first["wall"], dlt_count / dlt["wall"]
cpu, dlt_cpu = land["cpu"] / records, dlt["cpu"] / dlt_count
print(
    f"  ratios: {rate / dlt_rate:.1f} times dlt's rate ({whole / dlt_whole:.1f} times by whole processes, {dlt_cpu / cpu:.1f} times for the same CPU), "
    f"{land['memory_kib'] / dlt['memory_kib']:.2f} of its memory ({first['memory_kib'] / dlt['memory_kib']:.2f} by whole processes)"
)
print(
    f"  the next day: land stage {later['seconds']:.2f} s, {later['seconds'] / land['seconds']:.2%} of the first load's; {second_served['bytes'] / 1e6:.1f} MB in "
    f"{second_served['requests']} requests, {second_served['bytes'] / first_served['bytes']:.2%} of its bytes; the whole run {second['wall']:.1f} s of {first['wall']:.1f} s"
)

changed = read("delta.json")["records"]
added = changed - changed // 2
with (folder / "seen.csv").open() as file:
    seen = [int(row["records"]) for row in csv.DictReader(file)]
versions, distinct = read("landed.json")
assert seen == [records, records + added], f"the mart has {seen}, the server {records} and then {records + added}"
assert (versions, distinct) == (records + changed, records + added), f"{versions} versions of {distinct} records are landed"
assert dlt_count == dlt_distinct == int(sys.argv[4]), f"dlt has {dlt_count} rows of {dlt_distinct} records"
print(f"  landed: {versions:,} versions of {distinct:,} records, as served; dlt: {dlt_count:,} rows, {dlt_distinct:,} records")
