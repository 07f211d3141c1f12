"""Random moves of random controls: no exception, no old picture, no memory lost; and no widget left behind.

MOVES=500 in the environment makes 500 moves in each app; the default is quicker.
"""

import asyncio
import ctypes
import gc
import importlib.util
import random
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import ipywidgets as W
import psutil
import pytest
from advreg_edu.apps import measurement_lab, reconstruction_lab, theory_worlds, weight_lab
from advreg_edu.apps.measurement import model
from advreg_edu.apps.shared import app as app_module
from advreg_edu.apps.shared import scenes
from advreg_edu.apps.shared.controls import Slider
from advreg_edu.apps.theory.model import DRAWN, corners
from app_moves import MOVES, controls, models, move

MEGABYTE = 2**20


def sibling(name):
    """Another test file, for its checks and its small settings."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


RECONSTRUCTION, MEASUREMENT, WEIGHT, THEORY = map(
    sibling, ("test_apps", "test_measurement_lab", "test_weight_lab", "test_theory_worlds")
)


def short(app, **limits):
    """Its situations without their long runs, which are for others."""
    app.situations = {name: situation | limits for name, situation in app.situations.items()}
    return app


def short_theory():
    app = short(theory_worlds(settings=THEORY.QUICK), steps=32)
    app.steps.range(32, 64)
    return app


def short_reconstruction():
    settings = replace(RECONSTRUCTION.SMALL, size=24)
    return short(reconstruction_lab(critic=RECONSTRUCTION.critic, settings=settings), steps=10, stop=None)


APPS = {
    "measurement_lab": (lambda: measurement_lab(settings=MEASUREMENT.SMALL), MEASUREMENT),
    "weight_lab": (lambda: weight_lab(critic=WEIGHT.critic, settings=WEIGHT.SMALL), WEIGHT),
    "reconstruction_lab": (short_reconstruction, RECONSTRUCTION),
    "theory_worlds": (short_theory, THEORY),
}
each_app = pytest.mark.parametrize("name", APPS)


def current(app, module):
    """Picture and text belong to the controls; if the app says that it cannot show anything, it shows nothing."""
    sliders = [control for control in controls(app).values() if isinstance(control, Slider)]
    assert all(slider.field.value == slider.slider.value == slider.value for slider in sliders)
    if "advreg-error" in app.notice.value:
        assert excused(app), app.notice.value
        assert "<img" not in app.pictures.value and "Nothing to show" in app.status.value
        return
    module.is_current(app)


def excused(app):
    """A file that nobody has given, or a line of one's own whose two points are one."""
    if hasattr(app, "drawing"):
        return app.world.value == DRAWN and len(set(corners(app.drawing.value))) < 2
    return app.controls.image.value == scenes.FILE


def used():
    """Bytes of this process, without what caches hold and what the C library keeps for later (on Linux)."""
    for cached in (scenes.ray_transform, scenes._truth, model._ray_svd):
        cached.cache_clear()
    gc.collect()
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)
    return psutil.Process().memory_info().rss


@each_app
def test_random_moves_never_fail_show_what_is_set_and_keep_memory(name):
    make, module = APPS[name]
    app, dice = make(), random.Random(0)
    every = list(controls(app).values())
    for _ in range(3):  # what is loaded once, by every entry of every list
        for control in (control for control in every if isinstance(control, W.Dropdown)):
            for option in control.options:
                control.value = option
    before = used()
    for _ in range(MOVES):
        move(dice.choice(every), dice)
        current(app, module)
    app.close()
    assert used() - before < 30 * MEGABYTE


@each_app
def test_in_a_notebook_hasty_moves_end_with_the_last_setting(name):
    """The same while runs are in flight: moves come before the run of the move before has ended."""
    make, module = APPS[name]

    async def session():
        app, dice = make(), random.Random(1)
        every = list(controls(app).values())
        for _ in range(MOVES // 4):
            move(dice.choice(every), dice)
            await asyncio.sleep(dice.choice([0, 0.01, 0.03]))
        if hasattr(app, "runner"):
            await app.runner.done()
        current(app, module)
        app.close()

    asyncio.run(session())


@each_app
def test_running_a_cell_again_and_again_leaves_no_widget_behind(name):
    make, _ = APPS[name]
    make().close()
    before = models()
    for _ in range(50):
        make().close()
    assert models() == before


@pytest.mark.parametrize("executions, left", [((1, 2, 3), 1), ((1, 1), 2)], ids=["cell run again", "two in one run"])
def test_a_cell_that_is_run_again_closes_the_app_that_it_showed(executions, left, monkeypatch):
    """As in the kernel: JupyterLab names the cell, IPython counts the executions. Nobody calls close."""
    parent = {"metadata": {"cellId": f"{executions}"}}
    before, size, apps = models(), None, []
    for count in executions:
        shell = SimpleNamespace(get_parent=lambda: parent, execution_count=count)
        monkeypatch.setattr(app_module, "get_ipython", lambda shell=shell: shell)
        apps.append(measurement_lab(settings=MEASUREMENT.SMALL))
        apps[-1]._ipython_display_()
        size = size or models() - before
    assert models() - before == left * size
    for app in apps:
        app.close()
    assert models() == before


@pytest.mark.parametrize("arguments", [dict(critic="ct-torax"), dict(settings=dict(critic="ct-torax"))])
def test_an_unknown_critic_is_refused_and_not_replaced(arguments):
    with pytest.raises(ValueError, match=r"critic: expected one of .*ct-thorax.*, got 'ct-torax'"):
        reconstruction_lab(**arguments)
