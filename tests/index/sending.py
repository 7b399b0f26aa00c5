"""A process that uploads one file: it says that it is ready, waits to be told, and says the answer.

Called with the port, the token, the file name and the file; the answer is a status and a code.
"""

from __future__ import annotations

import http.client
import json
import sys
from pathlib import Path


def main(port: str, token: str, filename: str, path: str) -> None:
    name, version = filename.split("-")[:2]
    fields = {":action": "file_upload", "name": name, "version": version}
    body = b"".join(
        f'--x\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in fields.items()
    )
    head = f'--x\r\nContent-Disposition: form-data; name="content"; filename="{filename}"\r\n\r\n'
    body += head.encode() + Path(path).read_bytes() + b"\r\n--x--\r\n"
    line = http.client.HTTPConnection("127.0.0.1", int(port), timeout=120)
    headers = {
        "Content-Type": "multipart/form-data; boundary=x",
        "Authorization": f"Bearer {token}",
    }
    line.connect()
    print("ready", flush=True)  # noqa: T201 - the other end reads it
    sys.stdin.readline()
    line.request("POST", "/legacy/", body, headers)
    answer = line.getresponse()
    print(answer.status, json.loads(answer.read()).get("code", "-"))  # noqa: T201 - the same


if __name__ == "__main__":
    main(*sys.argv[1:])
