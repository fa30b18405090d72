"""How a request says who pays, and how a provider's key takes the place of ours."""

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acm_addon.attribution import (
    MAX_TAGS,
    Tags,
    base_path,
    merged,
    of_path,
    of_proxy_user,
    own_key_of,
    token_of,
    with_provider_key,
)
from acm_addon.providers import PROVIDERS
from acm_addon.providers.base import Provider

KEY = "acm_key_abc-DEF_123"
REAL = "sk-proj-real"


def basic(text: str) -> tuple[tuple[bytes, bytes], ...]:
    return ((b"proxy-AUTHORIZATION", b"Basic " + base64.b64encode(text.encode())),)


@pytest.mark.parametrize(
    ("text", "who", "tags"),
    [
        ("bot", "bot", {}),
        ("bot:", "bot", {}),
        ("acm_proj_x:", "acm_proj_x", {}),
        ("bot:feature=search,customer=42", "bot", {"feature": "search", "customer": "42"}),
        ("bot:feature%3Dsearch%2Cn%3D1", "bot", {"feature": "search", "n": "1"}),
        (":a=1", None, {"a": "1"}),
        ("", None, {}),
    ],
)
def test_a_proxy_user(text: str, who: str | None, tags: dict[str, str]) -> None:
    """Who pays, and as the password its tags, decoded or not."""
    carrier = of_proxy_user(basic(text))
    assert (who, tags) == (carrier.who, carrier.tags.values)


@given(value=st.binary(max_size=200))
def test_any_proxy_authorization_is_read_without_complaint(value: bytes) -> None:
    """What is no Basic credential says nothing."""
    for scheme in (b"", b"Basic ", b"Bearer "):
        carrier = of_proxy_user(((b"Proxy-Authorization", scheme + value),))
        if scheme == b"Bearer ":
            assert carrier.who is None


@pytest.mark.parametrize(
    ("target", "who", "tags", "rest"),
    [
        ("/openai/v1/x?a=1", None, {}, "/openai/v1/x?a=1"),
        ("/_p/bot/openai/v1/x?a=/_p/no", "bot", {}, "/openai/v1/x?a=/_p/no"),
        ("/_p/bot/_t/f=s,c=42/v1/x", "bot", {"f": "s", "c": "42"}, "/v1/x"),
        ("/_t/f=s/v1/x", None, {"f": "s"}, "/v1/x"),
        ("/_p/bot", "bot", {}, "/"),
        ("/_p//v1/x", None, {}, "/v1/x"),
        ("/_px/v1", None, {}, "/_px/v1"),
    ],
)
def test_a_gateway_path(target: str, who: str | None, tags: dict[str, str], rest: str) -> None:
    """What is ours is taken off, and the rest stays to the byte."""
    carrier, path = of_path(target)
    assert (who, tags, rest) == (carrier.who, carrier.tags.values, path)


@given(
    who=st.one_of(st.none(), st.text(min_size=1, max_size=50)),
    rest=st.text("abc/?=&%2F", max_size=30),
)
def test_a_base_path_is_read_as_it_was_written(who: str | None, rest: str) -> None:
    """Any name, and any path behind it."""
    who = who and who.encode("utf-8", "replace").decode()
    carrier, path = of_path(base_path(who, "a=1,b=x/y") + "/openai/" + rest)
    assert (who, {"a": "1", "b": "x/y"}) == (carrier.who, carrier.tags.values)
    assert "/openai/" + rest == path


def test_the_token_of_our_header() -> None:
    """Whatever the case of its name."""
    assert "acm_proj_x" == token_of(((b"x-PROJECT-token", b" acm_proj_x "),))
    assert token_of(((b"authorization", b"acm_proj_x"),)) is None


@pytest.mark.parametrize(
    ("fields", "target", "swapped", "new_target"),
    [
        ((b"Authorization", f"Bearer {KEY}"), "/v1/x", f"Bearer {REAL}", "/v1/x"),
        ((b"authorization", f"bearer  {KEY}"), "/v1/x", f"bearer  {REAL}", "/v1/x"),
        ((b"X-Api-Key", KEY), "/v1/x", REAL, "/v1/x"),
        ((b"api-key", KEY), "/v1/x?key=other", REAL, "/v1/x?key=other"),
        ((b"x-goog-api-key", KEY), "/v1/x", REAL, "/v1/x"),
        ((b"xi-api-key", KEY), "/v1/x", REAL, "/v1/x"),
        ((b"x-gladia-key", KEY), "/v1/x", REAL, "/v1/x"),
        (
            (b"Accept", "*/*"),
            f"/v1/x?a=1&key={KEY}&alt=sse",
            "*/*",
            f"/v1/x?a=1&key={REAL}&alt=sse",
        ),
        (
            (b"Sec-WebSocket-Protocol", f"realtime, openai-insecure-api-key.{KEY}, x-beta"),
            "/v1/x",
            f"realtime, openai-insecure-api-key.{REAL}, x-beta",
            "/v1/x",
        ),
        (
            (b"Accept", "*/*"),
            f"/v1/x?key=own&%6Bey={KEY}&k%65%79={KEY}&keys=1",
            "*/*",
            f"/v1/x?key=own&%6Bey={REAL}&k%65%79={REAL}&keys=1",
        ),
        ((b"Accept", "*/*"), f"/v1/x?key={KEY[:3]}%5F{KEY[4:]}", "*/*", f"/v1/x?key={REAL}"),
    ],
)
def test_the_swap(fields: tuple[bytes, str], target: str, swapped: str, new_target: str) -> None:
    """In place: order, case, scheme, neighbours, and duplicates of other fields stay."""
    name, value = fields
    around = ((b"X-Dup", b"1"), (name, value.encode()), (b"x-dup", KEY.encode()))
    assert KEY == own_key_of(around, target)
    expected = ((b"X-Dup", b"1"), (name, swapped.encode()), (b"x-dup", KEY.encode()))
    assert (expected, new_target) == with_provider_key(around, target, REAL)


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: str(provider.name))
def test_a_key_is_looked_for_wherever_a_provider_takes_one(provider: Provider) -> None:
    """Every header that its module names. One that is not looked at would carry our key to it."""
    named = re.findall(r"(?i:authorization|[\w-]+-key)\b", provider.access.credential)
    for name in named:
        assert KEY == own_key_of(((name.encode(), KEY.encode()),), "/v1/x")


@pytest.mark.parametrize(
    ("fields", "target"),
    [
        (((b"Authorization", b"Bearer sk-own"),), "/v1/x"),
        (((b"X-Other", KEY.encode()),), "/v1/x"),
        ((), f"/v1/x?other={KEY}"),
        ((), f"/v1/x?monkey={KEY}"),
        ((), f"/v1/{KEY}"),
    ],
)
def test_a_key_of_the_clients_own_is_none_of_ours(
    fields: tuple[tuple[bytes, bytes], ...], target: str
) -> None:
    """Nor is what stands where no API key is looked for."""
    assert own_key_of(fields, target) is None


def test_a_project_token_in_the_place_of_a_key_is_found() -> None:
    """So that it can be refused, and does not go to the provider."""
    assert "acm_proj_x" == own_key_of(((b"authorization", b"Bearer acm_proj_x"),), "/v1/x")


@given(secret=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60))
def test_any_provider_key_is_put_in_as_it_is(secret: str) -> None:
    """A backslash in it is no reference to a group; in the query it is quoted."""
    fields, target = with_provider_key(
        ((b"authorization", b"Bearer " + KEY.encode()),), f"/x?key={KEY}&b=2", secret
    )
    assert ((b"authorization", b"Bearer " + secret.encode()),) == fields
    assert target.startswith("/x?key=") and target.endswith("&b=2")
    assert 1 == target.count("&")


def test_merged_tags_keep_the_first_and_the_bound() -> None:
    """The header's win over the proxy URL's."""
    first = Tags({"a": "1"}, 1)
    assert Tags({"a": "1", "b": "2"}, 3) == merged(first, Tags({"a": "9", "b": "2"}, 2))
    many = Tags({f"n{number}": "x" for number in range(MAX_TAGS)})
    assert Tags(many.values | {}, 2) == merged(many, Tags({"a": "1", "b": "1"}))
