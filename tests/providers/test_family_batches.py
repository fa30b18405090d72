"""Work of OpenAI's relatives that goes on in the background: pending, then settled once."""

import json

import pytest

from acm_addon.model import Completeness, ModelUsage
from acm_addon.tap import Outcome
from tests.providers.exchanges import ended, exchanged, settled

_BATCH = {"id": "batch_1", "status": "validating", "output_file_id": None}
_DONE = {**_BATCH, "status": "completed", "output_file_id": "file-out"}
_CONTEXT = {"processing": "batch"}


def _line(number: int, model: str, usage: object) -> bytes:
    body = {"model": model, "usage": usage}
    response = {"status_code": 200, "request_id": f"r{number}", "body": body}
    return json.dumps({"custom_id": f"c{number}", "response": response}).encode() + b"\n"


_FILE = _line(1, "llama", {"prompt_tokens": 10, "completion_tokens": 3}) + _line(
    2, "llama", {"prompt_tokens": 5, "completion_tokens": 4}
)
_PATHS = {"groq": "/openai/v1", "together": "/v1", "voyage": "/v1", "deepinfra": "/v1/openai"}
_PATHS |= {"dashscope": "/compatible-mode/v1", "moonshot": "/v1"}


@pytest.mark.parametrize("provider", _PATHS)
def test_a_batch_is_pending_until_its_file_says_what_it_came_to(provider: str) -> None:
    """It is created free. When it is done, it names the file that settles it."""
    base = _PATHS[provider]
    created = ended(exchanged(provider, "POST", f"{base}/batches", _BATCH, request={})).exchange
    assert (Completeness.PENDING, "batch_1") == (created.completeness, created.object_id)
    shown = exchanged(provider, "GET", f"{base}/batches/batch_1", _DONE).result()
    assert shown is not None
    assert (None, ("file-out",), "batch_1") == (shown.settles, shown.links, shown.object_id)


@pytest.mark.parametrize("provider", [*_PATHS, "mistral"])
@pytest.mark.parametrize("piece", [0, 1])
def test_the_output_file_settles_a_batch_at_its_price(provider: str, piece: int) -> None:
    """The sum of all lines, whole or byte by byte."""
    path = f"{_PATHS.get(provider, '/v1')}/files/file-out/content"
    outcome = settled(exchanged(provider, "GET", path, _FILE, piece=piece))
    assert outcome is not None
    assert "file-out" == outcome.exchange.object_id
    assert {"input_tokens": 15, "output_tokens": 7} == outcome.usage.quantities
    assert _CONTEXT.items() <= outcome.exchange.price_context.items()


def test_a_file_of_several_models_is_told_apart() -> None:
    """Each is priced as what it is."""
    data = _FILE + _line(3, "qwen", {"prompt_tokens": 2, "completion_tokens": 1})
    outcome = settled(exchanged("groq", "GET", "/openai/v1/files/f/content", data))
    assert outcome is not None
    expected = ModelUsage("qwen", {"input_tokens": 2, "output_tokens": 1}, _CONTEXT)
    assert (expected,) == tuple(outcome.usage.others)


def test_any_other_file_settles_nothing() -> None:
    """A batch's input, for one, has lines too."""
    data = b'{"custom_id": "c1", "method": "POST", "url": "/v1/chat/completions", "body": {}}\n'
    assert settled(exchanged("groq", "GET", "/openai/v1/files/f/content", data)) is None


def test_together_wraps_what_it_creates() -> None:
    """Its creation says ``job``; a later look does not, and its states are in capitals."""
    answer = {"job": {**_BATCH, "status": "VALIDATING"}, "warning": None}
    created = ended(exchanged("together", "POST", "/v1/batches", answer, request={})).exchange
    assert (Completeness.PENDING, "batch_1") == (created.completeness, created.object_id)
    failed = exchanged("together", "GET", "/v1/batches/batch_1", {**_BATCH, "status": "FAILED"})
    outcome = settled(failed)
    assert outcome is not None
    assert {} == outcome.usage.quantities


def _cohere(status: str) -> Outcome | None:
    batch = {"id": "b1", "model": "embed-v4.0", "status": f"BATCH_STATUS_{status}"}
    batch |= {"input_tokens": "1200", "output_tokens": "0"}
    return settled(exchanged("cohere", "GET", "/v2/batches/b1", {"batch": batch}))


def test_a_cohere_batch_says_what_it_consumed() -> None:
    """In texts of digits, and only for good once it has ended."""
    assert None is _cohere("IN_PROGRESS")
    outcome = _cohere("COMPLETED")
    assert outcome is not None
    assert ("b1", "embed-v4.0") == (outcome.exchange.object_id, outcome.exchange.model)
    assert {"input_tokens": 1200, "output_tokens": 0} == outcome.usage.quantities


_RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "model": "openai.gpt-oss-120b",
    "created_at": 1787150474,
    "status": "completed",
    "output": [],
    "usage": {"input_tokens": 20, "output_tokens": 8, "total_tokens": 28},
}


@pytest.mark.parametrize(
    ("provider", "path"),
    [
        ("bedrock", "/openai/v1/responses/resp_1"),
        ("xai", "/v1/responses/resp_1"),
        ("perplexity", "/v1/agent/resp_1"),
    ],
)
def test_a_background_response_is_settled_when_it_is_looked_at(provider: str, path: str) -> None:
    """One that ran in the foreground was billed by its own call: that look shows a copy."""
    background = {**_RESPONSE, "background": True}
    outcome = settled(exchanged(provider, "GET", path, background))
    assert outcome is not None
    assert {"input_tokens": 20, "output_tokens": 8} == outcome.usage.quantities
    running = {**background, "status": "in_progress", "usage": None}
    assert settled(exchanged(provider, "GET", path, running)) is None
    assert settled(exchanged(provider, "GET", path, _RESPONSE)) is None


def test_vertex_settles_an_interaction_that_is_looked_at() -> None:
    """As the Gemini API does."""
    shown = {
        "id": "i1",
        "status": "completed",
        "agent": "deep-research",
        "usage": {"total_input_tokens": 7, "total_output_tokens": 2, "total_tokens": 9},
    }
    path = "/v1beta1/projects/p/locations/global/interactions/i1"
    outcome = settled(exchanged("vertex", "GET", path, shown))
    assert outcome is not None
    assert "i1" == outcome.exchange.object_id
    assert 7 == outcome.usage.quantities["input_tokens"]
