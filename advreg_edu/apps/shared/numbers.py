"""Numbers that several apps show in the same way."""


def round_up(value: float) -> float:
    """The next of 1, 2, 5 times a power of ten, at least a thousandth: a scale that does not flicker.

    >>> round_up(0.3), round_up(7)
    (0.5, 10.0)
    """
    steps = [m * 10.0**p for p in range(-3, 40) for m in (1, 2, 5)]
    return next((step for step in steps if step >= value), steps[-1])


def two_digits(value: float) -> str:
    """Two digits behind the point and a true minus sign; no negative zero.

    >>> two_digits(-0.0123), two_digits(-0.001)
    ('−0.01', '0.00')
    """
    return f"{value:z.2f}".replace("-", "−")
