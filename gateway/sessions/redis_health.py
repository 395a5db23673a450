"""Settings of Redis that may lose sessions, as sentences for the start-up log."""

from redis.asyncio import Redis
from redis.exceptions import ResponseError


async def settings_warnings(client: Redis) -> list[str]:
    """Ask CONFIG GET; managed services often forbid it, which is a warning too."""
    # What a new connection is refused for (password, database) is no matter of reading settings.
    await client.ping()
    try:
        # One name a call: several at once need Redis 7.
        policy = await _setting(client, "maxmemory-policy")
        appendonly = await _setting(client, "appendonly")
        save = await _setting(client, "save")
    except ResponseError:
        return [
            "Redis does not let its settings be read: make sure that it persists (appendonly yes) "
            "and does not evict (maxmemory-policy noeviction)"
        ]
    return [*_eviction(policy), *_persistence(appendonly, save)]


async def _setting(client: Redis, name: str) -> str:
    reply = await client.config_get(name)
    return str(reply.get(name) or "")


def _eviction(policy: str) -> list[str]:
    if policy in ("noeviction", ""):
        return []
    return [
        f"Redis may evict sessions and revocations when memory is short (maxmemory-policy {policy}): "
        "set it to noeviction"
    ]


def _persistence(appendonly: str, save: str) -> list[str]:
    if appendonly == "yes":
        return []
    if save:
        return [
            "Redis keeps snapshots only (appendonly no): a crash loses the newest sessions "
            "and brings back those that were ended since the last snapshot"
        ]
    return ["Redis does not persist (appendonly no, no save points): a restart signs everyone out"]
