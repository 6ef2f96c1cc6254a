"""Layers shared by the networks."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def conv_norm_relu(inputs: int, outputs: int, *, stride: int = 1) -> nn.Sequential:
    """3x3 convolution, batch norm, ReLU: (N, inputs, H, W) -> (N, outputs, H/stride, W/stride)."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class Subsample(nn.Module):
    """Selects every ``stride``-th row and column.

    Before a 1x1 convolution, this layer replaces the stride of the convolution, which triggers a
    bug: if there are fewer input channels than fit a vector register, oneDNN (through 3.14) writes
    past its workspace in the backward pass. The results are wrong gradients or a crash
    (uxlfoundation/oneDNN, issue 6035; seen here with widths of 4 to 12).

    The layer is an average pooling over single values. Slices give the same result, but their
    backward pass fills the whole image with zeros twice, which took a tenth of the training time.
    """

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H/stride, W/stride)."""
        return F.avg_pool2d(x, 1, self.stride)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with a shortcut (He et al. 2016)."""

    def __init__(self, inputs: int, outputs: int, *, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv_norm_relu(inputs, outputs, stride=stride),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                Subsample(stride),
                nn.Conv2d(inputs, outputs, 1, bias=False),
                nn.BatchNorm2d(outputs),
            )

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H/stride, W/stride)."""
        return F.relu(self.body(x) + self.shortcut(x))


def zoom_matrix(size: int, zoom: float) -> Tensor:
    """Return Z such that ``Z @ x @ Z.T`` is the image x enlarged about its centre.

    Args:
        size: side of the image in pixels, 2 or more.
        zoom: scale factor, > 0; below 1 the image shrinks, and its border pixels are repeated.

    Returns:
        Matrix of a linear interpolation along one axis, float (size, size).
    """
    middle = (size - 1) / 2
    place = ((torch.arange(size) - middle) / zoom + middle).clamp(0, size - 1)
    below = place.floor().clamp(max=size - 2).long()
    share = place - below
    rows = torch.arange(size)
    matrix = torch.zeros(size, size)
    matrix[rows, below] = 1 - share
    matrix[rows, below + 1] = share
    return matrix


class Standardize(nn.Module):
    """Converts uint8 crops to network images with mean 0 and standard deviation 1 per image.

    Crops are converted to grey if ``channels`` is 1, and scaled. Values beyond three standard
    deviations are clamped; then [-3, 3] is scaled to [-1, 1]. Exported models contain this layer,
    so callers cannot preprocess crops in another way.

    Args:
        channels: channels of the network images, 1 (grey) or 3.
        image_size: side of the network images in pixels.
    """

    luma: Tensor

    def __init__(self, channels: int, image_size: int) -> None:
        super().__init__()
        self.channels = channels
        self.image_size = image_size
        luma = torch.tensor([0.299, 0.587, 0.114])  # ITU-R BT.601, as Pillow's mode L
        self.register_buffer("luma", luma.reshape(1, 3, 1, 1), persistent=False)

    def forward(self, crops: Tensor) -> Tensor:
        """Standardise crops.

        Args:
            crops: uint8 RGB (N, H, H, 3); H is a multiple or a divisor of ``image_size``.

        Returns:
            Float (N, channels, image_size, image_size) in [-1, 1].
        """
        x = crops.permute(0, 3, 1, 2).to(torch.float32)
        if self.channels == 1:
            x = (x * self.luma).sum(dim=1, keepdim=True)
        size = crops.shape[1]
        if size > self.image_size:
            x = F.avg_pool2d(x, size // self.image_size)
        elif size < self.image_size:
            x = F.interpolate(x, size=self.image_size, mode="bilinear")
        x = x - x.mean(dim=(1, 2, 3), keepdim=True)
        deviation = x.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
        return (x / (deviation + 1.0)).clamp(-3.0, 3.0) / 3.0  # + 1 grey level: flat images stay 0
