"""How long a breaker had been open, and whether the callee had named the time.

Without them a breaker restored from a store forgot when it had opened: an open time that was
reconfigured afterwards was measured from the restart.
"""

import sqlalchemy as sa
from alembic import op

revision = "2"
down_revision = "1"


def upgrade() -> None:
    """A breaker saved before counts as just opened."""
    op.add_column(
        "breakers", sa.Column("open_since_s", sa.Float(53), nullable=False, server_default="0")
    )
    op.add_column(
        "breakers", sa.Column("given", sa.Boolean, nullable=False, server_default=sa.false())
    )


def downgrade() -> None:
    """Forget both."""
    op.drop_column("breakers", "given")
    op.drop_column("breakers", "open_since_s")
