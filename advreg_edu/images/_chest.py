"""The patient in a batch of chests: outline, fat, muscle, organs, lungs, vessels, airways. Not in the paper.

What is painted on is a `Chest`, see `_canvas`. Anatomy stands by eye against real slices; no number here was measured.
"""

import torch
from torch import Tensor

from ._canvas import NOWHERE, Chest
from ._shapes import Number, ellipse, norm, rotate, superellipse, union, without


def add_patient(c: Chest) -> None:
    """Who lies there: c.half, c.wall, c.fat, the values of blood, flesh, fat, and how dense the bones are."""
    c.half = c.draw(0.62, 0.80) * (0.84 + 0.16 * c.rise(0.0, 0.25))  # half the depth; shoulders are flat
    c.wall = c.draw(0.13, 0.30) + 0.13 * (1 - c.rise(0.0, 0.35))  # from lung to skin, at the sides
    c.fat = c.draw(0.025, 0.17) * (c.wall / 0.2).clamp(0.6, 1.2)  # under the skin
    c.blood_hu = 45 + c.chance(0.6) * c.draw(30, 280)  # with contrast agent, or without
    c.flesh_hu, c.fat_hu = c.draw(25, 65), c.draw(-120, -85)
    c.bone = c.draw(0.80, 1.22) ** 2


def add_body(c: Chest) -> None:
    """The outline c.body, skin and fat."""
    theta, r2 = torch.atan2(c.y, c.x), (c.x * c.x + c.y * c.y).clamp_max(1.5)
    body = superellipse(c.x, c.y, 1.0, c.half, c.draw(2.1, 2.8))
    body = body + r2 * (0.02 * c.draw(-1, 1) * torch.cos(3 * theta) + 0.015 * c.draw(-1, 1) * torch.sin(2 * theta))
    body = body + c.draw(0, 0.09) * torch.exp(-((c.x / 0.25).square())) * (c.y < 0)  # the dent over the breastbone
    body = -union(-body, c.half * c.draw(0.86, 0.98) - c.y, 0.15)  # the couch flattens the back
    breast = c.chance(0.35) * c.draw(0.1, 0.3)
    x, y = (c.x - c.draw(-0.05, 0.05)).abs() - c.draw(0.42, 0.58), c.y + c.sides(0.70, 0.74) * c.half
    shape = ellipse(x, y, c.draw(0.24, 0.36), 0.02 + breast)
    body = torch.where(breast > 0, union(body, shape, 0.15), body)
    c.body, c.breast = body, breast
    c.paint(body, c.flesh_hu - 40)
    c.paint(body + 0.018, c.fat_hu + 7 * c.rough(24))


def add_arms(c: Chest) -> None:
    """Now and then the arms lie beside the body."""
    there = c.chance(0.06)
    arm = ellipse(c.x.abs() - c.sides(1.12, 1.22), c.y - c.sides(0.0, 0.35), c.draw(0.13, 0.17), c.draw(0.15, 0.20))
    for inset, value in ((0, c.fat_hu), (0.03, c.flesh_hu), (0.105, 900.0), (0.125, 100.0)):
        c.paint(arm + inset, value, there)


def add_cage(c: Chest) -> None:
    """The rib cage c.cage: two ellipses that meet in the middle, c.halves, so that it bends around the spine."""
    front, behind = c.draw(0.06, 0.11) + 0.6 * c.fat, c.draw(0.13, 0.19) + 0.6 * c.fat
    c.reach = (1 - c.wall) * (0.62 + 0.38 * c.rise(-0.1, 0.45))  # from the middle to the side
    c.depth = (c.half - (front + behind) / 2) * (0.7 + 0.3 * c.rise(-0.1, 0.5))
    c.cx, c.ax, c.cy = 0.44 * c.reach, 0.56 * c.reach, (front - behind) / 2
    c.halves = []
    for side in (-1, 1):
        x, y = rotate(c.x - side * c.cx, c.y - c.cy, side * c.draw(0.05, 0.22))
        a, b = c.ax * c.draw(0.95, 1.03), c.depth * c.draw(0.95, 1.03)
        c.halves.append(superellipse(x, y, a, b, c.draw(2.0, 2.5)))
    c.cage = union(c.halves[0], c.halves[1], 0.25)
    c.front = -c.depth * c.draw(0.35, 0.5)  # where the great vessels are
    c.spine_y = c.half - c.draw(0.40, 0.46)  # the middle of the vertebra


def add_muscle(c: Chest) -> None:
    """A coat around the cage, thick at the back and at the shoulders, parted by fat; glands in the breasts."""
    r = norm(c.x, c.y).clamp_min_(0.05)
    sin, cos = c.y / r, c.x.abs() / r
    chest = torch.exp(-((c.x.abs() - 0.4) / 0.25).square()) * (-sin).clamp_min(0)
    thick = 0.03 + c.draw(0.04, 0.14) * sin.clamp_min(0) + c.draw(0.02, 0.13) * (cos - 0.5).clamp_min(0)
    thick = thick + c.draw(0.02, 0.08) * (1 - c.rise(0.2, 0.7)) * chest + c.draw(0.1, 0.28) * (1 - c.rise(0, 0.4)) * cos
    muscle = torch.maximum(c.cage - 0.05 - thick, c.body + c.fat * (0.75 + 0.4 * sin + 0.15 * c.rough(6)))
    planes = (c.cage - 0.05 - 0.5 * thick + 0.02 * c.rough(8)).abs() - 0.006  # fat between two layers
    meat = c.mask(muscle) * ((c.rough(20) + c.draw(0.6, 1.6)) * 2).clamp(0, 1)
    c.cover(meat * (1 - 0.8 * c.mask(planes) * (c.cage > 0.06)), c.flesh_hu + 9 * c.rough(28))
    gland = c.chance(0.6) * (c.breast > 0) * ((c.rough(20) - 0.6) * 1.5).clamp(0, 1) * c.mask(0.03 - muscle)
    c.paint(c.body + 0.05, 20.0, gland * (c.y < -0.35 * c.half) * (c.x.abs() > 0.15))


def add_middle(c: Chest) -> None:
    """What takes room from the lungs: c.heart, c.vertebra, c.middle (all between the lungs), c.liver, c.spleen."""
    c.bend = 0.04 * c.rough(5)
    width = (
        c.draw(0.10, 0.17) * (0.25 + 0.75 * ((c.y / c.depth + 0.9) / 0.45).clamp(0, 1)) * (1.3 - c.rise(0.0, 0.3) / 3)
    )
    width = width + 0.25 * (c.y - c.spine_y - 0.05).clamp_min(0)
    column = (c.x - c.draw(-0.04, 0.04) + 0.5 * c.bend).abs() - width + c.bend
    c.heart_size = c.draw(0.85, 1.15) * torch.exp(-((c.level - 0.7) / 0.34).square())
    x, y = c.x - c.draw(0.08, 0.16), c.y + c.depth * c.draw(0.12, 0.3)
    c.heart_x, c.heart_y = rotate(x, y, c.draw(0.3, 0.8))
    heart = ellipse(c.heart_x, c.heart_y, 0.36 * c.heart_size, 0.28 * c.heart_size) + 0.3 * c.bend
    c.heart = torch.where(c.level > 0.42, heart, NOWHERE)
    c.vertebra = ellipse(c.x, c.y - c.spine_y + 0.03, 0.15, 0.16)
    c.middle = union(union(column, c.heart, 0.12), c.vertebra, 0.1)
    c.liver = _dome(c, -c.draw(0.95, 1.15), -c.draw(0.0, 0.2), 1.25, 1.05, c.rise(0.70, 1.0))
    c.spleen = _dome(c, c.draw(1.2, 1.5), c.draw(0.0, 0.35), 1.0, 0.8, c.rise(0.82, 1.1) * c.draw(0.4, 1.2))


def _dome(c: Chest, x: Number, y: Number, a: float, b: float, growth: Tensor) -> Tensor:
    """An organ under the diaphragm rises into the lung: larger the lower the slice."""
    wide, deep = c.ax * a * growth + 0.02, c.depth * b * growth + 0.02
    return torch.where(growth > 0, ellipse(c.x - x * c.cx, c.y - y * c.depth, wide, deep) + c.bend, NOWHERE)


def add_organs(c: Chest) -> None:
    """Fill the cage with fat and flesh, then liver, spleen and stomach."""
    c.paint(c.cage + 0.012, c.flesh_hu)
    fatty = (c.draw(0.2, 0.9) * c.rough(14) + c.bend * 15 + c.draw(0.1, 1.2)).clamp(0, 1)
    c.paint(torch.maximum(c.cage + 0.03, -c.vertebra), c.fat_hu + 15, fatty)
    c.paint(c.liver, c.draw(45, 70) + 0.2 * (c.blood_hu - 45) + 6 * c.rough(32))
    c.paint(c.spleen, c.draw(10, 100) + 6 * c.rough(32))
    bubble = ellipse(c.x - c.cx * c.draw(0.9, 1.4), c.y + c.depth * c.draw(-0.2, 0.2), 0.4 * c.ax, 0.2 * c.ax)
    c.paint(torch.maximum(bubble, c.spleen + 0.03), -920.0, c.chance(0.35))


def add_heart(c: Chest) -> None:
    """A muscle in fat, and its chambers full of blood."""
    c.paint(c.heart, c.fat_hu + 10)
    muscle = c.heart + c.draw(0.0, 0.04) + 0.3 * c.bend
    c.paint(muscle, c.draw(45, 70) + 0.3 * (c.blood_hu - 45))
    for k in range(4):
        angle = c.draw(0, 1.2) + 1.57 * k
        x, y = 0.18 * c.heart_size * torch.cos(angle), 0.15 * c.heart_size * torch.sin(angle)
        a, b = c.heart_size * c.draw(0.10, 0.19), c.heart_size * c.draw(0.09, 0.16)
        chamber = ellipse(c.heart_x - x, c.heart_y - y, a, b)
        c.paint(torch.maximum(chamber, muscle + 0.03), c.blood_hu * c.draw(0.75, 1.1), soft=2)


def add_lungs(c: Chest) -> None:
    """The air c.air (a mask): the two halves of the cage without what takes room there."""
    organs = torch.minimum(c.liver, c.spleen)
    left, right = (without(without(d + 0.025, c.middle, 0.06), organs, 0.06) for d in c.halves)
    c.air = c.mask(torch.minimum(left, right) + 0.008 * c.rough(20))
    low = (c.y - c.cy) / c.depth  # blood sinks to the back
    value = c.draw(-915, -815) + c.draw(10, 70) * low + c.draw(5, 18) * c.rough(60) + c.draw(4, 16) * c.rough(10)
    c.cover(c.air, value)


def add_great_vessels(c: Chest) -> None:
    """Aorta, pulmonary trunk and great veins, each between the levels at which it is seen."""
    x, y = c.draw(0.10, 0.16), c.spine_y - c.draw(0.17, 0.24)
    vessels: tuple[tuple, ...] = (  # x, y, half axes, levels, and perhaps a turn
        (c.draw(-0.06, 0.0), c.front, 0.10, 0.095, 0.33, 0.62),  # ascending aorta
        (c.draw(0.10, 0.15), c.front, 0.10, 0.075, 0.40, 0.60, -0.5),  # pulmonary trunk
        (c.draw(-0.16, -0.12), c.front + 0.10, 0.055, 0.055, 0.2, 0.6),  # superior vena cava
        (-0.14, c.front + 0.2, 0.15, 0.055, 0.42, 0.55, 0.1),  # pulmonary arteries
        (0.16, c.front + 0.18, 0.12, 0.06, 0.40, 0.52, 0.6),
        (0.02, c.front + 0.1, 0.20, 0.075, 0.20, 0.33, 0.9),  # arch of the aorta
        *((c.draw(-0.17, 0.17), c.front + c.draw(-0.02, 0.28), 0.05, 0.045, 0.0, 0.24) for _ in range(5)),
        (x, y, 0.078, 0.078, 0.3, 1.1),  # descending aorta
    )
    for vessel in vessels:
        d = _vessel(c, *vessel)
    lime = c.chance(0.25) * (c.level > 0.3) * (1 - c.air) * ((c.rough(16) - 0.8) * 2).clamp(0, 1)
    c.paint(d.abs() - 0.012, 600.0, lime)
    c.paint(ellipse(c.x - c.draw(0.0, 0.06), c.y - y + 0.07, 0.04, 0.03), 35.0, 1 - c.air)  # oesophagus


def _vessel(c: Chest, x: Number, y: Number, a: float, b: float, low: float, high: float, turn: float = 0.0) -> Tensor:
    u, v = rotate(c.x - x, c.y - y, turn + c.draw(-0.2, 0.2))
    d = ellipse(u, v, a * c.draw(0.85, 1.2), b * c.draw(0.85, 1.2))
    c.paint(d, c.blood_hu * c.draw(0.9, 1.05), c.between(low, high) * (1 - c.air))
    return d


def add_airways(c: Chest) -> None:
    """The trachea, and lower down its two branches."""
    y = torch.minimum(c.front + c.draw(0.24, 0.32), c.spine_y - 0.24)
    _airway(c, c.draw(-0.03, 0.02), y, c.draw(0.045, 0.07), -0.1, 0.42)
    for side in (-1, 1):
        _airway(c, side * c.draw(0.08, 0.12), y + 0.02, c.draw(0.035, 0.055), 0.42, 0.56)


def _airway(c: Chest, x: Tensor, y: Tensor, r: Tensor, low: float, high: float) -> None:
    stretch, there = c.draw(0.85, 1.4), c.between(low, high)
    d = ellipse(c.x - x, c.y - y, r * stretch, r / stretch)
    c.paint(d - 0.012, c.flesh_hu, there)
    c.paint(d, -990.0, there)
