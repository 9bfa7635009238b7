"""Each key file has its line, and says what is wrong with it without showing what stands there."""

from __future__ import annotations

from pydantic import SecretStr

from bridge.doctor.files import keys
from bridge.doctor.findings import Status
from tests.bridge.doctor.ward import changed, ground_of, of
from tests.integration.world import World

ALL = {
    "operator.key_file", "keys.master_key_file", "keys.signing_key_file", "http.api_keys.0.key_file",
    "tokens.issuers.0.key_file",
}  # fmt: skip


async def test_all_are_there_and_closed_to_others(made: World) -> None:
    async with ground_of(made.config) as ground:
        found = await keys(ground)
    assert {each.name for each in found} == ALL
    assert all(each.status is Status.OK and each.found.endswith("mode 0600") for each in found)


async def test_each_fault_stands_with_its_file(made: World) -> None:
    (made.folder / "master.key").write_text("not hex")
    (made.folder / "signing.key").unlink()
    (made.folder / "api.key").chmod(0o644)
    (made.folder / "operator.key").write_text("deadbeef")
    async with ground_of(made.config) as ground:
        found = await keys(ground)
    assert "64 hex digits" in of(found, "keys.master_key_file").found
    assert "not hex" not in str(found)
    assert "does not exist" in of(found, "keys.signing_key_file").found
    assert "chmod 600" in of(found, "http.api_keys.0").found
    assert "deadbeef" not in str(found)
    sound = [each.name for each in found if each.status is Status.OK]
    assert sound == ["tokens.issuers.0.key_file"]
    assert all(each.hint for each in found if each.status is Status.FAILED)


async def test_the_operators_key_may_come_from_the_environment(made: World) -> None:
    good = changed(made.config, "operator", key=SecretStr(made.devnet.operator_key))
    async with ground_of(good) as ground:
        assert of(await keys(ground), "operator.key").found == "in the environment"
    async with ground_of(changed(made.config, "operator", key=SecretStr("never shown"))) as ground:
        found = of(await keys(ground), "operator.key")
    assert found.status is Status.FAILED
    assert "never shown" not in str(found)
