"""The arms of the ablation: what is compared with the method, each a row of a table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from degan.config import DRAWING_TERMS, Settings, override
from degan.errors import DeganError
from degan.training.plain_cnn import plain_cnn
from degan.training.start import encoder_rate
from degan.training.teachers import teacher_settings, trained_teachers
from degan.training.train import stage1_settings


@dataclass(frozen=True)
class Arm:
    """One way to recognise, measured on the same folds and seeds as the others.

    Attributes:
        name: what ``--arms``, folders and tables call it.
        title: what it is, in a few words.
        shows: what its difference to :data:`FULL` says, in a sentence.
        settings: the run's settings and how many images a fold trains on -> the arm's settings.
        reader: what says the expression: the networks; an SVM or MLP on f(x) of stage 1; or an
            SVM on HOG, which has no stage 1.
    """

    name: str
    title: str
    shows: str
    settings: Callable[[Settings, int], Settings]
    reader: Literal["network", "svm", "mlp", "hog"] = "network"


def _with(*assignments: str) -> Callable[[Settings, int], Settings]:
    """Return a change that does what ``--set`` does with the same words."""
    return lambda settings, _: override(settings, list(assignments))


def _taught_cnn(settings: Settings, num_images: int) -> Settings:
    """Return the settings of the plain CNN with the teachers of a run."""
    teachers = settings.classifier.teachers
    return override(plain_cnn(settings, num_images), [f"classifier.teachers={teachers!r}"])


def _without_drawing(settings: Settings, _: int) -> Settings:
    """Return the settings of a run with the terms on f(x) alone; none at all is no stage 1."""
    changes = [f"gan.weight_{name}=0.0" for name in DRAWING_TERMS]
    return override(settings, changes if settings.holds else [*changes, "gan.epochs=0"])


_ANY_COUNT: Final = 1  # of images: whether two arms have the same settings does not depend on it

FULL: Final = "full"
"""The reference: the method as the settings say."""

UNDRAWN: Final = "no-drawing"
"""The arm that tells what redrawing is worth."""

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
        "no-residue",
        "f(x) alone, the same networks",
        "Worse than full: the residue adds to f(x).",
        _with("classifier.features='code'"),
    ),
    Arm(
        "svm",
        "f(x) + linear SVM",
        "Worse than full: the residue, and an encoder that moves in stage 2, add to f(x).",
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
        "Worse than full: the stages and terms of DE-GAN help beyond learning the expressions.",
        plain_cnn,
    ),
    Arm(
        "no-stage-1",
        "stage 2 alone",
        "Worse than full: stage 1, and what f(x) is held to, help beyond stage 2.",
        _with("gan.epochs=0"),
    ),
    Arm(
        UNDRAWN,
        "without any drawing",
        "Worse than full: redrawing helps beyond all that f(x) is held to.",
        _without_drawing,
    ),
    Arm(
        "taught-cnn",
        "plain CNN with the teachers",
        "Worse than full: the stages and terms of DE-GAN help where both have teachers.",
        _taught_cnn,
    ),
    Arm(
        "no-start",
        "from random weights",
        "Worse than full: what the weights to start from had learnt helps.",
        _with("start=''"),
    ),
    Arm(
        "no-blend",
        "as it was trained",
        "Worse than full: drawing the weights back towards those to start from helps.",
        _with("classifier.blend=0.0"),
    ),
    Arm(
        "no-average",
        "the weights of the last step",
        "Worse than full: averaging the weights of the last passes helps.",
        _with("classifier.average=0.0"),
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
    Arm(
        "no-actions",
        "without the term of facial actions",
        "Worse than full: that numbers of f(x) are told what the face does helps.",
        _with("gan.weight_actions=0.0"),
    ),
    Arm(
        "no-kept",
        "f(x) free to move from the start",
        "Worse than full: holding f(x) to what the weights to start from made it helps.",
        _with("gan.weight_kept=0.0"),
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

    Left out are arms that would be an earlier one again, such as one without a term whose weight
    the settings have at 0 anyway, and one in which nothing would be learnt.

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
    reasons = {arm.name: _reason_against(arm, settings) for arm in wanted}
    return Choice(
        tuple(arm for arm in wanted if not reasons[arm.name]),
        {name: reason for name, reason in reasons.items() if reason},
    )


def _reason_against(arm: Arm, settings: Settings) -> str:
    """Return why an arm says nothing with such settings; "" if it does."""
    if arm.name == UNDRAWN and not settings.holds:
        return "f(x) is held to nothing but drawings, so that nothing would teach the encoder"
    other = _repeated(arm, settings)
    return f"the settings make it the same as {other}" if other else ""


def _repeated(arm: Arm, settings: Settings) -> str:
    """Return the first arm before this one that does the same with such settings; "" if none."""
    own = _in_effect(arm.settings(settings, _ANY_COUNT))
    for other in ARMS[: ARMS.index(arm)]:
        alike = _in_effect(other.settings(settings, _ANY_COUNT)) == own
        if other.reader == arm.reader and alike:
            return other.name
    return ""


def _in_effect(settings: Settings) -> Settings:
    """Return the settings, those that do not reach recognition set to one value.

    Without weights to start from f(x) is kept to nothing and nothing is blended. An encoder that
    stays as it begins in stage 1 learns nothing from drawings.
    """
    idle = [] if settings.start else ["gan.weight_kept=0.0", "classifier.blend=0.0"]
    if encoder_rate(settings) == 0:
        idle += [f"gan.weight_{name}=1.0" for name in DRAWING_TERMS]
    return override(settings, idle)


def stage1_name(arm: Arm, settings: Settings) -> str | None:
    """Return the name of the stage 1 that an arm reads; arms of one name share it.

    It is that of the first arm with the same settings of stage 1, whether that one is run or not;
    None for an arm that has no stage 1.
    """
    return _first_alike(_stage1, arm, settings)


def teachers_name(arm: Arm, settings: Settings) -> str | None:
    """Return the name of the teachers that an arm hears; arms of one name share them.

    It is that of the first arm with the same teachers; None for an arm that has none.
    """
    return _first_alike(_teachers, arm, settings)


def task_name(arm: Arm, settings: Settings) -> str:
    """Return the same name for arms that share anything: one process trains them, in turn."""
    name = stage1_name(arm, settings) or arm.name
    owner = next(other for other in ARMS if other.name == name)
    return teachers_name(owner, settings) or name


def _first_alike(
    shared: Callable[[Arm, Settings], Settings | None], arm: Arm, settings: Settings
) -> str | None:
    own = shared(arm, settings)
    return None if own is None else next(a.name for a in ARMS if shared(a, settings) == own)


def _stage1(arm: Arm, settings: Settings) -> Settings | None:
    own = arm.settings(settings, _ANY_COUNT)
    return None if arm.reader == "hog" or own.gan.epochs == 0 else stage1_settings(own)


def _teachers(arm: Arm, settings: Settings) -> Settings | None:
    own = arm.settings(settings, _ANY_COUNT)
    heard = arm.reader == "network" and trained_teachers(own.classifier) > 0
    return teacher_settings(own, _ANY_COUNT) if heard else None
