"""What the labs measure and how: images, operators, critics, each by the name that its control shows. Paper: §2.1."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch

from ... import images, pretrained
from ...operators import FourierSampling, Identity, Inpainting, RayTransform, cartesian_mask

SIZE = 128  # pixels along each side
PHANTOM, PHOTO, SLICE, FILE = IMAGES = ("thorax phantom", "photo", "CT slice", "your file")
CT, DENOISING, INPAINTING, MRI = OPERATORS = ("CT", "denoising", "inpainting", "MRI")
SIGMA = {CT: (0.02, 0.05), DENOISING: (0.1, 0.3), INPAINTING: (0.02, 0.3), MRI: (0.02, 0.3)}  # to begin with, largest
SHARE = {INPAINTING: 30, MRI: 25}  # percent measured, to begin with
CRITIC = {CT: "ct-thorax", DENOISING: "photos-color", INPAINTING: "photos-inpainting", MRI: "mri-thorax"}
TRAINED_FOR = {"ct-": CT, "mri-": MRI, "photos-inpainting": INPAINTING, "photos-": DENOISING}  # by how a name begins


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What is measured and how: the part of their Settings that the labs share."""

    image: str = PHANTOM
    number: int = 0
    file: tuple | None = None  # name and bytes of an upload, or a path and None
    operator: str = CT
    angles: int = 30
    share: int = 50  # percent of pixels or lines measured
    size: int = SIZE

    @property
    def subject(self) -> tuple:
        """Who is measured."""
        return self.image, self.number, self.file


def seed(number: int) -> torch.Generator:
    """The generator of that number."""
    return torch.Generator().manual_seed(number)


def channels(scene: Scene) -> int:
    """3 where a photograph or a file in colour is denoised or inpainted, else 1: CT and MRI have no colours."""
    if scene.operator in (CT, MRI) or scene.image in (PHANTOM, SLICE):
        return 1
    return 3 if scene.image == PHOTO else _opened(scene.file, scene.size).shape[1]


def operator(scene: Scene) -> Any:
    """A, for images (channels, size, size)."""
    c, size = channels(scene), scene.size
    if scene.operator == CT:
        return ray_transform(size, scene.angles)
    if scene.operator == DENOISING:
        return Identity((c, size, size))
    mask = _mask(scene.operator, size, scene.share)
    return Inpainting(mask, c) if scene.operator == INPAINTING else FourierSampling(mask, c)


@lru_cache(maxsize=4)  # at 128x128 half a megabyte and 10 ms per angle
def ray_transform(size: int, angles: int) -> RayTransform:
    """A of CT."""
    return RayTransform(size, angles)


@lru_cache(maxsize=8)
def _mask(name: str, size: int, share: int) -> torch.Tensor:
    if name == MRI:
        return cartesian_mask(size, share / 100, generator=seed(0))
    return (torch.rand(size, size, generator=seed(0)) < share / 100).float()


def truth(scene: Scene) -> torch.Tensor:
    """x: (1, C, size, size) in [0, 1]."""
    return _truth(scene.image, scene.number, scene.size, channels(scene), scene.file)


@lru_cache(maxsize=16)
def _truth(image: str, number: int, size: int, channels: int, file: tuple | None) -> torch.Tensor:
    if image == PHANTOM:
        return images.thorax(1, size=size, generator=seed(number))
    if image == PHOTO:
        return images.photos(1, size=size, generator=seed(number), channels=channels)
    if image == SLICE:
        import pydicom.data

        return images.from_dicom(str(pydicom.data.get_testdata_file("CT_small.dcm")), size=size)
    x = _opened(file, size)
    return x if x.shape[1] == channels else x.mean(1, keepdim=True)


@lru_cache(maxsize=2)
def _opened(file: tuple | None, size: int) -> torch.Tensor:
    name, content = _chosen(file)
    return images.from_file(name, size=size) if content is None else images.from_bytes(name, content, size=size)


def _chosen(file: tuple | None) -> tuple[str, bytes | None]:
    """Name and bytes of an upload, or a path and None."""
    if file is None:
        raise ValueError("image: expected a file, got none. Choose one with the button “your file”, or give its path.")
    return file


def critic_names(count: int, size: int, operator: str) -> list[str]:
    """The critics that ship and take images of `count` channels and that size, first those trained for the operator."""
    fits = lambda critic: critic.channels == count and getattr(critic, "size", size) == size
    fitting = [name for name in pretrained.names() if fits(critic(name))]
    return sorted(fitting, key=lambda name: trained_for(name) != operator)


def trained_for(name: str) -> str:
    """The operator that a critic which ships was trained for, by its name.

    >>> trained_for("photos-gray")
    'denoising'
    """
    return next(operator for start, operator in TRAINED_FOR.items() if name.startswith(start))


@lru_cache(maxsize=4)
def critic(name: str) -> Any:
    """The critic that ships under that name."""
    return pretrained.load_critic(name)


def image_code(scene: Scene) -> str:
    """The line that makes x."""
    s, c = scene, channels(scene)
    if s.image == PHANTOM:
        return f"x = ar.images.thorax(1, size={s.size}, generator=seed({s.number}))"
    if s.image == PHOTO:
        return f"x = ar.images.photos(1, size={s.size}, generator=seed({s.number}), channels={c})"
    if s.image == SLICE:
        return f'x = ar.images.from_dicom(str(pydicom.data.get_testdata_file("CT_small.dcm")), size={s.size})'
    return f"x = ar.images.from_file({_chosen(s.file)[0]!r}, size={s.size}, channels={c})  # your file, in this folder"


def fit_sampling(name: str, angles: Any, share: Any) -> None:
    """Of the two sliders that say how much is measured, show the one that this operator has."""
    angles.show(name in (CT, DENOISING))
    angles.enable(name == CT)
    share.show(name in (INPAINTING, MRI))


def operator_code(scene: Scene) -> str:
    """The line that makes A."""
    s, c = scene, channels(scene)
    if s.operator == CT:
        return f"A = ar.RayTransform(size={s.size}, angles={s.angles})"
    if s.operator == DENOISING:
        return f"A = ar.Identity(({c}, {s.size}, {s.size}))"
    if s.operator == INPAINTING:
        mask = f"(torch.rand({s.size}, {s.size}, generator=seed(0)) < {s.share / 100:g}).float()"
        return f"A = ar.Inpainting({mask}, channels={c})"
    return f"A = ar.FourierSampling(ar.cartesian_mask({s.size}, {s.share / 100:g}, generator=seed(0)), channels={c})"
