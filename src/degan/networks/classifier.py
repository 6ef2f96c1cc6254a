"""Recognition: a classifier on f(x) and the residue of the encoder's intermediate layers."""

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
"""Scale factors of the views of a crop."""

_LEAST = 1e-12  # lower limit of a probability before its logarithm


class LocalCnn(nn.Module):
    """Small CNN that computes residue features from one stage of the encoder.

    Args:
        inputs: channels of the stage.
        outputs: number of features.
        pool: side of the average pooling, after a convolution of stride 2.
        grid: side of the pooled feature map.
    """

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
        """Feature map (N, inputs, H, W) -> features (N, outputs)."""
        residue: Tensor = self.body(stage)
        return residue


class Classifier(nn.Module):
    """Computes logits from f(x) and the residue.

    Args:
        network: sizes of the networks.
        choice: settings of the classifier: its input features and their dropout.
        num_expressions: number of classes.

    Raises:
        DeganError: there is no such backbone as in ``network``.

    Source: 1912.01456, section 3, residue learning.
    """

    def __init__(
        self, network: NetworkSettings, choice: ClassifierSettings, num_expressions: int
    ) -> None:
        super().__init__()
        self.reads_code = choice.features != "residue"
        self.local = nn.ModuleList()
        if choice.features != "code":
            # The stages have sides S/2, S/4 and S/8; stride 2 and pooling reduce each to S/16.
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
        """Last linear layer, with one row per expression; :data:`LAST_LAYER` is its name."""
        return cast("nn.Linear", self.head[1])

    def replace_last_layer(self, layer: nn.Linear) -> None:
        """Replace the last linear layer, for other classes.

        Args:
            layer: linear layer with ``num_features`` inputs and one output per class.
        """
        self.head[1] = layer  # torch would make an assignment to a property another submodule

    def residue(self, encoded: EncoderOutput) -> list[Tensor]:
        """Return the features of each local CNN, float (N, residue); [] without local CNNs.

        Args:
            encoded: outputs of the encoder for N images.
        """
        # strict=False: without local CNNs, the stages are not used.
        return [cnn(stage) for cnn, stage in zip(self.local, encoded.stages, strict=False)]

    def features(self, encoded: EncoderOutput) -> Tensor:
        """Return f(x) and the residue features, as far as used, float (N, num_features).

        Args:
            encoded: outputs of the encoder for N images.
        """
        read = self.residue(encoded)
        if self.reads_code:
            read.insert(0, encoded.code)
        return torch.cat(read, dim=1)

    def forward(self, encoded: EncoderOutput) -> Tensor:
        """Return the logits, float32 (N, num_expressions).

        Args:
            encoded: outputs of the encoder for N images.
        """
        logits: Tensor = self.head(self.features(encoded)).float()
        return logits


class ActionLayer(nn.Module):
    """Linear layer that computes amounts of facial actions from f(x) and the residue.

    Args:
        weight: float (52, num_features), rows as :data:`degan.labels.FACIAL_ACTIONS`.
        bias: float (52,).
        explained: fraction of each action's variance that the layer explains (R2) on people outside
            its fit; at most 1.
        fitted_on: hashes of the manifests of the data that the layer was fitted on.
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
        """Features (N, num_features) -> amounts (N, 52) in [0, 1]."""
        return (features @ self.weight.T + self.bias).clamp(0.0, 1.0)


def temper(probabilities: Tensor, temperature: float) -> Tensor:
    """Return probabilities (N, C) with their logarithms divided by a temperature > 0.

    The rows sum to 1 again. A temperature above 1 makes them more equal, one below 1 less equal;
    the order of the classes does not change.

    Source: Guo et al. 2017 (arXiv 1706.04599), section 4.2.
    """
    return (probabilities.clamp_min(_LEAST).log() / temperature).softmax(dim=1)


class RecognitionOutput(NamedTuple):
    """Outputs of :class:`Recognition` for N crops.

    Attributes:
        probabilities: mean over all views, float (N, num_expressions); rows sum to 1.
        code: f(x) of the unchanged crops, before rounding, float (N, expression_code).
        actions: amounts of facial actions in the unchanged crops, float (N, 52); other views are
            not used, because mirror images exchange left and right. None if no layer for facial
            actions was fitted.
    """

    probabilities: Tensor
    code: Tensor
    actions: Tensor | None


class Recognition(nn.Module):
    """Complete network from uint8 crops to probabilities, for evaluation and export.

    The probabilities are the mean over views of a crop: the first ``choice.views`` of :data:`ZOOMS`
    and, with ``choice.mirror``, their mirror images. A temperature calibrates them, see
    :mod:`degan.tuning.calibration`.

    Args:
        network: sizes of the networks.
        choice: settings of the classifier, for the views.
        encoder: G_en.
        classifier: classifier on the encoder's output.

    Attributes:
        temperature: divisor of the logarithms of the probabilities, above 0; 1 has no effect.
        calibrated_on: hashes of the manifests of the data that the temperature was fitted on.
        prior: class frequencies that the probabilities assume, as many as classes; they sum to 1.
            None if unknown, see :func:`degan.tuning.calibration.fit_prior`.
        leaning: expression -> amount that was added to its logit after training.
        actions: layer for facial actions, see :mod:`degan.tuning.action_layer`; None if not fitted.
        neutral: layer that compares a face with the same person's neutral face, see
            :mod:`degan.tuning.neutral_layer`; None if not fitted.

    Source: 1912.01456, section 3; views and temperature (Guo et al. 2017, arXiv 1706.04599) are not
    in the paper.
    """

    zooms: Tensor
    actions: ActionLayer | None
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
        self.prior: tuple[float, ...] | None = None
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
        """Return the probabilities, float (N, num_expressions) in [0, 1]; rows sum to 1.

        Args:
            crops: RGB uint8 (N, H, H, 3); H is a multiple or a divisor of the encoder's image side.
        """
        return self.read(self.standardize(crops))

    def read(self, images: Tensor) -> Tensor:
        """Return the probabilities, float (N, num_expressions), as :meth:`forward`.

        Args:
            images: standardised images, float (N, C, D, D) in [-1, 1].
        """
        return self._probabilities(self.features(self.views(images)), len(images))

    def read_all(self, crops: Tensor) -> RecognitionOutput:
        """Return all outputs: probabilities, f(x) and, if fitted, amounts of facial actions.

        Args:
            crops: RGB uint8 (N, H, H, 3), as for :meth:`forward`.
        """
        count = crops.shape[0]
        encoded = self.encoder(self.views(self.standardize(crops)))
        features = self.classifier.features(encoded)
        return RecognitionOutput(
            self._probabilities(features, count),
            encoded.fine[:count],
            None if self.actions is None else self.actions(features[:count]),
        )

    def views(self, images: Tensor) -> Tensor:
        """Return V views of each image, float (V * N, C, D, D); the images come first.

        Args:
            images: standardised images, float (N, C, D, D) in [-1, 1].
        """
        views = torch.cat([images, *(zoom @ images @ zoom.mT for zoom in self.zooms)])
        return torch.cat([views, views.flip(3)]) if self.mirror else views

    def features(self, views: Tensor) -> Tensor:
        """Return the input of the classifier's last layer, float (M, num_features).

        Args:
            views: standardised images or views of them, float (M, C, D, D) in [-1, 1].
        """
        return self.classifier.features(self.encoder(views))

    def _probabilities(self, features: Tensor, count: int) -> Tensor:
        """Features of all views -> calibrated probabilities (count, num_expressions)."""
        probabilities = self.classifier.head(features).softmax(dim=1)
        mean: Tensor = probabilities.unflatten(0, (-1, count)).mean(dim=0)
        return mean if self.temperature == 1.0 else temper(mean, self.temperature)
