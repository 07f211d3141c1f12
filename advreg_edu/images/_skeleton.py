"""The bones of a Chest: a bright rim of cortical bone around cancellous bone. Not in the paper."""

import torch
from torch import Tensor

from ._canvas import NOWHERE, Chest
from ._shapes import Number, capsule, ellipse, norm, superellipse, union


def add_bones(c: Chest) -> None:
    """Ribs, breastbone, shoulder blades, collar bones, spine; now and then metal."""
    c.grain = 40 * c.rough(48)
    _add_ribs(c)
    _add_shoulders(c)
    _add_sternum(c.near(-0.3, 0.3, -0.9, 0.0))
    _add_spine(c.near(-0.3, 0.3, 0.0, 0.9))
    metal = norm(c.x - c.draw(-0.3, 0.3), c.y - c.draw(-0.6, 0.4)) - c.draw(0.01, 0.035)
    c.paint(metal, 2500.0, c.chance(0.08) * (c.body < -0.03))


def _add_bone(c: Chest, d: Tensor, rim: Number, cortex: float, marrow: float, where: Number = 1.0) -> None:
    c.paint(d, c.bone * cortex * c.draw(0.8, 1.2), where)
    c.paint(d + rim, c.bone * (marrow + c.grain), where)


def _add_ribs(c: Chest) -> None:
    """Ribs run down and forwards, so a slice cuts each into an arc of the chest wall: one per `gap` of the angle."""
    many, right = 7, (c.x > 0).long()
    angle = torch.atan2((c.y - c.cy) / c.depth, c.x.abs() / c.reach)  # from the front, -pi/2, to the back, pi/2
    gap, start = c.draw(0.52, 0.75), -1.35 + c.draw(-0.4, 0.4) + right * c.draw(-0.2, 0.2)
    nearest = ((angle - start) / gap).round().clamp(0, many - 1)
    rib = (nearest.long() + many * right).flatten(1)

    def of_rib(low: float, high: float) -> Tensor:  # a number of each rib, looked up at each pixel
        table = low + (high - low) * torch.rand(c.batch, 2 * many, generator=c.generator)
        return table.gather(1, rib).view_as(angle)

    along = (angle - start - gap * nearest - of_rib(-0.08, 0.08)) * 0.75 * c.depth
    d = ellipse(along, c.cage - 0.028 + along * of_rib(-0.15, 0.15), of_rib(0.04, 0.15), of_rib(0.017, 0.030))
    d = torch.where((c.x.abs() > 0.13) & (angle < 1.3), d, NOWHERE)
    _add_bone(c, d, c.draw(0.010, 0.016), 430.0, 130.0)


def _add_shoulders(c: Chest) -> None:
    """Shoulder blades lie on the cage, half way to the skin; collar bones in front of the apex."""
    angle = torch.atan2(c.y / c.half, c.x.abs())
    along = angle - c.sides(0.15, 0.75)
    across = c.cage - c.wall * c.sides(0.30, 0.50) + c.sides(-0.3, 0.3) * along + 0.015 * c.rough(10)
    length = c.draw(0.1, 0.5) * (1 - c.rise(0.1, 0.6)) + 0.01
    blade = ellipse(along * 0.8, across, length, c.draw(0.014, 0.028))
    _add_bone(c, blade, 0.016, 450.0, 200.0, (c.level < 0.55) * (c.cage > 0.06) * (c.body < -0.05))
    y = -c.depth * c.draw(0.8, 1.0)
    ends = (c.draw(0.12, 0.25), y, c.draw(0.35, 0.6), y + c.draw(0.0, 0.15))
    collar = capsule(c.x.abs(), c.y + 0.1 * c.x * c.draw(-1, 1), *ends, 0.03)
    inside = c.chance(0.8) * (c.level < 0.09) * (c.body < -0.04) * (c.cage > -0.03)
    _add_bone(c, collar, 0.018, 450.0, 160.0, inside)


def _add_sternum(c: Chest) -> None:
    sternum = superellipse(c.x, c.y - c.cy + c.depth * c.draw(0.93, 1.0), c.draw(0.09, 0.17), c.draw(0.028, 0.045), 3.0)
    _add_bone(c, sternum, 0.016, 330.0, 90.0, c.between(0.08, 0.9))


def _add_spine(c: Chest) -> None:
    """The body of a vertebra, and the arch behind it with its processes around the spinal canal."""
    x, y, zero = c.x - c.draw(-0.015, 0.015), c.y - c.spine_y, torch.zeros_like(c.level)
    arch = (norm(x, 1.1 * (y - 0.14)) - 0.085).abs() - c.draw(0.018, 0.03)
    spinous = capsule(x, y, zero, zero + 0.22, zero, 0.22 + c.draw(0.06, 0.16), c.draw(0.014, 0.026))
    wings = capsule(x.abs(), y, zero + 0.07, zero + 0.12, c.draw(0.14, 0.22), c.draw(0.13, 0.20), c.draw(0.015, 0.026))
    arch = union(union(arch, spinous * c.draw(0.6, 1.4), 0.02), wings, 0.02)
    _add_bone(c, arch, 0.02, 460.0, 200.0, c.body < -0.05)
    body = superellipse(x, y, c.draw(0.115, 0.145), c.draw(0.095, 0.125), 2.3)
    _add_bone(c, body, c.draw(0.010, 0.018), 300.0, 120.0)
    c.paint(norm(x, y - 0.145) - 0.055, 35.0)  # the canal
