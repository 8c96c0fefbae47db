"""The floor: the least that a Streamlit app can be, with its heap frozen as NNPlay's is."""

import gc
from contextlib import asynccontextmanager

import streamlit as st


@asynccontextmanager
async def freeze(app):
    gc.collect()
    gc.freeze()
    yield {}


app = st.App("scripts/main.py", lifespan=freeze)
