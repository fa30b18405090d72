"""Bodies that may be AWS event streams, read by a reader of server-sent events."""

import base64
import binascii
from dataclasses import replace

from acm_addon.eventstream import EventStreamParser, Message
from acm_addon.json_fields import parse
from acm_addon.model import Reason
from acm_addon.providers.base import ResponseFacts
from acm_addon.providers.body import ResponseBody
from acm_addon.providers.prompts import Answer
from acm_addon.providers.tally import mapping

_FIRST = b"\0"
"""The first byte of an event stream: of a message's length, and of nothing that is JSON."""


class EventStreamBody:
    """Hands the messages of an event stream on as events named by their type, ``error`` for
    exceptions; any other body as it is."""

    def __init__(self, body: ResponseBody, *, chunks: bool = False) -> None:
        """``chunks``: messages hold the model's own documents (``{"bytes": …}``), in Base64."""
        self._body = body
        self._chunks = chunks
        self._parser: EventStreamParser | None = None
        self._begun = False

    def feed(self, data: bytes) -> None:
        if not self._begun and data:
            self._begun = True
            self._parser = EventStreamParser() if data.startswith(_FIRST) else None
        if self._parser is None:
            self._body.feed(data)
            return
        for message in self._parser.feed(data):
            self._body.feed(self._event(message))

    def facts(self) -> ResponseFacts:
        facts = self._body.facts()
        if self._parser is None or not (self._parser.damaged or self._parser.dropped):
            return facts
        reason = facts.reason or (None if facts.quantities else Reason.UNREADABLE_BODY)
        return replace(facts, reason=reason)

    def output_text(self) -> Answer:
        return self._body.output_text()

    def output_tokens_so_far(self) -> int:
        return self._body.output_tokens_so_far()

    def _event(self, message: Message) -> bytes:
        headers, data = message
        name = headers.get(":event-type", "") if ":exception-type" not in headers else "error"
        if self._chunks and name == "chunk":
            name, data = "message", _decoded(data)
        # In JSON, line ends are blanks: no text holds one.
        data = data.replace(b"\n", b" ").replace(b"\r", b" ")
        safe = name if name.isascii() and name.isalnum() else "unknown"
        return b"event: %b\ndata: %b\n\n" % (safe.encode(), data)


def _decoded(payload: bytes) -> bytes:
    chunk = mapping(parse(payload)).get("bytes")
    try:
        return base64.b64decode(chunk) if isinstance(chunk, str) else b""
    except (binascii.Error, ValueError):
        return b""
