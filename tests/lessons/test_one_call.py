"""One call is one row, and only what creates is billed: field lessons 10 and 11."""

import pytest

from acm_addon.providers.base import Billing, RequestHead
from acm_addon.routing import BUILT_IN

_OPENAI, _ANTHROPIC = "api.openai.com", "api.anthropic.com"
_GEMINI = "generativelanguage.googleapis.com"


@pytest.mark.parametrize(
    ("host", "request_line"),
    [
        (_OPENAI, "GET /v1/responses/resp_1"),
        (_OPENAI, "GET /v1/responses/resp_1?stream=true&starting_after=4"),
        (_OPENAI, "GET /v1/responses/resp_1/input_items"),
        (_OPENAI, "POST /v1/responses/resp_1/cancel"),
        (_OPENAI, "POST /v1/responses/input_tokens"),
        (_OPENAI, "GET /v1/chat/completions"),
        (_OPENAI, "GET /v1/chat/completions/chatcmpl-1"),
        (_OPENAI, "POST /v1/chat/completions/chatcmpl-1"),
        (_OPENAI, "DELETE /v1/chat/completions/chatcmpl-1"),
        (_OPENAI, "GET /v1/batches/batch_1"),
        (_OPENAI, "POST /v1/batches/batch_1/cancel"),
        (_OPENAI, "GET /v1/files/file-1/content"),
        (_OPENAI, "GET /v1/models"),
        (_ANTHROPIC, "POST /v1/messages/count_tokens"),
        (_ANTHROPIC, "GET /v1/messages/batches/msgbatch_1"),
        (_ANTHROPIC, "GET /v1/messages/batches/msgbatch_1/results"),
        (_ANTHROPIC, "POST /v1/messages/batches/msgbatch_1/cancel"),
        (_GEMINI, "POST /v1beta/models/gemini-2.5-flash:countTokens"),
        (_GEMINI, "GET /v1beta/batches/b1"),
        (_GEMINI, "GET /v1beta/models"),
        ("openrouter.ai", "GET /api/v1/generation?id=gen-1"),
        ("api.perplexity.ai", "GET /async/chat/completions/1"),
    ],
)
def test_lesson_10_looking_again_is_not_billed_again(host: str, request_line: str) -> None:
    """litellm#25015, #39980, #37217: polling and retrieving were. At the most it settles the row
    that the creating call has."""
    method, _, target = request_line.partition(" ")
    path, _, query = target.partition("?")
    provider = BUILT_IN.of_host(host)
    assert provider is not None
    billing = provider.classify(RequestHead(method, path, query, host)).billing
    assert billing in {Billing.FREE, Billing.RESULT}
