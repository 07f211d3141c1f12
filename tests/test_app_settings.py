"""The settings of the apps: one line restores what is seen, situations and reset set them, wrong ones are refused."""

import dataclasses
import random

import ipywidgets as W
import pytest
import torch
from advreg_edu import apps
from advreg_edu.apps.descent import model as descent
from advreg_edu.apps.methods.app import Settings as MethodSettings
from advreg_edu.apps.monitor import model as monitor
from advreg_edu.apps.shared.controls import Slider
from advreg_edu.apps.shared.settings import NONE
from app_moves import controls, critic, move, seen, text
from test_app_robustness import MEASUREMENT, RECONSTRUCTION, THEORY, WEIGHT

TRUTH = torch.rand(3, 1, 48, 48, generator=torch.Generator().manual_seed(0))
RESULTS = {"good": 0.9 * TRUTH, "bad": 0.5 * TRUTH.flip(0)}
NAMES = dict(your_critic=critic, truth=TRUTH, results=RESULTS)
OPENED = {
    "measurement_lab": lambda: apps.measurement_lab(settings=MEASUREMENT.SMALL),
    "descent_lab": lambda: apps.descent_lab(settings=dict(steps=10)),
    "training_monitor": lambda: apps.training_monitor(settings=dict(steps=10)),
    "theory_worlds": lambda: apps.theory_worlds(settings=THEORY.QUICK),
    "weight_lab": lambda: apps.weight_lab(critic=critic, settings=WEIGHT.SMALL),
    "reconstruction_lab": lambda: apps.reconstruction_lab(
        critic=critic, settings=dataclasses.replace(RECONSTRUCTION.SMALL, size=24)
    ),
    "method_viewer": lambda: apps.method_viewer(TRUTH, RESULTS, settings=MethodSettings(number=1)),
}
# Starts a training, opens a file, or holds a run, which no settings describe
NO_SETTINGS = ("go", "one", "stop", "restart", "upload", "path", "compare", "play", "situation", "reset")
each_app = pytest.mark.parametrize("name", OPENED)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Small images where settings do not say the size."""
    small = dict(SIZE=16, BATCH=2, HELD=4, DESCENT=dict(step_size="auto", steps=3, stop="gradient"))
    for name, value in small.items():
        monkeypatch.setattr(monitor, name, value)
    monkeypatch.setattr(descent, "SIZE", 32)
    caches = monitor._images, monitor._untrained_local, descent.ground_truth
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


def shown(app):
    """What is seen, and what the controls say."""
    said = {name: control.value for name, control in controls(app).items() if hasattr(control, "value")}
    toggles = {name for name, control in controls(app).items() if isinstance(control, W.ToggleButton)}
    pictures = (app.pictures.value, text(app.status)) if app.opener == "method_viewer" else seen(app)
    return pictures, {name: value for name, value in said.items() if name not in toggles | {"situation"}}


def moved(name, seed):
    """An app after some moves of its controls, none of which asks for a long computation."""
    app, dice = OPENED[name](), random.Random(seed)
    if hasattr(app, "steps"):
        app.steps.range(*((32, 64) if name == "theory_worlds" else (10, 20)))
    kinds = [control for key, control in controls(app).items() if key not in NO_SETTINGS]
    for _ in range(8):
        move(dice.choice(kinds), dice)
    if hasattr(app, "steps"):
        app.steps.range(*((32, 960) if name == "theory_worlds" else (10, 300)))
    return app


@each_app
@pytest.mark.parametrize("seed", range(2))
def test_one_line_restores_what_is_seen(name, seed):
    app = moved(name, seed)
    imported, _, call = app.as_line().partition("; ")
    names = dict(NAMES)
    exec(imported, names)
    again = eval(call, names)
    assert dataclasses.asdict(again.settings) == dataclasses.asdict(app.settings)
    assert again.as_line() == app.as_line() and shown(again) == shown(app)
    third = OPENED[name]()
    third.settings = app.settings
    assert third.as_line() == app.as_line() and shown(third) == shown(app)
    for each in (app, again, third):
        each.close()


@each_app
def test_every_situation_can_be_chosen_and_reset_goes_back(name):
    app = OPENED[name]()
    if name == "theory_worlds":  # a training for each would take a minute
        app.results = lambda: []
    first, before = app.settings, shown(app)
    assert app.situations
    for situation in app.situations:
        app.situation.value = situation
        assert "advreg-error" not in app.notice.value and app.situation.value == situation, text(app.notice)
        wanted = dataclasses.replace(app.plain, **app.situations[situation])
        assert all(
            getattr(app.settings, key) == value
            for key, value in dataclasses.asdict(wanted).items()
            if value is not None and key != "critic"
        )
    move_something(app)
    assert app.situation.value == NONE
    app.reset.click()
    assert dataclasses.asdict(app.settings) == dataclasses.asdict(first) and app.situation.value == NONE
    if name != "theory_worlds":
        assert shown(app) == before
    app.close()


def move_something(app):
    """The first slider that computes."""
    slider = controls(app).get("sigma") or app.number
    slider.value = slider.ends[0]


@each_app
def test_what_is_no_setting_is_refused_and_changes_nothing(name):
    app = OPENED[name]()
    move_something(app)
    before, line = shown(app), app.as_line()
    number = next(key for key in ("sigma", "number") if key in dataclasses.asdict(app.settings))
    chosen = next(
        (k for k, c in controls(app).items() if isinstance(c, W.Dropdown | W.ToggleButtons) and k != "situation")
    )
    for wrong in (dict(nonsense=1), {number: -1}, {chosen: "nonsense"}, 5):
        with pytest.raises((ValueError, TypeError), match=r"expected .* got"):
            app.settings = wrong
        assert shown(app) == before and app.as_line() == line
    app.close()


@each_app
def test_the_line_is_shown_on_demand_and_follows(name):
    app = OPENED[name]()
    assert app.line.value == ""
    app.copy.value = True
    assert text(app.line) == app.as_line()
    move_something(app)
    assert text(app.line) == app.as_line()
    app.copy.value = False
    assert app.line.value == ""
    app.close()


@each_app
def test_the_projector_folds_the_controls_and_unfolds_them(name):
    app = OPENED[name]()
    for on in (True, False):
        app.projector.value = on
        heads = headings(app.widget)
        assert heads and all((" open" in head) != on for head in heads)
        assert ("advreg-projector" in app.widget._dom_classes) == on
    app.close()


def headings(widget):
    """The HTML of the names of groups, which fold them."""
    own = [widget.value] if "advreg-heading" in widget._dom_classes else []
    return own + [head for child in getattr(widget, "children", ()) for head in headings(child)]


def test_a_slider_of_every_app_keeps_its_field(name="measurement_lab"):
    app = OPENED[name]()
    app.settings = dict(size=16, sigma=0.0173)
    sliders = [control for control in controls(app).values() if isinstance(control, Slider)]
    assert all(slider.field.value == slider.value for slider in sliders) and app.sigma.value == 0.0173
    app.close()


def test_a_shipped_critic_that_stands_beside_ones_own_is_restored_too():
    app = OPENED["reconstruction_lab"]()
    app.controls.critic.value = "ct-thorax"
    assert "critic=your_critic" in app.as_line() and "critic='ct-thorax'" in app.as_line()
    app.close()
