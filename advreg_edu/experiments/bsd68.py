"""The 68 photographs of BSD68, the benchmark on which denoisers are compared. Not in the paper.

They are 68 of the test set of BSDS300 (Roth and Black, "Fields of Experts", CVPR 2005), which BSDS500 calls val. The
field's protocol: gray, whole, noise that is not clipped, the mean of the PSNR over the images.
"""

from pathlib import Path

import torch
from torch import Tensor

from .._input.messages import refused
from ..images._pillow import Photograph
from .datasets import photograph_files

SHAPE = (321, 481)
NAMES = """
    3096 12084 14037 16077 19021 21077 24077 33039 101085 101087 102061 103070 105025 106024 108005
    108070 108082 109053 119082 123074 126007 130026 134035 143090 145086 147091 148026 148089
    157055 159008 160068 163085 167062 167083 170057 175032 175043 182053 189080 196073 197017
    208001 210088 216081 219090 220075 223061 227092 229036 236037 241004 241048 253027 253055
    260058 271035 285079 291000 295087 296007 296059 299086 300091 302008 304034 304074 306005
    351093
""".split()


def bsd68(path: Path | str | None) -> Tensor:
    """The 68 photographs, whole and gray: (68, 1, 321, 481) in [0, 1]. Those that stand are laid down.

    Args: path, a folder with the subfolders train and val of BSDS500. Raises ValueError where one is not there.
    """
    files = {file.stem: file for file in photograph_files(path, "val")}
    if missing := [name for name in NAMES if name not in files]:
        got = f"no {missing[0]} ({len(missing)} of {len(NAMES)} are missing)"
        raise refused(path, "the val of BSDS500, with the photographs of BSD68", got, "Get BSDS500 whole.")
    return torch.cat([lying(files[name]) for name in NAMES])


def lying(file: Path) -> Tensor:
    """A photograph of 321x481 or 481x321 pixels, turned by 90 degrees if it stands: (1, 1, 321, 481).

    >>> from tempfile import TemporaryDirectory
    >>> from PIL import Image
    >>> with TemporaryDirectory() as folder:
    ...     Image.new("L", (321, 481)).save(f"{folder}/standing.png")
    ...     tuple(lying(Path(folder, "standing.png")).shape)
    (1, 1, 321, 481)
    """
    x = Photograph(file, file, 1).all(channels=1)[None]
    x = x if x.shape[-1] > x.shape[-2] else x.rot90(dims=(-2, -1))
    if x.shape[-2:] != SHAPE:
        got = "x".join(map(str, x.shape[-2:]))
        raise ValueError(f"{file}: expected 321x481 pixels, as all of BSDS500 has, got {got}. Take the original.")
    return x
