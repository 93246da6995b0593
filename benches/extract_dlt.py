#!/usr/bin/env python3
"""The same records by dlt, as its documentation says for much data: its REST client and cursor paginator, whole pages handed on,
files of a bounded size, so that as many processes as there are cores normalise, Parquet on the filesystem, typed by hints.

usage: extract_dlt.py ADDRESS SIZE RECORDS FOLDER   (reads the first RECORDS records, prints what each step took as JSON)

Rows are appended: dlt's cheapest way, which neither keeps a cursor nor compares a row with what was loaded before.
"""

import json
import os
import sys
import time

address, size, wanted, folder = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
os.environ.update(
    {
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "RUNTIME__LOG_LEVEL": "ERROR",
        "DATA_WRITER__FILE_MAX_ITEMS": "100000",
        "DATA_WRITER__BUFFER_MAX_ITEMS": "10000",
        "DESTINATION__FILESYSTEM__BUCKET_URL": f"file://{os.path.abspath(folder)}/landed",
    }
)

import dlt
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator


@dlt.resource(
    name="record",
    primary_key="id",
    write_disposition="append",
    columns={
        "amount": {"data_type": "decimal", "precision": 18, "scale": 4},
        "created_at": {"data_type": "timestamp"},
        "updated_at": {"data_type": "timestamp"},
    },
)
def records():
    client = RESTClient(base_url=address, paginator=JSONResponseCursorPaginator(cursor_path="meta.next", cursor_param="cursor"), data_selector="data")
    taken = 0
    for page in client.paginate("/records", params={"limit": size}):
        yield page
        taken += len(page)
        if taken >= wanted:
            break


def main():
    pipeline = dlt.pipeline(pipeline_name="bench", pipelines_dir=f"{folder}/state", destination="filesystem", dataset_name="acme")
    began = time.monotonic()
    steps = {}
    pipeline.extract(records(), loader_file_format="parquet")
    steps["extract"] = time.monotonic() - began
    pipeline.normalize(workers=os.cpu_count())
    steps["normalize"] = time.monotonic() - began - steps["extract"]
    info = pipeline.load()
    info.raise_on_failed_jobs()
    steps["load"] = time.monotonic() - began - steps["extract"] - steps["normalize"]
    print(json.dumps({"version": dlt.__version__, "seconds": time.monotonic() - began, "steps": steps}))


if __name__ == "__main__":
    main()
