"""Sends events as ExpertSender writes them: KRONIKA_URL=http://127.0.0.1:7700 KRONIKA_KEY=… python3 expertsender.py"""
import hashlib, json, os, time, urllib.error, urllib.request

ROWS = [
    {"zakładka": "Logi panelu", "ID logu": 84001, "Utworzono": "2025-03-05 09:00:00", "Jednostka biznesowa": "bu-17", "URL": "/messages/12/send", "Metoda": "POST", "Status": 302, "E-mail użytkownika": "anna@firma.example", "Adres IP": "198.51.100.7"},
    {"zakładka": "Aktywność na stronie", "ID logu": 84002, "Utworzono": "2025-03-05 09:00:05", "Jednostka biznesowa": "bu-17", "ID odwiedzającego": "v-77", "ID sesji": "s-901", "Typ zdarzenia": "ModifyCart", "Aktywna sesja": "Tak"},
    {"zakładka": "Zdarzenia sesyjne", "ID logu": 84003, "Utworzono": "2025-03-05 09:40:00", "Jednostka biznesowa": "bu-17", "ID odwiedzającego": "v-77", "Typ zdarzenia": "AbandonedCart"},
]


def send(rows):
    body = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()
    url = os.environ["KRONIKA_URL"] + "/api/v1/events?mapping=expertsender"
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
