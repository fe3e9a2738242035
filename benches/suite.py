"""Asks the suite's questions of a running Kronika and of DuckDB over the same table's live files.

suite.py URL KEY PID TABLE QUERIES PARAMS_JSON

Both are asked in turn: one unmeasured round, then five. Prints medians and CPU time, and fails where
the answers differ (percentiles and sums of floats may differ by 1e-6 of their size).
"""
import datetime as dt
import http.client
import json
import os
import re
import statistics
import sys
import time
from urllib.parse import unquote, urlparse

import duckdb
from deltalake import DeltaTable

url, key, pid, table, queries, params = sys.argv[1:]
params = json.loads(params)
ticks = os.sysconf("SC_CLK_TCK")
ROUNDS = 5


def suite(name):
    found, current = {}, None
    for line in open(f"{queries}/{name}", encoding="utf-8"):
        head = re.match(r"-- name: (\w+)", line)
        if head:
            current = head[1]
            found[current] = ""
        elif current and not line.startswith("--"):
            found[current] += line.strip() + " "
    return found


def filled(sql, **more):
    for name, value in {**params, **more}.items():
        sql = sql.replace("{" + name + "}", value)
    return sql


def server_cpu():
    fields = open(f"/proc/{pid}/stat").read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / ticks


connection = http.client.HTTPConnection(urlparse(url).netloc)


def ask_kronika(sql):
    body = json.dumps({"sql": sql})
    connection.request("POST", "/api/v1/query", body, {"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
    answer = connection.getresponse()
    document = json.loads(answer.read())
    if answer.status != 200:
        raise SystemExit(f"{sql}\n{document}")
    if document["truncated"]:
        raise SystemExit(f"truncated: {sql}")
    names = [column["name"] for column in document["schema"]]
    kinds = [column["type"] for column in document["schema"]]
    cell = lambda value, kind: int(value) if kind == "int64" and value is not None else value
    return names, [[cell(v, k) for v, k in zip(row, kinds)] for row in document["rows"]]


duck = duckdb.connect()
duck.execute("SET TimeZone = 'UTC'")
live = [f"{table}/{unquote(p)}" for p in DeltaTable(table).get_add_actions(flatten=True).column("path").to_pylist()]
source = "read_parquet([" + ", ".join("'" + path.replace("'", "''") + "'" for path in live) + "], hive_partitioning = true)"
dates = lambda sql: re.sub(r"/\*D (\S+) (\S+)\*/", r"AND date BETWEEN DATE '\1' AND DATE '\2'", sql)


def ask_duckdb(sql):
    cursor = duck.execute(sql)
    names = [column[0] for column in cursor.description]
    return names, [list(row) for row in cursor.fetchall()]


def plain(value):
    if isinstance(value, dt.datetime):
        value = value.astimezone(dt.timezone.utc)
        text = value.strftime("%Y-%m-%dT%H:%M:%S")
        return text + (f".{value.microsecond:06}".rstrip("0") if value.microsecond else "") + "Z"
    return value


def same(a, b):
    a, b = plain(a), plain(b)
    if isinstance(a, (int, float)) and isinstance(b, (int, float)) and not isinstance(a, bool):
        return abs(a - b) <= 1e-6 * max(1, abs(a), abs(b))
    if isinstance(b, str) and isinstance(a, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", a):
        return a == b or a.replace(".", "Z").split("Z")[0] == b.replace(".", "Z").split("Z")[0]
    return a == b


def agree(ours, theirs):
    (names, rows), (their_names, their_rows) = ours, theirs
    if len(rows) != len(their_rows):
        return f"{len(rows)} rows, DuckDB {len(their_rows)}"
    if len(names) > 20:  # SELECT *: the scalar columns in which both name a row
        columns = ["event_id", "event_time", "module", "message", "_seq"]
        rows = [[row[names.index(c)] for c in columns] for row in rows]
        their_rows = [[row[their_names.index(c)] for c in columns] for row in their_rows]
        if len(rows) == 100:  # of events at the limit's very moment SQL leaves open which are taken
            last = min(row[1] for row in rows)
            rows = [row for row in rows if row[1] != last]
            their_rows = [row for row in their_rows if plain(row[1]) != last]
        rows.sort(key=str), their_rows.sort(key=lambda row: str([plain(v) for v in row]))
        if len(rows) != len(their_rows):
            return f"{len(rows)} rows before the limit's moment, DuckDB {len(their_rows)}"
    for ours_row, theirs_row in zip(rows, their_rows):
        if not all(same(a, b) for a, b in zip(ours_row, theirs_row)):
            return f"{ours_row} against {[plain(v) for v in theirs_row]}"
    return None


def timed(ask, sql, cpu):
    started, before = time.perf_counter(), cpu()
    answer = ask(sql)
    return answer, (time.perf_counter() - started) * 1e3, (cpu() - before) * 1e3


ours, theirs = suite("kronika.sql"), suite("duckdb_kronika.sql")
wrong, totals = [], [0.0, 0.0]
print(f"{len(live)} live files; load {open('/proc/loadavg').read().split()[0]}")
print("query   kronika ms  CPU ms   duckdb ms  CPU ms   rows")
for name in sorted(ours):
    sql, their_sql = filled(ours[name]), dates(filled(theirs[name], T=source))
    difference = agree(ask_kronika(sql), ask_duckdb(their_sql))
    if difference:
        wrong.append(f"{name}: {difference}")
    ms, cpu = ([], []), ([], [])
    for _ in range(ROUNDS):
        for at, (ask, text, clock) in enumerate([(ask_kronika, sql, server_cpu), (ask_duckdb, their_sql, time.process_time)]):
            answer, wall, used = timed(ask, text, clock)
            ms[at].append(wall)
            cpu[at].append(used)
    # The server's clock ticks at 10 ms: the mean over the rounds says more than a median.
    mean = [statistics.mean(values) for values in cpu]
    totals = [total + used for total, used in zip(totals, mean)]
    median = [statistics.median(values) for values in ms]
    print(f"{name}  {median[0]:10.1f} {mean[0]:8.1f}  {median[1]:10.1f} {mean[1]:8.1f}   {len(answer[1])}", flush=True)
print(f"suite CPU-seconds: kronika {totals[0] / 1e3:.2f}, duckdb {totals[1] / 1e3:.2f}; load {open('/proc/loadavg').read().split()[0]}")
if wrong:
    raise SystemExit("answers differ:\n" + "\n".join(wrong))
print("all answers equal")
