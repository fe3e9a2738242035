"""Sends events as GetCourse writes them: KRONIKA_URL=http://127.0.0.1:7700 KRONIKA_KEY=… python3 getcourse.py"""
import hashlib, json, os, time, urllib.error, urllib.request

ROWS = [
    {"ID события": "ge-88001", "Дата и время изменения": "05.03.2025 18:00", "Аккаунт": "school-77", "Объект": "Вебинар", "ID объекта": "310", "Событие": "Вебинары. Изменение настроек", "Автор изменений": "398744363", "action": "update", "before": {"access_type": 2}, "after": {"access_type": 3}},
    {"ID события": "ge-88002", "Дата и время изменения": "05.03.2025 18:05", "Аккаунт": "school-77", "Объект": "Автовебинар", "ID объекта": "420", "Событие": "Автовебинары. Состояние запуска", "Автор изменений": "398744363", "stasus": "closed"},
    {"ID события": "ge-88003", "Дата и время изменения": "05.03.2025 18:10", "Аккаунт": "school-77", "Объект": "Процесс", "ID объекта": "77", "Событие": "запуск", "Автор изменений": "398744363"},
]


def send(rows):
    body = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()
    url = os.environ["KRONIKA_URL"] + "/api/v1/events?mapping=getcourse"
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
