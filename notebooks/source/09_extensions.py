# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 09 Extensions
#
# The paper ends with a list of things to try. Here they are tried: critics of a single photograph, critics that see
# their own mistakes, critics that are convex, and one critic for problems that it never met.
#
# **You will be able to**
#
# - *say* how $\lambda$ follows the size of the image, and reuse a critic at another size;
# - *recognise* a convex functional by its chords, and say what convexity buys and costs;
# - *judge* where a critic may be used that was trained for another noise, another scanner or another operator.
#
# | Before you start | Paper | Read | Do | Compute |
# |---|---|---|---|---|
# | Notebooks 05 to 08 | Sections 2.1, 3.1 and 6 | 30 min | 30 min | 60 s |

# %%
import advreg_edu as ar
import skimage.data
import torch
from advreg_edu import training
from advreg_edu.course import check, hint, solution
from advreg_edu.drawing import charts, pictures
from advreg_edu.experiments import extensions

seed = lambda number: torch.Generator().manual_seed(number)

# %% [markdown]
# Some measurements take minutes. Their results lie in `data/extensions`, and each of them is repeated by the command
# `python -m advreg_edu extensions NAME`, with `recursion`, `settings`, `sizes`, `spread` or `transfer` as the name.
# Everything else is computed here.
#
# ## 1 One photograph is enough
#
# ## 2 Any size
#
# ## 3 Solvers
#
# ## 4 Recursive training
#
# ## 5 Convex critics
#
# ## 6 Inpainting and MRI
#
# ## 7 One critic, many settings
#
# ## 8 How sure?
#
# ## 9 Transfer
#
# ## 10 From the paper as written to what ships
#
# ## Recap
