from acm_addon.ai_hosts import ai_host
from acm_addon.counters import MOST_NAMES, OTHERS, add
from acm_addon.routing import BUILT_IN


def test_a_table_is_bounded() -> None:
    """Names that come late are counted together; those that are there go on."""
    table: dict[str, int] = {}
    for number in range(MOST_NAMES + 5):
        add(table, f"name {number}")
    add(table, "name 0")

    assert MOST_NAMES + 1 == len(table)
    assert (2, 5) == (table["name 0"], table[OTHERS])


def test_hosts_are_named_as_declared() -> None:
    """A part of a host name that is the client's own does not get into the counters."""
    assert "api.openai.com" == BUILT_IN.declared_host("API.OpenAI.com.")
    assert "*.api.x.ai" == BUILT_IN.declared_host("eu-west-1.api.x.ai")
    assert BUILT_IN.declared_host("api.openai.com.example.org") is None


def test_known_ai_hosts_are_told_by_pattern() -> None:
    """A host that no provider module opens is counted by its name."""
    assert "api.endpoints.anyscale.com" == ai_host("api.endpoints.anyscale.com")
    assert ai_host("example.com") is None
    assert ai_host("") is None
