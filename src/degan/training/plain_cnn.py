"""The plain CNN: the encoder of a run, trained on the expressions alone."""

from degan.config import GanSettings, Settings, override
from degan.training.loader import num_epochs
from degan.training.start import encoder_rate


def plain_cnn(settings: Settings, num_images: int, share: float = 1.0) -> Settings:
    """Return the settings of a plain CNN that is as a run's encoder, without stage 1.

    To be fair to it, it makes the passes of both stages together, at the higher of the peak rates
    that the encoder has in them; where the encoder learns in neither, at that of stage 2. All else
    is as in stage 2. It has no teachers.

    Args:
        settings: of the run.
        num_images: how many are trained on; they decide how many passes are made.
        share: of those passes, above 0; at least one is made.
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
    # Of stage 1 nothing is left, so that two runs that differ there have the same plain CNN.
    without = settings.model_copy(update={"gan": GanSettings(epochs=0)})
    return override(without, changes)
