"""Sends events as Voucherify writes them: KRONIKA_URL=http://127.0.0.1:7700 KRONIKA_KEY=… python3 voucherify.py"""
import hashlib, json, os, time, urllib.error, urllib.request

ROWS = [
    {"id": "log_9001", "created_at": "2025-03-05T09:30:00Z", "project_id": "proj_demo", "status": "SUCCESS", "channel": "API", "method": "POST", "endpoint": "POST_v1_redemptions", "status_code": 200, "app_id": "Backend prod", "customer_id": "cust_55"},
    {"id": "log_9002", "created_at": "2025-03-05T09:31:00Z", "project_id": "proj_demo", "status": "FAILED", "channel": "API", "method": "POST", "endpoint": "POST_v1_redemptions", "status_code": 400, "app_id": "Backend prod", "error": {"key": "voucher_expired"}},
    {"id": "log_9003", "created_at": "2025-03-05T09:32:00Z", "project_id": "proj_demo", "status": "SUCCESS", "channel": "DASHBOARD", "method": "DELETE", "endpoint": "DELETE_v1_campaigns_id", "status_code": 200, "user_email": "marta@brand.example"},
]


def send(rows):
    body = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()
    url = os.environ["KRONIKA_URL"] + "/api/v1/events?mapping=voucherify"
    headers = {"Authorization": "Bearer " + os.environ["KRONIKA_KEY"], "Content-Type": "application/x-ndjson",
               "Idempotency-Key": hashlib.sha256(body).hexdigest()}  # of the content: whatever is repeated is stored once
    for wait in (1, 2, 4, 8, 16, None):
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if wait is None or error.code not in (408, 429, 500, 502, 503, 504):
                raise SystemExit(f"{error.code} {error.read().decode()}")
            wait = float(error.headers.get("Retry-After") or wait)
        except OSError as error:  # nobody there, or the connection broke off
            if wait is None:
                raise SystemExit(f"no answer: {error}")
        time.sleep(wait)


print(json.dumps(send(ROWS)))
