"""The table: every public name, and every kind of value for each of its arguments. A cell is a result, or an error that
says what was expected, what came, and how to fix it.

Public is what the `__all__` of the package and of its parts name, and the functions of modules that have none: a new
name fails here until it has a row.
"""

import contextlib
import copy
import importlib
import inspect
import io
import itertools
import math
import pkgutil
import re
import shutil
import warnings
from dataclasses import fields, replace

import advreg_edu as ar
import numpy as np
import pydicom.data
import pytest
import torch
from advreg_edu import apps, images, reconstruction, training
from advreg_edu.experiments import export, extensions, recipes, sweep, train
from advreg_edu.experiments.own_data.examples import dicom_folder
from advreg_edu.theory import stability, worlds
from PIL import Image
from test_bad_input import (
    CRITIC,
    DENOISING,
    INPUTS,
    MASK,
    MODES,
    SCANNING,
    Halved,
    X,
    small_critic,
    small_net,
)

WITHOUT_ALL = (ar.pretrained, ar.metrics, stability, sweep, export, train)
VALUES = {  # beside those of INPUTS, which are made of the row's own tensor, or of images
    "minus one": -1,
    "zero": 0,
    "half": 0.5,
    "huge": 10**400,
    "no number": math.nan,
    "infinite": math.inf,
    "empty": (),
    "a list": [1],
    "a class": object,
    "an object": object(),
    "yes": True,
    "imaginary": 1j,
}
MOST = 4  # of what a generator yields
RAISED = (TypeError, ValueError, OSError, ModuleNotFoundError)


def public():
    """{name: object} of what can be called, each once."""
    inside = (m.name for m in pkgutil.walk_packages(ar.__path__, "advreg_edu.") if not m.name.endswith("__main__"))
    found = {}
    for part in [ar, *map(importlib.import_module, inside)]:
        names = getattr(part, "__all__", ())
        if part in WITHOUT_ALL:
            names = [n for n, f in vars(part).items() if inspect.isfunction(f) and f.__module__ == part.__name__]
        for name in (name for name in names if not name.startswith("_")):
            value = getattr(part, name)
            if callable(value) and (inspect.isclass(value) or inspect.isfunction(value)):
                key = name if found.get(name, value) is value else f"{part.__name__.split('.')[-1]}.{name}"
                found[key] = value
    return found


def steps(function):
    """A training or a run: its first iterates."""
    return lambda **arguments: list(itertools.islice(function(**arguments), MOST))


def closed(app):
    """An app that is opened, and closed again."""
    return lambda **arguments: app(**arguments).close()


LARGE = torch.rand(2, 1, 32, 32)
P = X[:, :, :1, :2]  # points of the plane
WORLD = worlds.circle()
ENERGY = lambda x: x.square().flatten(1).sum(1)
PAIRED = training.Paired(DENOISING, X)
BATCH = training.Batch.between(X, X)
J = reconstruction.Objective(DENOISING.A, X, ENERGY, 0.1)
POINT = J(X)
RUN = dict(steps=2, batch_size=2, seed=0)
OPTIONS = dict(learning_rate=1e-3, averaging=0.9, precision=None, checkpoint=None, checkpoint_every=1, resume=False)
ITERATE = dict(x=X, objective=X[:, 0, 0, 0], data_term=X[:, 0, 0, 0], regularizer=X[:, 0, 0, 0])
ITERATE = dict(step=0) | ITERATE | dict(gradient_norm=X[:, 0, 0, 0], step_size=X[:, 0, 0, 0], stopped=False)
WORLDS = dict(f=ENERGY, x_real=P, x_noisy=P.flip(0))
NUMBERS = X[:, 0, 0, 0]
SCANNER = dict(size=16, angles=5, filter="hann", memory_budget=1e9, arc=None)


def array():
    file = io.BytesIO()
    np.save(file, np.zeros((16, 16)))
    return file.getvalue()


ARRAY = array()


def rows():
    """{name: (call, {argument: a value that is right})}; networks and files are made anew for each cell."""
    DICOM = pydicom.data.get_testdata_file("CT_small.dcm")
    draw, g = dict(n=1, size=16, generator=None), torch.Generator()
    of = {
        "ConvexCritic": dict(channels=1, widths=(4, 4), modulus=0.01),
        "LocalCritic": dict(channels=1, widths=(4, 4), smoothing=0.01, blocks_down=True, mirrored=False, window=16),
        "PaperCritic": dict(channels=1, size=16),
        "UNet": dict(channels=1, widths=(4, 4), blocks_down=True, mirrored=False),
        "Problem": dict(A=DENOISING.A, sigma=0.1),
        # operators
        "Identity": dict(shape=(1, 16, 16)),
        "Inpainting": dict(mask=MASK, channels=1, inverse="adjoint"),
        "FourierSampling": dict(mask=MASK, channels=1, inverse="exact"),
        "RayTransform": SCANNER,
        "FanBeam": SCANNER | dict(source_radius=30.0, detector_radius=10.0),
        "LinearOperator": dict(forward=lambda x: x, adjoint=lambda y: y, domain_shape=(1, 4, 4), range_shape=(1, 4, 4))
        | dict(norm=1.0, mask=torch.ones(1, 4, 4), pinv=lambda y: y),
        "Adjoint": dict(A=DENOISING.A),
        "from_deepinv": dict(physics=Halved(), domain_shape=(1, 8, 8)),
        "cartesian_mask": dict(size=16, fraction=0.5, centre=0.1, generator=g),
        "dot_test": dict(A=DENOISING.A, generator=g),
        "check_operator": dict(A=DENOISING.A),
        "check_measurement": dict(A=DENOISING.A, y=X),
        "check_type": dict(A=DENOISING.A, x=X, name="x"),
        "inner": dict(u=X, v=X),
        "squared_norm": dict(u=X),
        "column": dict(numbers=NUMBERS),
        # images
        "ellipses": draw,
        "thorax": draw,
        "thorax_hu": draw,
        "photos": draw | dict(channels=3),
        "compare_statistics": dict(phantoms=X, real=X, bins=8),
        "files_in": dict(folder="photographs"),
        "from_folder": dict(path="photographs", n=1, size=8, channels=1, generator=g),
        "from_file": dict(path=DICOM, size=16, channels=1),
        "from_bytes": dict(name="a.npy", content=ARRAY, size=16, channels=1),
        "from_dicom": dict(path=DICOM, size=16, window=images.WINDOW, rescale=(1, -1024)),
        "from_hounsfield": dict(hu=X, size=8, window=images.WINDOW),
        # Algorithm 1
        "train_critic": dict(critic=small_critic(), problem=DENOISING, x_real=X, **RUN, gp_weight=1.0, **OPTIONS),
        "algorithm_1": dict(critic=small_critic(), pairs=PAIRED, loss=training.Eq6(1.0), **RUN, **OPTIONS)
        | dict(betas=(0.9, 0.99), schedule="cosine"),
        "train_denoiser": dict(net=small_net(), problem=DENOISING, x_real=X, **RUN, **OPTIONS),
        "critic_loss": dict(critic=CRITIC, x_real=X, x_noisy=X, gp_weight=1.0, generator=g),
        "default_gp_weight": dict(pairs=PAIRED, seed=0),
        "diagnose": dict(critic=CRITIC, problem=DENOISING, x_real=X, pairs=2, seed=0),
        "draw_mix": dict(x_real=X, generator=g),
        "gradient_on_lines": dict(critic=CRITIC, batch=BATCH, mix=training.draw_mix(X)),
        "save_batches": dict(file="a.npy", count=4, batches=[X]),
        "mapped": dict(batches=[X], folder="mapped"),
        "Balanced": dict(gp_weight=1.0, weight=1.0),
        "Eq6": dict(gp_weight=1.0),
        "Eq6BySlopes": dict(gp_weight=1.0),
        "Quadratic": dict(gp_weight=1.0, free=0.5),
        "Paired": dict(problem=DENOISING, x_real=X, device=None),
        "Unpaired": dict(problem=DENOISING, x_real=X, device=None),
        "MeasuredElsewhere": dict(problem=DENOISING, x_real=X, device=None, measurements=X),
        "OnDisk": dict(problem=DENOISING, file="images.npy"),
        "EqualLines": dict(pairs=PAIRED, distance=1.0),
        "NoiseLeft": dict(pairs=PAIRED, share=0.1, of_iterates=0.1),
        "OwnLines": dict(pairs=PAIRED),
        "Reflow": dict(pairs=training.NoiseLeft(PAIRED, 0.4), start=0),
        "WhiteNoise": dict(pairs=PAIRED, sigma=0.1),
        "Windows": dict(pairs=PAIRED, side=8),
        "WithIterates": dict(pairs=PAIRED, start=0, steps=2, step_size=0.1, hops=1),
        # Algorithm 2
        "reconstruct": dict(problem=DENOISING, y=X, critic=CRITIC, reg_weight=0.1, step_size="auto", steps=2)
        | dict(method="gradient-descent", stop=None, x0=X, tolerance=0.01),
        "weight_from_noise": dict(problem=DENOISING, samples=2, generator=g, gradient_norm=1.0),
        "Objective": dict(A=DENOISING.A, y=X, critic=CRITIC, reg_weight=0.1),
        "gradient": dict(critic=CRITIC, x=X),
        # what the paper compares with
        "total_variation": dict(problem=DENOISING, y=X, reg_weight=0.1, gap=0.1, steps=20),
        "minimise_tv": dict(problem=DENOISING, y=X, reg_weight=0.1, gap=0.1, steps=20),
        "post_process": dict(problem=DENOISING, y=X, net=small_net()),
        "red": dict(problem=DENOISING, y=X, net=small_net(), reg_weight=1.0, tolerance=0.1, steps=3),
        "solve_red": dict(problem=DENOISING, y=X, net=small_net(), reg_weight=1.0, tolerance=0.1, steps=3),
        "denoise_bm3d": dict(y=X, sigma=0.1),
        "bm3d_version": {},
        "SmoothedTV": dict(smoothing=0.1),
        "Tikhonov": {},
        "stability_limit": dict(A=DENOISING.A, regularizer=ar.baselines.Tikhonov(), reg_weight=0.1),
        "psnr": dict(x=X, x_true=X),
        "ssim": dict(x=X, x_true=X, data_range=1.0),
        # networks in files
        "load_critic": dict(name="ct-thorax", kind=None),
        "load_unet": dict(name="ct-thorax-unet"),
        "save_network": dict(network=CRITIC, path="a.safetensors"),
        "check_can_be_saved": dict(network=CRITIC, path="a.safetensors"),
        "card": dict(name="ct-thorax"),
        "folder": {},
        "names": {},
        "unet_names": {},
        # theorems in the plane
        "DistanceCritic": dict(width=4, smoothing=0.01),
        "PlaneCritic": dict(width=4),
        "decay": WORLDS | dict(etas=[0.1]),
        "distance_error": dict(f=ENERGY, world=WORLD, x=P),
        "flow": dict(f=ENERGY, x=P, eta=0.1),
        "gap": WORLDS,
        "slope_at_zero": WORLDS,
        "squared_slope": dict(f=ENERGY, x=P),
        "transport": dict(x_real=P, x_noisy=P),
        "wasserstein": dict(x_real=P, x_noisy=P),
        "World": dict(name="a", curve=WORLD.curve, velocity=WORLD.velocity, nearest=WORLD.nearest),
        "circle": dict(radius=0.3),
        "ellipse": dict(a=0.3, b=0.2),
        "spiral": dict(turns=1.0, inner=0.1, outer=0.4),
        "points": dict(places=[[0.1, 0.1], [0.5, 0.5]], name="two"),
        "polyline": dict(places=[[0.1, 0.1], [0.5, 0.5]], name="one"),
        "segment": {},
        "corruption": dict(world=WORLD, sigma=0.1, along=0.0),
        "minimisers": dict(problem=DENOISING, y=X[:1], f=ENERGY, reg_weight=0.1, starts=X, step_size=0.1, steps=3)
        | dict(tolerance=1e-4, apart=0.1),
        "excess": dict(found=X, known=X),
        "amplification": dict(method=lambda y: y, y=X, delta=X),
        "worst_perturbation": dict(method=lambda y: y, pullback=lambda y, r: r, y=X, size=1.0, steps=2, generator=g),
        "by_autograd": dict(method=lambda y: y),
        "implicitly": dict(problem=DENOISING, f=ENERGY, reg_weight=0.1, method=lambda y: y, step_size=0.1, steps=2),
        # experiments
        "inspect": dict(path="slices"),
        "pack": dict(path="slices", out="a.npz", size=8, val=0.5, seed=0),
        "split_by_patient": dict(patients=["a", "b", "a"], val=0.5, seed=0),
        "kept": dict(name="settings", path=None),
        "run": dict(name="settings", out="settings.json"),
        "jobs_of": dict(name="ct-minute", seeds=[0], sigmas=[0.1], angles=[5]),
        "part_of": dict(jobs=sweep.jobs_of("ct-minute", [0]), task="1/1"),
        "sweep.run": dict(jobs=sweep.jobs_of("ct-minute", [0]), task="1/1", out="sweep", path=None, device="cpu"),
        "gather": dict(folder="sweep"),
        "held_back": dict(problem=DENOISING, path=None),
        "measured": dict(problem=DENOISING, critic=CRITIC, x=X),
        "export": dict(name="ct-thorax", out="a.onnx", size=16),
        "onnx_bytes": dict(critic=CRITIC, size=16, name="a"),
        "train": dict(name="ct-minute", out="a.safetensors", path=None, seed=0, resume=False, device="cpu")
        | dict(devices=1, nodes=1, steps=1, batch_size=2),
        "seeded": dict(make=small_critic, seed=0),
        "checked_device": dict(name="cpu"),
        # the course
        "check": dict(name="00a", answer=lambda x, x_true: x, seed=1),
        "hint": dict(name="00a"),
        "solution": dict(name="00a"),
        "predict": dict(name="00-a", question="How?", options=("a", "b"), unit=None),
        "outcome": dict(name="00-a", measured="so"),
        "progress": {},
        "strip": dict(images=[X[0], X[1]], titles=["a", "b"], kinds=None, limits=(0, 1), signed_limit=1.0, alt=None),
        "method_viewer": dict(truth=LARGE, results=dict(ours=LARGE), settings=None),
        "busiest": dict(image=X[0], side=4),
        "with_inset": dict(image=X[0], corner=(0, 0), side=4, factor=2),
    }
    return of


APPS = {  # name: settings that make it quick
    "descent_lab": dict(steps=2),
    "measurement_lab": dict(size=16, angles=4),
    "reconstruction_lab": dict(size=16, angles=4, steps=2, stop=None),
    "theory_worlds": dict(steps=32),
    "training_monitor": dict(steps=2),
    "weight_lab": dict(size=16, steps=2),
}
RESULTS = {  # what functions return, raise or take: made by the package alone, and by whoever knows what he is doing
    *("Batch", "DenoiserStep", "Diagnosis", "Inspection", "Iterate", "Picture", "Point", "REDFixedPoint", "Recipe"),
    *(
        "Score",
        "Step",
        "TVMinimum",
        "Transport",
        "Diverged",
        "NotConverged",
        "Pairs",
        "number",
        "Solver",
        "train_recipe",
    ),
}
OPTIONAL = {"denoise_bm3d", "export", "onnx_bytes", "gather"}  # of packages, or a sweep, that may be missing
CALLS = {  # where the name itself is not what is called
    "OnDisk": training.OnDisk.of,
    "sweep.run": lambda **changes: sweep.run(steps=1, batch_size=2, **changes),
} | {name: closed(getattr(apps, name)) for name in (*APPS, "method_viewer")}


def kinds(good):
    """{name: value}: of every kind, from a right one."""
    if isinstance(good, torch.Tensor) and good.is_floating_point() and good.ndim > 1:
        return {name: make(good) for name, make in INPUTS.items()} | {"a list": [1], "an object": object()}
    few = ("none", "text", "array", "empty batch", "meta")
    return {name: INPUTS[name](X) for name in few} | VALUES


def test_every_public_name_has_a_row():
    assert public().keys() == rows().keys() | APPS.keys() | RESULTS


def call(name, arguments):
    """The result, or the error; of a generator its first values."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            result = (CALLS.get(name) or public()[name])(**arguments)
            return list(itertools.islice(result, MOST)) if inspect.isgenerator(result) else result
        except RAISED as error:
            return error


def is_documented(error):
    """One line that says what was expected, what came, and how to fix it, where that is not said by the first two."""
    return re.search(r"expected .*got ", str(error)) and len(str(error)) < 500 and "\n" not in str(error)


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """What rows read."""
    folder = tmp_path_factory.mktemp("given")
    dicom_folder(folder / "slices", patients=2, slices=2, size=16)
    (folder / "photographs").mkdir()
    Image.new("RGB", (20, 20)).save(folder / "photographs" / "a.png")
    np.save(folder / "images.npy", X.numpy())
    shutil.copy(ar.pretrained.folder() / "extensions" / "settings.json", folder)
    return folder


@pytest.fixture
def place(given, tmp_path, monkeypatch):
    """A folder with what rows read; recipes of a moment."""
    shutil.copytree(given, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    recipe = replace(
        recipes.RECIPES["ct-minute"],
        problem=lambda: SCANNING,
        images=lambda path, generator: images.ellipses(4, 16, generator),
        network=small_critic,
        steps=1,
        batch_size=2,
    )
    for name in ("ct-minute", "ct-thorax"):  # the second is every text of the table
        monkeypatch.setitem(recipes.RECIPES, name, recipe)
    monkeypatch.setitem(extensions.STUDIES, "settings", (lambda: iter(()), None))  # nothing to measure
    monkeypatch.setattr(sweep, "STEPS", 3)
    monkeypatch.setattr(sweep, "COUNT", 2)
    return tmp_path


def emptied(place, given):
    """Back to what rows read, without what the last cell wrote."""
    for path in place.iterdir():
        if not (given / path.name).exists():
            shutil.rmtree(path) if path.is_dir() else path.unlink()


@pytest.mark.parametrize("name", rows())
def test_each_cell_is_a_result_or_a_documented_error(name, place, given):
    right = rows()[name]
    assert name in OPTIONAL or not isinstance(found := call(name, right), Exception), found
    for argument in right:
        for kind, value in kinds(right[argument]).items():
            emptied(place, given)
            arguments = copies(right) | {argument: value}  # networks made outside of inference mode
            with MODES.get(kind, contextlib.nullcontext)():
                found = call(name, arguments)
            assert not isinstance(found, Exception) or is_documented(found), (argument, kind, found)


def copies(arguments):
    """Networks change when they are trained."""
    return {key: copy.deepcopy(v) if isinstance(v, torch.nn.Module) else v for key, v in arguments.items()}


@pytest.mark.parametrize("name", APPS)
def test_each_setting_of_an_app_is_taken_or_refused(name):
    """Before the app is there: what is refused leaves no widget behind."""
    module = importlib.import_module(getattr(apps, name).__module__)
    for field in fields(module.Settings):
        for kind in ("text", "no number", "an object"):
            value = VALUES[kind] if kind in VALUES else INPUTS[kind](X)
            found = call(name, dict(settings=APPS[name] | {field.name: value}))
            assert not isinstance(found, Exception) or is_documented(found), (field.name, kind, found)
