"""Reads one table with deltalake, Polars and DuckDB and fails unless they agree.

readers.py TABLE_DIRECTORY
"""
import sys
from urllib.parse import unquote

import duckdb
import polars as pl
from deltalake import DeltaTable

table = sys.argv[1]
delta = DeltaTable(table)
arrow = delta.to_pyarrow_table(columns=["event_id", "event_time", "module", "date", "_seq"])
by_delta = {}
for module, date in zip(arrow["module"].to_pylist(), arrow["date"].to_pylist()):
    key = (module, str(date))
    by_delta[key] = by_delta.get(key, 0) + 1

frame = pl.scan_delta(table).group_by("module", "date").len().collect()
by_polars = {(module, str(date)): count for module, date, count in frame.iter_rows()}

# DuckDB reads the live files, which the log names; paths in the log are URI-encoded.
live = [f"{table}/{unquote(path)}" for path in delta.get_add_actions(flatten=True).column("path").to_pylist()]
connection = duckdb.connect()
rows = connection.execute(
    "SELECT module, date, count(*), count(DISTINCT _seq) FROM read_parquet($files, hive_partitioning = true, "
    "hive_types = {'module': VARCHAR, 'date': DATE}) GROUP BY 1, 2",
    {"files": live},
).fetchall()
by_duckdb = {(module, str(date)): count for module, date, count, _ in rows}

assert sum(by_delta.values()) == arrow.num_rows == len(set(arrow["_seq"].to_pylist()))
assert len(set(arrow["event_id"].to_pylist())) == arrow.num_rows
assert by_delta == by_polars, (by_delta, by_polars)
assert by_delta == by_duckdb, (by_delta, by_duckdb)
print(f"readers agree: {arrow.num_rows} rows, {len(by_delta)} partitions, {len(live)} files")
