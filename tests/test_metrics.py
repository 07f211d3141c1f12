"""PSNR and SSIM against scikit-image and closed forms."""

import math

import advreg_edu as ar
import pytest
import torch
from skimage import metrics as skimage_metrics


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def pair(channels=1, height=32, width=32, noise=0.1, batch=3, dtype=torch.float32):
    """A smooth truth and a noisy version of it, which leaves [0, 1] now and then."""
    g = seeded(channels + height)
    coarse = torch.rand(batch, channels, 4, 4, generator=g)
    x_true = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear").to(dtype)
    return x_true + noise * torch.randn(x_true.shape, generator=g).to(dtype), x_true


def reference(metric, x, x_true, **kwargs):
    """scikit-image's number for every image of the batch."""
    last = lambda image: image.permute(1, 2, 0).numpy()
    return [metric(last(t), last(u), **kwargs) for u, t in zip(x, x_true, strict=True)]


SHAPES = [(1, 32, 32), (3, 24, 40), (1, 7, 7), (2, 17, 9)]


@pytest.mark.parametrize("channels, height, width", SHAPES)
@pytest.mark.parametrize("noise", [1e-3, 0.1, 1.0])
def test_psnr_is_that_of_scikit_image(channels, height, width, noise):
    x, x_true = pair(channels, height, width, noise)
    expected = reference(skimage_metrics.peak_signal_noise_ratio, x, x_true, data_range=1)
    assert ar.psnr(x, x_true).tolist() == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("channels, height, width", SHAPES)
@pytest.mark.parametrize("data_range", [1, 2])
@pytest.mark.parametrize("noise", [0.02, 0.3])
def test_ssim_is_that_of_scikit_image(channels, height, width, data_range, noise):
    x, x_true = pair(channels, height, width, noise)
    kwargs = dict(data_range=data_range, channel_axis=2)
    expected = reference(skimage_metrics.structural_similarity, x, x_true, **kwargs)
    assert ar.ssim(x, x_true, data_range=data_range).tolist() == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("error", [0.1, 0.01, 0.5])
def test_psnr_of_a_constant_error(error):
    """PSNR = -20 log10 d when every pixel is off by d."""
    x_true = torch.rand(2, 1, 8, 8, generator=seeded()).double() / 2
    assert ar.psnr(x_true + error, x_true).tolist() == pytest.approx([-20 * math.log10(error)] * 2)


def test_equal_images():
    _, x_true = pair()
    assert (ar.psnr(x_true, x_true) == math.inf).all() and torch.allclose(ar.ssim(x_true, x_true), torch.ones(3))


def test_batch_is_loop():
    x, x_true = pair(3)
    for metric in (ar.psnr, ar.ssim):
        alone = [metric(u[None], t[None]).item() for u, t in zip(x, x_true, strict=True)]
        assert metric(x, x_true).shape == (3,) and metric(x, x_true).tolist() == pytest.approx(alone, rel=1e-5)


def test_more_noise_is_worse():
    for metric in (ar.psnr, ar.ssim):
        values = [metric(*pair(noise=noise)).mean() for noise in (0.01, 0.05, 0.2)]
        assert values == sorted(values, reverse=True)


def test_wider_data_range_flatters():
    """With scikit-image's 2 for floats, which the authors left in place, SSIM is higher than with 1."""
    x, x_true = pair(noise=0.1)
    assert (ar.ssim(x, x_true, data_range=2) > ar.ssim(x, x_true)).all()


def image(*shape):
    return torch.rand(*(shape or (2, 1, 8, 8)), generator=seeded())


NAN = torch.full((2, 1, 8, 8), math.nan)
BAD_PAIRS = {
    "size": (image(2, 1, 9, 8), image(), ValueError, r"x: expected images .*\(B, 1, 8, 8\), got \(2, 1, 9, 8\)"),
    "channels": (image(2, 3, 8, 8), image(), ValueError, r"x: expected images .*\(B, 1, 8, 8\), got \(2, 3, 8, 8\)"),
    "batch": (image(3, 1, 8, 8), image(), ValueError, r"x: expected as many images as in x_true \(2\), got 3"),
    "nan": (NAN, image(), ValueError, r"x: expected finite numbers, got 128 NaN"),
    "nan truth": (image(), NAN, ValueError, r"x_true: expected finite numbers, got 128 NaN"),
    "0 to 255": (image(), 255 * image(), ValueError, r"x_true: expected intensities in \[0, 1\].*divide bytes by 255"),
    "bytes": (image(), image().byte(), TypeError, r"x_true: expected a float tensor, got torch\.uint8"),
    "numpy": (image().numpy(), image(), TypeError, r"x: expected a torch\.Tensor, got ndarray"),
    "no batch": (image(8, 8), image(8, 8), ValueError, r"x_true: expected .*\(B, C, H, W\), got \(8, 8\)"),
}


@pytest.mark.parametrize("metric", [ar.psnr, ar.ssim])
@pytest.mark.parametrize("name", BAD_PAIRS)
def test_bad_pairs(metric, name):
    x, x_true, kind, message = BAD_PAIRS[name]
    with pytest.raises(kind, match=message):
        metric(x, x_true)


def test_too_small_for_a_window():
    with pytest.raises(ValueError, match=r"x: expected at least 7x7 pixels for SSIM, got \(6, 20\)"):
        ar.ssim(image(1, 1, 6, 20), image(1, 1, 6, 20))


@pytest.mark.parametrize("data_range", [0, -1, math.nan])
def test_bad_data_range(data_range):
    with pytest.raises(ValueError, match=r"data_range: expected a finite number above 0, got"):
        ar.ssim(image(), image(), data_range=data_range)
