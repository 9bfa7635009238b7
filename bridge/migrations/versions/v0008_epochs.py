"""Where in its topic a campaign's epoch began, and who had it made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("epochs", sa.Column("since", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("epochs", sa.Column("made_by", sa.String(length=80), nullable=True))
