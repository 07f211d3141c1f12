"""Training a critic. Paper: §3.1, Eq. 6 and Algorithm 1."""

import math
from dataclasses import asdict, dataclass
from functools import partial

import torch
import torch.nn.functional as F

from ._checks import (
    check_batch,
    check_choice,
    check_count,
    check_finite,
    check_float,
    check_images,
    check_number,
    check_seed,
)
from ._fingerprint import whose
from ._networks import (
    check_network,
    check_trainable,
    check_values,
    computing_type,
    derivatives,
    evaluate,
    gradient_by,
    in_eval_mode,
    to_float_type,
    variable,
)
from ._training_run import TrainingRun, run_steps
from .cores import one_thread
from .hardware import fast_precision, memory_limit
from .operators import check_measurement, inner
from .problem import check_problem
from .reconstruction import gradient
from .recursive import Iterates, check_recursion
from .samples import draw_batch

GAPS, LINES, PRECISIONS = ("ends", "lines"), ("batch", "own"), ("float32", "bfloat16")


@dataclass(frozen=True)
class Step:
    """What one step of Algorithm 1 saw, before its update; scalar tensors without gradient."""

    index: int  # from 0
    loss: torch.Tensor  # Eq. 6
    wasserstein: torch.Tensor  # mean Psi(x_noisy) - mean Psi(x_real), estimates Eq. 7 from below
    gradient_norm: torch.Tensor  # mean ||grad Psi|| on the lines between x_real and x_noisy
    shown = ("wasserstein", "gradient_norm")  # in a progress bar


def critic_loss(critic, x_real, x_noisy, gp_weight=20.0, generator=None):
    """Eq. 6: mean Psi(x_real) - mean Psi(x_noisy) + gp_weight * mean (||grad Psi(x_i)|| - 1)_+^2, a scalar.

    x_i = mix * x_real + (1 - mix) * x_noisy with mix ~ U[0, 1] (Alg. 1). The penalty is one-sided: slopes below 1 cost
    nothing. It is computed in the type of the critic's weights, at least float32, and returned in that of x_real.
    Args: x_real, x_noisy (B, C, H, W), as many of each; gp_weight >= 0, called lambda in Eq. 6 and mu in Alg. 1.
    Raises ValueError for other shapes, numbers that are not finite and a negative weight.
    """
    check_network(critic)
    check_images(x_real, "x_real", unit_range=False)
    check_batch(x_noisy, "x_noisy", tuple(x_real.shape[1:]), "images like x_real")
    if len(x_noisy) != len(x_real):
        raise ValueError(f"x_noisy: expected {len(x_real)} images, as many as in x_real, got {len(x_noisy)}.")
    check_float(x_noisy, "x_noisy")
    check_finite(x_noisy, "x_noisy")
    gp_weight, dtype = check_number(gp_weight, "gp_weight", low=0), computing_type(critic, x_real)
    real, noisy = x_real.to(dtype), x_noisy.to(dtype)
    wasserstein, slopes = wasserstein_and_slopes(critic, real, noisy, draw_mix(real, generator))
    return (-wasserstein + gp_weight * F.relu(slopes - 1).square().mean()).to(x_real.dtype)


def draw_mix(x_real, generator=None):
    """Alg. 1, line 3: a number ~ U[0, 1] for each image, (B, 1, 1, 1)."""
    return torch.rand(len(x_real), 1, 1, 1, generator=generator).to(x_real)


def wasserstein_and_slopes(critic, x_real, x_noisy, mix, gap="ends", x_own=None, factors=1.0):
    """The two parts of Eq. 6: mean Psi(x_noisy) - mean Psi(x_real), and ||grad Psi|| on the lines between them (B,).

    mix: see `draw_mix`.
    x_own: where the lines lead in place of x_noisy, see `lines="own"` of `train_critic`; with gap="ends" alone.
    factors: (B,), by what each pair counts in the mean, see `Recursion`.

    gap="lines" estimates the first from the gradients that the second needs anyway, as the mean of
    <grad Psi(x_i), x_noisy - x_real>: the integral of the slope along a line is the difference between its ends, so the
    expectation over `mix` is the same, for less than half of the work (not in the paper).
    """
    if gap == "ends":
        both = torch.cat([x_real, x_noisy])
        psi = evaluate(critic, both)  # in the type of x: a mean in bfloat16 is coarse
        check_values(psi, both)
        psi_real, psi_noisy = psi.chunk(2)
        gaps = psi_noisy - psi_real
    end = x_noisy if x_own is None else x_own
    with derivatives():
        x_i = variable(mix * x_real + (1 - mix) * end)  # Alg. 1, line 5
        grad = gradient_by(evaluate(critic, x_i), x_i, create_graph=True)
    if gap == "lines":
        gaps = inner(grad, x_noisy - x_real)
    return (factors * gaps).mean(), grad.flatten(1).norm(dim=1)


@derivatives()
def train_critic(
    critic,
    problem,
    x_real,
    steps=2000,
    batch_size=16,
    seed=0,
    gp_weight=None,
    learning_rate=1e-3,
    averaging=0.998,
    paired=True,
    measurements=None,
    crop=None,
    gap="ends",
    lines="batch",
    noise_left=0.0,
    balance=0.0,
    recursive=None,
    precision=None,
    checkpoint=None,
    checkpoint_every=100,
    resume=False,
):
    """Algorithm 1: a generator of `steps` Steps that trains `critic` in place.

    Each step draws x_real, simulates y = Ax + e for images of the same kind, sets x_noisy = A†y and takes one Adam step
    on Eq. 6. When the generator ends or is closed, the critic holds the running average of its weights.

    Args:
        critic: PaperCritic, LocalCritic or any module (B, C, H, W) to (B,); trained on the device it is on.
        problem: operator and noise level that make x_noisy.
        x_real: ground-truth images (N, *A.domain_shape) in [0, 1], the samples of P_r.
        gp_weight: penalty weight; None takes 3 E ||x_real - x_noisy||, which lets the slope exceed 1 by at most 17 %:
            with a free scale s the loss is -s W + gp_weight (s - 1)^2, least at s = 1 + W / (2 gp_weight). A larger
            weight holds the slope tighter and trains more slowly.
        learning_rate: of Adam, betas (0.9, 0.999); rises over 50 steps, then falls to 0 along a cosine.
        averaging: decay of the running average of the weights (not in the paper).
        paired: x_noisy comes from the same images as x_real (as in the authors' code: less variance), or from
            independent draws (False, as in the paper's text).
        measurements: y (M, *A.range_shape) of images that nobody has, samples of P_Y: x_noisy comes from these and
            nothing is simulated (as in the paper's text; `paired` is then False).
        crop: side of a random window, the same in x_real and x_noisy, for critics that take any size; None trains on
            whole images. A critic with slope 1 on windows has it on images too if its value is a norm (LocalCritic).
        gap: how the Wasserstein estimate is made: "ends" from Psi at both images, as Eq. 6 is written; "lines" from the
            slopes between them, the same in the mean and twice as fast, see `wasserstein_and_slopes`.
        lines: where the slope is held: "batch" between x_real and x_noisy (Alg. 1); "own" between x_real and a
            measurement of itself that is simulated for this alone. Paired, the two are alike. Else the line of the
            batch leads through a double exposure of two images, and on the way from noisy to clean, where the critic
            is used, the slope is free (not in the paper; data/study/unpaired.md has what it is worth).
        noise_left: share in [0, 0.9] of its own noise, x_noisy - x_real, that x_real keeps. With 0 a critic has to tell
            a real image from one with next to no noise, which reconstructions rarely are, and pays with its direction
            where they are. 0.2 gains 1 dB for CT with sigma = 0.02 and 0.2 dB with 0.005, 0.4 gains 1.5 dB for
            photographs; a long training wants more of it than a short one (not in the paper;
            data/study/noise-left.md). Of an iterate of `recursive` it is the share of the iterate's error, unless the
            `Recursion` has its own. Needs pairs, or lines="own".
        balance: weight of (mean Psi(x_noisy) - mean Psi(x_own))^2, where x_own is the measurement that lines="own"
            simulates. Noise is alike in both, so that the difference is who is in the images. Without it a wide critic
            learns whom to call noisy where x_real and x_noisy are of few and different patients; with 1 what that
            costs falls from over 1 dB to 0.2 dB (sigma = 0.02, not in the paper; data/study/unpaired.md). Needs
            lines="own".
        recursive: a `Recursion`: half of x_noisy are iterates of Algorithm 2 with the critic as it is (§6).
        precision: of the convolutions, "float32" or "bfloat16" (weights and sums stay float32). None takes bfloat16
            where the processor is made for it, see `hardware.fast_precision`.
        checkpoint: file for the state of the training, written every `checkpoint_every` steps and when interrupted.
        resume: go on from `checkpoint`. The result is the same as without the interruption.

    Yields: Step. Raises ValueError or TypeError for bad input before the first step.
    """
    check_training(critic, problem, x_real, steps, batch_size, learning_rate, averaging, crop, checkpoint_every)
    check_seed(seed)
    x_real = x_real.to(computing_type(critic, x_real))
    _check_values(critic, x_real, crop)
    noise_left = check_number(noise_left, "noise_left", low=0, high=0.9)
    if gp_weight is None:
        gp_weight = _default_gp_weight(problem, x_real, crop, seed, noise_left)
    gp_weight = check_number(gp_weight, "gp_weight", low=0)
    check_choice(gap, "gap", GAPS)
    _check_lines(lines, gap, crop)
    if check_number(balance, "balance", low=0) and lines == "batch":
        raise ValueError(f'balance: expected 0 with lines="batch", got {balance:g}. Add lines="own".')
    check_recursion(recursive, crop, batch_size)
    _check_pairs(paired and measurements is None, lines, noise_left, recursive)
    if measurements is not None:
        check_measurement(problem.A, measurements)
        check_finite(measurements, "measurements")
        measurements = to_float_type(measurements.detach(), x_real.dtype)
    precision = checked_precision(precision, critic)
    settings = dict(seed=seed, batch_size=batch_size, gp_weight=round(gp_weight, 6), learning_rate=learning_rate)
    settings |= dict(steps=steps, averaging=averaging, paired=paired, crop=crop)
    settings |= {} if checkpoint is None else whose(problem, x_real, measurements)
    settings |= dict(gap=gap, lines=lines, precision=precision, recursive=asdict(recursive) if recursive else None)
    settings |= dict(noise_left=noise_left, balance=float(balance))
    run = TrainingRun(critic, learning_rate, averaging, settings, checkpoint)
    source = dict(paired=paired, measurements=measurements, device=run.device)
    draw = partial(draw_batch, problem, x_real, batch_size, crop=crop, **source)
    pool = Iterates(problem, x_real, 2 * batch_size, recursive, seed, **source) if recursive else None
    run.state = pool.state if pool else {}
    start = run.start(resume)

    def evaluate_step(k, real, noisy, generator):
        iterates = pool is not None and k >= recursive.start
        if iterates:
            real, noisy = pool.mixed_in(critic, real, noisy, generator, precision)
        own = problem.naive(problem.measure(real, generator)) if lines == "own" else None
        left = pool.shares(real, noise_left) if iterates else noise_left
        real = real.lerp(noisy if own is None else own, left)
        factors = pool.factors(real, noisy) if iterates else real.new_ones(len(real))
        batches = real, noisy, noisy if own is None else own, draw_mix(real, generator), factors
        parts = 1 if balance else None  # the square of a mean is not a mean of squares
        values, gradients = run.gradients(loss, *batches, parts=parts)
        return values[0], gradients, Step(k, *values)

    def loss(real, noisy, own, mix, factors):
        """Eq. 6 of a part of the batch, the Wasserstein estimate and the mean slope."""
        with torch.autocast(run.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            wasserstein, slopes = wasserstein_and_slopes(critic, real, noisy, mix, gap, own, factors)
            excess = _excess(critic, noisy, own) if balance else 0.0
        loss = -wasserstein + gp_weight * F.relu(slopes - 1).square().mean()  # Alg. 1, line 6; Eq. 6
        return loss + balance * excess**2, wasserstein, slopes.mean()

    return run_steps(run, draw, evaluate_step, start, steps, seed, checkpoint_every)


def _excess(critic, x_noisy, x_own):
    """By how much Psi is higher on x_noisy than on measurements of x_real, in the mean."""
    psi_noisy, psi_own = evaluate(critic, torch.cat([x_noisy, x_own])).chunk(2)
    return psi_noisy.mean() - psi_own.mean()


def device_of(network):
    """Where the weights are."""
    return next(network.parameters()).device


def checked_precision(precision, network):
    """`precision`, or where it is None the fast one on the device of the network."""
    return check_choice(precision or fast_precision(device_of(network)), "precision", PRECISIONS)


def _check_lines(lines, gap, crop):
    check_choice(lines, "lines", LINES)
    if lines == "own" and (gap == "lines" or crop is not None):
        got = 'gap="lines"' if gap == "lines" else f"crop={crop}"
        raise ValueError(f'lines: expected gap="ends" and no crop with lines="own", got {got}. Leave one out.')


def _check_pairs(paired, lines, noise_left, recursive):
    """What x_real keeps of an error is on the line to its own x_noisy alone."""
    if paired and lines == "batch":
        return
    if noise_left and lines == "batch":
        raise ValueError(f'noise_left: expected 0 for independent x_noisy, got {noise_left:g}. Add lines="own".')
    if recursive and (recursive.noise_left or recursive.distance):
        got = f"{recursive.noise_left} and {recursive.distance}"
        raise ValueError(f"recursive: expected noise_left and distance None but for pairs, got {got}. Leave them out.")


def _default_gp_weight(problem, x_real, crop, seed, noise_left):
    with one_thread():
        real, noisy = draw_batch(problem, x_real, 32, torch.Generator().manual_seed(seed), crop=crop)
        return 3 * (1 - noise_left) * (real - noisy).flatten(1).norm(dim=1).mean().item()


def _check_values(critic, x_real, crop):
    """Raise unless the critic gives a number for each image, and torch its derivative."""
    with in_eval_mode(critic):
        gradient(critic, one_window(x_real, crop).to(device_of(critic)))


def one_window(x_real, crop):
    """The first image of x_real, or a window of it: (1, C, H, W)."""
    return x_real[:1] if crop is None else x_real[:1, :, :crop, :crop]


def check_training(
    network, problem, x_real, steps, batch_size, learning_rate, averaging, crop, checkpoint_every, name="critic"
):
    """Raise for what no training can go on with."""
    check_trainable(network, name, "(B, C, H, W)" if name == "net" else "(B,)")
    check_problem(problem)
    check_images(x_real, "x_real", problem.A.domain_shape)
    check_count(steps, "steps")
    check_count(batch_size, "batch_size")
    needed, limit = 2 * batch_size * x_real[0].numel() * 4, memory_limit() or math.inf  # x_real and x_noisy alone
    if needed > limit:
        raise ValueError(
            f"batch_size: expected a batch that fits into {limit / 1e9:.1f} GB, got {batch_size}, which takes "
            f"{needed / 1e9:.1f} GB. Lower it."
        )
    check_count(checkpoint_every, "checkpoint_every")
    check_number(learning_rate, "learning_rate", low=0, above=True)
    check_number(averaging, "averaging", low=0, high=1)
    if crop is not None and check_count(crop, "crop") > min(x_real.shape[-2:]):
        raise ValueError(f"crop: expected at most the image side {min(x_real.shape[-2:])}, got {crop}.")
