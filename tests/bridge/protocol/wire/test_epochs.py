"""Key ids, the topic's ref, and keys that stay out of sight."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from bridge.protocol.wire.epochs import Epoch, KeyTable, kid_of, topic_ref
from tests.bridge.protocol.samples import CAMPAIGN, USER, fixed_key


def test_kid_and_ref_are_as_published() -> None:
    key = fixed_key("any")
    assert kid_of(key) == hashlib.sha256(b"hcs-bridge/1 kid" + key).digest()[:8]
    assert topic_ref(key, "1234") == hmac.new(key, b"hcs-bridge/1 ref1234", "sha256").digest()[:16]


def test_a_key_of_another_length_is_none() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Epoch.of(b"short")


def test_a_key_never_shows_in_repr() -> None:
    assert CAMPAIGN.key.hex() not in repr(CAMPAIGN)
    assert repr(CAMPAIGN.key) not in repr(CAMPAIGN)


def test_campaign_keys_and_user_keys_are_two_name_spaces() -> None:
    table = KeyTable(epochs=(CAMPAIGN,), users=(USER,))
    assert (table.epoch(CAMPAIGN.kid), table.user(USER.kid)) == (CAMPAIGN.key, USER.key)
    assert table.epoch(USER.kid) is None
    assert table.user(CAMPAIGN.kid) is None
