#!/bin/sh
# Sends events as RemOnline writes them: KRONIKA_URL=http://127.0.0.1:7700 KRONIKA_KEY=… sh remonline.sh
# The key of a batch is made of its content: sent twice, also by another try of curl, it is stored once.
set -eu
rows=$(cat <<'ROWS'
{"ID события": 85001, "Дата и время": "05.03.2025 09:15", "Аккаунт": "acc-2048", "ID локации": "loc-1", "Локация": "Сервис на Лесной", "ID сотрудника": 31, "Сотрудник": "Иван Петров", "ID объекта": 55099, "Объект": "A-1099", "Событие": "Заказ создан"}
{"ID события": 85002, "Дата и время": "05.03.2025 09:20", "Аккаунт": "acc-2048", "ID локации": "loc-1", "Локация": "Сервис на Лесной", "ID сотрудника": 31, "Сотрудник": "Иван Петров", "ID объекта": 55099, "Объект": "A-1099", "Событие": "Изменился статус в заказе", "Изменения": [{"Поле": "status", "Было": "Новый", "Стало": "В работе"}]}
ROWS
)
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT
printf '%s\n' "$rows" | curl -sS --fail-with-body --retry 6 --retry-connrefused --max-time 60 -o "$answer" \
  "$KRONIKA_URL/api/v1/events?mapping=remonline" --data-binary @- \
  -H "Authorization: Bearer $KRONIKA_KEY" -H 'Content-Type: application/x-ndjson' \
  -H "Idempotency-Key: $(printf '%s\n' "$rows" | sha256sum | cut -c1-64)" || { cat "$answer" >&2; exit 1; }
cat "$answer"
