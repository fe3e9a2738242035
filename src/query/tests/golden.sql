-- The SQL of the golden questions, one a line; their answers are tested over HTTP.
-- cross-q01
SELECT source, count(*) AS n FROM events GROUP BY source ORDER BY source
-- cross-q02
SELECT source, count(*) AS n FROM events WHERE outcome='failure' GROUP BY source ORDER BY source
-- cross-q03
SELECT source, event_id, action, object_type, actor_id FROM events WHERE action IN ('delete','restore') AND dataset IN ('event_log','logs') ORDER BY event_time
-- cross-q05
SELECT source, event_id, peer_name, duration_ns FROM events WHERE http_status IS NOT NULL ORDER BY duration_ns DESC LIMIT 1
-- cross-q06
SELECT source, task_id, task_status, task_progress FROM (SELECT *, row_number() OVER (PARTITION BY source, task_id ORDER BY event_time DESC, sequence DESC) AS rn FROM events WHERE task_id IS NOT NULL) WHERE rn=1 ORDER BY source, task_id
-- expertsender-q01
SELECT http_status, count(*) AS n FROM events WHERE source='expertsender' AND dataset='panel_logs' GROUP BY http_status ORDER BY http_status
-- expertsender-q02
SELECT event_id, actor_email, url, client_address, actor_id, duration_ns FROM events WHERE source='expertsender' AND dataset='panel_logs' AND http_status=403
-- expertsender-q03
SELECT event_id, event_type FROM events WHERE source='expertsender' AND session_id='s-5551' ORDER BY event_time
-- expertsender-q05
SELECT event_id FROM events WHERE source='expertsender' AND dataset='website_activity' AND unit_id='site-2'
-- expertsender-q06
SELECT a.visitor_id, a.actor_email, b.object_id FROM events a JOIN events b ON a.visitor_id=b.visitor_id AND b.event_type='FinalizedTransaction' AND b.event_time>a.event_time WHERE a.source='expertsender' AND a.event_type='AbandonedCart'
-- expertsender-q07
SELECT event_id, http_method, url, http_status, credential_id, error_message FROM events WHERE source='expertsender' AND dataset='api_logs' AND http_status>=400 ORDER BY event_time
-- expertsender-q09
SELECT peer_name, object_id, error_code, error_message FROM events WHERE source='expertsender' AND dataset='sms_logs'
-- expertsender-q10
SELECT event_id, duration_ns FROM events WHERE source='expertsender' AND dataset='panel_logs' ORDER BY duration_ns DESC LIMIT 1
-- expertsender-q11
SELECT request_id FROM events WHERE source='expertsender' AND event_id='3002' AND dataset='api_logs'
-- getcourse-q01
SELECT to_char(event_time AT TIME ZONE 'Europe/Moscow','%Y-%m-%d %H:%M') AS at, actor_id, c['path'] AS path, c['before'] AS before_v, c['after'] AS after_v FROM (SELECT event_time, actor_id, unnest(changes) AS c FROM events WHERE source='getcourse' AND object_type='purchase' AND object_id='479365985')
-- getcourse-q02
SELECT object_id, object_name, actor_id, event_time FROM events WHERE source='getcourse' AND event_type='user.deleted'
-- getcourse-q03
SELECT event_id FROM events WHERE source='getcourse' AND (visibility IS NULL OR visibility='general') ORDER BY event_time
-- getcourse-q05
SELECT actor_id, c['path'] AS path, c['op'] AS op, c['before'] AS before_v, c['after'] AS after_v FROM (SELECT actor_id, unnest(changes) AS c FROM events WHERE source='getcourse' AND event_type='user.rights_changed')
-- getcourse-q06
SELECT event_id, c['op'] AS op, c['before'] AS red, c['after'] AS green FROM (SELECT event_id, event_time, unnest(changes) AS c FROM events WHERE source='getcourse' AND event_type='user.note_changed') ORDER BY event_time
-- getcourse-q07
SELECT c['path'] AS path, c['op'] AS op, c['before'] AS before_v, c['after'] AS after_v FROM (SELECT unnest(changes) AS c FROM events WHERE source='getcourse' AND event_id='ge-12') ORDER BY path
-- getcourse-q09
SELECT event_id, object_id FROM events WHERE source='getcourse' AND array_has(changed_fields,'finish_at') ORDER BY event_time
-- getcourse-q10
SELECT r.object_id, CAST((date_part('epoch', r.event_time)-date_part('epoch', d.event_time))/60 AS BIGINT) AS minutes FROM events r JOIN events d ON r.causation_id=d.event_id AND d.source=r.source WHERE r.source='getcourse' AND r.event_type='user.restored'
-- getcourse-q11
SELECT c['before'] AS before_v, c['after'] AS after_v FROM (SELECT unnest(changes) AS c FROM events WHERE source='getcourse' AND object_type='process_block' AND object_id='91') WHERE c['path']='params.runBlockParams.amount'
-- idosell-q01
SELECT event_id, event_type, peer_name, actor_name FROM events WHERE source='idosell' AND module='couriers' ORDER BY event_time DESC
-- idosell-q02
SELECT event_id, object_id, http_status, error_code, response_body FROM events WHERE source='idosell' AND event_type='courier.generate_labels' AND outcome='failure'
-- idosell-q03
SELECT request_body, request_body_size, request_content_type FROM events WHERE source='idosell' AND event_id='700006'
-- idosell-q05
SELECT event_id FROM events WHERE source='idosell' AND event_time >= '2025-03-04T09:00:00+01:00' AND event_time < '2025-03-04T10:00:00+01:00' ORDER BY event_time
-- idosell-q06
SELECT event_id FROM events WHERE source='idosell' AND date_part('hour', event_time AT TIME ZONE 'Europe/Warsaw') = 9 ORDER BY event_time
-- idosell-q07
SELECT event_id, module FROM events WHERE source='idosell' AND array_has(object_refs,'order:104233') ORDER BY event_time
-- idosell-q09
SELECT task_id, CAST(date_part('epoch', max(event_time)) - date_part('epoch', min(event_time)) AS BIGINT) AS seconds, last_value(task_status ORDER BY event_time) AS last_status, last_value(task_progress ORDER BY event_time) AS progress FROM events WHERE source='idosell' AND task_id='imp-77' GROUP BY task_id
-- idosell-q10
SELECT event_id, peer_name, url, http_status FROM events WHERE source='idosell' AND module='webhooks' AND outcome='failure'
-- idosell-q11
SELECT event_id, message FROM events WHERE source='idosell' AND module='banking_pro' AND submodule='payments'
-- remonline-q01
SELECT event_id FROM events WHERE source='remonline' AND event_time >= '2021-11-08T00:00:00+02:00' AND event_time < '2021-11-15T00:00:00+02:00' ORDER BY event_time DESC
-- remonline-q02
SELECT 'last_week' AS preset, event_id FROM events WHERE source='remonline' AND event_time >= '2021-11-01T00:00:00+02:00' AND event_time < '2021-11-08T00:00:00+02:00' UNION ALL SELECT 'last_month', event_id FROM events WHERE source='remonline' AND event_time >= '2021-10-01T00:00:00+03:00' AND event_time < '2021-11-01T00:00:00+02:00' ORDER BY preset
-- remonline-q03
SELECT 'today' AS preset, event_id FROM events WHERE source='remonline' AND event_time >= '2021-11-12T00:00:00+02:00' AND event_time < '2021-11-13T00:00:00+02:00' UNION ALL SELECT 'yesterday', event_id FROM events WHERE source='remonline' AND event_time >= '2021-11-11T00:00:00+02:00' AND event_time < '2021-11-12T00:00:00+02:00' ORDER BY preset, event_id
-- remonline-q05
SELECT CASE WHEN action='create' THEN 'create' WHEN action='delete' THEN 'delete' WHEN action IN ('update','complete','reopen') THEN 'update' ELSE 'other' END AS kind, count(*) AS n FROM events WHERE source='remonline' GROUP BY 1 ORDER BY kind
-- remonline-q06
SELECT event_id, unit_name FROM events WHERE source='remonline' AND unit_id IN ('loc-1','loc-2') AND actor_id='32' ORDER BY event_time
-- remonline-q07
SELECT event_id, c['op'] AS op, c['before'] AS before_v, c['after'] AS after_v FROM (SELECT event_id, event_time, unnest(changes) AS c FROM events WHERE source='remonline' AND event_type='order.status_changed') ORDER BY event_time
-- remonline-q09
SELECT d.actor_name AS deleted_by, r.actor_name AS restored_by, CAST((date_part('epoch', r.event_time)-date_part('epoch', d.event_time))/60 AS BIGINT) AS minutes FROM events r JOIN events d ON r.causation_id=d.event_id AND d.source=r.source WHERE r.source='remonline' AND r.action='restore'
-- remonline-q10
SELECT event_id, event_type FROM events WHERE source='remonline' AND array_has(object_refs,'order:55042') ORDER BY event_time
-- remonline-q11
SELECT a['name'] AS file, duration_ns/1000000000 AS seconds, object_refs[2] AS whom FROM (SELECT unnest(attachments) AS a, duration_ns, object_refs FROM events WHERE source='remonline' AND event_type='call.outgoing') WHERE a['role']='recording'
-- voucherify-q01
SELECT event_id FROM events WHERE source='voucherify' AND dataset='logs' AND event_time > TIMESTAMP '2024-10-16T12:00:00Z' - INTERVAL '24 hours' ORDER BY event_time DESC
-- voucherify-q02
SELECT event_id, http_status, error_code, channel FROM events WHERE source='voucherify' AND dataset='logs' AND outcome='failure' ORDER BY event_time
-- voucherify-q03
SELECT task_id, task_type, status, task_progress, event_time FROM (SELECT *, row_number() OVER (PARTITION BY task_id ORDER BY event_time DESC, sequence DESC) AS rn FROM events WHERE source='voucherify' AND dataset='background_tasks') WHERE rn=1 ORDER BY task_id
-- voucherify-q05
SELECT task_done_count, task_failed_count, duration_ns FROM events WHERE source='voucherify' AND task_id='aa_0adad13d6f057f088e' AND task_status='done'
-- voucherify-q06
SELECT DISTINCT l.event_id, l.http_method, l.url, l.actor_email, t.error_message FROM events t JOIN events l ON t.causation_id=l.event_id AND l.source=t.source WHERE t.source='voucherify' AND t.task_status='failed'
-- voucherify-q07
SELECT task_id FROM (SELECT *, row_number() OVER (PARTITION BY task_id ORDER BY event_time DESC, sequence DESC) AS rn FROM events WHERE source='voucherify' AND dataset='background_tasks') WHERE rn=1 AND task_type='VOUCHERS.IMPORT_CSV' AND task_status='done'
-- voucherify-q09
SELECT event_id FROM events WHERE source='voucherify' AND array_has(object_refs,'campaign:camp_9') ORDER BY event_time
-- voucherify-q10
SELECT channel, count(*) AS n FROM events WHERE source='voucherify' AND dataset='logs' GROUP BY channel ORDER BY channel
-- voucherify-q11
SELECT event_id FROM events WHERE source='voucherify' AND dataset='logs' AND event_time >= '2024-10-16T00:00:00+02:00' AND event_time < '2024-10-17T00:00:00+02:00' ORDER BY event_time LIMIT 2
