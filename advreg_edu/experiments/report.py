"""What a table is written as: Markdown with its protocol, CSV, and the pictures of Figures 1 and 2. Paper: §5."""

import csv
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
from torch import Tensor

from ..drawing import pictures
from ..metrics import psnr
from ..reg_weight import weight_from_noise
from ..training.diagnosis import Diagnosis
from .evaluation import Evaluation, Experiment, Row, Sample
from .methods import OVER_SLOPE, STEPS, TOLERANCE

PHANTOMS, FEW = "not the paper's", "crops of a few photographs, which λ was chosen on too"  # reported by --quick


def write(folder: Path, name: str, text: str, evaluation: Evaluation) -> str:
    """Write NAME.csv and NAME.png into the folder; return the section of the table, `text` with its picture."""
    write_csv(folder / f"{name}.csv", evaluation.rows)
    drawn = figure(evaluation.pictures)
    (folder / f"{name}.png").write_bytes(drawn.png)
    return f"{text}\n![{drawn.alt}]({name}.png)\n"


def figure(images: dict[str, Tensor], side: int = 32) -> pictures.Picture:
    """Truth, measured, TV, network, ours, each with a zoomed inset: as Figures 1 and 2.

    Args: images, name -> (C, H, W), "truth" among them; side, of the inset in pixels.

    >>> from advreg_edu.images import ellipses
    >>> x = ellipses(1, 64)[0]
    >>> figure({"truth": x, "TV": 0.9 * x}).png[1:4]
    b'PNG'
    """
    left_out = ("FBP, Hann", "zero filling", "RED", OVER_SLOPE, "BM3D")
    names = [name for name in images if not name.startswith(left_out)]
    corner = pictures.busiest(images["truth"], side)
    panels = [pictures.with_inset(images[name].clamp(0, 1), corner, side) for name in names]
    truth = images["truth"][None]
    quality = [f"{name}, {psnr(images[name][None].clamp(0, 1), truth).item():.1f} dB" for name in names[1:]]
    return pictures.strip(panels, ["truth", *quality])


def section(
    experiment: Experiment, evaluation: Evaluation, diagnosis: Diagnosis, sample: Sample, draws: int, quick: bool
) -> str:
    """The table as Markdown, with its protocol."""
    methods, problem = evaluation.methods, experiment.problem()
    count, groups = len(sample.x), len(np.unique(sample.groups))
    reported = f"{count} images" + (f" of {groups} patients, averaged per patient" if groups < count else "")
    quick_source = FEW if experiment.critic.startswith("photos") else PHANTOMS
    source = quick_source if quick else "images never used to choose"
    red = f"\nRED: λ = {methods.red.weight:g}, {methods.red.endings}." if methods.red else ""
    slow = ", ".join(f'"{method.name}"' for method in methods.rows if method.slow)
    head = f"""\
## {experiment.title}

{reported}, {source}; {draws} noise draw(s) each; mean ± standard error. {problem}.
Ours: λ = {float(weight_from_noise(problem)):.3g} by the formula; gradient descent with steps that are found ends where
‖∇J‖ ≤ {TOLERANCE:g} λ or after {STEPS} iterates: {methods.ours.endings}.
The row "{OVER_SLOPE}": λ divided by the mean ‖∇Ψ‖ on training images, {diagnosis.slope_real:.2f}, which the formula
takes to be 1: {methods.over_slope.endings}.
TV: λ = {methods.tv.weight:g}, relative duality gap at most {methods.tv.largest_gap:.2g}.{red}
The λ of each baseline was chosen on {len(sample.train)} training images. Rows with one noise draw: {slow}.
Rows called oracle look at the truth.

| method | PSNR, dB | batch PSNR, dB | SSIM | SSIM, range 2 | paper: PSNR | paper: SSIM (range 2) |
|---|---|---|---|---|---|---|
"""
    published = experiment.published and f"\n\n{experiment.published}"
    return head + "\n".join(map(str, evaluation.rows)) + f"{published}\n\nCritic, on training pairs: {diagnosis}.\n"


def write_csv(file: Path, rows: list[Row]) -> None:
    """The rows with all their numbers, a column for each.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_csv(Path(folder, "table.csv"), [Row("TV", 26.5, 0.31)])
    ...     Path(folder, "table.csv").read_text().splitlines()[1]
    'TV,26.5,0.31,nan,nan,nan,nan,nan,nan'
    """
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, [field.name for field in fields(Row)])
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)
