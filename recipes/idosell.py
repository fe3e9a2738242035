"""Sends events as IdoSell writes them: KRONIKA_URL=http://127.0.0.1:7700 KRONIKA_KEY=… python3 idosell.py"""
import hashlib, json, os, time, urllib.error, urllib.request

ROWS = [
    {"ID logu": 820001, "dokładny czas": "2025-03-05 10:00:00", "sklep": "shop-1001", "moduł": "Webhooki", "typ operacji": "wysyłanie webhooków", "użytkownik": "system", "serwis zewnętrzny": "Avis", "metoda": "POST", "URL": "https://avis.example/hook", "kod HTTP": 500},
    {"ID logu": 820002, "dokładny czas": "2025-03-05 10:01:00", "sklep": "shop-1001", "moduł": "Kurierzy", "typ operacji": "get_shipment", "użytkownik": "jkowalska", "kurier": "InPost"},
    {"ID logu": 820003, "dokładny czas": "2025-03-05 10:02:00", "sklep": "shop-1001", "moduł": "Certyfikaty SSL", "typ operacji": "odnawianie", "użytkownik": "system"},
]


def send(rows):
    body = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()
    url = os.environ["KRONIKA_URL"] + "/api/v1/events?mapping=idosell"
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
