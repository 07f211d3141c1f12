"""The canvas that a batch of chests is painted on: coordinates of the body, random numbers, masks, paint.

Lengths are in halves of the body's width, angles in radians, values in Hounsfield units. A number of a slice has the
shape (B, 1, 1), a picture (B, size, size). Not in the paper.
"""

import copy

import torch
from torch import Tensor

from ._shapes import Number, field, grid, rotate

NOWHERE = 9.0  # the distance to a shape that is not there


class Chest:
    """A picture `hu` in Hounsfield units, the coordinates (x, y) of the body on it, and what was painted so far."""

    # laid down as the patient is painted: of each slice
    half: Tensor  # half the depth of the body
    wall: Tensor  # from lung to skin, at the sides
    fat: Tensor  # thickness under the skin
    blood_hu: Tensor
    flesh_hu: Tensor
    fat_hu: Tensor
    bone: Tensor  # how dense the bones are
    reach: Tensor  # of the rib cage, from the middle to the side
    depth: Tensor  # of the rib cage
    cx: Tensor  # centres of the halves of the cage: (-cx, cy) and (cx, cy)
    cy: Tensor
    ax: Tensor  # half the width of each of them
    front: Tensor  # y of the great vessels
    spine_y: Tensor  # y of the middle of the vertebra
    breast: Tensor
    heart_size: Tensor
    # and of each pixel, distances to shapes, negative inside
    body: Tensor
    cage: Tensor
    halves: list[Tensor]
    heart: Tensor
    vertebra: Tensor
    middle: Tensor
    liver: Tensor
    spleen: Tensor
    heart_x: Tensor  # coordinates along the axes of the heart
    heart_y: Tensor
    bend: Tensor  # how far organs bulge
    air: Tensor  # the share of the pixel that is lung
    grain: Tensor  # of cancellous bone, in HU

    def __init__(self, batch: int, size: int, generator: torch.Generator) -> None:
        self.batch, self.size, self.generator = batch, size, generator
        self.rows = self.cols = slice(0, size)  # the part of the picture that this canvas is
        self.gx, self.gy = grid(size)
        self.level = self.draw(0, 1)  # 0 the apex of the lungs, 1 the dome of the liver
        self.scale, self.drop = self.draw(0.72, 1.18), self.draw(-0.18, 0.12)
        x, y = (self.gx - self.draw(-0.05, 0.05)) / self.scale, (self.gy - self.drop) / self.scale
        self.x, self.y = rotate(x, y, self.draw(-0.06, 0.06))
        self.px = 2 / size / self.scale  # a pixel
        self.hu = torch.zeros(batch, size, size) + self.draw(-1008, -988)

    def draw(self, low: Number, high: Number) -> Tensor:
        """A number of each slice, evenly between `low` and `high`."""
        return low + (high - low) * torch.rand(self.batch, 1, 1, generator=self.generator)

    def chance(self, p: float) -> Tensor:
        """1 with probability p, else 0."""
        return (self.draw(0, 1) < p).float()

    def rough(self, cells: int) -> Tensor:
        """A smooth random picture with about `cells` details across."""
        return field(self.batch, cells, self.size, self.generator)[:, self.rows, self.cols]

    def sides(self, low: Number, high: Number) -> Tensor:
        """A number of each side of the body."""
        return torch.where(self.x > 0, self.draw(low, high), self.draw(low, high))

    def rise(self, low: float, high: float) -> Tensor:
        """0 above the level `low`, 1 below the level `high`, linear between."""
        return ((self.level - low) / (high - low)).clamp(0, 1)

    def between(self, low: float, high: float) -> Tensor:
        """1 in the slices of these levels, else 0."""
        return ((self.level > low) & (self.level < high)).float()

    def mask(self, d: Tensor, soft: float = 1) -> Tensor:
        """The share of each pixel in {d < 0}; `soft` is the width of the edge in pixels."""
        return (0.5 - d / (soft * self.px)).clamp_(0, 1)

    def near(self, left: float, right: float, top: float, bottom: float) -> "Chest":
        """The part of the canvas around a box of the body, in lengths of the body; painting it paints the whole."""
        box = (self.x > left) & (self.x < right) & (self.y > top) & (self.y < bottom)
        ends = lambda seen: slice(int(seen.nonzero().min()), int(seen.nonzero().max()) + 1)
        part = copy.copy(self)
        part.rows, part.cols = ends(box.any(2).any(0)), ends(box.any(1).any(0))
        for name, value in vars(self).items():
            if isinstance(value, torch.Tensor) and value.shape[-1] == self.size:
                setattr(part, name, value[:, part.rows, part.cols])
        return part

    def paint(self, d: Tensor, value: Number, where: Number = 1.0, soft: float = 1) -> None:
        """Lay `value` over {d < 0}, as far as `where` (0 to 1) lets it."""
        self.cover(self.mask(d, soft) * where, value)

    def cover(self, mask: Tensor, value: Number) -> None:
        """Lay `value` over the picture as far as the mask says."""
        self.hu.lerp_(torch.as_tensor(value).expand_as(self.hu), mask)
