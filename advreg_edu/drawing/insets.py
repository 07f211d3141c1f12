"""A detail of an image, magnified in a corner of it (not in the paper)."""

import torch

from .._input.arguments import check_count, check_float, check_pair
from .._input.signature import checked


@checked
def with_inset(image: torch.Tensor, corner: tuple[int, int], side: int = 32, factor: int = 3) -> torch.Tensor:
    """`image` (C, H, W) twice as large, and in its lower right corner the square at `corner`, magnified and framed.

    corner (row, column) and `side` are in pixels of `image`; a thin frame shows where the square was.

    >>> with_inset(torch.rand(1, 64, 64), corner=(8, 8), side=16).shape
    torch.Size([1, 128, 128])
    """
    row, column = map(int, check_pair(corner, "corner", "It is (row, column).", 0))
    _check_inside(image, side, row, column)
    factor = min(check_count(factor, "factor"), 2 * min(image.shape[1:]) // side)
    sheet, zoom = _enlarged(image, 2), _enlarged(image[:, row : row + side, column : column + side], factor)
    width = zoom.shape[-1]
    _frame(sheet, 2 * row, 2 * column, 2 * side)
    sheet[:, -width:, -width:] = zoom
    _frame(sheet, sheet.shape[1] - width, sheet.shape[2] - width, width)
    return sheet


@checked
def busiest(image: torch.Tensor, side: int = 32) -> tuple[int, int]:
    """(row, column) of the square where `image` (C, H, W) varies most, not where `with_inset` puts its inset.

    >>> image = torch.zeros(1, 64, 64)
    >>> image[:, 4:12, 20:28] = torch.tensor([0.0, 1.0]).repeat(4)  # stripes
    >>> busiest(image, side=8)
    (4, 20)
    """
    _check_inside(image, side)
    x = image.mean(0)[None, None]
    mean, mean_square = (torch.nn.functional.avg_pool2d(u, side, stride=4) for u in (x, x * x))
    variance = (mean_square - mean**2)[0, 0]
    rows, columns = variance.shape
    variance[rows // 3 :, columns // 3 :] = -1
    k = int(variance.argmax())
    return 4 * (k // columns), 4 * (k % columns)


def _check_inside(image: torch.Tensor, side: int, row: int = 0, column: int = 0) -> None:
    """Raise unless `image` is (C, H, W), and the square of `side` pixels at (row, column) lies in it."""
    check_float(image, "image")
    if image.ndim != 3 or side < 1 or row + side > image.shape[1] or column + side > image.shape[2]:
        got = f"{tuple(image.shape)} and {side} pixels at ({row}, {column})"
        raise ValueError(
            f"image: expected (C, H, W) and a square inside of it, got {got}. Take x[0], or a smaller one."
        )


def _enlarged(image: torch.Tensor, factor: int) -> torch.Tensor:
    return image.repeat_interleave(factor, 1).repeat_interleave(factor, 2)


def _frame(sheet: torch.Tensor, row: int, column: int, side: int) -> None:
    """A frame of 2 pixels inside the square, white between dark, so that it shows on any ground."""
    for inset, value in ((0, 1.0), (1, 0.0)):
        first, last = inset, side - 1 - inset
        for k in (first, last):
            sheet[:, row + k, column + first : column + last + 1] = value
            sheet[:, row + first : row + last + 1, column + k] = value
