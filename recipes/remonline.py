"""Sends events as RemOnline writes them: KRONIKA_URL=http://127.0.0.1:7700 KRONIKA_KEY=… python3 remonline.py"""
import hashlib, json, os, time, urllib.error, urllib.request

ROWS = [
    {"ID события": 86001, "Дата и время": "05.03.2025 10:00", "Аккаунт": "acc-2048", "ID сотрудника": 32, "Сотрудник": "Анна Сидорова", "Событие": "Пользователь авторизовался (с IP-адресом)", "IP-адрес": "203.0.113.9"},
    {"ID события": 86002, "Дата и время": "05.03.2025 10:05", "Аккаунт": "acc-2048", "ID сотрудника": 32, "Сотрудник": "Анна Сидорова", "ID объекта": 9, "Объект": "Касса 2", "Событие": "Касса удалена", "Было": {"name": "Касса 2"}},
    {"ID события": 86003, "Дата и время": "05.03.2025 10:06", "Аккаунт": "acc-2048", "ID сотрудника": 32, "Сотрудник": "Анна Сидорова", "ID объекта": 55099, "Объект": "A-1099", "Событие": "Заказ удален", "Было": {"status": "В работе"}},
]


def send(rows):
    body = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()
    url = os.environ["KRONIKA_URL"] + "/api/v1/events?mapping=remonline"
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
