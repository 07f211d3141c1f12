"""The peer: Algorithms 1 and 2 as a plain PyTorch transcription does them, ODL and ASTRA image by image on the CPU.

Float32, contiguous memory, one forward pass each for x_real, x_noisy and x_i, Adam's defaults. It draws the same
numbers as the package, so that a test can hold the fast path against it.
"""

import warnings

import numpy as np
import torch
import torch.nn.functional as F


class PlainScan:
    """ODL's ray transform, its adjoint and its FBP on batches (B, 1, H, W), one image at a time."""

    def __init__(self, size=128, angles=30):
        import odl
        from odl.applications.tomo import RayTransform, fbp_op, parallel_beam_geometry
        from odl.contrib.torch import OperatorModule

        warnings.filterwarnings("ignore", message="The 'astra_cpu' backend may be too slow", category=RuntimeWarning)
        space = odl.uniform_discr([-size / 2] * 2, [size / 2] * 2, (size, size), dtype="float32")
        self.ray = RayTransform(space, parallel_beam_geometry(space, num_angles=angles), impl="astra_cpu")
        self.fbp = fbp_op(self.ray)
        self._forward, self._adjoint = OperatorModule(self.ray), OperatorModule(self.ray.adjoint)
        self.weight = self.ray.range.weighting.const / space.weighting.const  # R* is taken in weighted inner products

    def forward(self, x):
        return self._forward(x[:, 0])[:, None]

    def adjoint(self, y):
        return self._adjoint(y[:, 0])[:, None] / self.weight

    def pinv(self, y):
        """ODL's FBP in NumPy, which is 20 times faster than through its PyTorch backend."""
        images = [self.fbp(self.ray.range.element(item)).asarray() for item in y[:, 0].numpy()]
        return torch.from_numpy(np.stack(images))[:, None]


def training_step(critic, optimizer, scan, scale, sigma, x_real, gp_weight, generator):
    """Algorithm 1, lines 3 to 7. `scale` is 1 / ||R||, so that the noise is that of the scaled transform."""
    y = scan.forward(x_real) * scale
    y = y + sigma * torch.randn(y.shape, generator=generator)
    x_noisy = scan.pinv(y / scale)
    mix = torch.rand(len(x_real), 1, 1, 1, generator=generator)
    x_i = (mix * x_real + (1 - mix) * x_noisy).requires_grad_()
    (grad,) = torch.autograd.grad(critic(x_i).sum(), x_i, create_graph=True)
    penalty = F.relu(grad.flatten(1).norm(dim=1) - 1).square().mean()
    loss = critic(x_real).mean() - critic(x_noisy).mean() + gp_weight * penalty
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach()


def descent_step(critic, scan, scale, x, y, reg_weight, step_size):
    """Algorithm 2, line 3, by autograd through the critic and ODL's adjoint for the data term."""
    x = x.detach().requires_grad_()
    (grad,) = torch.autograd.grad(critic(x).sum(), x)
    residual = scan.forward(x.detach()) * scale - y
    grad_data = 2 * scale * scan.adjoint(residual)
    return x.detach() - step_size * (grad_data + reg_weight * grad)
