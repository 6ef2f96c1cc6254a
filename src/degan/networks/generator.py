"""Generator G: encoder and decoder."""

from torch import Tensor, nn

from degan.config import NetworkSettings
from degan.networks.decoder import Decoder
from degan.networks.encoder import Encoder


class Generator(nn.Module):
    """Generator G of a run: redraws the expression of a photo on a training subject."""

    def __init__(self, settings: NetworkSettings, num_subjects: int) -> None:
        super().__init__()
        self.encoder = Encoder(settings)
        self.decoder = Decoder(settings, num_subjects)

    def forward(self, images: Tensor, identity: Tensor, noise: Tensor) -> Tensor:
        """Return generated faces for photos, subjects and noise.

        Args:
            images: standardised photos, float (N, C, D, D), D the input size of the encoder.
            identity: index of the target subject, int (N,).
            noise: float (N, noise).

        Returns:
            Float (N, C, S, S) in [-1, 1], S the side of the generated images.
        """
        faces: Tensor = self.decoder(self.encoder(images).code, identity, noise)
        return faces
