#!/bin/sh
# Sends events as GetCourse writes them: KRONIKA_URL=http://127.0.0.1:7700 KRONIKA_KEY=… sh getcourse.sh
# The key of a batch is made of its content: sent twice, also by another try of curl, it is stored once.
set -eu
rows=$(cat <<'ROWS'
{"ID события": "ge-87001", "Дата и время изменения": "05.03.2025 17:24", "Аккаунт": "school-77", "Объект": "Покупка", "ID объекта": "479365990", "Событие": "изменения покупки", "Автор изменений": "398744362", "before": {"period_type": "unlimited"}, "after": {"period_type": "limited", "finish_at": "2025-09-01"}}
{"ID события": "ge-87002", "Дата и время изменения": "05.03.2025 17:30", "Аккаунт": "school-77", "Объект": "Пользователь", "ID объекта": "400000009", "Событие": "Удаление пользователя", "Автор изменений": "398744362", "before": {"email": "ivan@school.example"}}
ROWS
)
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT
printf '%s\n' "$rows" | curl -sS --fail-with-body --retry 6 --retry-connrefused --max-time 60 -o "$answer" \
  "$KRONIKA_URL/api/v1/events?mapping=getcourse" --data-binary @- \
  -H "Authorization: Bearer $KRONIKA_KEY" -H 'Content-Type: application/x-ndjson' \
  -H "Idempotency-Key: $(printf '%s\n' "$rows" | sha256sum | cut -c1-64)" || { cat "$answer" >&2; exit 1; }
cat "$answer"
