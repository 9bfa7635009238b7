"""What operators do: give entries up or another try, and close campaigns."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("entries", sa.Column("handled_ms", sa.BigInteger(), nullable=True))
    op.add_column("entries", sa.Column("handled_by", sa.String(length=80), nullable=True))
    op.add_column("topics", sa.Column("closing_ms", sa.BigInteger(), nullable=True))
    op.add_column("positions", sa.Column("closed", sa.Boolean(), nullable=True))
