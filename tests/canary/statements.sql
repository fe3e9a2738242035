-- What a restricted reader may try, one statement a line; `--` begins a comment.
-- Hidden rows and columns hold the canary: {canary} stands for it, {other} for the hidden tenant,
-- {hidden} for a hidden module, {id} for the id of a hidden event.

-- Everything, and its shape
SELECT * FROM events
SELECT * FROM events ORDER BY event_time DESC LIMIT 1000
SELECT * FROM events ORDER BY _seq
SELECT * FROM kronika.public.events
SELECT e.* FROM events e, events f ORDER BY e._seq, f._seq LIMIT 1000
SELECT count(*) FROM events e, events f
TABLE events
DESCRIBE events
SHOW COLUMNS FROM events
SHOW TABLES

-- Counts, bounds, statistics
SELECT count(*) FROM events
SELECT count(*) AS n, count(message) AS m, count(DISTINCT message) AS d FROM events
SELECT min(message), max(message) FROM events
SELECT min(event_id), max(event_id), min(actor_name), max(actor_name) FROM events
SELECT min(event_time), max(event_time), min(date), max(date), min(_seq), max(_seq) FROM events
SELECT approx_distinct(message) FROM events
SELECT approx_percentile_cont(duration_ns, 0.5) FROM events
SELECT first_value(message ORDER BY _seq DESC) FROM events
SELECT last_value(message ORDER BY message) FROM events
SELECT string_agg(message, ',' ORDER BY message) FROM events
SELECT array_agg(message ORDER BY message) FROM events
SELECT array_agg(DISTINCT tenant_id ORDER BY tenant_id) FROM events
SELECT bool_or(message LIKE '%{canary}%') FROM events
SELECT stddev(length(message)), sum(length(message)) FROM events

-- Groups, windows, sets
SELECT module, count(*) FROM events GROUP BY module
SELECT tenant_id, module, count(*) FROM events GROUP BY CUBE (tenant_id, module)
SELECT message, count(*) FROM events GROUP BY message HAVING count(*) > 0
SELECT DISTINCT tenant_id, module, actor_name FROM events
SELECT DISTINCT ON (tenant_id) tenant_id, message FROM events ORDER BY tenant_id, message
SELECT row_number() OVER (PARTITION BY tenant_id ORDER BY _seq), message FROM events
SELECT lag(message) OVER (ORDER BY _seq), lead(message) OVER (ORDER BY _seq) FROM events
SELECT first_value(message) OVER (ORDER BY _seq ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM events
SELECT sum(length(message)) OVER () FROM events
SELECT message FROM events UNION ALL SELECT actor_name FROM events
SELECT message FROM events EXCEPT SELECT 'x'
SELECT message FROM events INTERSECT SELECT '{canary}'

-- Conditions that try to say otherwise
SELECT * FROM events WHERE tenant_id = '{other}'
SELECT * FROM events WHERE tenant_id <> 'acme'
SELECT * FROM events WHERE tenant_id = 'acme' OR tenant_id = '{other}'
SELECT * FROM events WHERE NOT (tenant_id = 'acme')
SELECT * FROM events WHERE tenant_id IS NOT NULL OR 1 = 1
SELECT * FROM events WHERE module = '{hidden}'
SELECT * FROM events WHERE module IS NULL
SELECT * FROM events WHERE event_id = '{id}'
SELECT * FROM events WHERE event_id IN ('{id}', 'visible')
SELECT * FROM events WHERE date = '2025-03-04' AND module LIKE '%'
SELECT * FROM events WHERE message LIKE '%{canary}%'
SELECT * FROM events WHERE message ~ '{canary}'
SELECT * FROM events WHERE strpos(message, '{canary}') > 0
SELECT * FROM events WHERE regexp_like(message, '.*') AND random() < 2
SELECT message FROM events WHERE event_time >= '1970-01-01' AND event_time < '2200-01-01'

-- Subqueries, joins, CTEs
SELECT (SELECT max(message) FROM events) FROM events LIMIT 1
SELECT * FROM (SELECT message AS m, tenant_id AS t FROM events) WHERE t <> 'acme'
SELECT * FROM events e WHERE EXISTS (SELECT 1 FROM events f WHERE f.tenant_id <> e.tenant_id)
SELECT * FROM events WHERE tenant_id IN (SELECT tenant_id FROM events WHERE tenant_id <> 'acme')
SELECT e.message, f.message FROM events e JOIN events f ON e.source = f.source ORDER BY e._seq, f._seq LIMIT 1000
SELECT e.message, f.message FROM events e FULL JOIN events f ON e.event_id = f.causation_id
SELECT e.message FROM events e LEFT ANTI JOIN (SELECT 'x' AS m) x ON e.message = x.m
WITH all_of AS (SELECT * FROM events) SELECT tenant_id, message FROM all_of
WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT r.n, e.message FROM r, events e
SELECT message FROM events, LATERAL (SELECT 1) l
SELECT x.message FROM events e CROSS JOIN LATERAL (SELECT e.message AS message) x

-- Errors that would name a value, or come of one
SELECT CAST(message AS BIGINT) FROM events
SELECT CAST(actor_name AS TIMESTAMP) FROM events
SELECT arrow_cast(message, 'Int64') FROM events
SELECT 1 / (CASE WHEN message LIKE '%{canary}%' THEN 0 ELSE 1 END) FROM events
SELECT count(*) FROM events WHERE 1 / (CASE WHEN tenant_id = '{other}' THEN 0 ELSE 1 END) = 1
SELECT to_timestamp(message) FROM events
SELECT date_trunc(message, event_time) FROM events
SELECT encode(message, 'nonsense') FROM events
SELECT no_such_column FROM events
SELECT messages FROM events
SELECT no_such_function(message) FROM events
SELECT * FROM no_such_table
SELECT message + 1 FROM events
SELECT message FROM events GROUP BY tenant_id
SELECT * FROM events ORDER BY 1 / (length(message) - length(message)) LIMIT 1
SELECT * FROM events WHERE CAST(message AS BOOLEAN)

-- Plans
EXPLAIN SELECT * FROM events
EXPLAIN VERBOSE SELECT message FROM events WHERE tenant_id = '{other}' ORDER BY event_time DESC LIMIT 5
EXPLAIN ANALYZE SELECT count(*) FROM events
EXPLAIN ANALYZE VERBOSE SELECT message FROM events ORDER BY event_time DESC LIMIT 5
EXPLAIN FORMAT TREE SELECT max(message) FROM events
EXPLAIN FORMAT PGJSON SELECT max(message) FROM events
EXPLAIN FORMAT GRAPHVIZ SELECT max(message) FROM events
EXPLAIN SELECT * FROM errors

-- Views
SELECT * FROM errors
SELECT * FROM changes
SELECT * FROM http_calls
SELECT * FROM sessions
SELECT * FROM tasks
SELECT * FROM deliveries
SELECT * FROM deleted_objects
SELECT * FROM exports
SELECT * FROM idosell_event_log
SELECT count(*), max(message) FROM errors WHERE tenant_id <> 'acme'

-- JSON, raw, nested columns
SELECT attributes FROM events
SELECT json_get_str(attributes, 'note'), json_as_text(attributes, 'note') FROM events
SELECT attributes->>'note', attributes->'note' FROM events
SELECT json_object_keys(attributes) FROM events
SELECT json_length(attributes), json_contains(attributes, 'note') FROM events
SELECT raw FROM events
SELECT json_get_str(raw, 'message') FROM events
SELECT length(raw), md5(raw), sha256(raw), encode(raw, 'hex') FROM events
SELECT actor_email FROM events
SELECT md5(actor_email), length(actor_email), substr(actor_email, 1, 3) FROM events
SELECT * FROM events WHERE actor_email LIKE '%{canary}%'
SELECT count(actor_email), max(actor_email) FROM events
SELECT event_id FROM events ORDER BY actor_email
SELECT unnest(changes) FROM events
SELECT changes[1]['after'], related[1]['name'], object_refs FROM events
SELECT labels FROM events
SELECT to_json(events) FROM events
SELECT struct(message, tenant_id) FROM events
SELECT named_struct('m', message, 't', tenant_id) FROM events
SELECT map(['m'], [message]) FROM events
SELECT concat_ws('|', message, tenant_id, module) FROM events
SELECT reverse(message), encode(message, 'hex'), encode(message, 'base64') FROM events

-- What is around the table
SELECT * FROM information_schema.tables
SELECT * FROM information_schema.columns
SELECT * FROM information_schema.views
SELECT * FROM information_schema.df_settings
SELECT * FROM information_schema.schemata
SELECT * FROM other.public.events
SELECT * FROM 'store/projects/secret/events'
SELECT * FROM read_parquet('store/projects/secret/events')
SELECT input_file_name() FROM events
SELECT version()
SHOW ALL
SET datafusion.execution.parquet.pushdown_filters = true
CREATE TABLE t AS SELECT * FROM events
COPY events TO 'x.csv'
INSERT INTO events SELECT * FROM events
SELECT 1; SELECT * FROM events
SELECT $1 FROM events
PREPARE p AS SELECT * FROM events
