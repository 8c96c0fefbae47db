"""Data: as scikit-learn has it, the same every time, and shared safely."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.preprocessing import StandardScaler

from nnplay import datasets


def test_digits_are_scikit_learns_standardized():
    pixels, labels = datasets.digits()
    theirs, their_labels = load_digits(return_X_y=True)
    np.testing.assert_allclose(pixels, StandardScaler().fit_transform(theirs), atol=1e-6)
    np.testing.assert_array_equal(labels, their_labels)
    assert pixels.dtype == np.float32
    assert pixels.shape == (1797, datasets.DIGIT_SIDE**2)
    assert labels.max() + 1 == datasets.DIGIT_CLASSES


def test_what_visitors_share_cannot_be_written():
    assert datasets.digits()[0] is datasets.digits()[0]
    for array in datasets.digits():
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_noise_is_normal_and_its_labels_mean_nothing():
    x, y = datasets.gaussian_noise(2000, 50, 10, seed=1)
    assert x.dtype == np.float32
    assert abs(x.mean()) < 0.02
    assert abs(x.std() - 1) < 0.02
    assert set(y) == set(range(10))
    np.testing.assert_array_equal(x, datasets.gaussian_noise(2000, 50, 10, seed=1)[0])
    assert not np.array_equal(x, datasets.gaussian_noise(2000, 50, 10, seed=2)[0])


@pytest.mark.parametrize("name", datasets.FUNCTIONS)
def test_functions_fit_in_the_picture_and_are_not_constant(name):
    y = datasets.FUNCTIONS[name].of(np.linspace(*datasets.DOMAIN, 1001))
    assert np.abs(y).max() <= 1.1
    assert np.ptp(y) > 1


@pytest.mark.parametrize("name", datasets.FUNCTIONS)
def test_samples_lie_on_the_function_up_to_their_noise(name):
    x, clean = datasets.samples(name, 500, 0.0, seed=3)
    again, noisy = datasets.samples(name, 500, 0.2, seed=3)
    np.testing.assert_array_equal(x, again)
    assert (np.diff(x) >= 0).all()
    assert datasets.DOMAIN[0] <= x[0] < -1.9 < 1.9 < x[-1] <= datasets.DOMAIN[1]
    np.testing.assert_allclose(clean, datasets.FUNCTIONS[name].of(x.astype(float)), atol=1e-5)
    assert abs((noisy - clean).std() - 0.2) < 0.02
    assert noisy.dtype == x.dtype == np.float32
