"""A visitor without a browser, who speaks the protocols of Streamlit and of the live chart."""

from __future__ import annotations

import asyncio
import json
import time

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import connect


class Visitor:
    """Opens pages, and drags a page's first slider as its live chart reports it."""

    def __init__(self, url: str) -> None:
        self.url = url.replace("http", "ws", 1)
        self.slider = self.line = None

    async def __aenter__(self) -> Visitor:
        self.socket = await connect(self.url + "/_stcore/stream", subprotocols=["streamlit"], max_size=None)
        self.live = await connect(self.url + "/live", max_size=None)
        return self

    async def __aexit__(self, *_) -> None:
        await self.live.close()
        await self.socket.close()

    async def open(self, page: str) -> float:
        """Open a page by its path; seconds until its script has run."""
        message = BackMsg()
        message.rerun_script.page_name = page
        self.slider = self.line = None
        start = time.perf_counter()
        await self.socket.send(message.SerializeToString())
        while True:
            answer = ForwardMsg()
            answer.ParseFromString(await asyncio.wait_for(self.socket.recv(), 60))
            match answer.WhichOneof("type"):
                case "delta":
                    self._notice(answer.delta)
                case "script_finished":
                    return time.perf_counter() - start

    async def move(self, value: float) -> float:
        """Drag the page's first slider there; seconds until the new picture has come."""
        start = time.perf_counter()
        await self.live.send(json.dumps({"line": self.line, "moves": {self.slider: value}}))
        await asyncio.wait_for(self.live.recv(), 60)
        return time.perf_counter() - start

    def _notice(self, delta) -> None:
        element = delta.new_element
        match element.WhichOneof("type"):
            case "slider" if not self.slider:
                self.slider = element.slider.id.rsplit("-", 1)[1]  # an id ends with the control's key
            case "bidi_component" if not self.line:
                self.line = json.loads(element.bidi_component.json or "{}").get("line")
