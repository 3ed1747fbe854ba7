"""Folds batch normalisation into the convolutions before it: the same results with a fraction of the memory traffic."""

from __future__ import annotations

from itertools import pairwise

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision.ops import FrozenBatchNorm2d


def fuse_batchnorm(module: nn.Module) -> None:
    """Fold, in place, every normalisation that directly follows a convolution among a module's children.

    Parameters
    ----------
    module
        In evaluation mode; its children are called in the order in which they stand, as torchvision's are.
    """
    for child in module.children():
        fuse_batchnorm(child)
    for (name, first), (next_name, second) in pairwise(list(module.named_children())):
        if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d | FrozenBatchNorm2d):
            setattr(module, name, fuse_conv_bn_eval(first, second))
            setattr(module, next_name, nn.Identity())
