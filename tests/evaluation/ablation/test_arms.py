"""What the ablation compares: each arm changes one thing, and what does not differ is shared."""

import pytest

from degan.config import IMAGE_TERMS, override, preset
from degan.errors import DeganError
from degan.evaluation.ablation.arms import ARMS, FULL, choose_arms, stage1_name
from degan.training.loader import num_epochs

FAST = preset("fast")
BY_NAME = {arm.name: arm for arm in ARMS}
EVERY_PART = override(
    FAST,
    [
        "gan.encoder_rate=0.25",
        "gan.weight_confusion=0.1",
        "gan.weight_rate=0.1",
        "gan.weight_actions=0.1",
        "gan.weight_kept=0.1",
        "start='earlier'",
        "classifier.teachers=3",
        "classifier.blend=0.5",
        "classifier.average=0.5",
    ],
)
WITHOUT = [name for name in BY_NAME if name.startswith("no-")]
NO_TERMS = (
    "no-start",
    "no-teachers",
    "no-drawing",
    "no-blend",
    "no-average",
    "no-residue",
    "no-stage-1",
)
TERMS = [name for name in WITHOUT if name not in NO_TERMS]


def changed(settings, other):
    """The settings that differ, as section.name."""
    one, two = settings.model_dump(), other.model_dump()
    sections = [name for name in one if isinstance(one[name], dict)]
    inner = {
        f"{section}.{name}"
        for section in sections
        for name in one[section]
        if one[section][name] != two[section][name]
    }
    return inner | {name for name in one if name not in sections and one[name] != two[name]}


def test_the_first_arm_is_the_reference_and_changes_nothing():
    assert ARMS[0].name == FULL
    assert ARMS[0].settings(FAST, 500) == FAST


def test_arms_have_different_names_that_are_names_of_folders():
    assert len(BY_NAME) == len(ARMS)
    assert all(name.replace("-", "").isalnum() and name.islower() for name in BY_NAME)


def test_the_arm_without_a_start_has_random_weights():
    own = BY_NAME["no-start"].settings(EVERY_PART, 500)
    assert changed(EVERY_PART, own) == {"start"}
    assert own.start == ""


def test_the_arm_without_a_blend_is_as_it_was_trained():
    own = BY_NAME["no-blend"].settings(EVERY_PART, 500)
    assert changed(EVERY_PART, own) == {"classifier.blend"}
    assert own.classifier.blend == 0


def test_the_arm_without_the_residue_reads_f_of_x_alone():
    own = BY_NAME["no-residue"].settings(EVERY_PART, 500)
    assert changed(EVERY_PART, own) == {"classifier.features"}
    assert own.classifier.features == "code"


def test_the_arm_without_stage_1_is_stage_2_alone():
    own = BY_NAME["no-stage-1"].settings(EVERY_PART, 500)
    assert changed(EVERY_PART, own) == {"gan.epochs"}
    assert own.gan.epochs == 0


def test_the_arm_without_an_average_has_the_last_weights():
    own = BY_NAME["no-average"].settings(EVERY_PART, 500)
    assert changed(EVERY_PART, own) == {"classifier.average"}
    assert own.classifier.average == 0


def test_the_arm_of_labels_alone_has_no_teachers():
    own = BY_NAME["no-teachers"].settings(EVERY_PART, 500)
    assert changed(EVERY_PART, own) == {"classifier.teachers"}
    assert own.classifier.teachers == 0


@pytest.mark.parametrize("name", TERMS)
def test_an_arm_without_a_term_has_its_weight_at_0_and_all_else_as_it_was(name):
    own = BY_NAME[name].settings(EVERY_PART, 500)
    (weight,) = changed(EVERY_PART, own)
    assert weight == f"gan.weight_{name.removeprefix('no-')}"
    assert own.gan.model_dump()[weight.removeprefix("gan.")] == 0


def test_there_is_an_arm_without_each_term_of_the_objective():
    weights = {name for name in FAST.gan.model_dump() if name.startswith("weight_")}
    terms = {name.removeprefix("weight_") for name in weights} - {"decay"}
    assert {f"no-{term}" for term in terms} <= set(WITHOUT)


def test_the_arm_without_any_drawing_keeps_all_that_f_of_x_is_held_to():
    own = BY_NAME["no-drawing"].settings(EVERY_PART, 500)
    assert changed(EVERY_PART, own) == {f"gan.weight_{name}" for name in IMAGE_TERMS}
    assert not own.gan.has_image_terms
    assert own.has_code_terms


@pytest.mark.parametrize("changes", [[], ["gan.weight_kept=8.0"]])
def test_where_f_of_x_is_held_to_nothing_no_arm_is_without_any_drawing(changes):
    choice = choose_arms(override(preset("paper"), changes), [])
    assert "nothing would train the encoder" in choice.left_out["no-drawing"]


@pytest.mark.parametrize("name", ["no-kept", "no-blend"])
def test_where_nothing_is_begun_with_no_arm_is_without_keeping_it(name):
    choice = choose_arms(override(EVERY_PART, ["start=''"]), [])
    assert "with these settings it equals full" in choice.left_out[name]


@pytest.mark.parametrize("name", ["svm", "mlp", "hog"])
def test_arms_with_another_reader_leave_the_settings_alone(name):
    assert BY_NAME[name].settings(FAST, 500) == FAST
    assert BY_NAME[name].classifier == name


def test_the_plain_cnn_has_the_whole_encoder_to_learn_with_and_no_stage_1():
    own = BY_NAME["cnn"].settings(FAST, 500)
    assert own.gan.epochs == 0
    assert own.classifier.features == "code"
    assert own.classifier.encoder_rate == 1
    assert override(own, ["network.code='rounded'"]).network == FAST.network
    assert own.network.code == "real"  # nothing pays for its length
    assert own.augment == FAST.augment


@pytest.mark.parametrize(
    ("first", "second", "rate"), [(0.5, 0.1, 0.004), (0.5, 1.0, 0.005), (0.5, 0.0, 0.004)]
)
def test_the_plain_cnn_learns_at_the_highest_rate_of_the_encoder(first, second, rate):
    changes = [
        "gan.learning_rate=0.008",
        f"gan.encoder_rate={first}",
        "classifier.learning_rate=0.005",
        f"classifier.encoder_rate={second}",
    ]
    own = BY_NAME["cnn"].settings(override(FAST, changes), 500)
    assert own.classifier.learning_rate == rate


@pytest.mark.parametrize(
    ("changes", "rate"),
    [
        # An encoder of random weights has the whole rate of stage 1.
        (["start=''", "gan.encoder_rate=0.0", "gan.learning_rate=0.008"], 0.008),
        # One that learns in neither stage would learn nothing as a plain CNN.
        (["gan.encoder_rate=0.0", "classifier.encoder_rate=0.0"], FAST.classifier.learning_rate),
    ],
)
def test_the_plain_cnn_learns_where_an_encoder_rate_is_0(changes, rate):
    own = BY_NAME["cnn"].settings(override(FAST, changes), 500)
    assert own.classifier.learning_rate == rate


def test_the_plain_cnn_is_taught_in_one_arm_alone_and_there_by_as_many():
    alone, taught = (BY_NAME[name].settings(EVERY_PART, 500) for name in ("cnn", "taught-cnn"))
    assert alone.classifier.teachers == 0
    assert changed(alone, taught) == {"classifier.teachers"}
    assert taught.classifier.teachers == 3
    assert choose_arms(FAST, ["taught-cnn", "cnn"]).left_out.keys() == {"taught-cnn"}


@pytest.mark.parametrize("count", [2, 31, 200, 1000, 5000])
@pytest.mark.parametrize(
    "changes",
    [
        [],
        ["gan.batch_size=16"],
        ["gan.epochs=100", "gan.min_steps=0"],
        ["classifier.min_steps=900"],
    ],
)
def test_the_plain_cnn_makes_as_many_passes_as_both_stages(count, changes):
    settings = override(FAST, changes)
    own = BY_NAME["cnn"].settings(settings, count)

    def passes(stage):
        return num_epochs(stage, count)

    assert passes(own.classifier) == passes(settings.gan) + passes(settings.classifier)


def test_arms_that_differ_in_stage_2_alone_share_stage_1():
    shared = {name: stage1_name(arm, EVERY_PART) for name, arm in BY_NAME.items()}
    assert {name for name, of in shared.items() if of == FULL} == {
        FULL, "residue", "no-residue", "svm", "mlp", "no-teachers", "no-blend",
        "no-average",
    }  # fmt: skip
    assert {name for name, of in shared.items() if of is None} == {
        "cnn", "taught-cnn", "hog", "no-stage-1",
    }  # fmt: skip
    assert all(shared[name] == name for name in [*TERMS, "no-start"])


def test_an_arm_that_would_be_the_reference_again_is_left_out_with_a_reason():
    settings = override(EVERY_PART, ["gan.weight_swap=0.0", "classifier.features='residue'"])
    choice = choose_arms(settings, [])
    assert set(choice.left_out) == {"no-swap", "residue"}
    assert all(choice.left_out.values())
    assert {arm.name for arm in choice.arms} == set(BY_NAME) - {"no-swap", "residue"}
    assert choose_arms(EVERY_PART, []).left_out == {}


def test_where_drawings_do_not_reach_recognition_no_arm_is_without_one_of_their_terms():
    """The encoder stays as it begins in stage 1, and stage 2 sees the encoder alone."""
    frozen = override(EVERY_PART, ["gan.encoder_rate=0.0"])
    drawing = {f"no-{name}" for name in IMAGE_TERMS} | {"no-drawing"}
    assert set(choose_arms(frozen, []).left_out) == drawing
    # An encoder of random weights moves whatever its rate.
    random = override(frozen, ["start=''"])
    assert drawing.isdisjoint(choose_arms(random, []).left_out)


def test_the_reference_is_always_among_the_arms_and_they_are_in_the_tables_order():
    names = [arm.name for arm in choose_arms(FAST, ["hog", "svm", "hog"]).arms]
    assert names == [FULL, "svm", "hog"]


def test_an_arm_that_is_not_there_is_one_sentence_with_those_that_are():
    with pytest.raises(DeganError, match=r"no arm 'svn'; choose among full, .*svm"):
        choose_arms(FAST, ["svn"])


def test_without_stage_1_there_is_nothing_to_take_apart():
    with pytest.raises(DeganError, match=r"gan\.epochs is 0"):
        choose_arms(override(FAST, ["gan.epochs=0"]), [])


def test_the_documents_say_what_every_arm_is(root):
    for page in ("docs/cli.md", "docs/method.md"):
        text = (root / page).read_text(encoding="utf-8")
        missing = [name for name in BY_NAME if f"`{name}`" not in text]
        assert missing == [], page
