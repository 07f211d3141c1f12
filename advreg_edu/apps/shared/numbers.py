"""Numbers that several apps show in the same way."""


def round_up(value: float) -> float:
    """The next of 1, 2, 5 times a power of ten, at least a thousandth: a scale that does not flicker.

    >>> round_up(0.3), round_up(7)
    (0.5, 10.0)
    """
    steps = [m * 10.0**p for p in range(-3, 40) for m in (1, 2, 5)]
    return next((step for step in steps if step >= value), steps[-1])
