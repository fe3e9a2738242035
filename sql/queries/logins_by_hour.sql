-- title: Logins by hour
-- description: Logins of each hour (UTC): how many, how many failed, from how many actors and addresses.
-- param: from timestamp = now-24h | Start of the range, inclusive
-- param: to timestamp = now | End of the range, exclusive
-- param: tenant text = null | Only this tenant
SELECT
    date_trunc('hour', event_time) AS hour,
    count(*) AS logins,
    count(*) FILTER (WHERE outcome = 'failure' OR severity_number >= 13) AS failed,
    count(DISTINCT actor_id) AS actors,
    count(DISTINCT client_address) AS addresses
FROM events
WHERE event_time >= $from
    AND event_time < $to
    AND (action = 'login' OR event_type IN ('user.logged_in', 'panel.logged_in', 'panel.login_failed'))
    AND (CAST($tenant AS VARCHAR) IS NULL OR tenant_id = $tenant)
GROUP BY 1
ORDER BY hour
