"""`streamlit run app.py` starts NNPlay."""

import asyncio
import gc
import importlib
import inspect
from contextlib import asynccontextmanager

import streamlit as st

from nnplay.topics import TOPICS
from nnplay.ui.chart import plotly_route
from nnplay.ui.errors import sorry
from nnplay.ui.leave import forget
from nnplay.ui.live import live_route


@asynccontextmanager
async def warm(app):
    """Import all that is heavy before the first visitor, then take it out of the collector's sight:
    Streamlit collects all generations after each run, which with torch loaded costs over 100 ms."""
    import threadpoolctl
    import torch

    # Two threads on tiny tensors, beside other visitors' work, are far slower than one.
    torch.set_num_threads(1)
    threadpoolctl.threadpool_limits(1)  # NumPy's and scikit-learn's
    importlib.import_module("nnplay.ui.page")
    for topic in TOPICS:
        compute = importlib.import_module(f"nnplay.{topic.slug}")
        importlib.import_module(f"nnplay.figures.{topic.slug}").preview(compute.preview()).to_json()
        for view in {experiment.view for experiment in compute.EXPERIMENTS}:
            first = getattr(compute, view)()  # torch loads optimizers and the like at their first use
            if inspect.isgenerator(first):
                next(first)
    gc.collect()
    gc.freeze()
    leaving = asyncio.create_task(forget())
    yield {}
    leaving.cancel()


app = st.App(
    "nnplay/ui/router.py", lifespan=warm, on_script_error=sorry, routes=[plotly_route(), live_route()]
)
