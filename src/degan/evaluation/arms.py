"""The arms of the ablation: what is compared with the method, each a row of a table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from degan.config import Settings, override
from degan.data.loader import num_batches, num_epochs
from degan.errors import DeganError
from degan.training.train import stage1_settings


@dataclass(frozen=True)
class Arm:
    """One way to recognise, measured on the same folds and seeds as the others.

    Attributes:
        name: what ``--arms``, folders and tables call it.
        title: what it is, in a few words.
        shows: what its difference to :data:`FULL` says, in a sentence.
        change: the run's settings -> the arm's.
        reader: what says the expression: the networks; an SVM or MLP on f(x) of stage 1; or an
            SVM on HOG, which has no stage 1.
        passes_of_both: whether stage 2, its only stage, makes the passes that the run's settings
            give both stages together.
    """

    name: str
    title: str
    shows: str
    change: Callable[[Settings], Settings]
    reader: Literal["network", "svm", "mlp", "hog"] = "network"
    passes_of_both: bool = False

    def settings(self, settings: Settings, num_images: int) -> Settings:
        """Return the arm's settings of a fold.

        Args:
            settings: of the run.
            num_images: how many the fold trains on; they decide how many passes are made.
        """
        own = self.change(settings)
        if not self.passes_of_both:
            return own
        passes = sum(
            num_epochs(stage, num_batches(num_images, stage.batch_size))
            for stage in (settings.gan, settings.classifier)
        )
        return override(own, [f"classifier.epochs={passes}", "classifier.min_steps=0"])


def _with(*assignments: str) -> Callable[[Settings], Settings]:
    """Return a change that does what ``--set`` does with the same words."""
    return lambda settings: override(settings, list(assignments))


def _plain_cnn(settings: Settings) -> Settings:
    """Return settings of the same encoder, trained on the expressions alone.

    Fair to it: batches, rate, decay and smoothing are those that the encoder has in stage 1; see
    ``passes_of_both`` too.
    """
    gan = settings.gan
    changes = [
        "network.code='real'",
        "gan.epochs=0",
        "classifier.features='code'",
        "classifier.encoder_rate=1.0",
        f"classifier.batch_size={gan.batch_size}",
        f"classifier.learning_rate={gan.learning_rate}",
        f"classifier.weight_decay={gan.weight_decay}",
        f"classifier.label_smoothing={gan.label_smoothing}",
    ]
    return override(settings, changes)


FULL: Final = "full"
"""The reference: the method as the settings say."""

ARMS: Final = (
    Arm(
        FULL,
        "DE-GAN as the settings say",
        "The reference that all others are compared with.",
        _with(),
    ),
    Arm(
        "residue",
        "residue alone",
        "Worse than full: f(x) adds to what the layers of the encoder recorded.",
        _with("classifier.features='residue'"),
    ),
    Arm(
        "svm",
        "f(x) + linear SVM",
        "Worse than full: the residue adds to f(x); it also says how linear f(x) is.",
        _with(),
        "svm",
    ),
    Arm(
        "mlp",
        "f(x) + MLP",
        "Better than svm: f(x) holds the expression, but not linearly.",
        _with(),
        "mlp",
    ),
    Arm(
        "cnn",
        "plain CNN, same encoder",
        "Worse than full: learning to redraw helps beyond learning the expressions.",
        _plain_cnn,
        passes_of_both=True,
    ),
    Arm(
        "no-start",
        "from random weights",
        "Worse than full: what the weights to start from had learnt helps.",
        _with("start=''"),
    ),
    Arm(
        "hog",
        "HOG + linear SVM",
        "How hard the data are without anything that is learnt but the SVM.",
        _with(),
        "hog",
    ),
    Arm(
        "no-adversarial",
        "without the adversarial term",
        "Worse than full: that drawings must pass for photos helps.",
        _with("gan.weight_adversarial=0.0"),
    ),
    Arm(
        "no-identity",
        "without the identity term",
        "Worse than full: that drawings must be of the person asked for helps.",
        _with("gan.weight_identity=0.0"),
    ),
    Arm(
        "no-expression",
        "without the expression term",
        "Worse than full: that drawings must show the expression of x helps.",
        _with("gan.weight_expression=0.0"),
    ),
    Arm(
        "no-reconstruction",
        "without the reconstruction term",
        "Worse than full: redrawing x itself helps.",
        _with("gan.weight_reconstruction=0.0"),
    ),
    Arm(
        "no-swap",
        "without the swap term",
        "Worse than full: comparing drawings with photos of the other person helps.",
        _with("gan.weight_swap=0.0"),
    ),
    Arm(
        "no-code",
        "without the term on f(x)",
        "Worse than full: f(x) needs to be told the expression, D alone does not suffice.",
        _with("gan.weight_code=0.0"),
    ),
    Arm(
        "no-confusion",
        "without the confusion term",
        "Worse than full: that nobody can guess the person from f(x) helps.",
        _with("gan.weight_confusion=0.0"),
    ),
    Arm(
        "no-rate",
        "without the price on f(x)",
        "Worse than full: that f(x) must be short helps.",
        _with("gan.weight_rate=0.0"),
    ),
)
"""In the order of the table. An arm that needs no new reader is one more row here."""


@dataclass(frozen=True)
class Choice:
    """The arms of a run, and why others are left out.

    Attributes:
        arms: what is compared, :data:`FULL` first.
        left_out: name -> reason.
    """

    arms: tuple[Arm, ...]
    left_out: dict[str, str]


def choose_arms(settings: Settings, names: Sequence[str]) -> Choice:
    """Return the arms that a run compares.

    Left out are arms that would be the reference again, such as one without a term whose weight
    the settings have at 0 anyway.

    Args:
        settings: of the run.
        names: of the arms; none: all. The reference is always among them.

    Raises:
        DeganError: there is no such arm, or the settings have no stage 1.
    """
    known = [arm.name for arm in ARMS]
    for name in names:
        if name not in known:
            raise DeganError(f"there is no arm '{name}'; choose among {', '.join(known)}")
    if settings.gan.epochs == 0:
        raise DeganError(
            "gan.epochs is 0, so there is no stage 1 whose parts could be compared; give it passes"
        )
    wanted = [arm for arm in ARMS if not names or arm.name in (FULL, *names)]
    same = [
        arm.name
        for arm in wanted
        if arm.name != FULL and arm.reader == "network" and arm.change(settings) == settings
    ]
    return Choice(
        tuple(arm for arm in wanted if arm.name not in same),
        dict.fromkeys(same, "the settings are so already and it would be full again"),
    )


def stage1_name(arm: Arm, settings: Settings) -> str | None:
    """Return the name of the stage 1 that an arm reads; arms of one name share it.

    It is that of the first arm with the same settings of stage 1, whether that one is run or not;
    None for an arm that has no stage 1.
    """
    own = stage1_settings(arm.change(settings))
    if arm.reader == "hog" or own.gan.epochs == 0:
        return None
    return next(a.name for a in ARMS if stage1_settings(a.change(settings)) == own)
