from acm_addon.attribution import without_own_headers


def test_only_our_headers_are_removed() -> None:
    """acm's and the proxy's headers go; every other field keeps its place, case, and duplicates."""
    fields = (
        (b"Host", b"api.openai.com"),
        (b"X-Project-Token", b"t"),
        (b"X-Twice", b"1"),
        (b"x-acm-tags", b"feature=search"),
        (b"x-twice", b"2"),
        (b"Proxy-Authorization", b"Basic x"),
        (b"proxy-connection", b"keep-alive"),
        (b"X-Acmeville", b"kept"),
    )

    assert (
        (b"Host", b"api.openai.com"),
        (b"X-Twice", b"1"),
        (b"x-twice", b"2"),
        (b"X-Acmeville", b"kept"),
    ) == without_own_headers(fields)


def test_a_request_without_our_headers_is_untouched() -> None:
    """Nothing to remove: the very same fields come back."""
    fields = ((b"Host", b"h"), (b"Accept", b"*/*"))

    assert without_own_headers(fields) is fields
