"""Post-processing: a network repairs the naive reconstruction A†y. Paper: §5.3."""

import torch

from .._input.networks import check_network, evaluate
from ..operators.autograd import Map
from ..problem import Problem, check_problem


@torch.no_grad()
def post_process(problem: Problem, y: torch.Tensor, net: Map) -> torch.Tensor:
    """Return net(A†y), (B, C, H, W), computed in the type of the net's weights and returned in that of y.

    Paper: §5.3 after Jin et al. 2017.

    >>> import advreg_edu as ar
    >>> problem = ar.Problem(ar.RayTransform(16, 8), sigma=0.01)
    >>> y = problem.measure(torch.rand(2, 1, 16, 16))
    >>> net = ar.UNet(channels=1)  # trained by train_denoiser; before, it changes nothing
    >>> torch.equal(post_process(problem, y, net), problem.naive(y))
    True
    """
    check_problem(problem)
    check_network(net, "net", "(B, C, H, W)")
    return evaluate(net, problem.naive(y))
