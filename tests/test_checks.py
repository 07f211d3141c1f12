"""Every message says what was expected, what came, and how to fix it."""

import math

import numpy as np
import pytest
import torch
from advreg_edu._input.arguments import check_batch, check_count, check_finite, check_images, check_number

GOOD_NUMBERS = [(3, {}), (0.5, dict(low=0, high=1)), (np.float32(2), {}), (torch.tensor(1.5), {}), (0, dict(low=0))]


@pytest.mark.parametrize("value, bounds", GOOD_NUMBERS)
def test_numbers_come_back_as_floats(value, bounds):
    number = check_number(value, "n", **bounds)
    assert type(number) is float and number == float(value)


BAD_NUMBERS = {
    "below": (-1, dict(low=0), ValueError, r"^n: expected a finite number at least 0, got -1\.$"),
    "at an open bound": (0, dict(low=0, above=True), ValueError, r"^n: expected a finite number above 0, got 0\.$"),
    "above": (2, dict(low=0, high=1), ValueError, r"^n: expected a finite number at least 0 and at most 1, got 2\.$"),
    "nan": (math.nan, {}, ValueError, r"expected a finite number.*got nan"),
    "inf": (math.inf, dict(low=0), ValueError, r"expected a finite number.*got inf"),
    "text": ("x", dict(fix="Give a float."), TypeError, r"^n: expected a number, got 'x'\. Give a float\.$"),
    "list": ([1], {}, TypeError, r"expected a number, got \[1\]"),
    "two": (torch.ones(2), {}, TypeError, r"expected a number, got a tensor of shape \(2,\)"),
    "number as text": ("3", {}, TypeError, r"expected a number, got '3'"),
    "beyond floats": (10**400, {}, ValueError, r"expected a finite number.*got inf"),
    "meta": (torch.ones((), device="meta"), {}, TypeError, r"expected a number"),
    "long": (list(range(99)), {}, TypeError, r"^.{,90}$"),
}


@pytest.mark.parametrize("name", BAD_NUMBERS)
def test_bad_numbers(name):
    value, arguments, kind, message = BAD_NUMBERS[name]
    with pytest.raises(kind, match=message):
        check_number(value, "n", **arguments)


@pytest.mark.parametrize("value", [1, np.int64(4), torch.tensor(7), 3.0])
def test_counts_come_back_as_ints(value):
    count = check_count(value, "n")
    assert type(count) is int and count == value


BAD_COUNTS = {
    "half": (1.5, TypeError, r"expected a whole number, got 1\.5"),
    "true": (True, TypeError, r"expected a whole number, got True"),
    "zero": (0, ValueError, r"expected at least 1, got 0"),
    "nan": (math.nan, ValueError, r"expected a finite number.*got nan"),
    "inf": (math.inf, ValueError, r"expected a finite number.*got inf"),
    "text": ("3", TypeError, r"expected a number, got '3'"),
    "huge": (10**400, ValueError, r"expected at most 1000000000, got a number of over 50 digits"),
    "array": (np.linspace(0, 2, 20), TypeError, r"expected a number, got an array of shape \(20,\)"),
    "none": (None, TypeError, r"expected a number, got None"),
}


@pytest.mark.parametrize("name", BAD_COUNTS)
def test_bad_counts(name):
    value, kind, message = BAD_COUNTS[name]
    with pytest.raises(kind, match=r"^n: " + message):
        check_count(value, "n")


@pytest.mark.parametrize("x", [torch.rand(2, 3, 4, 5), torch.rand(1, 1, 1, 1).double()])
def test_good_images_pass_in_silence(x):
    assert check_images(x, "x", x.shape[1:]) is None


def test_unit_range_is_optional():
    assert check_images(torch.full((1, 1, 2, 2), 7.0), unit_range=False) is None
    with pytest.raises(ValueError, match=r"x: expected intensities in \[0, 1\], got \[7, 7\]"):
        check_images(torch.full((1, 1, 2, 2), 7.0))


@pytest.mark.parametrize("shape", [(4, 4), (1, 4, 4), (1, 1, 1, 4, 4)])
def test_images_have_four_axes(shape):
    with pytest.raises(ValueError, match=r"pictures: expected images of shape \(B, C, H, W\), got .*x\[None, None\]"):
        check_images(torch.zeros(shape), "pictures")


def test_batch_shape():
    with pytest.raises(ValueError, match=r"y: expected data of shape \(B, 2, 3\), got \(2, 3\).*y\[None\] for one"):
        check_batch(torch.zeros(2, 3), "y", (2, 3), "data")
    with pytest.raises(ValueError, match=r"y: expected at least one item, got an empty batch of shape \(0, 3\)"):
        check_batch(torch.zeros(0, 3), "y")
    with pytest.raises(TypeError, match=r"y: expected a torch\.Tensor, got list.*torch\.as_tensor\(y\)"):
        check_batch([1.0], "y")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, complex(0, math.nan)])
def test_finite(value):
    x = torch.zeros(5, dtype=torch.complex64 if isinstance(value, complex) else torch.float32)
    assert check_finite(x, "x") is None
    x[2] = value
    with pytest.raises(ValueError, match=r"x: expected finite numbers, got 1 NaN or infinite of 5"):
        check_finite(x, "x")
