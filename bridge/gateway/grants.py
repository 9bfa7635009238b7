"""Keys for people: a client that may have a campaign's keys gets them wrapped to it; backends say who may."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from bridge.gateway.auth import Authenticator
from bridge.gateway.door import Door
from bridge.gateway.entrance import Entrance, campaign_of, claims_of
from bridge.gateway.faults import Fault, too_many
from bridge.keys.grants import Asker, Grant
from bridge.protocol.channels import ID_RULE, is_id
from bridge.protocol.envelope import iso_time
from bridge.protocol.realtime.rate import TokenBuckets
from bridge.protocol.values import JSON, KEY_BYTES

KEY_TEXT_CHARS = 43  # of base64url without padding
KEY_RULE = f"publicKey must be {KEY_BYTES} bytes of X25519, as base64url without padding"
GRANT_SHAPE = f'a grant is {{"user": "…"}}, and optionally "fromStart": true; the id {ID_RULE}'
REVOKE_SHAPE = f'a revocation is {{"user": "…"}}; the id {ID_RULE}'


@dataclass(frozen=True, slots=True)
class WrappedEpoch:
    """An epoch's key, wrapped to the one who asked. `owner` is `campaign:<id>` or `user:<id>`."""

    owner: str
    kid: bytes
    wrapped: bytes


@dataclass(frozen=True, slots=True)
class Handed:
    """What a client gets: oldest first for each owner. `topic_id` None: the campaign's topic isn't there yet."""

    network: str
    topic_id: str | None
    epochs: Sequence[WrappedEpoch]


class Granting(Protocol):
    """What is behind the routes. Each may raise CampaignRefused (404: not registered) and Unavailable.

    `handed` counts the `answers` with keys, and the `keys` in them, since the start.
    """

    @property
    def handed(self) -> Mapping[str, int]: ...

    async def keys(self, campaign_id: str, asker: Asker, public_key: bytes, /) -> Handed | None:
        """None: this one may have none. Raises ValueError for a public key that nothing can be wrapped to."""

    async def grant(self, campaign_id: str, user_id: str, /, *, from_start: bool, by: str) -> Grant:
        """The user may have the keys from the epoch in force on, or all of them."""

    async def revoke(self, campaign_id: str, user_id: str, /, *, by: str) -> bool:
        """The user gets no more, and the campaign another epoch; False if that was so. Raises CampaignRefused (409)."""

    async def grants(self, campaign_id: str, /) -> list[Grant]:
        """Oldest first, those that were revoked among them."""


@dataclass(frozen=True, slots=True)
class GrantRoutes:
    """The routes, with what they share with the door's others: who may, how a body is read, how an answer is made."""

    door: Door
    entrance: Entrance
    granting: Granting
    authenticator: Authenticator
    document: Callable[[web.Request], Awaitable[JSON]]
    answer: Callable[..., web.Response]
    rates: TokenBuckets
    now_ms: Callable[[], int]

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Put them among the door's."""
        self.entrance.add(router, "GET", "/v1/campaigns/{id}/keys", self._keys)
        router.add_get("/v1/campaigns/{id}/grants", self._grants)
        router.add_post("/v1/campaigns/{id}/grants", self._grant)
        router.add_post("/v1/campaigns/{id}/revoke", self._revoke)

    # For clients

    async def _keys(self, request: web.Request) -> web.Response:
        claims, campaign = claims_of(await self.entrance.reader(request)), campaign_of(request)
        if (wait_s := self.rates.take(claims.user, self.now_ms())) > 0:
            raise too_many(wait_s, whose="user")
        asker = Asker(
            claims.user,
            named=campaign.id in claims.campaigns,
            sees_all=not self.authenticator.see_all.isdisjoint(claims.roles),
        )
        try:
            handed = await self.granting.keys(campaign.id, asker, _public_key(request))
        except ValueError as error:
            raise Fault(400, "bad_key", KEY_RULE) from error
        if handed is None:
            raise Fault(403, "forbidden", "this token's user may have no keys of this campaign")
        epochs: list[JSON] = [
            {"owner": each.owner, "kid": each.kid.hex(), "wrapped": base64.b64encode(each.wrapped).decode()}
            for each in handed.epochs
        ]
        return self.answer(
            {"campaignId": campaign.id, "topicId": handed.topic_id, "network": handed.network, "epochs": epochs}
        )

    # For backends and operators

    async def _grants(self, request: web.Request) -> web.Response:
        self._admit(request)
        found = await self.granting.grants(campaign_of(request).id)
        handed: dict[str, JSON] = {what: self.granting.handed[what] for what in ("answers", "keys")}
        return self.answer({"grants": [view(each) for each in found], "handed": handed})

    async def _grant(self, request: web.Request) -> web.Response:
        by, campaign = self._admit(request), campaign_of(request)
        match await self.document(request):
            case {"user": str(user), **rest} if is_id(user) and rest.keys() <= {"fromStart"}:
                from_start = rest.get("fromStart", False)
                if isinstance(from_start, bool):
                    grant = await self.granting.grant(campaign.id, user, from_start=from_start, by=by)
                    return self.answer(view(grant), status=201)
        raise Fault(422, "refused", GRANT_SHAPE)

    async def _revoke(self, request: web.Request) -> web.Response:
        by, campaign = self._admit(request), campaign_of(request)
        match await self.document(request):
            case {"user": str(user), **rest} if is_id(user) and not rest:
                return self.answer({"revoked": await self.granting.revoke(campaign.id, user, by=by)})
        raise Fault(422, "refused", REVOKE_SHAPE)

    def _admit(self, request: web.Request) -> str:
        return self.door.admit(request.headers.getall("Authorization", []), "keys:write").name


def _public_key(request: web.Request) -> bytes:
    """32 bytes. Raises ValueError."""
    text = request.query.get("publicKey", "")
    if len(text) != KEY_TEXT_CHARS or not text.isascii() or len(request.query.getall("publicKey")) != 1:
        raise ValueError(KEY_RULE)
    try:
        key = base64.b64decode(f"{text}=", altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(KEY_RULE) from error
    if len(key) != KEY_BYTES or base64.urlsafe_b64encode(key).decode() != f"{text}=":  # one text for each key
        raise ValueError(KEY_RULE)
    return key


def view(grant: Grant) -> dict[str, JSON]:
    """A grant as it is shown."""
    revoked = grant.revoked_ms
    return {
        "user": grant.user_id,
        "fromEpoch": grant.first_number,
        "givenAt": iso_time(grant.given_ms),
        "givenBy": grant.given_by,
        "revokedAt": None if revoked is None else iso_time(revoked),
        "revokedBy": grant.revoked_by,
    }
