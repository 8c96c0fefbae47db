"""A computation that goes on while its visitor watches, from one pass of the page to the next."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from nnplay.records import Record


@dataclass(slots=True)
class Run:
    """A computation that goes on from one pass of the page to the next."""

    settings: dict[str, Any]
    steps: Iterator[Record]
    record: Record | None = None
    done: bool = False
    stopped: bool = False
    over: bool = False
    have: int = 0  # frames that the browser said it has
    lock: threading.Lock = field(default_factory=threading.Lock)

    def advance(self, seconds: float) -> None:
        """Go on for about this long and to something new, or to the end; one caller at a time.

        A run that raises ValueError is over: it gives nothing more, and the next pass has to hear it again.
        """
        with self.lock:
            before, end = self.record, time.perf_counter() + seconds
            try:
                while not self.done and (self.record is before or time.perf_counter() < end):
                    self.record = next(self.steps, None) or self.record
                    self.done = self.done or self.steps.gi_frame is None
            except ValueError:
                self.over = True
                raise

    def button(self) -> None:
        """Stop, go on or begin anew: one place, so that nothing moves when a run ends."""
        label, icon, press = (
            ("Stop", "stop_circle", self._stop)
            if not self.done
            else ("Go on", "resume", self._resume)
            if self.stopped
            else ("Run again", "replay", self._renew)
        )
        st.button(label, icon=f":material/{icon}:", on_click=press, key=f"{self.name}-button")

    def _stop(self) -> None:
        self.done = self.stopped = True

    def _resume(self) -> None:
        self.done = self.stopped = False

    def _renew(self) -> None:
        self.over = True

    @property
    def name(self) -> str:
        """Tells this run from others."""
        return f"{id(self.steps):x}"
