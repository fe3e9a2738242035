#!/bin/sh
# Sends events as IdoSell writes them: KRONIKA_URL=http://127.0.0.1:7700 KRONIKA_KEY=… sh idosell.sh
# The key of a batch is made of its content: sent twice, also by another try of curl, it is stored once.
set -eu
rows=$(cat <<'ROWS'
{"ID logu": 810001, "dokładny czas": "2025-03-05 09:14:02", "sklep": "shop-1001", "moduł": "Kurierzy", "typ operacji": "generate_labels", "użytkownik": "system", "kurier": "DPD", "numer przesyłki": "0000045679100U", "numer zamówienia": "104251", "metoda": "POST", "URL": "https://dpd.example/api/labels", "kod HTTP": 200, "Żądanie": "{\"parcels\":1}", "Odpowiedź": "{\"status\":\"OK\"}"}
{"ID logu": 810002, "dokładny czas": "2025-03-05 09:15:40", "sklep": "shop-1001", "moduł": "Płatności", "typ operacji": "zaksięgowanie wpłaty", "użytkownik": "system", "operator płatności": "PayU", "ID transakcji": "WZHF5FFDRJ", "numer zamówienia": "104251"}
ROWS
)
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT
printf '%s\n' "$rows" | curl -sS --fail-with-body --retry 6 --retry-connrefused --max-time 60 -o "$answer" \
  "$KRONIKA_URL/api/v1/events?mapping=idosell" --data-binary @- \
  -H "Authorization: Bearer $KRONIKA_KEY" -H 'Content-Type: application/x-ndjson' \
  -H "Idempotency-Key: $(printf '%s\n' "$rows" | sha256sum | cut -c1-64)" || { cat "$answer" >&2; exit 1; }
cat "$answer"
