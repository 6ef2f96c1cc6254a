"""Settings: what they accept, and the sentence for what they do not."""

import os
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from degan.config import (
    IMAGE_TERMS,
    PRESET_NAMES,
    PRESETS,
    best,
    fast,
    override,
    preset,
    read_settings,
    tiny,
    write_settings,
)
from degan.config.no_effect import check_assignments
from degan.errors import DeganError, DeganTypeError


@pytest.mark.parametrize("name", PRESETS)
def test_settings_come_back_from_toml_as_they_went(tmp_path, name):
    settings = override(
        preset(name), ["seed=7", "gan.weight_identity=0.125", "augment.mirror=false"]
    )
    write_settings(tmp_path / "settings.toml", settings)
    assert read_settings(tmp_path / "settings.toml") == settings


@pytest.mark.parametrize("name", PRESETS)
def test_what_a_file_does_not_name_is_as_in_its_preset(tmp_path, name):
    path = tmp_path / "settings.toml"
    path.write_text(f"preset = '{name}'\n[gan]\nepochs = 3\n")
    assert read_settings(path) == override(preset(name), ["gan.epochs=3"])
    path.write_text("[gan]\nepochs = 3\n")
    assert read_settings(path) == override(fast(), ["gan.epochs=3"])


@pytest.mark.parametrize("name", ["'huge'", "3", "['fast']"])
def test_a_file_that_names_no_preset_that_there_is_is_refused(tmp_path, name):
    path = tmp_path / "settings.toml"
    path.write_text(f"preset = {name}\n")
    with pytest.raises(DeganError, match=r"settings.toml: there is no preset .*fast, best"):
        read_settings(path)


def test_best_is_fast_with_teachers_and_views():
    changes = ["preset='best'", "classifier.views=3"]
    assert override(fast(), changes) == best()


def test_a_stage_1_without_any_term_is_refused_and_none_at_all_is_not():
    nothing = [f"gan.{name}=0" for name in fast().gan.model_dump() if name.startswith("weight_")]
    with pytest.raises(DeganError, match="gan: every weight is 0"):
        override(fast(), nothing)
    assert override(fast(), [*nothing, "gan.epochs=0"]).gan.epochs == 0


def test_the_paper_has_the_terms_of_the_paper_alone():
    gan = preset("paper").gan.model_dump()
    weights = {name for name, value in gan.items() if name.startswith("weight_") and value > 0}
    assert weights - {"weight_decay"} == {
        f"weight_{term}" for term in ("reconstruction", "adversarial", "identity", "expression")
    }
    assert preset("paper").network.code == "real"
    assert preset("paper").classifier.encoder_rate == 0


def test_a_preset_is_found_by_name_and_an_unknown_one_names_the_known():
    assert preset("tiny") == tiny()
    with pytest.raises(DeganError, match=r"'huge'.*fast, best, paper, tiny"):
        preset("huge")


def test_an_override_changes_the_setting_named_and_no_other():
    changed = override(fast(), ["gan.epochs=20", "network.width = 8"])
    assert changed.gan.epochs == 20
    assert changed.network.width == 8
    assert override(changed, ["gan.epochs=3", "network.width=16"]) == fast()


def test_of_two_overrides_of_one_setting_the_last_counts():
    assert override(fast(), ["seed=1", "seed=2"]).seed == 2


@pytest.mark.parametrize(
    "assignment",
    [
        "network.image_size=8",
        "network.image_size=50",
        "network.channels=2",
        "augment.mirror=3",
        "augment.scale=1.5",
        "augment.rotation=-1",
        "gan.epochs=-1",
        "classifier.features='all'",
        "gan.epochs=2.5",
        "gan.epochs='many'",
        "gan.epochs='20'",
        "augment.mirror=1",
        "gan.batch_size=1",
        "gan.learning_rate=0",
        "gan.learning_rate=nan",
        "gan.weight_code=inf",
        "gan.weight_code=nan",
        "classifier.dropout=1.0",
        "seed=-1",
        "seed=4294967296",
    ],
)
def test_an_impossible_value_is_refused_by_the_settings_name(assignment):
    name = assignment.partition("=")[0]
    with pytest.raises(DeganError, match=rf"\b{name}\b"):
        override(fast(), [assignment])


@pytest.mark.parametrize(
    ("assignment", "name"),
    [
        ("gan.epoch=3", r"gan\.epoch:"),
        ("gam.epochs=3", "gam:"),
        ("epochs=3", "epochs:"),
        ("gan.epochs.more=3", r"gan\.epochs:"),
        ("gan=3", "gan:"),
    ],
)
def test_an_unknown_setting_is_refused_by_its_name(assignment, name):
    with pytest.raises(DeganError, match=name):
        override(fast(), [assignment])


@pytest.mark.parametrize(
    "assignment",
    [
        "gan.epochs",
        "gan.epochs=",
        "=3",
        "gan.epochs=3=4",
        "seed=" + "9" * 5000,
        "a=" + "[" * 9999,
    ],
)
def test_what_is_no_assignment_is_refused(assignment):
    with pytest.raises(DeganError):
        override(fast(), [assignment])


@pytest.mark.parametrize(
    ("assignment", "says"),
    [
        ("gan.epoch=3", r"gan\.epoch: there is no such setting; gan has epochs, min_steps, .*"),
        ('"gan.epoch.x"=3', r"gan\.epoch\.x: there is no such setting; there are preset, .*"),
        ("gam.epochs=3", "gam: there is no such setting; there are preset, seed, .*"),
        ("gan=3", r"gan: this is a section, not a setting; set .* such as gan\.epochs"),
        ("gan.learning_rate=nan", r"gan\.learning_rate: must be a number, not nan"),
        ("gan.weight_code=inf", r"gan\.weight_code: must be 1000 or less, not inf"),
        ("seed=2147483648", "seed: must be less than 2147483648, not 2147483648"),
        ("gan.epochs='20'", r"gan\.epochs: must be a whole number, not '20'"),
        ("augment.mirror=1", r"augment\.mirror: must be true or false, not 1"),
        ("start=3", "start: must be a text in quotes, not 3"),
        ("classifier.blend=2", r"classifier\.blend: must be 1 or less or 'chosen', not 2"),
        ("network.image_size=50", r"network\.image_size: must be a multiple of 16, not 50"),
    ],
)
def test_a_wrong_value_is_refused_in_words(assignment, says):
    with pytest.raises(DeganError, match=f"^the given settings: {says}$"):
        override(fast(), [assignment])


@pytest.mark.parametrize("assignment", ["start=web", " start = web ", "network.code=rounded"])
def test_a_text_without_quotes_is_told_to_have_some(assignment):
    name, value = (word.strip() for word in assignment.split("="))
    with pytest.raises(DeganError, match=f"a text needs quotes: {name}='{value}'$"):
        override(fast(), [assignment])
    with pytest.raises(DeganError, match=r"write section\.name=value"):
        override(fast(), ["gan.epochs=many"])


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: override(None, []), "settings must be settings of a run, such as preset"),
        (lambda: override(tiny(), "seed=1"), "assignments must be a list of texts .* not str"),
        (lambda: override(tiny(), [5]), "assignments must be a list of texts .* not of int"),
        (lambda: preset(["tiny"]), "name must be the name of a preset, not .* list"),
        (lambda: write_settings("nowhere.toml", "tiny"), "settings must be settings of a run"),
    ],
)
def test_arguments_of_another_type_are_named(call, says):
    with pytest.raises(DeganTypeError, match=says):
        call()


def test_what_is_no_assignment_is_told_how_to_write_one():
    with pytest.raises(DeganError, match=r"'gan epochs 3'.*section\.name=value"):
        override(fast(), ["gan epochs 3"])


@given(st.text(max_size=40))
def test_any_text_as_an_override_is_taken_or_refused_in_a_sentence(text):
    with suppress(DeganError):
        override(fast(), [text])


@pytest.mark.parametrize(
    "content",
    [
        b"gan.epochs = ",
        b"\xff\xfe\x00",
        b"[gan]\n[gan]",
        b"a=" + b"[" * 9999,
        b"seed=" + b"9" * 5000,
    ],
)
def test_a_damaged_settings_file_is_refused_by_its_path(tmp_path, content):
    (tmp_path / "settings.toml").write_bytes(content)
    with pytest.raises(DeganError, match=r"settings\.toml"):
        read_settings(tmp_path / "settings.toml")


def test_a_file_with_an_unknown_setting_is_refused_by_path_and_name(tmp_path):
    (tmp_path / "settings.toml").write_text("[gan]\nepoch = 3\n")
    with pytest.raises(DeganError, match=r"settings\.toml: gan\.epoch:"):
        read_settings(tmp_path / "settings.toml")


def test_settings_do_not_change_once_made():
    with pytest.raises(ValueError, match="frozen"):
        fast().gan.epochs = 3


class TestNoEffect:
    @pytest.mark.parametrize(
        ("base", "assignments", "says"),
        [
            ("paper", ["gan.weight_kept=1.0"], "gan.weight_kept has no effect without start"),
            ("fast", ["start=''", "classifier.blend=0.5"], "classifier.blend has no effect with"),
            ("fast", ["start=''", "gan.encoder_rate=0.0"], "gan.encoder_rate has no effect at 0"),
            ("fast", ["classifier.taught=0.3"], "taught has no effect with classifier.teachers=0"),
            ("fast", ["gan.epochs=0", "gan.weight_rate=1.0"], "weight_rate has no effect with gan"),
            ("fast", ["gan={epochs=0, batch_size=8}"], "gan.batch_size has no effect with gan.epo"),
            (
                "fast",
                ["gan.epochs=0", "network.noise=4"],
                "network.noise has no effect with gan.ep",
            ),
            (
                "paper",
                ["gan.label_smoothing=0.2"],
                "smoothing has no effect with gan.weight_code=0",
            ),
            (
                "fast",
                ["classifier.encoder_rate=0.0", "gan.weight_confusion=2.0"],
                "weight_confusion has no effect because gan.encoder_rate=0 and classifier.encoder_",
            ),
            (
                "paper",
                ["classifier.features='code'", "network.residue=8"],
                "network.residue has no effect with classifier.features='code'",
            ),
            ("fast", ["seed=1", "seed=2"], "seed is set twice"),
        ],
    )
    def test_an_assignment_without_effect_is_refused(self, base, assignments, says):
        settings = override(preset(base), assignments)
        with pytest.raises(DeganError, match=says) as raised:
            check_assignments(settings, assignments)
        assert "\n" not in str(raised.value)

    def test_terms_on_generated_images_need_a_weight(self):
        off = [f"gan.weight_{name}=0.0" for name in IMAGE_TERMS]
        assignments = [*off, "gan.discriminator_rate=0.001"]
        with pytest.raises(DeganError, match="discriminator_rate has no effect without a weight"):
            check_assignments(override(preset("tiny"), assignments), assignments)

    @pytest.mark.parametrize("name", PRESET_NAMES)
    @pytest.mark.parametrize(
        "assignments",
        [
            [],
            ["start=''"],
            ["gan.epochs=0", "gan.weight_kept=0.0"],
            ["classifier.teachers=3", "classifier.taught=0.3"],
            ["start='web'", "gan.weight_kept=1.0", "classifier.encoder_rate=1.0"],
        ],
    )
    def test_what_has_an_effect_or_switches_off_is_allowed(self, name, assignments):
        check_assignments(override(preset(name), assignments), assignments)


class TestUntrustedSettings:
    """A small file must not take much memory or time, and any value gets a sentence."""

    @pytest.mark.parametrize(
        "text",
        [
            "a." * 30_000 + "a = 1",
            "[" + "a." * 30_000 + "a]",
            "a = " + "[" * 10_000,
            "a = " + "{b = " * 10_000,
        ],
    )
    def test_a_key_or_value_nested_too_deeply_is_refused_at_once(self, tmp_path, text):
        (tmp_path / "s.toml").write_text(text)
        tracemalloc.start()
        try:
            with pytest.raises(DeganError, match=r"s\.toml is not a settings file in TOML"):
                read_settings(tmp_path / "s.toml")
            assert tracemalloc.get_traced_memory()[1] < 20e6
        finally:
            tracemalloc.stop()
        with pytest.raises(DeganError, match="is not a setting"):
            override(preset("tiny"), [text])

    @pytest.mark.parametrize("key", ["seed", "preset", "gan.epochs", "start", "gan"])
    @pytest.mark.parametrize("value", ["0x" + "f" * 6000, "[0x" + "f" * 6000 + "]"])
    def test_a_number_too_long_to_print_is_a_sentence(self, tmp_path, key, value):
        (tmp_path / "s.toml").write_text(f"{key} = {value}")
        with pytest.raises(DeganError) as caught:
            read_settings(tmp_path / "s.toml")
        assert len(str(caught.value)) < len(str(tmp_path)) + 300

    def test_a_file_of_notepad_begins_with_a_byte_order_mark(self, tmp_path):
        (tmp_path / "s.toml").write_bytes(b"\xef\xbb\xbfseed = 3\r\n")
        assert read_settings(tmp_path / "s.toml").seed == 3

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
    def test_a_pipe_is_not_waited_for(self, tmp_path):
        os.mkfifo(tmp_path / "s.toml")
        with pytest.raises(DeganError, match=r"s\.toml is a pipe"):
            read_settings(tmp_path / "s.toml")
