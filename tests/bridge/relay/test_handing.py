"""The inbound corridor's ports: who hands nothing over to books or an outbox still reads."""

from __future__ import annotations

import pytest

from bridge.relay.handing import Handing
from topics.mirror.answers import TransactionOutcome


async def test_without_books_and_records_nothing_is_booked_and_nothing_is_known() -> None:
    handing = Handing(lambda *_: {}, lambda _, batches: [None for _ in batches], lambda _: None)  # type: ignore[arg-type]
    rows: list[TransactionOutcome] = []
    await handing.book(rows)
    with pytest.raises(LookupError, match="flight 7"):
        handing.recall(None, 7)  # type: ignore[arg-type] # it asks nobody
