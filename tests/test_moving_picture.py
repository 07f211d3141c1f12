"""The moving picture of the README is what the command makes, small, and said in words."""

import re
from pathlib import Path

import pytest
from advreg_edu.course.notebooks import ROOT
from advreg_edu.experiments import moving_picture
from PIL import Image

FOLDER = ROOT / "notebooks" / "pictures"


@pytest.fixture(scope="module")
def pictures():
    return list(moving_picture.frames(*moving_picture.iterates()))


def test_the_readme_shows_it_with_the_words_of_the_command(pictures):
    """The same letter by letter, but for the last digits of the numbers, which depend on the machine."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = moving_picture.readme_lines(pictures, Path("notebooks/pictures"))
    for line in lines:
        pattern = re.sub(r"\d+(?:\\\.\d+)?", r"(\\d+(?:\\.\\d+)?)", re.escape(line))
        found = re.search(pattern, readme)
        assert found, line
        numbers = re.findall(r"\d+(?:\.\d+)?", line)
        assert [float(n) for n in found.groups()] == pytest.approx([float(n) for n in numbers], abs=3)


def test_every_frame_is_another_and_the_psnr_rises(pictures):
    psnr = [float(re.search(r"([\d.]+) dB", picture.panels[1].title)[1]) for picture in pictures]
    assert len(pictures) > 10 and psnr[-1] > psnr[0] + 10
    assert all("truth" in picture.alt and "A†y" in picture.alt for picture in pictures)


def test_the_files_are_small_and_have_the_frames(pictures):
    for name in ("iterates.webp", "iterates.png"):
        assert (FOLDER / name).stat().st_size < 2_000_000
    with Image.open(FOLDER / "iterates.webp") as moving, Image.open(FOLDER / "iterates.png") as still:
        assert moving.size == still.size == pictures[0].size
        assert abs(moving.n_frames - len(pictures)) <= 1 and moving.info["loop"] == 0


def test_it_is_written_where_it_is_asked_for(tmp_path, monkeypatch):
    x_true, run = moving_picture.iterates()
    monkeypatch.setattr(moving_picture, "iterates", lambda: (x_true, run[:4]))
    lines = moving_picture.write(tmp_path / "new")
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"iterates.webp", "iterates.png"}
    assert "iterate 3 of 3" in "".join(lines)
