"""Do two sets of images look alike to a statistician? Histogram, power spectrum and gradients. Not in the paper."""

import torch

from .._input.arguments import check_count, check_images


def compare_statistics(phantoms: torch.Tensor, real: torch.Tensor, bins: int = 64) -> dict[str, torch.Tensor]:
    """Compare two batches (B, C, H, W) of images in [0, 1] by their statistics: a dictionary of tensors.

    The batches may hold different numbers of images, all of one size.

    intensity (bins,)   the values at which the histogram counts
    histogram (2, bins) share of the pixels in each bin; row 0 the phantoms, row 1 the real images
    frequency (H/2,)    cycles per picture
    spectrum  (2, H/2)  mean |x^|^2 over all images on each circle of frequencies, the mean of each image removed
    slope     (bins,)   differences of neighbours, 0 to 1
    gradients (2, bins) share of neighbouring pairs whose difference is that large
    wasserstein ()      1-Wasserstein distance of the intensities: the area between the two cumulative histograms

    >>> dark, light = torch.full((2, 1, 8, 8), 0.25), torch.full((3, 1, 8, 8), 0.75)
    >>> compare_statistics(dark, light)["wasserstein"].item()
    0.5
    """
    bins = check_count(bins, "bins")
    check_images(phantoms, "phantoms")
    check_images(real, "real", phantoms.shape[1:])
    phantoms, real = phantoms.detach().float(), real.detach().float()
    centers = (torch.arange(bins) + 0.5) / bins
    both = (phantoms, real)
    histogram = torch.stack([_histogram(x, bins) for x in both])
    gradients = torch.stack([_histogram(torch.cat([d.flatten() for d in _differences(x)]), bins) for x in both])
    spectrum = torch.stack([_radial_power(x) for x in both])
    return {
        "intensity": centers,
        "histogram": histogram,
        "frequency": torch.arange(spectrum.shape[1]),
        "spectrum": spectrum,
        "slope": centers,
        "gradients": gradients,
        "wasserstein": (histogram[0] - histogram[1]).cumsum(0).abs().sum() / bins,
    }


def _differences(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return x.diff(dim=-1).abs(), x.diff(dim=-2).abs()


def _histogram(x: torch.Tensor, bins: int) -> torch.Tensor:
    counts = (x * bins).long().clamp_(0, bins - 1).flatten().bincount(minlength=bins)  # exact; histc counts in floats
    return counts / x.numel()


def _radial_power(x: torch.Tensor) -> torch.Tensor:
    """|x^|^2 averaged over circles of radius 0, 1, ... H/2 - 1."""
    size = x.shape[-1]
    power = torch.fft.fft2(x - x.mean((-2, -1), keepdim=True), norm="ortho").abs().square().mean((0, 1))
    f = torch.fft.fftfreq(size, 1 / size)
    radius = torch.hypot(torch.fft.fftfreq(x.shape[-2], 1 / x.shape[-2])[:, None], f).round().long().flatten()
    total = torch.zeros(int(radius.max()) + 1).index_add_(0, radius, power.flatten())
    return (total / radius.bincount().clamp_min(1))[: min(x.shape[-2:]) // 2]
