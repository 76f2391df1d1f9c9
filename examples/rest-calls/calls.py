"""The same calls in Python, with nothing but its standard library."""

import json
import os
import ssl
import subprocess
import urllib.request

URL = os.environ["WATCHGATE_URL"]
TLS = ssl.create_default_context(cafile=os.environ["WATCHGATE_CA"])


def mint(subject, scope):
    """A token of the development issuer, good for ten minutes."""
    keys = os.environ["WATCHGATE_ISSUER_KEYS"]
    command = [os.environ["WATCHGATE_BIN"], "token", "mint", "--keys", keys, "--subject", subject, "--scope", scope]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def call(token, method, path, body=None):
    """One call; a status of 400 and more raises."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(URL + path, data=data, method=method, headers=headers)
    with urllib.request.urlopen(request, context=TLS, timeout=40) as response:
        return json.load(response)


token = mint("ada", "events:write events:read assistant:ask")
stored = call(token, "POST", "/v1/events", {"fps": 31.2})
print(f"  the event stands at position {stored['position']}")
found = call(token, "GET", f"/v1/events?after={stored['position'] - 1}&limit=1")
assert found["events"][0]["event"]["data"] == {"fps": 31.2}, found
answer = call(token, "POST", "/v1/ask", {"question": "How do I restart a worker?"})
assert answer["known"] and answer["citations"], answer
print(f"  the answer is in {answer['citations'][0]['file']}: {answer['citations'][0]['heading']}")
