"""Tags of a call, as clients write them into ``X-ACM-Tags``."""

import pytest

from acm_addon.attribution import MAX_TAG_LENGTH, MAX_TAGS, parse_tags, tags_of


def test_tags_are_names_and_values() -> None:
    """White space around them means nothing; an empty place in the list is no tag."""
    tags = parse_tags(" feature = search, customer=42 ,,team=a.b-c_d/e@f+g:h")

    assert {"feature": "search", "customer": "42", "team": "a.b-c_d/e@f+g:h"} == tags.values
    assert 0 == tags.invalid


@pytest.mark.parametrize(
    "text",
    [
        "feature",
        "=search",
        "feature=",
        "feature=a b",
        "feature=a=b",
        "feature='x'",
        "fea ture=x",
        "feature=ü",
        "feature=\x1b[0m",
        f"{'n' * (MAX_TAG_LENGTH + 1)}=x",
        f"n={'v' * (MAX_TAG_LENGTH + 1)}",
    ],
)
def test_what_is_no_tag_is_left_out_and_counted(text: str) -> None:
    """It costs the others nothing."""
    tags = parse_tags(f"one=1,{text},two=2")

    assert {"one": "1", "two": "2"} == tags.values
    assert 1 == tags.invalid


def test_the_longest_tags_fit() -> None:
    """Both limits are inclusive, all of them at once."""
    pairs = [(f"{n}".rjust(MAX_TAG_LENGTH, "n"), "v" * MAX_TAG_LENGTH) for n in range(MAX_TAGS)]
    header = ",".join(f"{name}={value}" for name, value in pairs)

    assert dict(pairs) == tags_of(((b"x-acm-tags", header.encode()),)).values


def test_ten_tags_are_enough() -> None:
    """The first ones count."""
    tags = parse_tags(",".join(f"t{n}={n}" for n in range(MAX_TAGS + 3)))

    assert [f"t{n}" for n in range(MAX_TAGS)] == list(tags.values)
    assert 3 == tags.invalid


def test_of_a_repeated_name_the_first_counts() -> None:
    """A client cannot be told which one it meant, so the other is counted as invalid."""
    tags = parse_tags("a=1,a=2")

    assert ({"a": "1"}, 1) == (tags.values, tags.invalid)


def test_several_header_fields_are_one_list() -> None:
    """As HTTP has it, whatever the case of the name."""
    fields = ((b"X-ACM-Tags", b"a=1"), (b"Accept", b"*/*"), (b"x-acm-tags", b"b=2"))

    assert {"a": "1", "b": "2"} == tags_of(fields).values


def test_a_call_without_tags_has_none() -> None:
    """No header, an empty one, and one of nothing but garbage."""
    for fields in ((), ((b"x-acm-tags", b""),), ((b"x-acm-tags", b"\xff\xfe"),)):
        assert {} == tags_of(fields).values


def test_a_header_of_any_length_is_read_in_bounds() -> None:
    """The first tags are there, and the rest is not looked at."""
    tags = tags_of(((b"x-acm-tags", b"a=1," + b"x," * 1_000_000),))

    assert {"a": "1"} == tags.values
    assert tags.invalid < 2000
