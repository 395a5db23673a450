"""Tables of the SQL session store. Times are integers in milliseconds, except where a name ends in `_s`."""

from sqlalchemy import BigInteger, Boolean, Column, Integer, MetaData, String, Table

metadata = MetaData()

# SQLite gives ids of its own only to INTEGER primary keys.
_Id = BigInteger().with_variant(Integer, "sqlite")

families = Table(
    "session_families",
    metadata,
    Column("session_id", String, primary_key=True),
    Column("user_id", String, nullable=False, index=True),
    Column("generation", BigInteger, nullable=False),
    Column("current", String, nullable=False),
    Column("previous", String, nullable=False),
    Column("rotated_at", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("ended", Boolean, nullable=False),
    Column("agent", String, nullable=False),
    Column("address", String, nullable=False),
    Column("purge_at", BigInteger, nullable=False, index=True),
)

# AUTOINCREMENT: no id is given twice, also after the newest rows were pruned; readers' cursors rely on it.
events = Table(
    "session_events",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("kind", String, nullable=False),
    Column("ref", String, nullable=False),
    Column("value", String, nullable=False),
    Column("expires_at_s", BigInteger, nullable=False, index=True),
    sqlite_autoincrement=True,
)

# Epochs remembered while a login that began before them may still be on its way.
epochs = Table(
    "session_epochs",
    metadata,
    Column("user_id", String, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("purge_at", BigInteger, nullable=False, index=True),
)

# Rate limits: the window of each key as `gateway.sessions.window` writes it.
windows = Table(
    "rate_windows",
    metadata,
    Column("key", String, primary_key=True),
    Column("admitted", String, nullable=False),
    Column("purge_at", BigInteger, nullable=False, index=True),
)
