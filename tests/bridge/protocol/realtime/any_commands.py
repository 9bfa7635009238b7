"""Draws what a client may say, as it stands in JSON: every command of the protocol, with any of its fields."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

TEXT = st.text(max_size=8)
OFFSETS = st.integers(0, 2**63 - 1)
PLACES = {"recover": st.booleans(), "offset": OFFSETS, "epoch": TEXT}


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Any of them, or none."""
    return st.fixed_dictionaries({}, optional=fields)


CHANNEL = some(channel=TEXT)
BODIES = {
    "connect": some(
        token=TEXT,
        subs=st.dictionaries(TEXT, some(**PLACES), max_size=2),
        headers=st.dictionaries(TEXT, TEXT, max_size=2),
    ),
    "subscribe": st.fixed_dictionaries(
        {"channel": TEXT},
        optional={"token": TEXT, "join_leave": st.booleans(), "flag": st.integers(-(2**31), 2**31 - 1), **PLACES},
    ),
    "unsubscribe": st.fixed_dictionaries({"channel": TEXT}),
    "history": st.fixed_dictionaries(
        {"channel": TEXT},
        optional={
            "limit": st.integers(-(2**31), 2**31 - 1),
            "since": some(offset=OFFSETS, epoch=TEXT),
            "reverse": st.booleans(),
        },
    ),
    "refresh": some(token=TEXT),
    "sub_refresh": some(channel=TEXT, token=TEXT),
    "publish": CHANNEL,
    "rpc": some(method=TEXT),
    "presence": CHANNEL,
    "presence_stats": CHANNEL,
    "ping": st.just({}),
}
COMMANDS = st.one_of(
    *(st.fixed_dictionaries({"id": st.integers(1, 2**32 - 1), method: body}) for method, body in BODIES.items()),
    st.sampled_from([{}, {"send": {}}, {"id": 5}]),
)
