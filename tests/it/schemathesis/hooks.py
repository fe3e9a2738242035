"""Media types that schemathesis cannot write by itself."""

import json

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def ndjson(ctx, value):
    events = value if isinstance(value, list) else [value]
    return "\n".join(event if isinstance(event, str) else json.dumps(event) for event in events).encode("utf-8", "replace")


@schemathesis.serializer("application/toml")
def toml(ctx, value):
    return (value if isinstance(value, str) else json.dumps(value)).encode("utf-8", "replace")
