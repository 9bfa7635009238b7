"""Names that are not given twice, and doors that are closed unless configured."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from bridge.config_sections import (
    Gateway,
    Http,
    Issuer,
    Tokens,
)


def test_api_keys_and_issuers_have_names_of_their_own() -> None:
    with pytest.raises(ValidationError, match="given twice"):
        Http(api_keys=Http().api_keys * 2)
    with pytest.raises(ValidationError, match="given twice"):
        Tokens(issuers=Tokens().issuers * 2)


def test_a_token_algorithm_is_named_and_never_none() -> None:
    with pytest.raises(ValidationError):
        Issuer.model_validate({"name": "x", "algorithm": "none", "key_file": "k"})


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, "needs key_file or keys_url"),
        ({"keys_url": "https://i/jwks.json"}, "needs issuer"),
        ({"keys_url": "https://i/jwks.json", "issuer": "i", "algorithm": "HS256"}, "is for public keys"),
        ({"keys_url": "https://i/jwks.json", "issuer": "i", "key_file": "k"}, "give one of them"),
    ],
)
def test_an_issuers_keys_come_from_one_place(changes: dict[str, str], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Issuer.model_validate({"name": "x", "algorithm": "RS256", **changes})


def test_which_key_files_must_be_closed_to_others() -> None:
    redis = {"keys_url": "redis://h/0?key=k", "issuer": "i"}
    for changes, secret in (({"algorithm": "HS512"}, True), ({"algorithm": "ES256"}, False), (redis, True)):
        issuer = Issuer.model_validate({"name": "x", "algorithm": "RS256", "key_file": "k", **changes})
        assert issuer.key_is_secret is secret


def test_origins_are_closed_unless_configured() -> None:
    assert Gateway().origins == ()


@pytest.mark.parametrize("section", [Http, Gateway])
def test_a_certificate_goes_with_its_key(section: type[Http] | type[Gateway]) -> None:
    with pytest.raises(ValidationError, match="or neither"):
        section.model_validate({"tls_certificate_file": "x.crt"})
