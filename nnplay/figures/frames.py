"""A recorded run as frames that the live chart plays: what changes in a figure from moment to moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, slots=True)
class Frames:
    """`traces[i][attribute]` is an array whose first axis is time, all of the same length T.

    An attribute is a trace's own (`x`, `y`, `z`, `text`, ...) or a dotted path
    (`marker.color`): shape (T, n) for lines, (T, height, width) for heat maps.
    Lines that grow are padded with NaN. `layout` likewise maps a dotted path
    (`annotations[0].text`) to T values. `labels` are T short texts for the
    scrubber, such as "epoch 12". `grow[i][attribute]` is a whole line (n,) of
    which frame t shows the first `upto[t]` points, or `upto[i][t]` where the lines
    grow each at its own pace: it is sent once, not T times.

    Raises ValueError where the lengths differ.
    """

    labels: Sequence[str]
    traces: Mapping[int, Mapping[str, np.ndarray]]
    layout: Mapping[str, Sequence] = field(default_factory=dict)
    grow: Mapping[int, Mapping[str, np.ndarray]] = field(default_factory=dict)
    upto: Sequence[int] | Mapping[int, Sequence[int]] = ()

    def __post_init__(self) -> None:
        lengths = {len(v) for attributes in self.traces.values() for v in attributes.values()}
        lengths |= {len(v) for v in self.layout.values()} | {len(self.labels)}
        paces = self.upto.values() if isinstance(self.upto, Mapping) else [self.upto]
        lengths |= {len(pace) for pace in paces} if self.grow else set()
        if len(lengths) != 1:
            raise ValueError(f"frames differ in length: {sorted(lengths)}")

    def __len__(self) -> int:
        return len(self.labels)
