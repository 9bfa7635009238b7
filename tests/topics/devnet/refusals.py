"""Names the response code of a refusal, for the devnet's tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from topics.devnet.envelope import Refused, name_of
from topics.devnet.record import Record


def refusal(call: Callable[[], object]) -> str:
    """The code with which the call is refused."""
    with pytest.raises(Refused) as caught:
        call()
    return name_of(caught.value.status)


def status(record: Record) -> str:
    """How a transaction ended."""
    return name_of(record.status)
