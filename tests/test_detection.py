"""Detection against an independent implementation of COCO's evaluation, over randomly drawn scenes."""

import contextlib
import importlib
import io
import math

import numpy as np
import pytest
import torch
from faster_coco_eval import COCO, COCOeval_faster
from hypothesis import given, settings
from hypothesis import strategies as st

from nnplay import detection, ranked
from nnplay.confusion_matrix import EXPERIMENTS, centered, detect, rechosen

boxes = st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(1, 12), st.integers(1, 12))
found = st.lists(st.tuples(boxes, st.integers(1, 6), st.sampled_from("49")), max_size=12)
true = st.lists(st.tuples(boxes, st.sampled_from("49")), max_size=8)


def coco(true, found, iou):
    """101-point AP of each class at one threshold by COCO's evaluation; NaN without true boxes."""
    kinds = {"4": 1, "9": 2}
    data = {
        "info": {},
        "images": [{"id": 1, "width": 100, "height": 100}],
        "categories": [{"id": i, "name": name} for name, i in kinds.items()],
        "annotations": [
            {
                "id": i,
                "image_id": 1,
                "category_id": kinds[kind],
                "bbox": list(box),
                "area": box[2] * box[3],
                "iscrowd": 0,
            }
            for i, (box, kind) in enumerate(true, 1)
        ],
    }
    results = [
        {"image_id": 1, "category_id": kinds[kind], "bbox": list(box), "score": score / 7}
        for box, score, kind in found
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(data)
        evaluation = COCOeval_faster(truth, truth.loadRes(results), "bbox")
        evaluation.params.iouThrs = np.array([iou])
        evaluation.evaluate()
        evaluation.accumulate()
    # one IoU, all recalls and classes, all areas, the most boxes
    precision = evaluation.eval["precision"][0, :, :, 0, -1]
    return [float(column.mean()) if (column > -1).all() else math.nan for column in precision.T]


def own(true, found, iou):
    order = np.argsort([-score for _, score, _ in found], kind="stable")
    true_kinds = tuple(kind for _, kind in true)
    kinds = tuple(kind for *_, kind in found)
    overlap = detection.ious(
        np.array([box for box, *_ in found], float).reshape(-1, 4),
        np.array([box for box, _ in true], float).reshape(-1, 4),
    ) * (np.array(kinds)[:, None] == np.array(true_kinds))
    match = np.full(len(found), -1)
    match[order] = detection.matched(overlap[order], iou)
    curves = detection._curves(match, order, kinds, true_kinds)
    return [detection._aps(*curves, true_kinds, "101-point")[kind] for kind in "49"]


@given(true, found.filter(len), st.sampled_from([0.05, 0.3, 0.5, 0.75, 0.95]))
@settings(max_examples=150, deadline=None)
def test_average_precision_is_that_of_coco_s_evaluation(true, found, iou):
    """Ties in score and in overlap, classes without true boxes and without found ones included."""
    assert np.allclose(own(true, found, iou), coco(true, found, iou), equal_nan=True, atol=1e-9)


@given(st.lists(boxes, min_size=1, max_size=5), st.lists(boxes, min_size=1, max_size=5))
def test_iou_is_what_counting_cells_gives(a, b):
    def cells(box):
        x, y, width, height = box
        return {(i, j) for i in range(x, x + width) for j in range(y, y + height)}

    expected = [[len(cells(p) & cells(q)) / len(cells(p) | cells(q)) for q in b] for p in a]
    assert np.allclose(detection.ious(np.array(a, float), np.array(b, float)), expected)


def test_iou_is_that_of_torchvision():
    from nnplay import vision  # noqa: F401 (it imports torchvision so that it loads)

    box_iou = importlib.import_module("torchvision.ops").box_iou
    random = np.random.default_rng(0)
    a, b = random.uniform(1, 30, (2, 20, 4))
    corners = [torch.tensor(np.concatenate([each[:, :2], each[:, :2] + each[:, 2:]], 1)) for each in (a, b)]
    assert np.allclose(detection.ious(a, b), box_iou(*corners).numpy())


def test_the_scene_s_own_numbers_are_coco_s():
    for iou in (0.5, 0.6, 0.7, 0.9):
        record = detect(iou=iou)
        truth = [(tuple(box), kind) for box, kind in zip(record.true.tolist(), record.true_kinds)]
        given = [
            (tuple(box), 7 * score, kind)
            for box, score, kind in zip(record.boxes.tolist(), record.scores, record.kinds)
        ]
        expected = coco(truth, given, iou)
        assert np.allclose(list(record.ap["101-point"].values()), expected)
        assert record.mean_ap["101-point"] == pytest.approx(np.mean(expected))
    means = [np.mean(coco(truth, given, iou)) for iou in detection.THRESHOLDS]
    assert record.coco == pytest.approx(np.mean(means))


def test_the_curve_is_built_box_by_box():
    whole = detect()
    for taken in range(8):
        record = detect(taken=taken)
        assert record.rows == whole.rows[:taken]
        counted = whole.order[:taken]
        assert (record.match[counted] == whole.match[counted]).all()
    assert detect(taken=0).mean_ap == {"all-point": 0.0, "101-point": 0.0}


def test_a_box_on_its_true_box_has_an_iou_of_one():
    x, y, width, height = map(float, detect().true[3])
    record = detect(found=((0, 0, 10, 10, 0.5, 4), (x, y, width, height, 0.9, 9)), box="A")
    assert record.overlap[1, 3] == 1
    assert record.match[1] == 3


def test_all_point_is_the_area_under_the_envelope():
    record = detect()
    recall, precision = record.recall["4"], record.precision["4"]
    places = np.linspace(0, 1, 200_001)[1:]
    heights = np.append(ranked.envelope(precision), 0)[np.searchsorted(recall, places)]
    assert record.ap["all-point"]["4"] == pytest.approx(heights.mean(), abs=1e-4)


@pytest.mark.parametrize("then", detection.NAMES)
def test_to_choose_another_box_moves_none(then):
    before = detect(x=33, score=0.66)
    moved = rechosen(before, then)
    rows = tuple(tuple(map(float, row.split())) for row in moved.pop("found").split(";"))
    after = detect(found=rows, **moved)
    n = len(before.boxes)
    assert np.allclose(after.boxes[:n], before.boxes, atol=1e-9)
    assert np.allclose(after.scores[:n], before.scores)
    assert after.kinds[:n] == before.kinds
    assert after.names[after.chosen] == then
    assert len(after.boxes) == n + (then == "H")


def test_a_click_puts_the_middle_of_the_chosen_box_there():
    record = detect()
    moved = detect(**centered(record, (60.0, 40.0)))
    x, y, width, height = moved.boxes[moved.chosen]
    assert (x + width / 2, y + height / 2) == (60, 40)
    assert centered(record, (-50.0, 1e9)) == {"x": 0, "y": detection.DOWN}


@pytest.mark.parametrize(
    "given",
    [
        {"found": ()},
        {"found": ((1, 2, 3),)},
        {"found": ((0, 0, 10, 10, 0.5, 7),)},
        {"found": ((0, 0, 10, 10, 2, 4),)},
        {"found": ((0, 0, math.nan, 10, 0.5, 4),)},
        {"found": ((0, 0, 10, 1e9, 0.5, 4),)},
        {"found": detection.FOUND * 2},
        {"iou": 0.0},
        {"box": "Z"},
        {"width": 0},
        {"kind": "8"},
    ],
)
def test_boxes_that_make_no_sense_are_refused_in_a_sentence(given):
    with pytest.raises(ValueError, match=r"[a-z0-9.]$"):
        detect(**given)


def experiment(title, **changed):
    return detect(**next(each for each in EXPERIMENTS if each.title == title).settings, **changed)


def test_two_boxes_on_one_digit():
    record = experiment("Two boxes on one digit")
    name, kind, _, iou, what, precision, _ = record.rows[2]
    assert (name, kind, what, precision) == ("C", "4", "false positive", 0.5)
    assert iou > record.iou
    alone = detect(found=detection.FOUND[2:], box="E")
    assert alone.match[0] == 0  # without A it would match


def test_a_stricter_iou():
    record = experiment("A stricter IoU")
    assert [row[0] for row in record.rows if row[4] == "true positive"] == ["A"]
    assert record.mean_ap["all-point"] < detect().mean_ap["all-point"] / 3
    x, y, width, height = map(round, record.true[3])
    better = experiment("A stricter IoU", x=x, y=y, width=width, height=height)
    assert better.mean_ap["all-point"] > record.mean_ap["all-point"]
