"""The course as pages without a kernel: `make site` builds them into site/, for any server of files.

Pages and scripts lie in live/, their runtime in live/node_modules/ (`npm ci --prefix live`). What the labs need of the
package is made here: critics as ONNX graphs, images, masks, and a catalog of numbers. `book` makes the notebooks.
"""

import gzip
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch

from ..apps.reconstruction.controls import STEP_SIZE
from ..apps.shared import scenes
from ..apps.shared.scenes import CT, DENOISING, INPAINTING, MRI, PHANTOM, PHOTO, SIGMA, SIZE, SLICE, Scene
from ..critics import LocalCritic
from ..drawing.looks import colour_table
from ..experiments.export import onnx_bytes
from ..images._photos import BUNDLED
from ..pretrained import names
from ..problem import Problem
from ..reg_weight import weight_from_noise
from . import book, notebooks
from .book_text import check_katex

ROOT = Path(__file__).parent.parent.parent
LIVE, CATALOG = "live", "data/catalog.json"
RUNTIME, PACKED = "ort-wasm-simd-threaded", ".packed"  # an ending that no server takes for its own compression
NUMBERS = 12  # phantoms and photographs to choose from
ANGLES, SHARE_STEP = range(10, 91, 10), 5
SHARES = range(10, 91, SHARE_STEP)


def build(out: Path, root: Path = ROOT, names: Sequence[str] | None = ()) -> list[Path]:
    """Write the site; return the files written. Raises FileNotFoundError outside a checkout and without the runtime.

    Args: out, a new folder or that of an older site; root, the checkout; names, beginnings of names of notebooks to
    run, about six minutes for all (no names); None for the labs alone.

    >>> build(Path("site"), root=Path("elsewhere"))
    Traceback (most recent call last):
    FileNotFoundError: elsewhere/live: expected the pages of a checkout, ...
    """
    runtime = _runtime(root)
    if names is not None:  # what the notebooks need, before an older site is removed
        notebooks.chosen(names, root=root)
        check_katex(root)
    _clear(out)
    for page in sorted((root / LIVE).glob("*.[hcj]*")):
        if page.suffix in (".html", ".css", ".js"):
            _write(out / page.name, page.read_bytes())
    for script in ("ort.wasm.min.mjs", f"{RUNTIME}.mjs"):
        _write(out / "vendor" / script, (runtime / script).read_bytes())
    _write(
        out / "vendor" / f"{RUNTIME}.wasm{PACKED}", gzip.compress((runtime / f"{RUNTIME}.wasm").read_bytes(), mtime=0)
    )
    for name in _critics():
        _write(out / "critics" / f"{name}.onnx", onnx_bytes(scenes.critic(name), SIZE, name))
    for name, levels in (_images() | {where: _least_shares(where) for where in (INPAINTING, MRI)}).items():
        _write(out / "data" / f"{name}.bin", levels.to(torch.uint8).numpy().tobytes())
    _write(out / CATALOG, json.dumps(catalog(), ensure_ascii=False).encode())
    pages = [] if names is None else book.write(out, root, names)
    index = (root / LIVE / "index.html").read_text(encoding="utf-8")
    _write(out / "index.html", index.replace("<!-- notebooks -->", book.contents(pages)).encode())
    files = sorted(path for path in out.rglob("*") if path.is_file())
    kept = [path.relative_to(out).as_posix() for path in files if path.parent.name != book.PICTURES]
    _write(out / "data" / "files.json", json.dumps(kept).encode())
    return files


def catalog() -> dict:
    """What the lab shows and needs besides images and critics: their names, limits, weights λ / σ, colours.

    >>> sorted(catalog())
    ['colours', 'credits', 'critics', 'images', 'magnitudes', 'operators', 'size']
    """
    return {
        "size": SIZE,
        "images": NUMBERS,
        "critics": [{"name": name, "channels": scenes.critic(name).channels} for name in _critics()],
        "operators": {name: _operator(name) for name in scenes.OPERATORS},
        "colours": colour_table("RdBu_r").tolist(),
        "magnitudes": colour_table("viridis").tolist(),
        "credits": [f"{file} by {author} ({licence})" for file, author, licence, _ in BUNDLED],
    }


def _critics() -> list[str]:
    """Those that ship and can be exported."""
    return [name for name in names() if isinstance(scenes.critic(name), LocalCritic)]


def _runtime(root: Path) -> Path:
    """The folder of ONNX Runtime Web."""
    if not (root / LIVE).is_dir():
        raise FileNotFoundError(f"{root / LIVE}: expected the pages of a checkout, got none. Clone the project.")
    runtime = root / LIVE / "node_modules" / "onnxruntime-web" / "dist"
    if not runtime.is_dir():
        raise FileNotFoundError(f"{runtime}: expected ONNX Runtime Web, got none. Install it: npm ci --prefix {LIVE}")
    return runtime


def _clear(out: Path) -> None:
    """Remove an older site; anything else that lies there is kept, and refused."""
    if (out / CATALOG).exists():
        shutil.rmtree(out)
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"out: expected a new folder or a site built before, got {out}, which holds other things.")


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _images() -> dict[str, torch.Tensor]:
    """{name of the file: levels 0 to 255}: each image in the channels that some operator takes."""
    kinds = [(PHANTOM, CT, NUMBERS), (SLICE, CT, 1), (PHOTO, CT, NUMBERS), (PHOTO, DENOISING, NUMBERS)]
    found = {}
    for image, operator, count in kinds:
        for number in range(count):
            scene = Scene(image=image, operator=operator, number=number)
            name = f"{image.replace(' ', '-')}-{scenes.channels(scene)}-{number}"
            found[name] = (255 * scenes.truth(scene)).round()
    return found


def _least_shares(operator: str) -> torch.Tensor:
    """In percent, from which share on each number is measured; 255: never."""
    least = torch.full((SIZE, SIZE), 255.0)
    for share in reversed(SHARES):
        least[scenes.operator(Scene(operator=operator, share=share)).mask > 0] = share
    return least


def _operator(name: str) -> dict:
    """How it begins, and for each setting the λ of §5.1 for σ = 1."""
    sigma, limit = SIGMA[name]
    scene = lambda **changes: Scene(operator=name, **changes)
    settings = {
        CT: {f"1/{angles}": scene(angles=angles) for angles in ANGLES},
        DENOISING: {f"{c}/0": scene(image=image) for c, image in ((1, PHANTOM), (3, PHOTO))},
    }.get(name) or {
        f"{scenes.channels(s)}/{s.share}": s
        for share in SHARES
        for s in (scene(share=share), scene(share=share, image=PHOTO))
    }
    weights = {key: weight_from_noise(Problem(scenes.operator(s), 1.0)).item() for key, s in settings.items()}
    made = {"sigma": sigma, "limit": limit, "step": STEP_SIZE[name], "weights": weights}
    made |= {"share": scenes.SHARE.get(name, 50), "shareStep": SHARE_STEP, "critic": scenes.CRITIC[name]}
    if name == CT:
        return made | {"norms": {angles: scenes.operator(scene(angles=angles)).unscaled_norm for angles in ANGLES}}
    return made | {"inverse": getattr(scenes.operator(scene()), "inverse", "adjoint")}
