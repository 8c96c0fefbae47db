"""Visitors who left: what a closed session holds, uploads among it, is let go in time.

Streamlit drops a session that is past `server.disconnectedSessionTTL` only when another one closes, which in
an empty room is never. It has no public way to ask for it sooner.
"""

from __future__ import annotations

import asyncio
import gc

from streamlit.runtime import Runtime
from streamlit.runtime.memory_session_storage import MemorySessionStorage

EVERY = 10.0
"""Seconds from one look to the next."""


async def forget() -> None:
    """Look for visitors who left, for as long as the server runs."""
    while True:
        await asyncio.sleep(EVERY)
        if Runtime.exists():
            drop(Runtime.instance()._session_mgr._session_storage)


def drop(storage: MemorySessionStorage) -> int:
    """Drop the sessions that are past their time; how many there were."""
    gone = len(storage._cache.expire())
    if gone:
        gc.collect()  # sessions hold themselves in circles
    return gone
