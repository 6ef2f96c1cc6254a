"""The arms of the ablation: what is compared with the method, each a row of a table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from degan.config import Settings, override
from degan.errors import DeganError
from degan.training.plain import plain_cnn
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
        plain: whether it is the plain CNN of the settings, ``change`` or not:
            :func:`degan.training.plain.plain_cnn`.
        taught: whether that plain CNN has the teachers that the settings have.
    """

    name: str
    title: str
    shows: str
    change: Callable[[Settings], Settings]
    reader: Literal["network", "svm", "mlp", "hog"] = "network"
    plain: bool = False
    taught: bool = False

    def settings(self, settings: Settings, num_images: int) -> Settings:
        """Return the arm's settings of a fold.

        Args:
            settings: of the run.
            num_images: how many the fold trains on; they decide how many passes are made.
        """
        if not self.plain:
            return self.change(settings)
        own = plain_cnn(settings, num_images)
        teachers = settings.classifier.teachers if self.taught else 0
        return override(own, [f"classifier.teachers={teachers}"])

    def again(self, settings: Settings) -> str:
        """Return which arm this one would only repeat with such settings; "" if none."""
        if self.taught and not settings.classifier.teachers:
            return "cnn"
        same = self.reader == "network" and not self.plain and self.change(settings) == settings
        return FULL if same and self.name != FULL else ""


def _with(*assignments: str) -> Callable[[Settings], Settings]:
    """Return a change that does what ``--set`` does with the same words."""
    return lambda settings: override(settings, list(assignments))


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
        _with(),
        plain=True,
    ),
    Arm(
        "taught-cnn",
        "plain CNN with the teachers",
        "Worse than full: learning to redraw helps where both have teachers.",
        _with(),
        plain=True,
        taught=True,
    ),
    Arm(
        "no-start",
        "from random weights",
        "Worse than full: what the weights to start from had learnt helps.",
        _with("start=''"),
    ),
    Arm(
        "no-teachers",
        "labels alone",
        "Worse than full: what faces show to those who never saw the person helps.",
        _with("classifier.teachers=0"),
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
    again = {arm.name: arm.again(settings) for arm in wanted}
    return Choice(
        tuple(arm for arm in wanted if not again[arm.name]),
        {
            name: f"the settings are so already and it would be {other} again"
            for name, other in again.items()
            if other
        },
    )


def stage1_name(arm: Arm, settings: Settings) -> str | None:
    """Return the name of the stage 1 that an arm reads; arms of one name share it.

    It is that of the first arm with the same settings of stage 1, whether that one is run or not;
    None for an arm that has no stage 1.
    """
    if arm.reader == "hog" or arm.plain:
        return None
    own = stage1_settings(arm.change(settings))
    return next(a.name for a in ARMS if stage1_settings(a.change(settings)) == own)
