"""Recognition: f(x) joined with the residue that the encoder's intermediate layers recorded."""

from typing import Final, NamedTuple, cast

import torch
from torch import Tensor, nn

from degan.config import ClassifierSettings, NetworkSettings
from degan.networks.encoder import Encoder, EncoderOutput, code_grid, stage_channels
from degan.networks.layers import Standardize, conv_norm_relu, zoom_matrix
from degan.recognition.neutral_reader import NeutralReader

LAST_LAYER: Final = "head.1"
"""Name of the last linear layer in the state of a :class:`Classifier`."""

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
        self.num_features = network.residue * len(self.local)
        if self.reads_code:
            self.num_features += network.expression_code
        self.head = nn.Sequential(
            nn.Dropout(choice.dropout), nn.Linear(self.num_features, num_expressions)
        )

    @property
    def last_layer(self) -> nn.Linear:
        """The last linear layer, with a row for each expression; :data:`LAST_LAYER` is its name."""
        return cast("nn.Linear", self.head[1])

    def replace_last_layer(self, layer: nn.Linear) -> None:
        """Replace the last linear layer, for other classes."""
        self.head[1] = layer  # torch would make an assignment to a property another submodule

    def residue(self, encoded: EncoderOutput) -> list[Tensor]:
        """Encoder output -> what each local CNN reads, (N, residue); none reads f(x) alone."""
        # Without local CNNs the stages are left alone, so the two need not be of one length.
        return [cnn(stage) for cnn, stage in zip(self.local, encoded.stages, strict=False)]

    def features(self, encoded: EncoderOutput) -> Tensor:
        """Encoder output -> f(x) and the residue, what of them is read: (N, num_features)."""
        read = self.residue(encoded)
        if self.reads_code:
            read.insert(0, encoded.code)
        return torch.cat(read, dim=1)

    def forward(self, encoded: EncoderOutput) -> Tensor:
        """Encoder output -> logits (N, num_expressions)."""
        logits: Tensor = self.head(self.features(encoded)).float()
        return logits


class ActionReader(nn.Module):
    """Amounts of facial actions from f(x) and the residue: one linear layer.

    Args:
        weight: (52, num_features), rows as :data:`degan.labels.FACIAL_ACTIONS`.
        bias: (52,).
        explained: of each action, how much of its variance is read of people whom nothing was
            fitted on; at most 1.
        fitted_on: hashes of the manifests of the people whom the layer was fitted on.
    """

    weight: Tensor
    bias: Tensor

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor,
        explained: tuple[float, ...],
        fitted_on: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)
        self.explained = explained
        self.fitted_on = fitted_on

    def forward(self, features: Tensor) -> Tensor:
        """(N, num_features) -> amounts (N, 52), 0 to 1."""
        return (features @ self.weight.T + self.bias).clamp(0.0, 1.0)


def temper(probabilities: Tensor, temperature: float) -> Tensor:
    """Return probabilities (N, C) whose logarithms are divided by a temperature above 0.

    Above 1 they are less sure, below 1 surer; which is the most probable does not change.
    Source: Guo et al. 2017 (arXiv 1706.04599), section 4.2.
    """
    return (probabilities.clamp_min(_LEAST).log() / temperature).softmax(dim=1)


class Readings(NamedTuple):
    """What is read of N crops.

    Attributes:
        probabilities: float (N, num_expressions), rows sum to 1.
        code: f(x) of the crops themselves before it is rounded, float (N, expression_code).
        actions: amounts of facial actions, float (N, 52), of the crops themselves: in a mirror
            image left is right. None where no reader of them was fitted.
    """

    probabilities: Tensor
    code: Tensor
    actions: Tensor | None


class Recognition(nn.Module):
    """The whole way from uint8 crops to probabilities: what is evaluated, exported and served.

    Probabilities are the mean over :data:`ZOOMS` of the crop, as many as ``choice.views`` says, and
    over their mirror images, where ``choice.mirror`` says so. They are sharpened or softened by a
    temperature, see :mod:`degan.tuning.calibration`.

    Args:
        network: sizes.
        choice: which views are read.
        encoder: G_en.
        classifier: what reads its output.

    Attributes:
        temperature: what the logarithms of the probabilities are divided by; 1 leaves them.
        calibrated_on: hashes of the manifests of the data that it was fitted on.
        leaning: what was added to the logits of some expressions by name after training.
        actions: reads facial actions too; None where none was fitted, see
            :mod:`degan.tuning.action_layer`.
        neutral: reads a face beside the same person's neutral face, see
            :mod:`degan.tuning.neutral_layer`; None where nothing was fitted.
    """

    zooms: Tensor
    actions: ActionReader | None
    neutral: NeutralReader | None

    def __init__(
        self,
        network: NetworkSettings,
        choice: ClassifierSettings,
        encoder: Encoder,
        classifier: Classifier,
    ) -> None:
        super().__init__()
        self.temperature = 1.0
        self.calibrated_on: frozenset[str] = frozenset()
        self.leaning: dict[str, float] = {}
        self.standardize = Standardize(network.channels, network.input_size)
        self.encoder = encoder
        self.classifier = classifier
        self.actions = None
        self.neutral = None
        self.mirror = choice.mirror
        size = network.input_size
        matrices = [zoom_matrix(size, zoom) for zoom in ZOOMS[1 : choice.views]]
        zooms = torch.stack(matrices) if matrices else torch.empty(0, size, size)
        self.register_buffer("zooms", zooms, persistent=False)

    def forward(self, crops: Tensor) -> Tensor:
        """uint8 RGB (N, H, H, 3) -> probabilities (N, num_expressions), rows sum to 1."""
        return self.read(self.standardize(crops))

    def read(self, images: Tensor) -> Tensor:
        """Standardised (N, C, D, D) -> probabilities as :meth:`forward` gives them."""
        return self._probabilities(self.features(self.views(images)), len(images))

    def read_all(self, crops: Tensor) -> Readings:
        """uint8 RGB (N, H, H, 3) -> all that is read of them."""
        count = crops.shape[0]
        encoded = self.encoder(self.views(self.standardize(crops)))
        features = self.classifier.features(encoded)
        return Readings(
            self._probabilities(features, count),
            encoded.fine[:count],
            None if self.actions is None else self.actions(features[:count]),
        )

    def views(self, images: Tensor) -> Tensor:
        """Standardised (N, C, D, D) -> all views of them, (V * N, C, D, D), themselves first."""
        views = torch.cat([images, *(zoom @ images @ zoom.mT for zoom in self.zooms)])
        return torch.cat([views, views.flip(3)]) if self.mirror else views

    def features(self, views: Tensor) -> Tensor:
        """Standardised (M, C, D, D) -> f(x) and the residue, what of them the classifier reads."""
        return self.classifier.features(self.encoder(views))

    def _probabilities(self, features: Tensor, count: int) -> Tensor:
        """Features of all views -> tempered probabilities (count, num_expressions)."""
        probabilities = self.classifier.head(features).softmax(dim=1)
        mean: Tensor = probabilities.unflatten(0, (-1, count)).mean(dim=0)
        return mean if self.temperature == 1.0 else temper(mean, self.temperature)
