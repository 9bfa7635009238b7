"""Below which offset a channel's publications are no longer kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("channels", sa.Column("floor", sa.BigInteger(), nullable=False, server_default="0"))
