"""NNPlay: the concepts of neural networks as things that you move.

Each topic is a module of small torch routines (`nnplay.activations`) with a
module of pictures of the same name (`nnplay.figures.activations`); neither
needs Streamlit, so both work in a notebook.
"""

__version__ = "0.1.0"
