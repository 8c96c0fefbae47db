"""Pictures of the records of `nnplay.augmentation`."""

from nnplay.figures.chains import DRAWS_TRACE, augment, draw_at, preview
from nnplay.figures.mixing import mix
from nnplay.figures.payoff import payoff

__all__ = ["DRAWS_TRACE", "augment", "draw_at", "mix", "payoff", "preview"]
