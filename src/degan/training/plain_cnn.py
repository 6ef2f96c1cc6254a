"""Plain CNN: a baseline with the encoder of a run, trained only to classify expressions."""

from degan.config import GanSettings, Settings, override
from degan.training.loader import num_epochs
from degan.training.start import encoder_rate


def plain_cnn(settings: Settings, num_images: int, share: float = 1.0) -> Settings:
    """Return the settings of a plain CNN with the encoder of a run, without stage 1.

    For a fair comparison, it trains for the epochs of both stages together. Its peak learning rate
    is the higher of the encoder's peak rates in the two stages. If the encoder is frozen in both,
    it is that of stage 2. The other settings are those of stage 2, without teachers.

    Args:
        settings: settings of the run.
        num_images: number of training images, which determines the number of epochs.
        share: fraction of these epochs, > 0; at least one epoch is trained.
    """
    gan, classifier = settings.gan, settings.classifier
    passes = num_epochs(gan, num_images) + num_epochs(classifier, num_images)
    rate = classifier.learning_rate
    if gan.epochs:
        first, second = gan.learning_rate * encoder_rate(settings), rate * classifier.encoder_rate
        rate = max(first, second) or rate
    changes = [
        "network.code='real'",
        "classifier.features='code'",
        "classifier.encoder_rate=1.0",
        "classifier.teachers=0",
        f"classifier.epochs={max(1, round(share * passes))}",
        "classifier.min_steps=0",
        f"classifier.learning_rate={rate}",
    ]
    # Settings of stage 1 are reset, so that runs that differ only in them have the same plain CNN.
    without = settings.model_copy(update={"gan": GanSettings(epochs=0)})
    return override(without, changes)
