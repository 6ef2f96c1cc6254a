"""The arms of the ablation: variants of the method and baselines, each a row of the table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from degan.config import IMAGE_TERMS, Settings, override
from degan.config.run_layout import FULL_ARM
from degan.errors import DeganError
from degan.training.pipeline import stage1_settings
from degan.training.plain_cnn import plain_cnn
from degan.training.start import encoder_rate
from degan.training.teachers import teacher_settings, trained_teachers


@dataclass(frozen=True)
class Arm:
    """A variant of the method or a baseline. All arms use the same folds and seeds.

    Attributes:
        name: name in ``--arms``, folders and tables.
        title: short description.
        shows: interpretation of its difference to :data:`FULL`, one sentence.
        settings: function (settings of the run, number of training images of a fold) -> settings of
            the arm.
        classifier: kind of classifier: ``network``; ``svm`` or ``mlp`` on f(x) of stage 1; or
            ``hog``, an SVM on HOG features, which has no stage 1.
    """

    name: str
    title: str
    shows: str
    settings: Callable[[Settings, int], Settings]
    classifier: Literal["network", "svm", "mlp", "hog"] = "network"


def _with(*assignments: str) -> Callable[[Settings, int], Settings]:
    """Return a function that applies assignments as ``--set`` does."""
    return lambda settings, _: override(settings, list(assignments))


def _taught_cnn(settings: Settings, num_images: int) -> Settings:
    """Return the settings of the plain CNN with the run's teachers."""
    teachers = settings.classifier.teachers
    return override(plain_cnn(settings, num_images), [f"classifier.teachers={teachers!r}"])


def _without_drawing(settings: Settings, _: int) -> Settings:
    """Return the settings with only the loss terms on f(x); without such terms, without stage 1."""
    changes = [f"gan.weight_{name}=0.0" for name in IMAGE_TERMS]
    return override(settings, changes if settings.has_code_terms else [*changes, "gan.epochs=0"])


_ANY_COUNT: Final = 1  # number of images; does not change whether two arms have equal settings

FULL: Final = FULL_ARM
"""The reference: the method with the settings of the run."""

NO_GENERATED: Final = "no-drawing"
"""The arm that measures how much the loss terms on generated images help."""

ARMS: Final = (
    Arm(
        FULL,
        "DE-GAN with the given settings",
        "The reference for all other arms.",
        _with(),
    ),
    Arm(
        "residue",
        "residue only",
        "Worse than full: f(x) adds information to the residue.",
        _with("classifier.features='residue'"),
    ),
    Arm(
        "no-residue",
        "f(x) only, the same networks",
        "Worse than full: the residue adds information to f(x).",
        _with("classifier.features='code'"),
    ),
    Arm(
        "svm",
        "f(x) + linear SVM",
        "Worse than full: the residue and training the encoder in stage 2 help.",
        _with(),
        "svm",
    ),
    Arm(
        "mlp",
        "f(x) + MLP",
        "Better than svm: f(x) contains the expression in a non-linear form.",
        _with(),
        "mlp",
    ),
    Arm(
        "cnn",
        "plain CNN, same encoder",
        "Worse than full: DE-GAN helps more than training on the expression labels only.",
        plain_cnn,
    ),
    Arm(
        "no-stage-1",
        "stage 2 only",
        "Worse than full: stage 1 and the loss terms on f(x) help.",
        _with("gan.epochs=0"),
    ),
    Arm(
        NO_GENERATED,
        "without loss terms on generated images",
        "Worse than full: generated images help in addition to the loss terms on f(x).",
        _without_drawing,
    ),
    Arm(
        "taught-cnn",
        "plain CNN with the teachers",
        "Worse than full: DE-GAN helps if both networks have teachers.",
        _taught_cnn,
    ),
    Arm(
        "no-start",
        "random initial weights",
        "Worse than full: starting from pretrained weights helps.",
        _with("start=''"),
    ),
    Arm(
        "no-blend",
        "trained weights without blending",
        "Worse than full: blending the trained weights with the initial weights helps.",
        _with("classifier.blend=0.0"),
    ),
    Arm(
        "no-average",
        "weights of the last step",
        "Worse than full: averaging the weights of the last epochs helps.",
        _with("classifier.average=0.0"),
    ),
    Arm(
        "no-teachers",
        "labels only",
        "Worse than full: targets from teachers not trained on the subject, or from votes, help.",
        _with("classifier.teachers=0"),
    ),
    Arm(
        "hog",
        "HOG + linear SVM",
        "Worse than full: learned features help.",
        _with(),
        "hog",
    ),
    Arm(
        "no-adversarial",
        "without the adversarial term",
        "Worse than full: training generated images to look real helps.",
        _with("gan.weight_adversarial=0.0"),
    ),
    Arm(
        "no-identity",
        "without the identity term",
        "Worse than full: training generated images to show the target person helps.",
        _with("gan.weight_identity=0.0"),
    ),
    Arm(
        "no-expression",
        "without the expression term",
        "Worse than full: training generated images to show the expression of x helps.",
        _with("gan.weight_expression=0.0"),
    ),
    Arm(
        "no-reconstruction",
        "without the reconstruction term",
        "Worse than full: reconstructing x helps.",
        _with("gan.weight_reconstruction=0.0"),
    ),
    Arm(
        "no-swap",
        "without the swap term",
        "Worse than full: comparing generated images with photos of the target person helps.",
        _with("gan.weight_swap=0.0"),
    ),
    Arm(
        "no-code",
        "without the expression loss on f(x)",
        "Worse than full: f(x) needs its own expression loss; the losses of D are not enough.",
        _with("gan.weight_code=0.0"),
    ),
    Arm(
        "no-confusion",
        "without the confusion term",
        "Worse than full: making the subject unpredictable from f(x) helps.",
        _with("gan.weight_confusion=0.0"),
    ),
    Arm(
        "no-rate",
        "without the penalty on the size of f(x)",
        "Worse than full: keeping the numbers of f(x) small helps.",
        _with("gan.weight_rate=0.0"),
    ),
    Arm(
        "no-actions",
        "without the facial-action term",
        "Worse than full: training numbers of f(x) on amounts of facial actions helps.",
        _with("gan.weight_actions=0.0"),
    ),
    Arm(
        "no-kept",
        "f(x) not kept close to the initial f(x)",
        "Worse than full: keeping f(x) close to f(x) of the initial weights helps.",
        _with("gan.weight_kept=0.0"),
    ),
)
"""All arms, in the order of the table. A new arm with an existing classifier is one more entry."""


@dataclass(frozen=True)
class ArmChoice:
    """The arms of a run, and the reasons why others are left out.

    Attributes:
        arms: arms to compare, :data:`FULL` first.
        left_out: name of an arm -> reason.
    """

    arms: tuple[Arm, ...]
    left_out: dict[str, str]


def choose_arms(settings: Settings, names: Sequence[str]) -> ArmChoice:
    """Return the arms to compare in a run.

    An arm is left out if its effective settings equal those of an earlier arm with the same
    classifier, for example if it removes a term that already has weight 0. The arm
    :data:`NO_GENERATED` is also left out if nothing would train the encoder.

    Args:
        settings: settings of the run.
        names: names of the arms; empty for all. The reference is always included.

    Raises:
        DeganError: there is no such arm, or the settings have no stage 1.
    """
    known = [arm.name for arm in ARMS]
    for name in names:
        if name not in known:
            raise DeganError(f"there is no arm '{name}'; choose among {', '.join(known)}")
    if settings.gan.epochs == 0:
        raise DeganError(
            "gan.epochs is 0, so there is no stage 1 to ablate; set gan.epochs to 1 or more"
        )
    wanted = [arm for arm in ARMS if not names or arm.name in (FULL, *names)]
    reasons = {arm.name: _reason_against(arm, settings) for arm in wanted}
    return ArmChoice(
        tuple(arm for arm in wanted if not reasons[arm.name]),
        {name: reason for name, reason in reasons.items() if reason},
    )


def _reason_against(arm: Arm, settings: Settings) -> str:
    """Return the reason to leave an arm out; "" if it is kept."""
    if arm.name == NO_GENERATED and not settings.has_code_terms:
        return "f(x) has no loss terms of its own, so nothing would train the encoder"
    other = _equal_earlier_arm(arm, settings)
    return f"with these settings it equals {other}" if other else ""


def _equal_earlier_arm(arm: Arm, settings: Settings) -> str:
    """Return the name of the first earlier arm that is equal with these settings; "" if none."""
    own = _effective_settings(arm.settings(settings, _ANY_COUNT))
    for other in ARMS[: ARMS.index(arm)]:
        alike = _effective_settings(other.settings(settings, _ANY_COUNT)) == own
        if other.classifier == arm.classifier and alike:
            return other.name
    return ""


def _effective_settings(settings: Settings) -> Settings:
    """Return the settings with those that do not affect recognition set to a fixed value.

    ``gan.weight_kept`` and ``classifier.blend`` have no effect without initial weights (``start``).
    If the encoder is frozen in stage 1, the terms on generated images do not affect it.
    """
    overrides = [] if settings.start else ["gan.weight_kept=0.0", "classifier.blend=0.0"]
    if encoder_rate(settings) == 0:
        overrides += [f"gan.weight_{name}=1.0" for name in IMAGE_TERMS]
    return override(settings, overrides)


def stage1_name(arm: Arm, settings: Settings) -> str | None:
    """Return the name of the stage 1 that an arm uses; arms with the same name share it.

    Returns:
        Name of the first arm with the same settings of stage 1, even if that arm is not run. None
        for an arm without stage 1.
    """
    return _first_alike(_stage1, arm, settings)


def teachers_name(arm: Arm, settings: Settings) -> str | None:
    """Return the name of the teachers that an arm uses; arms with the same name share them.

    Returns:
        Name of the first arm with the same teachers; None for an arm without teachers.
    """
    return _first_alike(_teachers, arm, settings)


def task_name(arm: Arm, settings: Settings) -> str:
    """Return the task name of an arm; arms that share stage 1 or teachers are in the same task."""
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
    return None if arm.classifier == "hog" or own.gan.epochs == 0 else stage1_settings(own)


def _teachers(arm: Arm, settings: Settings) -> Settings | None:
    own = arm.settings(settings, _ANY_COUNT)
    has_teachers = arm.classifier == "network" and trained_teachers(own.classifier) > 0
    return teacher_settings(own, _ANY_COUNT) if has_teachers else None
