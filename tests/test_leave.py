"""What a session that was closed holds is let go once its time is over, though no other one closes."""

import gc
import weakref

from streamlit.runtime.memory_session_storage import MemorySessionStorage

from nnplay.ui.leave import drop


class Session:
    """In a circle, as Streamlit's are."""

    def __init__(self, name):
        self.id, self.session = name, self


def test_sessions_past_their_time_are_dropped_and_others_kept():
    early, late = (MemorySessionStorage(ttl_seconds=seconds) for seconds in (-1, 600))
    gone = weakref.ref(session := Session("a"))
    early.save(session)
    late.save(Session("b"))
    del session
    gc.disable()
    try:
        assert gone() is not None
        assert (drop(early), drop(late)) == (1, 0)
        assert gone() is None
        assert late.get("b") is not None
    finally:
        gc.enable()
