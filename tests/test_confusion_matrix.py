"""The matrix and its numbers against scikit-learn, over randomly drawn cases; files; every experiment."""

import inspect
import math
import warnings
from functools import lru_cache
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve

from nnplay import (
    agreement,
    classifiers,
    confusion_matrix,
    confusions,
    predictions,
    ranked,
    scores,
    thresholds,
)
from nnplay.confusion_matrix import EXPERIMENTS, average_precision, matrix, metrics, one_vs_rest
from nnplay.uploads import safe

MODELS = classifiers.MODELS


def last(steps):
    for record in steps:  # noqa: B007
        pass
    return record


@lru_cache
def run(title: str, **changed):
    experiment = next(each for each in EXPERIMENTS if each.title == title)
    found = getattr(confusion_matrix, experiment.view)(**{**experiment.settings, **changed})
    return last(found) if inspect.isgenerator(found) else found


def csv(*rows) -> bytes:
    return "\n".join(",".join(map(str, row)) for row in rows).encode()


# --- the classifiers and their data ----------------------------------------------------------------------


@given(
    st.integers(20, 1200),
    st.floats(0, 1),
    st.sets(st.sampled_from(classifiers.CLASSES)),
    st.floats(0, 0.6),
    st.integers(0, 99),
)
@settings(max_examples=40)
def test_the_split_keeps_test_digits_from_training_whatever_is_set(samples, imbalance, rare, noise, seed):
    found = classifiers.split(samples, imbalance, tuple(rare), noise, seed)
    order = np.random.default_rng(seed).permutation(1797)
    assert set(found.test) <= set(order[:597])
    assert set(found.train) <= set(order[597:])
    assert len(set(found.train)) == len(found.train) <= samples
    assert found.unused == 1200 - len(found.train)


def test_imbalance_takes_a_class_away_in_both_parts_and_leaves_the_others():
    labels = classifiers.images.load("digits").labels
    whole, some = (classifiers.split(1200, share, ("3",), 0.0, 0) for share in (0.0, 0.75))
    for part in ("train", "test"):
        before, after = (np.bincount(labels[getattr(each, part)], minlength=10) for each in (whole, some))
        assert after[3] == round(0.25 * before[3])
        assert np.delete(after, 3).tolist() == np.delete(before, 3).tolist()


def test_label_noise_makes_about_that_share_of_training_labels_another_digit():
    found = classifiers.split(1200, 0.0, (), 0.4, 0)
    labels = classifiers.images.load("digits").labels[found.train]
    assert 0.35 < found.wrong.mean() < 0.45
    assert (found.wrong == (found.taught != labels)).all()


@pytest.mark.parametrize("model", MODELS)
def test_a_classifier_gives_probabilities_and_learns(model):
    course = list(classifiers.course(model=model, samples=400))
    end = course[-1]
    assert end.scores.shape == (597, 10)
    assert np.allclose(end.scores.sum(1), 1, atol=1e-5)
    assert last(matrix(model=model, samples=400)).accuracy[-1] > 0.9
    assert len(course) == end.epochs + 1
    assert np.isfinite([moment.loss for moment in course[1:]]).all()


def test_scikit_learn_s_classifiers_are_what_they_are_called():
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    found = classifiers.split(200, 0.0, (), 0.2, 3)
    x, test = (classifiers.images.digits()[part].reshape(-1, 64) for part in (found.train, found.test))
    given = {"samples": 200, "label_noise": 0.2, "seed": 3}
    neighbours = KNeighborsClassifier(7).fit(x, found.taught).predict_proba(test)
    moment = classifiers.trained({"model": "k nearest", "neighbors": 7, **given})
    assert np.allclose(moment.scores, neighbours)
    regression = LogisticRegression(max_iter=1000).fit(x.astype(np.float32), found.taught).predict_proba(test)
    assert np.allclose(
        classifiers.trained({"model": "logistic regression", **given}).scores, regression, atol=1e-4
    )


@pytest.mark.parametrize("model", MODELS)
def test_a_course_is_the_same_again_and_kept(model):
    given = {"model": model, "samples": 50, "seed": 5}
    once = list(classifiers.course(**given))
    assert list(classifiers.course(**given))[-1] is once[-1]
    classifiers._courses.clear()
    assert (list(classifiers.course(**given))[-1].scores == once[-1].scores).all()


def test_only_the_latest_courses_are_kept():
    for seed in range(classifiers._KEPT + 3):
        classifiers.trained({"model": "k nearest", "samples": 20, "seed": seed})
    assert len(classifiers._courses) == classifiers._KEPT


def test_a_course_that_is_left_early_is_not_kept():
    classifiers._courses.clear()
    list(islice(classifiers.course(samples=30), 3))
    assert not classifiers._courses


@pytest.mark.parametrize(
    "given",
    [
        {"samples": 3},
        {"samples": 20, "imbalance": 2.0},
        {"label_noise": math.nan},
        {"model": "oracle"},
        {"rare": ("ten",)},
        {"imbalance": 1.0, "rare": classifiers.CLASSES},
        {"imbalance": 1.0, "rare": classifiers.CLASSES[1:]},
        {"normalize": "rows"},
        {"data": "mine"},
        {"true": 20},
    ],
)
def test_settings_that_make_no_sense_are_refused_in_a_sentence(given):
    with pytest.raises(ValueError, match=r"[.]$"):
        last(matrix(**given))


# --- the matrix --------------------------------------------------------------------------------------------


labelled = st.integers(2, 6).flatmap(
    lambda k: st.lists(st.tuples(st.integers(0, k - 1), st.integers(0, k - 1)), min_size=1, max_size=40).map(
        lambda pairs: (k, *map(np.array, zip(*pairs)))
    )
)


@given(labelled)
def test_the_matrix_and_its_shares_are_scikit_learn_s(case):
    k, true, predicted = case
    counts = scores.matrix(true, predicted, k)
    names = {"counts": None, "row": "true", "column": "pred", "all": "all"}
    for own, theirs in names.items():
        expected = sk.confusion_matrix(true, predicted, labels=range(k), normalize=theirs)
        assert np.allclose(scores.normalized(counts, own), expected)


def oracle(true, predicted, zero):
    """Every metric of a boolean truth and prediction, by scikit-learn."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        given = {"zero_division": zero}
        return [
            sk.accuracy_score(true, predicted),
            sk.precision_score(true, predicted, **given),
            sk.recall_score(true, predicted, **given),
            sk.recall_score(~true, ~predicted, **given),
            sk.f1_score(true, predicted, **given),
            sk.balanced_accuracy_score(true, predicted),
            sk.matthews_corrcoef(true, predicted),
            sk.cohen_kappa_score(true, predicted),
        ]


@given(labelled, st.sampled_from(sorted(scores.ZERO)))
@settings(max_examples=60, deadline=None)
def test_every_metric_is_scikit_learn_s_empty_classes_included(case, zero):
    k, true, predicted = case
    zero = scores.ZERO[zero]
    found = scores.scores(scores.matrix(true, predicted, k), tuple(map(str, range(k))), zero)
    for i in range(k):
        assert np.allclose(found.values[i], oracle(true == i, predicted == i, zero), equal_nan=True), i
    pooled = [np.stack([each == i for i in range(k)]).ravel() for each in (true, predicted)]
    assert np.allclose(found.values[k], oracle(*pooled, zero), equal_nan=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for row, average in enumerate(("micro", "macro", "weighted"), k):
            expected = sk.precision_recall_fscore_support(
                true, predicted, labels=range(k), average=average, zero_division=zero
            )[:3]
            assert np.allclose(found.values[row][[1, 2, 4]], expected, equal_nan=True), average
        together = (
            sk.accuracy_score(true, predicted),
            sk.balanced_accuracy_score(true, predicted),
            sk.matthews_corrcoef(true, predicted),
            sk.cohen_kappa_score(true, predicted),
        )
    assert np.allclose(found.values[-1][[0, 5, 6, 7]], together, equal_nan=True)


@given(labelled, st.sampled_from(sorted(scores.ZERO)))
@settings(max_examples=30, deadline=None)
def test_the_check_on_the_page_finds_no_difference(case, zero):
    k, true, predicted = case
    found = scores.scores(scores.matrix(true, predicted, k), tuple(map(str, range(k))), scores.ZERO[zero])
    for row in range(len(found.names)):
        assert agreement.difference(found, row) < 1e-9


@given(labelled)
def test_a_formula_read_as_arithmetic_gives_its_value(case):
    k, true, predicted = case
    found = scores.scores(scores.matrix(true, predicted, k), tuple(map(str, range(k))), math.nan)
    for row in range(k + 1):
        for metric, value in zip(scores.METRICS, found.values[row]):
            said = found.formula(row, metric)
            for name, sign in (("TP ", ""), ("FN ", ""), ("FP ", ""), ("TN ", ""), ("·", "*"), ("−", "-")):
                said = said.replace(name, sign)
            said = said.replace("√", "math.sqrt")
            try:
                read = eval(said, {"math": math})
            except ZeroDivisionError:
                assert math.isnan(value) or metric in ("MCC", "balanced accuracy")
            else:
                assert read == pytest.approx(value), (metric, said)


def test_the_means_name_what_they_are_the_mean_of():
    found = metrics().scores
    assert found.formula(11, "recall").endswith(" / 10")
    assert found.formula(12, "recall").endswith(" / 597")
    assert found.formula(13, "accuracy") == "diagonal 550 / 597"
    assert found.formula(13, "precision") == "of one class alone"


def test_an_empty_class_is_said_in_words():
    assert metrics().empty == ()
    assert "is empty, and never predicted" in metrics(imbalance=1.0).empty[0]
    counts = np.array([[3, 0, 0], [1, 0, 2], [0, 0, 0]])
    never, absent = scores.empty(counts, ("a", "b", "c"), math.nan)
    assert never == "b is never predicted: its precision is 0/0, which is left out of the means."
    assert absent == "c has no test example: its recall is 0/0, which is left out of the means."


def test_the_course_of_the_matrix_ends_at_the_classifier_s_predictions():
    record = last(matrix(true=4, predicted=4))
    assert record.counts.shape == (15, 10, 10)
    assert (record.counts[-1] == sk.confusion_matrix(record.last.true, record.last.predicted)).all()
    assert record.accuracy[-1] == sk.accuracy_score(record.last.true, record.last.predicted)
    assert (record.last.scores.argmax(1) == record.last.predicted).all()
    inside = record.last.scores[record.members, 4]
    assert (np.diff(inside) <= 0).all()
    assert len(record.members) == record.counts[-1, 4, 4]


@given(labelled)
def test_the_most_confused_pairs_come_first(case):
    k, true, predicted = case
    counts = scores.matrix(true, predicted, k)
    found = confusions.pairs(counts)
    errors = sorted(
        (counts[i, j] for i in range(k) for j in range(k) if i != j and counts[i, j]), reverse=True
    )
    assert [count for *_, count in found] == errors[: confusions.PAIRS]
    assert all(counts[i, j] == count and i != j for i, j, count in found)


# --- thresholds and rankings -----------------------------------------------------------------------------


scored = st.lists(st.tuples(st.booleans(), st.integers(0, 8)), min_size=1, max_size=40).map(
    lambda pairs: (np.array([a for a, _ in pairs]), np.array([b / 8 for _, b in pairs]))
)  # of nine scores, so that many are equal


@given(scored)
@settings(deadline=None)
def test_curves_and_areas_are_scikit_learn_s_ties_and_empty_sides_included(case):
    true, score = case
    found = ranked.ranking(true, score)
    if 0 < true.sum() < len(true):
        fpr, tpr, _ = sk.roc_curve(true, score, drop_intermediate=False)
        assert np.allclose(np.append(0, found.fall_out), fpr)
        assert np.allclose(np.append(0, found.recall), tpr)
        assert ranked.area_under_roc(found) == pytest.approx(sk.roc_auc_score(true, score))
    else:
        assert math.isnan(ranked.area_under_roc(found))
    area = ranked.average_precision(found.recall, found.precision, "step")
    if true.any():
        precision, recall, _ = sk.precision_recall_curve(true, score)
        assert np.allclose(np.append(0, found.recall)[::-1], recall)
        assert np.allclose(np.append(1, found.precision)[::-1], precision)
        assert area == pytest.approx(sk.average_precision_score(true, score))
    else:
        assert math.isnan(area)


@given(scored)
def test_the_definitions_of_average_precision_are_ordered(case):
    true, score = case
    found = ranked.ranking(true, score)
    step, all_point, at_101 = (
        ranked.average_precision(found.recall, found.precision, name) for name in ranked.DEFINITIONS
    )
    if true.any():
        assert step <= all_point + 1e-12
        assert abs(all_point - at_101) < 0.03
        dense = np.linspace(0, 1, 100_001)
        heights = [found.precision[found.recall >= r - 1e-12].max() for r in dense[::1000]]
        assert np.allclose(heights, ranked.at_recalls(found.recall + 1e-12, found.precision))


@given(scored, st.floats(0, 1))
@settings(deadline=None)
def test_a_threshold_counts_what_it_counts_by_hand(case, threshold):
    true, score = case
    counts = thresholds.at(ranked.ranking(true, score), np.array([threshold]))[:, 0]
    called = score >= threshold
    (tn, fp), (fn, tp) = sk.confusion_matrix(true, called, labels=[False, True])
    assert counts.tolist() == [tp, fn, fp, tn]


@given(scored, st.integers(0, 20), st.integers(0, 20))
def test_no_threshold_is_cheaper_than_the_best(case, cost_fp, cost_fn):
    true, score = case
    found = ranked.ranking(true, score)
    best, lowest = thresholds.cheapest(found, cost_fp, cost_fn)
    _, fn, fp, _ = thresholds.at(found, np.array([best]))
    assert cost_fp * fp[0] + cost_fn * fn[0] == lowest
    tries = np.concatenate([np.linspace(0, 1, 101), score])
    _, fn, fp, _ = thresholds.at(found, tries)
    assert (cost_fp * fp + cost_fn * fn).min() >= lowest


@given(scored, st.integers(2, 20))
@settings(deadline=None)
def test_calibration_is_scikit_learn_s(case, bins):
    true, score = case
    mean, share, number = thresholds.calibration(true, score, bins)
    if 0 < true.sum() < len(true):
        expected = calibration_curve(true, score, n_bins=bins)
        assert np.allclose(share[number > 0], expected[0])
        assert np.allclose(mean[number > 0], expected[1])
    assert number.sum() == len(true)


def test_one_class_against_the_rest_agrees_with_scikit_learn():
    record = one_vs_rest(positive=4, threshold=0.3)
    found = predictions.final(defaults(one_vs_rest))
    true, score = found.true == 4, found.scores[:, 4].astype(float)
    assert record.roc_auc == pytest.approx(sk.roc_auc_score(true, score))
    assert record.ap == pytest.approx(sk.average_precision_score(true, score))
    assert record.brier == pytest.approx(sk.brier_score_loss(true, score))
    called = score >= 0.3
    assert record.values["F1"] == pytest.approx(sk.f1_score(true, called))
    assert record.values["MCC"] == pytest.approx(sk.matthews_corrcoef(true, called))
    assert record.bars.sum() == len(true)
    at = int(np.argmin(np.abs(thresholds.ALONG - 0.3)))
    assert record.along[:, at] == pytest.approx(
        [record.values[name] for name in ("accuracy", "precision", "recall", "F1")]
    )


def test_mean_average_precision_is_the_mean_of_scikit_learn_s():
    found = predictions.final(defaults(average_precision))
    each = [sk.average_precision_score(found.true == i, found.scores[:, i]) for i in range(10)]
    record = average_precision()
    assert np.allclose(record.ap, each)
    assert record.mean == pytest.approx(np.mean(each))
    empty = average_precision(imbalance=1.0)
    assert math.isnan(empty.ap[9])
    assert empty.mean == pytest.approx(np.mean(empty.ap[:9]))


def defaults(view) -> dict:
    return {name: parameter.default for name, parameter in inspect.signature(view).parameters.items()}


# --- files of visitors -------------------------------------------------------------------------------------


def test_labels_and_predictions_are_read():
    upload = predictions.read(csv(("label", "prediction"), ("cat", "dog"), ("dog", "dog"), ("cat", "cat")))
    record = last(matrix(data="your CSV", upload=upload, true=0, predicted=1))
    assert record.classes == ("cat", "dog")
    assert record.counts[-1].tolist() == [[1, 1], [0, 1]]
    assert record.last.numbers[record.members].tolist() == [2]  # the row of the file
    assert metrics(data="your CSV", upload=upload, row=0).scores.values[0, 2] == 0.5
    for view in (one_vs_rest, average_precision):
        with pytest.raises(ValueError, match="needs scores"):
            view(data="your CSV", upload=upload)


def test_labels_and_scores_are_read():
    rows = (("a", 0.7, 0.2, 0.1), ("b", 0.6, 0.3, 0.1), ("c", 0.1, 0.1, 0.8))
    upload = predictions.read(csv(("Label", "a", "b", "c"), *rows))
    record = one_vs_rest(data="your CSV", upload=upload, positive=0, threshold=0.65)
    assert record.counts == (1, 0, 0, 2)
    assert average_precision(data="your CSV", upload=upload).ap.tolist() == [1.0, 1.0, 1.0]


def test_numbers_as_classes_are_ordered_by_size():
    upload = predictions.read(csv(("label", "prediction"), (10, 9), (9, 9), (2, 10)))
    assert predictions.unpacked(upload).classes == ("2", "9", "10")


HOSTILE = {
    "empty": b"",
    "not text": b"\xff\xfe\x00label",
    "head alone": b"label,prediction",
    "one row": b"label,prediction\na,b",
    "one column": b"label\na\nb",
    "no label column": b"truth,prediction\na,b\nb,a",
    "a short row": b"label,prediction\na,b\na",
    "a long row": b"label,prediction\na,b\na,b,c",
    "an empty label": b"label,prediction\n,b\na,b",
    "an empty prediction": b"label,prediction\na,\na,b",
    "one class": b"label,prediction\na,a\na,a",
    "too many classes": csv(("label", "prediction"), *((i, i) for i in range(30))),
    "one score column": b"label,a\na,0.5\na,0.2",
    "class twice": b"label,a,a\na,0.5,0.5\na,0.2,0.1",
    "class without a name": b"label,a,\na,0.5,0.5\na,0.2,0.1",
    "unknown label": b"label,a,b\nz,0.5,0.5\na,0.2,0.1",
    "score in words": b"label,a,b\na,high,0.5\na,0.2,0.1",
    "score is nan": b"label,a,b\na,nan,0.5\na,0.2,0.1",
    "score is infinite": b"label,a,b\na,1e999,0.5\na,0.2,0.1",
    "score above one": b"label,a,b\na,7,0.5\na,0.2,0.1",
    "score below zero": b"label,a,b\na,-0.1,0.5\na,0.2,0.1",
    "too many columns": csv(("label", *range(40)), ("0", *[0] * 40), ("0", *[0] * 40)),
    "too many rows": b"label,prediction\n" + b"a,b\n" * 20_001,
    "too large": b"label,prediction\n" + b"a,b\n" * 600_000,
    "a quote that never ends": b'label,prediction\n"a,b\na,b',
    "binary": bytes(range(256)) * 10,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_gets_a_sentence(name):
    with pytest.raises(ValueError, match=r"^.{15,220}[.]$"):
        predictions.read(HOSTILE[name])


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_in_a_sentence(data):
    for file in (data, b"label,prediction\n" + data, b"label,a,b\n" + data):
        try:
            assert isinstance(predictions.read(file), bytes)
        except ValueError as refused:
            assert str(refused).endswith(".")  # noqa: PT017


@pytest.mark.parametrize(
    "upload", [b"", b"{}", b"nonsense\n", b'{"classes": ["a", "b"], "rows": 9, "scores": false}\nab']
)
def test_an_upload_that_is_not_one_is_refused(upload):
    for view in (metrics, one_vs_rest, average_precision):
        with pytest.raises(ValueError, match=r"[.]$"):
            view(data="your CSV", upload=upload)


FORMULAS = ("=1+1", "+a", "@b", "-c")


def test_cells_that_look_like_formulas_are_text_and_leave_as_text():
    rows = [(FORMULAS[i % 4], FORMULAS[(i + 1) % 4]) for i in range(8)]
    upload = predictions.read(csv(("label", "prediction"), *rows))
    record = last(matrix(data="your CSV", upload=upload))
    assert set(record.classes) == set(FORMULAS)
    judged = metrics(data="your CSV", upload=upload)
    for text in (*record.table()["true class"], *judged.table()["class"][:4]):
        assert text[0] == "'"
    for line in record.downloads()["predictions.csv"]().splitlines():
        assert all(cell[0] not in "=+@-" for cell in line.split(","))
    assert all(safe(name) == f"'{name}" for name in FORMULAS)


@pytest.mark.parametrize("scored", [True, False])
def test_the_predictions_that_are_taken_home_can_be_brought_back(scored):
    record = last(matrix())
    if not scored:
        given = csv(("label", "prediction"), *zip(record.last.true, record.last.predicted))
        record = last(matrix(data="your CSV", upload=predictions.read(given)))
    text = record.downloads()["predictions.csv"]()
    back = last(matrix(data="your CSV", upload=predictions.read(text.encode())))
    assert (back.counts[-1] == record.counts[-1]).all()
    assert back.classes == record.classes


# --- records and experiments -------------------------------------------------------------------------------


@pytest.mark.parametrize("view", [matrix, metrics, one_vs_rest, average_precision, confusion_matrix.detect])
def test_a_table_has_columns_of_one_length(view):
    found = view()
    table = (last(found) if inspect.isgenerator(found) else found).table()
    assert len({len(column) for column in table.values()}) == 1


def test_the_4_and_the_9():
    counts = run("The 4 and the 9").counts[-1]
    assert (counts[9, 4], counts[4, 9]) == (5, 0)
    assert counts[9, 4] == max(np.delete(counts[9], 9))
    assert run("The 4 and the 9", samples=1200).counts[-1][9, 4] == 0


def test_noisy_labels_learned_by_heart():
    assert run("Noisy labels learned by heart").accuracy[-1] < 2 / 3
    assert run("Noisy labels learned by heart", neighbors=15).accuracy[-1] > 0.95


def test_micro_against_macro():
    values = run("Micro against macro").scores.values
    micro, macro = values[10:12, scores.METRICS.index("F1")]
    assert micro > 0.94
    assert macro < 0.8


def test_an_empty_class():
    found = [run("An empty class", zero_division=zero).scores.values[11, 2] for zero in scores.ZERO]
    assert run("An empty class").scores.quarters[:2, 9].sum() == 0
    assert found[0] < found[2] < found[1]


def test_accuracy_that_is_worthless():
    record = run("99 % accuracy that is worthless")
    assert record.counts[:2] == (0, 3)
    assert record.values["accuracy"] > 0.99
    assert (record.values["recall"], record.values["F1"], record.values["MCC"]) == (0, 0, 0)


def test_a_threshold_for_a_screening_test():
    record = run("A threshold for a screening test")
    assert record.best < 0.01
    assert record.values["recall"] == 1
    assert 0.6 < 1 - record.values["precision"] < 0.7
    assert record.cost_now < one_vs_rest(cost_fn=50).cost_now / 3


def test_the_roc_hardly_notices():
    record = run("The ROC hardly notices")
    tp, fn, fp, tn = record.counts
    assert (tp + fn, tp + fn + fp + tn) == (3, 541)
    assert record.roc_auc > 0.98
    assert record.ap < 0.5


def test_modest_scores():
    record = run("Modest scores")
    mean, share, number = record.calibration
    assert (share[1:][number[1:] > 0] > mean[1:][number[1:] > 0]).all()
    assert record.values["accuracy"] > 0.9


def test_the_weakest_class():
    ap = run("The weakest class").ap
    assert ap.argmin() == 8
    assert ap[8] < 0.55 * ap[0]
