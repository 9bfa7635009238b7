"""Rules that bind keys of a section to each other, and to the ledger's limits."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from bridge.config_sections import Gateway, Http, Issuer, Ledger, Publish, Tokens, Topics


def test_a_frame_must_fit_its_chunks() -> None:
    assert Publish(max_chunks=2, max_frame_bytes=2048).max_frame_bytes == 2048
    with pytest.raises(ValidationError, match="must fit into max_chunks"):
        Publish(max_chunks=2, max_frame_bytes=2049)


@pytest.mark.parametrize("seconds", [14, 181])
def test_the_valid_duration_is_the_networks(seconds: int) -> None:
    with pytest.raises(ValidationError):
        Ledger(valid_duration_s=seconds)


@pytest.mark.parametrize("seconds", [2_591_999, 8_000_002])
def test_the_renewal_period_is_the_networks(seconds: int) -> None:
    with pytest.raises(ValidationError):
        Topics(auto_renew_s=seconds)


def test_api_keys_and_issuers_have_names_of_their_own() -> None:
    with pytest.raises(ValidationError, match="given twice"):
        Http(api_keys=Http().api_keys * 2)
    with pytest.raises(ValidationError, match="given twice"):
        Tokens(issuers=Tokens().issuers * 2)


def test_a_token_algorithm_is_named_and_never_none() -> None:
    with pytest.raises(ValidationError):
        Issuer.model_validate({"name": "x", "algorithm": "none", "key_file": "k"})


def test_origins_are_closed_unless_configured() -> None:
    assert Gateway().origins == ()
