"""Every control of the theory app, without a browser: what it changes, what it must leave, what it says."""

import asyncio

import pytest
import torch
from advreg_edu import theory
from advreg_edu.apps import theory_worlds
from advreg_edu.apps.shared.controls import Slider
from advreg_edu.apps.theory import model
from advreg_edu.apps.theory.drawn import CORNERS, TOLERANCE, simplified
from advreg_edu.apps.theory.model import DRAWN, Settings, compute, corners, line
from advreg_edu.apps.theory.view import as_code, chart, picture, sentence
from advreg_edu.drawing import maps
from advreg_edu.drawing.pictures import number
from advreg_edu.theory import worlds
from app_moves import all_named, freed, seen, text
from hypothesis import given
from hypothesis import strategies as st

QUICK = Settings(steps=32)


@pytest.fixture
def app():
    app = theory_worlds(settings=QUICK)
    yield app
    app.close()


def is_current(app):
    """Maps, graph and text are those of the controls as they are now."""
    shown = app.result, app.scrubber.value, app.eta.value
    assert app.result.settings == app.settings
    assert app.pictures.value == picture(*shown).img() and app.curves.value == chart(*shown).img()
    assert text(app.status) == sentence(*shown)


def test_the_first_training_shows_maps_graph_and_their_text(app):
    assert text(app.status).startswith("After 32 of 32 steps: gap ")
    assert app.result.last == model.FRAMES == app.scrubber.value
    assert 'alt="The unit square, earth to move, η = 0.00' in app.pictures.value
    assert "Curves (horizontal axis: η): Wass(P_r, P_η), exact, by POT goes from" in app.curves.value


@pytest.mark.parametrize(
    "control, value",
    [("world", "two points"), ("world", "ellipse"), ("world", DRAWN), ("sigma", 0.1), ("along", 1.0), ("steps", 64)],
)
def test_every_control_of_the_training_changes_maps_graph_and_text(app, control, value):
    before, code = seen(app), app.code.value
    getattr(app, control).value = value
    assert "advreg-error" not in app.notice.value, text(app.notice)
    assert all(now != then for now, then in zip(seen(app), before, strict=True))
    assert app.code.value != code and getattr(app.settings, control) == value


def test_eta_moves_the_samples_and_trains_nothing(app, monkeypatch):
    monkeypatch.setattr(model, "algorithm_1", None)
    before, result = seen(app), app.result
    app.eta.value = 0.04
    assert app.result is result and all(now != then for now, then in zip(seen(app), before, strict=True))
    assert "earth to move, η = 0.04" in app.pictures.value and "now marked at 0.04" in app.curves.value
    expected = result.x_noisy - 0.04 * result.frames[-1].direction
    assert torch.equal(model.stepped(result, result.last, 0.04), expected)


def test_the_earth_is_moved_by_an_optimal_plan(app):
    """The lines of the first map are as long, in the mean, as the distance that POT finds, and use every real point."""
    result = app.result
    for eta in (0.0, 0.04):
        app.eta.value = eta
        x = model.stepped(result, result.last, eta)
        ends = model.targets(result, x)
        moved = float((x - ends).flatten(1).norm(dim=1).mean())
        assert moved == pytest.approx(theory.wasserstein(result.x_real, x), rel=1e-5)
        assert len(ends.flatten(1).unique(dim=0)) == len(result.x_real.flatten(1).unique(dim=0))
        assert f"each carried along a line, {number(moved)} in the mean" in app.pictures.value
        assert number(result.exact) in text(app.duality) and number(result.frames[-1].gap) in text(app.duality)
    assert f"{number(moved)} after the step" in text(app.duality)


def test_a_line_drawn_by_hand_is_the_world(app):
    stroke = "; ".join(f"{0.1 + 0.008 * k:.3f} {0.2 + 0.004 * k:.3f}" for k in range(100))
    app.stroke.value = stroke
    assert app.world.value == DRAWN and app.stroke.value == "" and "advreg-error" not in app.notice.value
    assert app.drawing.value == "0.1 0.2; 0.892 0.596" and app.corner.max == 2  # straight: two ends are enough
    is_current(app)
    app.stroke.value = stroke  # the same again is no error
    app.stroke.value = "0.5 0.5; 0.505 0.5"
    assert "got a dot" in text(app.notice) and app.drawing.value == "0.1 0.2; 0.892 0.596"


@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 1000)), min_size=2, max_size=300))
def test_a_stroke_becomes_a_line_of_few_corners_that_a_world_can_have(places):
    stroke = "; ".join(f"{x / 1000:.3f} {y / 1000:.3f}" for x, y in places)
    spans = [max(axis) - min(axis) for axis in zip(*places, strict=True)]
    if max(spans) < 2000 * TOLERANCE:
        return
    places = line(simplified(stroke))
    assert 2 <= len(places) <= CORNERS and all(0 <= number <= 1 for place in places for number in place)
    worlds.polyline(places)


def test_the_scrubber_looks_back_at_the_training(app):
    for k in (0, 5):
        app.scrubber.value = k
        assert text(app.status).startswith(f"After {app.result.frames[k].step} of 32 steps")
    app.play.value = 9
    assert app.scrubber.value == 9


def test_your_own_line_is_drawn_by_its_points(app):
    assert app.drawing.disabled and app.x.slider.disabled and app.add.disabled
    app.world.value = DRAWN
    assert not app.drawing.disabled and not app.x.slider.disabled
    app.corner.value = 2
    assert (app.x.value, app.y.value) == (0.35, 0.75)
    app.x.value = 0.4
    assert app.drawing.value.startswith("0.15 0.3; 0.4 0.75;")
    assert app.result.world.distance(torch.tensor([[0.4, 0.75]])).item() < 1e-6
    app.add.click()
    assert app.corner.max == 5 and len(corners(app.drawing.value)) == 5
    app.remove.click()
    assert app.corner.max == 4 and app.corner.value == 1
    app.remove.click()
    app.remove.click()
    assert app.corner.max == 2 and app.remove.disabled  # a line has two ends


def test_a_point_dragged_onto_its_neighbour_is_one_point(app):
    app.drawing.value = "0.1 0.2; 0.5 0.5; 0.8 0.7"
    app.world.value = DRAWN
    app.corner.value = 2
    with app.muted:
        app.x.value = 0.1
    app.y.value = 0.2
    assert app.drawing.value == "0.1 0.2; 0.1 0.2; 0.8 0.7" and "advreg-error" not in app.notice.value
    is_current(app)


def test_a_drawing_that_is_no_line_is_explained_and_the_app_goes_on(app):
    app.world.value = DRAWN
    for drawing in ("0.1 0.2", "a b; c d", "0.1; 0.2 0.3", "0.1 0.2; 3 4"):
        app.drawing.value = drawing
        assert "advreg-error" in app.notice.value and "expected" in text(app.notice), drawing
    app.drawing.value = "0.1 0.2; 0.8 0.7"
    assert "advreg-hint" in app.notice.value and app.corner.max == 2


def test_every_slider_has_a_name_that_can_be_read_out(app):
    sliders = [control for control in vars(app).values() if isinstance(control, Slider)]
    assert len(sliders) == 8
    all_named(app)


def test_the_same_settings_give_the_same_training_and_leave_the_global_generator_alone():
    state = torch.random.get_rng_state()
    first, second = compute(QUICK), compute(QUICK)
    assert all(torch.equal(a.heat, b.heat) for a, b in zip(first.frames, second.frames, strict=True))
    assert torch.equal(state, torch.random.get_rng_state())


@pytest.mark.parametrize(
    "settings",
    [
        QUICK,
        Settings(world=DRAWN, steps=32),
        Settings(world=DRAWN, steps=32, drawing="0.1 0.2; 0.1 0.2; 0.8 0.7"),
        Settings(world="two points", steps=32),
    ],
)
def test_the_code_that_is_shown_trains_the_same_critic(settings):
    names = {}
    exec(as_code(settings), names)
    assert torch.allclose(maps.on_grid(names["critic"]), compute(settings).frames[-1].heat, atol=1e-5)


def test_in_a_notebook_a_moved_slider_cancels_the_training():
    async def session():
        app = theory_worlds(settings=Settings(steps=960))
        while not app.result or app.result.last < 2:
            await asyncio.sleep(0.01)
        abandoned = app.runner._task
        assert app.runner.busy and "<img" in app.pictures.value
        assert 'aria-busy="true"' in app.status.value  # a screen reader waits for the last frame
        app.steps.value = 64
        await app.runner.done()
        assert abandoned.done() and app.result.settings.steps == 64 and app.scrubber.value == app.result.last
        assert 'aria-busy="false"' in app.status.value
        app.close()

    asyncio.run(session())


def test_closing_frees_every_widget():
    app = theory_worlds(settings=QUICK)
    app.close()
    assert freed(app.widget, app.sigma.slider, app.eta.field, app.pictures, app.play, app.drawing)
