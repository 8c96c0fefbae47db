"""The way of a dragged slider's value to its picture, past the script.

A rerun of the script costs a browser some 30 ms before anything is drawn, which is too much for a picture
that follows a pointer. So while a slider moves, the chart asks for its pictures on a socket of its own. The
script runs, and with it all else that stands on the page, as soon as the pointer rests.
"""

from __future__ import annotations

import json
import secrets
import weakref
from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

LIVE_ROUTE = "/live"

Answer = Callable[[str, float], dict[str, Any] | None]


class Line:
    """What answers one view's chart. It is open as long as somebody, the visitor's session, holds it."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.token = secrets.token_urlsafe(16)  # nobody else can ask here
        _lines[self.token] = self


_lines: weakref.WeakValueDictionary[str, Line] = weakref.WeakValueDictionary()


def live_route() -> WebSocketRoute:
    """The socket, for `st.App(routes=...)`."""
    return WebSocketRoute(LIVE_ROUTE, _serve)


async def _serve(socket: WebSocket) -> None:
    """Answers {"line": token, "key": slider, "value": number} with the picture's data, or with null."""
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
    match question:
        case {"line": str(token), "key": str(key), "value": int() | float() as value}:
            line = _lines.get(token)
            return json.dumps(line.answer(key, value) if line else None)
    return "null"
