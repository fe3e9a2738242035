#!/bin/sh
# Sends events as Voucherify writes them: KRONIKA_URL=http://127.0.0.1:7700 KRONIKA_KEY=… sh voucherify.sh
# The key of a batch is made of its content: sent twice, also by another try of curl, it is stored once.
set -eu
rows=$(cat <<'ROWS'
{"id": "aa_0890", "type": "CAMPAIGN.VOUCHERS_IMPORT", "status": "IN_PROGRESS", "created_at": "2025-03-05T08:00:00Z", "updated_at": "2025-03-05T08:00:05Z", "progress": 40}
{"id": "aa_0890", "type": "CAMPAIGN.VOUCHERS_IMPORT", "status": "DONE", "operation_status": "SUCCESS", "created_at": "2025-03-05T08:00:00Z", "updated_at": "2025-03-05T08:00:31Z", "processing_time": 30900, "progress": 100, "result": {"done_count": 998, "failed_count": 2}}
ROWS
)
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT
printf '%s\n' "$rows" | curl -sS --fail-with-body --retry 6 --retry-connrefused --max-time 60 -o "$answer" \
  "$KRONIKA_URL/api/v1/events?mapping=voucherify-tasks" --data-binary @- \
  -H "Authorization: Bearer $KRONIKA_KEY" -H 'Content-Type: application/x-ndjson' \
  -H "Idempotency-Key: $(printf '%s\n' "$rows" | sha256sum | cut -c1-64)" || { cat "$answer" >&2; exit 1; }
cat "$answer"
