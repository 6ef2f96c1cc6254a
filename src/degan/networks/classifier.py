"""Recognition: f(x) joined with the residue that the encoder's intermediate layers recorded."""

from typing import Final

import torch
from torch import Tensor, nn

from degan.config import ClassifierSettings, NetworkSettings
from degan.networks.encoder import Encoder, EncoderOutput, code_grid, stage_channels
from degan.networks.layers import Standardize, conv_norm_relu, zoom_matrix

ZOOMS: Final = (1.0, 1.06, 0.94)
"""Sizes at which a face can be read, relative to the crop."""

_LEAST = 1e-12  # what a probability counts as at least, for its logarithm


class LocalCnn(nn.Module):
    """A small CNN that reads the residue from one layer of the encoder."""

    def __init__(self, inputs: int, outputs: int, *, pool: int, grid: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv_norm_relu(inputs, outputs, stride=2),
            conv_norm_relu(outputs, outputs),
            nn.AvgPool2d(pool),
            nn.Flatten(),
            nn.Linear(outputs * grid**2, outputs),
        )

    def forward(self, stage: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs)."""
        residue: Tensor = self.body(stage)
        return residue


class Classifier(nn.Module):
    """Logits from f(x) and the residue. Source: 1912.01456, section 3, residue learning.

    Args:
        network: sizes.
        choice: what is read, and the dropout on it.
        num_expressions: classes.
    """

    def __init__(
        self, network: NetworkSettings, choice: ClassifierSettings, num_expressions: int
    ) -> None:
        super().__init__()
        self.reads_code = choice.features != "residue"
        self.local = nn.ModuleList()
        if choice.features != "code":
            # The stages are S/2, S/4 and S/8 wide; halved and pooled each becomes the grid of S/16.
            self.local.extend(
                LocalCnn(inputs, network.residue, pool=pool, grid=code_grid(network))
                for inputs, pool in zip(stage_channels(network), (4, 2, 1), strict=True)
            )
        features = network.residue * len(self.local)
        if self.reads_code:
            features += network.expression_code
        self.head = nn.Sequential(nn.Dropout(choice.dropout), nn.Linear(features, num_expressions))

    def residue(self, encoded: EncoderOutput) -> list[Tensor]:
        """Encoder output -> what each local CNN reads, (N, residue); none reads f(x) alone."""
        # Without local CNNs the stages are left alone, so the two need not be of one length.
        return [cnn(stage) for cnn, stage in zip(self.local, encoded.stages, strict=False)]

    def forward(self, encoded: EncoderOutput) -> Tensor:
        """Encoder output -> logits (N, num_expressions)."""
        read = self.residue(encoded)
        if self.reads_code:
            read.insert(0, encoded.code)
        logits: Tensor = self.head(torch.cat(read, dim=1))
        return logits


def temper(probabilities: Tensor, temperature: float) -> Tensor:
    """Return probabilities (N, C) whose logarithms are divided by a temperature above 0.

    Above 1 they are less sure, below 1 surer; which is the most probable does not change.
    Source: Guo et al. 2017 (arXiv 1706.04599), section 4.2.
    """
    return (probabilities.clamp_min(_LEAST).log() / temperature).softmax(dim=1)


class Recognition(nn.Module):
    """The whole way from uint8 crops to probabilities: what is evaluated, exported and served.

    Probabilities are the mean over the crop and its mirror image, which show the same expression,
    and over :data:`ZOOMS` of them, as many as ``choice.views`` says. They are sharpened or softened
    by a temperature, see :mod:`degan.evaluation.calibration`.

    Args:
        network: sizes.
        choice: how many views are read.
        encoder: G_en.
        classifier: what reads its output.

    Attributes:
        temperature: what the logarithms of the probabilities are divided by; 1 leaves them.
    """

    zooms: Tensor

    def __init__(
        self,
        network: NetworkSettings,
        choice: ClassifierSettings,
        encoder: Encoder,
        classifier: Classifier,
    ) -> None:
        super().__init__()
        self.temperature = 1.0
        self.standardize = Standardize(network.channels, network.input_size)
        self.encoder = encoder
        self.classifier = classifier
        size = network.input_size
        matrices = [zoom_matrix(size, zoom) for zoom in ZOOMS[1 : choice.views]]
        zooms = torch.stack(matrices) if matrices else torch.empty(0, size, size)
        self.register_buffer("zooms", zooms, persistent=False)

    def forward(self, crops: Tensor) -> Tensor:
        """uint8 RGB (N, H, H, 3) -> probabilities (N, num_expressions), rows sum to 1."""
        return self.read(self.standardize(crops))

    def read(self, images: Tensor) -> Tensor:
        """Standardised (N, C, D, D) -> probabilities as :meth:`forward` gives them."""
        sizes = torch.cat([images, *(zoom @ images @ zoom.mT for zoom in self.zooms)])
        views = torch.cat([sizes, sizes.flip(3)])
        probabilities = self.classifier(self.encoder(views)).softmax(dim=1)
        mean: Tensor = probabilities.unflatten(0, (-1, images.shape[0])).mean(dim=0)
        return mean if self.temperature == 1.0 else temper(mean, self.temperature)
