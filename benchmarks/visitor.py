"""A visitor without a browser: speaks Streamlit's protocol, so that 25 of them fit on two cores."""

from __future__ import annotations

import asyncio
import json
import time

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import connect


class Visitor:
    """Opens pages, and drags a page's first slider as its live chart reports it."""

    def __init__(self, url: str) -> None:
        self.url = url.replace("http", "ws", 1) + "/_stcore/stream"
        self.page = ""
        self.slider = self.chart = None
        self.fragment = ""

    async def __aenter__(self) -> Visitor:
        self.socket = await connect(self.url, subprotocols=["streamlit"], max_size=None)
        return self

    async def __aexit__(self, *_) -> None:
        await self.socket.close()

    async def open(self, page: str) -> float:
        """Open a page by its path; seconds until its script has run."""
        message = BackMsg()
        message.rerun_script.page_name = page
        self.slider = self.chart = None
        return await self._run(message)

    async def move(self, value: float) -> float:
        """Drag the page's first slider there; seconds until the new picture has been sent."""
        message = BackMsg()
        message.rerun_script.page_script_hash = self.page
        message.rerun_script.fragment_id = self.fragment
        drag = {"drag": {"key": self.slider, "value": value}}
        state = WidgetState(id=self.chart, json_value=json.dumps(drag))
        message.rerun_script.widget_states.widgets.append(state)
        return await self._run(message)

    async def _run(self, message: BackMsg) -> float:
        start = time.perf_counter()
        await self.socket.send(message.SerializeToString())
        while True:
            answer = ForwardMsg()
            answer.ParseFromString(await asyncio.wait_for(self.socket.recv(), 60))
            match answer.WhichOneof("type"):
                case "new_session":
                    self.page = answer.new_session.page_script_hash
                case "delta":
                    self._notice(answer.delta)
                case "script_finished":
                    return time.perf_counter() - start

    def _notice(self, delta) -> None:
        element = delta.new_element
        match element.WhichOneof("type"):
            case "slider" if not self.slider:
                self.slider = element.slider.id.rsplit("-", 1)[1]  # an id ends with the control's key
            case "bidi_component" if not self.chart and "chart" in element.bidi_component.component_name:
                self.chart, self.fragment = element.bidi_component.id, delta.fragment_id
