"""A worker notices that its supervisor is gone."""

import asyncio
import os
import signal

from gateway.server.orphan import ParentWatch


async def test_a_new_parent_ends_the_worker() -> None:
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    parents = iter([7, 7, 1])
    watch = ParentWatch(7, parent_now=lambda: next(parents), poll=0)
    await watch.open()
    await asyncio.wait_for(told.wait(), 2)
    await watch.close()
    asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)


async def test_the_real_parent_ends_nothing() -> None:
    watch = ParentWatch(os.getppid(), poll=0)
    await watch.open()
    for _ in range(100):
        await asyncio.sleep(0)
    await watch.close()
