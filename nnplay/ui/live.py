"""The chart's own line to its view, past the script.

A rerun of the script costs a browser some 30 ms before anything is drawn, which is too much for a picture
that follows a pointer, and for a net that trains. So while a slider moves the chart asks for its pictures on
a socket of its own, and for more of a run while there is more. The script runs, and with it all else that
stands on the page, as soon as the pointer rests or the run has ended.
"""

from __future__ import annotations

import json
import math
import secrets
import weakref
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from starlette.concurrency import run_in_threadpool
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

LIVE_ROUTE = "/live"

Picture: TypeAlias = "dict[str, Any] | None"
"""What `nnplay.ui.chart.picture_data` makes, or nothing where there is no answer."""


class Line:
    """What answers one view's chart. It is open as long as somebody, the visitor's session, holds it.

    moved({key: value, ...}): the picture while these sliders are at these raw values. more(run, have): the
    picture of the run of that name, a little further on, with its frames from the first that the browser does
    not have."""

    def __init__(
        self,
        moved: Callable[[Mapping[str, float]], Picture],
        more: Callable[[str, int], Picture] | None = None,
    ) -> None:
        self.moved, self.more = moved, more or (lambda run, have: None)
        self.token = secrets.token_urlsafe(16)  # nobody else can ask here
        _lines[self.token] = self


_lines: weakref.WeakValueDictionary[str, Line] = weakref.WeakValueDictionary()


def live_route() -> WebSocketRoute:
    """The socket, for `st.App(routes=...)`."""
    return WebSocketRoute(LIVE_ROUTE, _serve)


async def _serve(socket: WebSocket) -> None:
    """Answers {"line": token} with "moves", the values of sliders by their keys, or with "run" and "have": a
    picture, or null."""
    await socket.accept()
    try:
        while True:
            picture = await run_in_threadpool(_picture, await socket.receive_text())
            await socket.send_text(picture)
    except WebSocketDisconnect:
        pass  # the chart is gone


def _picture(asked: str) -> str:
    try:
        question = json.loads(asked)
    except ValueError:
        return "null"
    picture = None
    match question:
        case {"line": str(token), "moves": {} as moves} if token in _lines and moves:
            if all(isinstance(value, int | float) and math.isfinite(value) for value in moves.values()):
                picture = _lines[token].moved(moves)
        case {"line": str(token), "run": str(run), "have": int(have)} if token in _lines:
            picture = _lines[token].more(run, have)
    return json.dumps(picture)
