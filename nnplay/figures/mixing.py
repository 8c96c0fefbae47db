"""Pictures of `nnplay.mixing`: two digits, both ways to mix them, labels and what is read."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from nnplay.figures.board import boxes, png, shape
from nnplay.figures.roles import note, upright
from nnplay.figures.surfaces import line
from nnplay.figures.theme import COLOR, SERIES, figure

_FIRST, _SECOND = list(SERIES)[:2]
_GAP = 4  # pixels between pictures


def mix(record) -> go.Figure:
    """Above, the pictures; below, label and probabilities of both mixtures, and the density of lambda."""
    side = record.pictures.shape[-1]
    step = side + _GAP
    titles = (
        f"first: {record.digits[0]}",
        f"second: {record.digits[1]}",
        "MixUp",
        "CutMix",
    )
    left, top, right, bottom = record.box
    cut = (3 * step + left, top, 3 * step + right, bottom)
    classes = np.arange(10)
    bars = []
    for on, i in (("2", 2), ("3", 3)):
        looks = (("label", record.targets[i], COLOR["muted"]), ("read by the net", record.read[i], _FIRST))
        bars += [
            {
                "type": "bar",
                "x": classes,
                "y": values,
                "name": name,
                "marker": {"color": color},
                "showlegend": on == "2",
                "hovertemplate": f"%{{x}}, {name}: %{{y:.1%}}<extra></extra>",
                "xaxis": f"x{on}",
                "yaxis": f"y{on}",
            }
            for name, values, color in looks
        ]
    pixels = {"showgrid": False, "visible": False, "fixedrange": True}
    traces = [
        *(
            {
                "type": "image",
                "source": png(picture),
                "x0": i * step + 0.5,
                "y0": 0.5,
                "hoverinfo": "skip",
            }
            for i, picture in enumerate(record.pictures)
        ),
        *bars,
        line(record.x, record.density, _SECOND, 3, on="4", showlegend=False),
    ]
    probability = {"range": (0, 1.02), "tickformat": ".0%", "dtick": 0.5}
    own, other = record.digits
    return figure(
        traces,
        xaxis={"range": (0, 4 * step - _GAP), "domain": (0, 1), **pixels},
        yaxis={"range": (side, 0), "domain": (0.52, 0.95), "scaleanchor": "x", **pixels},
        xaxis2={
            "domain": (0, 0.3),
            "anchor": "y2",
            "dtick": 1,
            "showgrid": False,
            "title": {"text": "class"},
        },
        yaxis2={"domain": (0, 0.33), "anchor": "x2", **probability},
        xaxis3={
            "domain": (0.36, 0.66),
            "anchor": "y3",
            "dtick": 1,
            "showgrid": False,
            "title": {"text": "class"},
        },
        yaxis3={"domain": (0, 0.33), "anchor": "x3", "showticklabels": False, **probability},
        xaxis4={"domain": (0.74, 1), "anchor": "y4", "range": (0, 1), "dtick": 0.5, "title": {"text": "λ"}},
        yaxis4={"domain": (0, 0.33), "anchor": "x4", "range": (0, 4)},
        shapes=[shape(boxes([cut]), _SECOND, 2.5), upright(record.lam, "4", COLOR["ink"])],
        annotations=[
            *(
                {
                    "text": f"<b>{text}</b>",
                    "x": i * step + side / 2,
                    "y": 0,
                    "yanchor": "bottom",
                    "showarrow": False,
                    "font": {"size": 16, "color": COLOR["ink"]},
                }
                for i, text in enumerate(titles)
            ),
            note(_said("MixUp", record.lam, own, other), 0, 1.02, "2", yanchor="bottom"),
            note(_said("CutMix", record.kept, own, other), 0, 1.02, "3", yanchor="bottom"),
            note(f"Beta({record.alpha:g}, {record.alpha:g})", 0, 1.02, "4", yanchor="bottom"),
        ],
        legend={"y": 0.44, "yanchor": "bottom"},
        bargap=0.15,
        margin={"t": 12},
        narrow={
            "height": 900,
            "yaxis.domain": (0.84, 0.97),
            "legend.y": 0.78,
            "xaxis2.domain": (0, 1),
            "yaxis2.domain": (0.58, 0.73),
            "xaxis3.domain": (0, 1),
            "yaxis3.domain": (0.29, 0.44),
            "xaxis4.domain": (0, 1),
            "yaxis4.domain": (0, 0.15),
        },
    )


def _said(kind: str, share: float, own: int, other: int) -> str:
    return f"{kind}: label {share:.2f} × {own} + {1 - share:.2f} × {other}"
