"""Which campaigns events are taken for, and how one that nobody registered begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bridge.protocol.channels import ACCOUNT


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a campaign takes no events, its HTTP status, and what to do."""

    reason: str
    status: int
    hint: str = ""


ENDED = {
    "closing": Refusal("is closing: its final message is on its way", 409),
    "closed": Refusal("is closed", 409),
}
UNREGISTERED = Refusal(
    "is not registered, and topics.create_on_demand is off",
    404,
    "create it first: POST /v1/campaigns, or `hcs-bridge topic create`",
)


@dataclass(frozen=True, slots=True)
class Welcome:
    """Whether the first event makes a campaign known, and whether a new one is sealed unless it is asked for."""

    create_on_demand: bool
    sealed: bool = False

    def refusal(self, ref: str, endings: Mapping[str, str | None]) -> Refusal | None:
        """Why no event may come for `ref`, if so. `endings` has the registered: None, or how far one's end is."""
        if (ending := endings.get(ref)) is not None:
            return ENDED[ending]
        is_welcome = ref in endings or ref == ACCOUNT or self.create_on_demand
        return None if is_welcome else UNREGISTERED

    def seals(self, ref: str, asked: bool | None = None) -> bool:
        """The mode of a new campaign. What belongs to none goes to its users, opened."""
        return ref != ACCOUNT and (self.sealed if asked is None else asked)
