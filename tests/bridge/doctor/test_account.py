"""The operator's key against its account on the mirror, and how far the money goes."""

from __future__ import annotations

import pytest

from bridge.doctor.account import BALANCE, KEY, account, compared, money
from bridge.doctor.findings import Status
from tests.bridge.doctor.ward import changed, ground_of, of
from tests.integration.world import World
from topics.devnet.faults import Fault
from topics.devnet.made_keys import make_ecdsa, make_ed25519
from topics.devnet.settings import DEFAULT_RATE, HBAR
from topics.ledger.operator_key import OperatorKey
from topics.mirror.answers import MirrorKey
from topics.values import AccountId

WHO = AccountId(0, 0, 7)


async def test_our_key_and_its_money(made: World) -> None:
    async with ground_of(made.config) as ground:
        key, balance = await account(ground)
    assert (key.name, key.status) == (KEY, Status.OK)
    assert (balance.name, balance.status) == (BALANCE, Status.OK)
    assert balance.found.startswith("1000000 HBAR, 120000.00 USD: some ")


async def test_another_accounts_key_is_refused(made: World) -> None:
    other, _ = made.devnet.create_account(balance_tinybar=HBAR)
    async with ground_of(changed(made.config, "operator", account=other)) as ground:
        found = await account(ground)
    assert of(found, KEY).status is Status.FAILED
    assert "operator.account" in of(found, KEY).hint
    assert of(found, BALANCE).status is Status.WARNING


async def test_a_key_file_that_is_gone_leaves_the_balance(made: World) -> None:
    (made.folder / "operator.key").unlink()
    async with ground_of(made.config) as ground:
        key, balance = await account(ground)
    assert (key.status, balance.status) == (Status.FAILED, Status.OK)


async def test_an_account_that_is_not_there(made: World) -> None:
    async with ground_of(changed(made.config, "operator", account=AccountId(0, 0, 999_999))) as ground:
        found = await account(ground)
    assert {each.status for each in found} == {Status.FAILED}
    assert "network.name" in found[0].hint


async def test_no_mirror_is_told(made: World) -> None:
    made.devnet.faults.inject(Fault.MIRROR_UNREACHABLE)
    async with ground_of(made.config) as ground:
        found = await account(ground)
    assert {each.status for each in found} == {Status.FAILED}
    assert "no mirror tells" in found[0].found


def test_keys_of_every_kind() -> None:
    ed, ecdsa = (OperatorKey.parse(made.private_der_hex) for made in (make_ed25519(), make_ecdsa()))
    assert compared(WHO, ed, MirrorKey("ED25519", ed.public_bytes)).status is Status.OK
    assert compared(WHO, ecdsa, MirrorKey("ECDSA_SECP256K1", ecdsa.public_bytes)).status is Status.OK
    assert compared(WHO, ed, MirrorKey("ECDSA_SECP256K1", ecdsa.public_bytes)).status is Status.FAILED
    assert compared(WHO, ed, None).status is Status.FAILED
    assert compared(WHO, ed, MirrorKey("ProtobufEncoded", b"list " + ed.public_bytes)).status is Status.WARNING
    assert compared(WHO, ed, MirrorKey("ProtobufEncoded", b"of others")).status is Status.FAILED


def test_hex_digits_read_as_the_other_kind_lead_to_the_key_that_tells_it() -> None:
    digits = bytes(range(1, 33)).hex()
    as_ed, as_ecdsa = (OperatorKey.parse(digits, kind=kind) for kind in ("ed25519", "ecdsa"))
    found = compared(WHO, as_ed, MirrorKey("ECDSA_SECP256K1", as_ecdsa.public_bytes))
    assert 'set operator.key_kind = "ecdsa"' in found.hint
    found = compared(WHO, as_ecdsa, MirrorKey("ED25519", as_ed.public_bytes))
    assert 'set operator.key_kind = "ed25519"' in found.hint
    assert "key_kind" not in compared(WHO, as_ed, MirrorKey("ED25519", bytes(32))).hint


@pytest.mark.parametrize(
    ("tinybar", "topic", "status"),
    [
        (100, False, Status.FAILED),
        (HBAR // 10, False, Status.WARNING),
        (HBAR // 10, True, Status.WARNING),
        (100 * HBAR, True, Status.OK),
    ],
)
def test_the_balance_is_counted_in_events(tinybar: int, topic: bool, status: Status) -> None:
    found = money(tinybar, DEFAULT_RATE, low=30 if topic else 1000, topic=topic)
    assert found.status is status
    assert bool(found.hint) is (status is not Status.OK)
