"""Emits CloudEvents 1.0 to the gateway, in the structured JSON form.

Events are kept in a local outbox until the gateway has taken them, so a service that is restarted sends the rest later.
"""

from __future__ import annotations

import json
import re
import sqlite3
import urllib.error
import urllib.request
import uuid
from datetime import datetime, timezone
from typing import Any

MAX_EVENT_BYTES = 16 * 1024
TYPE_PATTERN = re.compile(r"^com\.lanternfish\.[a-z-]+\.[a-z-]+$")
CONTENT_TYPE = "application/cloudevents+json"


class EventRefused(ValueError):
    """The event breaks a rule of the event catalogue and would be refused by its readers."""


def build_event(source: str, type_: str, subject: str, data: dict[str, Any], *, now: datetime) -> dict[str, Any]:
    """An event with a fresh identifier. ``subject`` is an id; a mail address in it is refused."""
    if not TYPE_PATTERN.match(type_):
        raise EventRefused(f"type {type_!r} is not com.lanternfish.<area>.<what-happened>")
    if "@" in subject:
        raise EventRefused("the subject looks like a mail address")
    return {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": source,
        "type": type_,
        "subject": subject,
        "time": now.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": data,
    }


class Outbox:
    """Events that were made but not yet taken by the gateway, in the order in which they were made."""

    def __init__(self, path: str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS outbox (number INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL)"
        )

    def add(self, event: dict[str, Any]) -> None:
        """Keeps an event. Raises :class:`EventRefused` when it is larger than 16 KiB."""
        text = json.dumps(event, separators=(",", ":"), ensure_ascii=False)
        if len(text.encode()) > MAX_EVENT_BYTES:
            raise EventRefused("too large: put the data into the object store and send a link")
        self._db.execute("INSERT INTO outbox (event) VALUES (?)", (text,))

    def flush(self, url: str, token: str, *, timeout: float = 3.0, batch: int = 100) -> int:
        """Sends what is waiting, one by one; stops at the first failure so that the order is kept.

        An event that the gateway calls malformed (400) is dropped, since it would block all others for ever.
        """
        sent = 0
        rows = self._db.execute("SELECT number, event FROM outbox ORDER BY number LIMIT ?", (batch,)).fetchall()
        for number, text in rows:
            request = urllib.request.Request(url, data=text.encode(), method="POST")
            request.add_header("Content-Type", CONTENT_TYPE)
            request.add_header("Authorization", f"Bearer {token}")
            try:
                with urllib.request.urlopen(request, timeout=timeout):
                    sent += 1
            except urllib.error.HTTPError as error:
                if error.code != 400:
                    break
            except OSError:
                break
            self._db.execute("DELETE FROM outbox WHERE number = ?", (number,))
        return sent
