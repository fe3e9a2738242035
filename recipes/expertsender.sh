#!/bin/sh
# Sends events as ExpertSender writes them: KRONIKA_URL=http://127.0.0.1:7700 KRONIKA_KEY=… sh expertsender.sh
# The key of a batch is made of its content: sent twice, also by another try of curl, it is stored once.
set -eu
rows=$(cat <<'ROWS'
{"zakładka": "Logi API", "ID logu": 83001, "Utworzono": "2025-03-05 08:00:00", "Jednostka biznesowa": "bu-17", "URL": "/customers", "Metoda": "POST", "Status": 201, "Klucz API": "Sklep", "Adres IP": "192.0.2.10"}
{"zakładka": "Logi SMS", "ID logu": 83002, "Utworzono": "2025-03-05 08:01:00", "Jednostka biznesowa": "bu-17", "Bramka": "SMSGate-1", "Nadawca": "SKLEP", "Numer telefonu klienta": "+48600100200", "Błąd": "UNDELIV"}
ROWS
)
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT
printf '%s\n' "$rows" | curl -sS --fail-with-body --retry 6 --retry-connrefused --max-time 60 -o "$answer" \
  "$KRONIKA_URL/api/v1/events?mapping=expertsender" --data-binary @- \
  -H "Authorization: Bearer $KRONIKA_KEY" -H 'Content-Type: application/x-ndjson' \
  -H "Idempotency-Key: $(printf '%s\n' "$rows" | sha256sum | cut -c1-64)" || { cat "$answer" >&2; exit 1; }
cat "$answer"
