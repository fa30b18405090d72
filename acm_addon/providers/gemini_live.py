"""Gemini's Live API, and Vertex AI's: a websocket (``BidiGenerateContent``).

- The first message of the client (``setup``) names the model.
- ``usageMetadata`` comes with the end of each turn, and counts that turn: the connection consumed
  the sum of them. Its output is ``responseTokenCount``; thoughts and tool use are as in
  ``gemini_usage``.
- Transcriptions of what is heard and said are not billed apart.
"""

import re

from acm_addon.json_fields import JsonFields
from acm_addon.json_paths import Path
from acm_addon.model import Reason, UsageSource
from acm_addon.providers.base import ResponseFacts
from acm_addon.providers.gemini_usage import tally_usage
from acm_addon.providers.tally import Tally, mapping, name

_SETUP: tuple[Path, ...] = (("setup", "model"),)
_WANTED: tuple[Path, ...] = (("usageMetadata",), ("sessionResumptionUpdate", "newHandle"))
_ENDS = re.compile(rb'"(?:turnComplete|interrupted|turn_complete)"\s*+:\s*+true')
_CONTENT = (b'"serverContent"', b'"toolCall"')
_BYTES_PER_TOKEN = 4


class LiveReader:
    """Adds up what the turns on a connection report."""

    def __init__(self) -> None:
        self._model: str | None = None
        self._used = Tally()
        self._unreported = 0
        """Bytes of a turn whose usage has not come."""

    def sent(self, message: bytes) -> None:
        if self._model is None and b'"setup"' in message:
            fields = JsonFields(_SETUP)
            fields.feed(message)
            model = name(fields.value("setup", "model"))
            self._model = model.rpartition("/")[2] if model else None

    def received(self, message: bytes) -> None:
        if b'"usageMetadata"' in message:
            fields = JsonFields(_WANTED)
            fields.feed(message)
            self._add(fields.value("usageMetadata"))
        elif any(mark in message for mark in _CONTENT):
            ended = _ENDS.search(message) is not None
            self._unreported = 0 if ended else self._unreported + len(message)

    def _add(self, usage: object) -> None:
        tally = tally_usage(mapping(usage))
        if not tally.quantities:
            return  # Not the message's own: a text that merely says so.
        self._unreported = 0
        self._used.take(tally)

    def facts(self) -> ResponseFacts:
        return ResponseFacts(
            model=self._model,
            quantities=self._used.quantities or {"input_tokens": 0, "output_tokens": 0},
            usage_source=UsageSource.REPORTED,
            finished=not self._unreported,
            reason=Reason.BAD_USAGE if self._used.bad else None,
        )

    def output_tokens_so_far(self) -> int:
        reported = int(self._used.quantities.get("output_tokens", 0))
        return reported + self._unreported // _BYTES_PER_TOKEN
