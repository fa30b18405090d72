"""Captures of our own making: the same call as a HAR entry, a recording, and a mitmproxy flow."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.taps import REQUEST, RESPONSE

MOMENT = datetime(2026, 11, 22, 12, 0, 0, 250_000, tzinfo=UTC)
CHAT = "https://api.openai.com/v1/chat/completions"


def har_entry(url: str = CHAT, response: dict[str, Any] | None = None, **changes: Any) -> Any:
    """What Chrome writes of one chat completion."""
    answer = {
        "status": 200,
        "headers": [{"name": "Content-Encoding", "value": "br"}],
        "content": {"size": len(RESPONSE), "mimeType": "application/json", "text": RESPONSE},
    }
    return {
        "startedDateTime": MOMENT.isoformat().replace("+00:00", "Z"),
        "time": 512.4,
        "request": {
            "method": "POST",
            "url": url,
            "headers": [{"name": "Content-Type", "value": "application/json"}],
            "postData": {"mimeType": "application/json", "text": REQUEST},
        },
        "response": answer | (response or {}),
        "timings": {"blocked": -1, "dns": 2, "connect": 10, "ssl": 8, "send": 1, "wait": 300.2},
    } | changes


def har(*entries: Any, **settings: Any) -> str:
    pages = [{"id": "page_1", "title": '"entries": [{'}]
    log = {"version": "1.2", "creator": {"name": "x"}, "pages": pages, "entries": list(entries)}
    return json.dumps({"log": log}, **settings)


def recording(**changes: Any) -> Any:
    """What the recordings hold of the same call; it has no time but the answer's date."""
    return {
        "provider_host": "api.openai.com",
        "method": "POST",
        "path": "/v1/chat/completions",
        "transport": "json",
        "request_headers": [["Content-Type", "application/json"]],
        "request_body": REQUEST,
        "request_body_encoding": "text",
        "status": 200,
        "response_headers": [
            ["Date", "Sun, 22 Nov 2026 12:00:00 GMT"],
            ["Content-Type", "application/json"],
        ],
        "response_body": base64.b64encode(RESPONSE.encode()).decode(),
        "response_body_encoding": "base64",
    } | changes


def lines(*records: Any) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def saved(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path
