"""Makes a container in an Azure Blob emulator: PORT CONTAINER.

The account and its key are those that every emulator has, printed in the vendor's documentation.
"""

import base64
import email.utils
import hashlib
import hmac
import sys
import urllib.request

ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

port, container = sys.argv[1:]
stamp, version = email.utils.formatdate(usegmt=True), "2021-08-06"
resource = f"/{ACCOUNT}/{ACCOUNT}/{container}\nrestype:container"
to_sign = "PUT" + "\n" * 12 + f"x-ms-date:{stamp}\nx-ms-version:{version}\n{resource}"
digest = hmac.new(base64.b64decode(KEY), to_sign.encode(), hashlib.sha256).digest()
request = urllib.request.Request(
    f"http://127.0.0.1:{port}/{ACCOUNT}/{container}?restype=container",
    method="PUT",
    headers={
        "x-ms-date": stamp,
        "x-ms-version": version,
        "Authorization": f"SharedKey {ACCOUNT}:{base64.b64encode(digest).decode()}",
    },
)
with urllib.request.urlopen(request) as answer:
    assert answer.status == 201, answer.status
