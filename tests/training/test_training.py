"""Training on real faces: what a run directory promises, and that the same seed is the same run."""

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from degan.config import IMAGE_TERMS, override, preset, write_settings
from degan.data.crops import read_crops
from degan.data.provenance import manifests_of
from degan.errors import DeganError, DeganTypeError
from degan.media.images import read_image
from degan.networks.encoder import Encoder
from degan.system.folder_lock import locked
from degan.system.progress import silent
from degan.training import classifier as stage2
from degan.training import gan, guard
from degan.training.checkpoint import load_checkpoint
from degan.training.classifier import ClassifierTrainer
from degan.training.gan import load_generator
from degan.training.loader import batches, load, num_batches
from degan.training.model import load_model, predict_probabilities
from degan.training.passes import EpochRunner
from degan.training.pipeline import train, train_stage1
from degan.training.run_directory import Log, logged_seconds, open_run
from degan.training.schedule import one_cycle
from degan.training.seeding import seeded
from degan.version import __version__

TINY = preset("tiny")


def all_of(dataset):
    return range(len(dataset.samples))


def interrupt_at(share):
    def progress(done, doing):
        if done >= share:
            raise KeyboardInterrupt

    return progress


def test_a_run_directory_holds_settings_log_grids_checkpoint_and_model(faces, tmp_path):
    train(faces, all_of(faces), TINY, tmp_path / "run")
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {
        "settings.toml",
        "run.json",
        "log.jsonl",
        "grids",
        "gan.safetensors",
        "model.safetensors",
    }
    rows = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    assert [(row["stage"], row["epoch"]) for row in rows] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert {"reconstruction", "adversarial", "identity", "expression"} <= set(rows[0])
    assert {"generator_gradient", "discriminator_gradient", "diversity"} <= set(rows[0])


def test_a_term_of_no_weight_is_left_out_and_one_that_has_it_is_in(faces, tmp_path):
    changes = ["gan.weight_swap=0", "gan.weight_confusion=0.1", "gan.weight_rate=0.1"]
    train(faces, all_of(faces), override(TINY, changes), tmp_path / "run")
    row = json.loads((tmp_path / "run/log.jsonl").read_text().splitlines()[0])
    assert "swap" not in row
    assert {"confusion", "rate"} <= set(row)


def test_without_a_term_on_drawings_nothing_is_drawn_and_f_of_x_still_learns(faces, tmp_path):
    without = [f"gan.weight_{name}=0.0" for name in IMAGE_TERMS]
    run = tmp_path / "run"
    settings = override(TINY, [*without, "gan.epochs=60"])
    train(faces, all_of(faces), settings, run)
    rows = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    first, *_, last = [row for row in rows if row["stage"] == 1]
    assert last["code"] < 0.8 * first["code"]
    assert not {"reconstruction", "discriminator", "diversity"} & set(first)
    assert not (run / "grids").exists()
    assert load_generator(run, settings, len(faces.subjects)) is None
    data = load(faces, all_of(faces), settings.network, faces.expressions)
    random = gan.GanTrainer(data, settings, tmp_path / "new").networks.decoder.state_dict()
    trained, _ = load_checkpoint(run / "gan.safetensors")
    assert all(torch.equal(random[name], trained[f"networks.decoder.{name}"]) for name in random)


def test_g_of_a_run_is_loaded_as_stage_1_left_it(faces, tmp_path):
    train(faces, all_of(faces), TINY, tmp_path / "run")
    found = load_generator(tmp_path / "run", TINY, len(faces.subjects))
    assert not found.training
    face = found(torch.zeros(2, 1, 32, 32), torch.tensor([0, 11]), torch.zeros(2, 4))
    assert face.shape == (2, 1, 32, 32)
    with pytest.raises(DeganError, match="do not match its settings"):
        load_generator(tmp_path / "run", TINY, 5)
    (tmp_path / "run/gan.safetensors").write_text("x")
    with pytest.raises(DeganError, match="damaged"):
        load_generator(tmp_path / "run", TINY, len(faces.subjects))
    (tmp_path / "run/gan.safetensors").unlink()
    assert load_generator(tmp_path / "run", TINY, len(faces.subjects)) is None


def test_settings_are_on_disk_before_the_first_step(faces, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(faces, all_of(faces), TINY, tmp_path / "run", interrupt_at(0))
    assert (tmp_path / "run/settings.toml").exists()
    assert not (tmp_path / "run/gan.safetensors").exists()


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(faces, tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        train(faces, all_of(faces), TINY.model_copy(update={"seed": seed}), tmp_path / name)
    one, same, other = (
        load_model(tmp_path / name).recognition.state_dict() for name in ("a", "b", "c")
    )
    assert all(torch.equal(one[key], same[key]) for key in one)
    assert not torch.equal(one["encoder.code.weight"], other["encoder.code.weight"])


@pytest.mark.parametrize(
    ("share", "rate", "average", "goes_on"),
    [
        (0.4, 0, 0, "stage 1, epoch 2 of 2"),
        (0.88, 0, 0, "stage 2, epoch 1 of 2"),
        (0.95, 0, 0, "stage 2, epoch 2 of 2"),
        (0.9, 0.5, 0, "stage 2, epoch 2 of 2"),  # the encoder moves, so it is continued too
        (0.9, 0.5, 1, "stage 2, epoch 2 of 2"),  # the first pass is in the mean
        (0.95, 0, 1, "stage 2, epoch 2 of 2"),
    ],
)
def test_an_interrupted_run_goes_on_and_ends_as_if_it_had_not_been(
    faces, tmp_path, monkeypatch, share, rate, average, goes_on
):
    changes = [f"classifier.encoder_rate={rate:.1f}", f"classifier.average={average:.1f}"]
    settings = override(TINY, changes)
    for stage in (gan, stage2):
        monkeypatch.setattr(stage, "_CHECKPOINT_SECONDS", -1)
    train(faces, all_of(faces), settings, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(faces, all_of(faces), settings, tmp_path / "cut", interrupt_at(share))
    assert not (tmp_path / "cut/model.safetensors").exists()
    said = []
    train(faces, all_of(faces), settings, tmp_path / "cut", lambda _, doing: said.append(doing))
    assert next(doing for doing in said if not doing.startswith("reading")) == goes_on
    files = [{path.name for path in (tmp_path / run).iterdir()} for run in ("whole", "cut")]
    assert files[0] == files[1]
    whole, cut = (tmp_path / name / "model.safetensors" for name in ("whole", "cut"))
    assert whole.read_bytes() == cut.read_bytes()
    logs = [
        [
            {key: value for key, value in json.loads(line).items() if key != "seconds"}
            for line in (tmp_path / name / "log.jsonl").read_text().splitlines()
        ]
        for name in ("whole", "cut")
    ]
    assert logs[0] == logs[1]


def test_an_encoder_of_rate_0_stays_as_it_begins_in_stage_1(faces, tmp_path):
    train(faces, all_of(faces), TINY, tmp_path / "earlier")
    begun = load_model(tmp_path / "earlier").recognition.encoder.state_dict()
    changes = [f"start='{tmp_path / 'earlier'}'", "gan.encoder_rate=0.0"]
    encoder = train_stage1(faces, all_of(faces), override(TINY, changes), tmp_path / "run")
    assert all(torch.equal(value, begun[name]) for name, value in encoder.state_dict().items())
    log = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    assert log[-1]["reconstruction"] < log[0]["reconstruction"]  # the decoder learns


def test_an_encoder_of_rate_0_that_only_pays_goes_on_to_stage_2_as_it_begins(faces, tmp_path):
    """No term of stage 1 has anything to move; it used to end in a traceback."""
    train(faces, all_of(faces), TINY, tmp_path / "earlier")
    changes = [f"gan.weight_{name}=0.0" for name in (*IMAGE_TERMS, "code", "confusion")]
    changes += [f"start='{tmp_path / 'earlier'}'", "gan.encoder_rate=0.0", "gan.weight_rate=1.0"]
    encoder = train_stage1(faces, all_of(faces), override(TINY, changes), tmp_path / "run")
    begun = load_model(tmp_path / "earlier").recognition.encoder.state_dict()
    assert all(torch.equal(value, begun[name]) for name, value in encoder.state_dict().items())


def test_a_random_encoder_learns_whatever_its_rate(faces, tmp_path):
    changes = ["gan.encoder_rate=0.0"]
    encoder = train_stage1(faces, all_of(faces), override(TINY, changes), tmp_path / "zero")
    one = train_stage1(faces, all_of(faces), TINY, tmp_path / "one").state_dict()
    assert all(torch.equal(value, one[name]) for name, value in encoder.state_dict().items())


@pytest.mark.parametrize(("average", "kept"), [(0.5, 2), (1.0, 4), (0.01, 1)])
def test_the_weights_of_the_last_passes_are_averaged(faces, tmp_path, monkeypatch, average, kept):
    changes = ["classifier.epochs=4", "classifier.encoder_rate=1.0"]
    settings = override(TINY, [*changes, f"classifier.average={average}"])
    after = []
    passed = stage2.ClassifierTrainer._epoch

    def remember(trainer, *arguments):
        means = passed(trainer, *arguments)
        after.append({k: v.clone() for k, v in trainer.networks.state_dict().items()})
        return means

    monkeypatch.setattr(stage2.ClassifierTrainer, "_epoch", remember)
    model = train(faces, all_of(faces), settings, tmp_path / "run")
    for name, value in model.recognition.state_dict().items():
        if "running" in name or "num_batches" in name:
            continue
        mean = torch.stack([weights[name] for weights in after[-kept:]]).mean(0)
        assert torch.allclose(value, mean, atol=1e-6), name


def test_the_statistics_of_batch_norm_are_those_of_the_averaged_weights(faces, tmp_path):
    # Without any change of the images each batch of all is the same, and so are its statistics.
    still = ("rotation", "scale", "aspect", "shift", "contrast", "brightness", "cutout")
    settings = override(
        TINY,
        [
            *(f"augment.{name}=0.0" for name in still),
            "augment.mirror=false",
            "classifier.batch_size=24",
            "classifier.encoder_rate=1.0",
            "classifier.average=1.0",
        ],
    )
    recognition = train(faces, all_of(faces), settings, tmp_path / "run").recognition
    data = load(faces, all_of(faces), settings.network, faces.expressions)
    stem = recognition.encoder.stem
    with torch.no_grad():
        before = stem[0](data.images)
    assert torch.allclose(stem[1].running_mean, before.mean((0, 2, 3)), atol=1e-4)


def stage_2(data, settings, tmp_path):
    """Train stage 2 on an encoder with random weights; return the encoder before it and both."""
    torch.manual_seed(0)
    encoder = Encoder(settings.network)
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    tmp_path.mkdir(exist_ok=True)
    log = Log(tmp_path / "log.jsonl")
    classifier = ClassifierTrainer(data, encoder, settings, tmp_path).train(log, silent)
    return before, encoder, classifier


@pytest.mark.parametrize(("rate", "moves"), [(0.0, False), (0.1, True)])
def test_stage_2_leaves_the_encoder_as_it_was_unless_asked(faces, tmp_path, rate, moves):
    settings = override(TINY, [f"classifier.encoder_rate={rate}"])
    data = load(faces, all_of(faces), settings.network, faces.expressions)
    before, encoder, _ = stage_2(data, settings, tmp_path)
    after = encoder.state_dict()
    assert any(not torch.equal(before[name], after[name]) for name in before) == moves


def test_the_encoder_moves_by_its_share_of_the_rate(faces, tmp_path):
    data = load(faces, all_of(faces), TINY.network, faces.expressions)
    lengths = []
    for rate in (0.01, 1.0):
        settings = override(TINY, [f"classifier.encoder_rate={rate}"])
        before, encoder, _ = stage_2(data, settings, tmp_path / str(rate))
        moved = encoder.state_dict()["code.weight"] - before["code.weight"]
        lengths.append(moved.norm().item())
    assert 0 < lengths[0] < 0.05 * lengths[1]


def test_in_stage_1_only_the_encoder_moves_by_its_share_of_the_rate(faces, tmp_path):
    lengths = []
    for rate in (0.01, 1.0):
        changes = [f"gan.encoder_rate={rate}", "gan.epochs=1"]
        settings = override(TINY, changes)
        data = load(faces, all_of(faces), settings.network, faces.expressions)
        (tmp_path / str(rate)).mkdir()
        trainer = gan.GanTrainer(data, settings, tmp_path / str(rate))
        parts = (trainer.networks.encoder.code, trainer.networks.decoder.start)
        before = [part.weight.detach().clone() for part in parts]
        trainer.train(Log(tmp_path / str(rate) / "log.jsonl"), silent)
        pairs = zip(parts, before, strict=True)
        lengths.append([(part.weight - old).norm().item() for part, old in pairs])
    assert 0 < lengths[0][0] < 0.05 * lengths[1][0]
    assert lengths[0][1] > 0.5 * lengths[1][1]


@pytest.mark.parametrize(
    ("changes", "held"),
    [
        (["classifier.encoder_rate=1"], True),
        (["classifier.encoder_rate=0"], False),
        (["classifier.encoder_rate=1", "gan.epochs=0"], False),
    ],
)
def test_f_of_x_is_held_in_stage_2_where_the_encoder_moves_after_stage_1(
    faces, tmp_path, changes, held
):
    terms = ["gan.weight_confusion=0.1", "gan.weight_rate=0.1"]
    train(faces, all_of(faces), override(TINY, [*terms, *changes]), tmp_path / "run")
    row = json.loads((tmp_path / "run/log.jsonl").read_text().splitlines()[-1])
    assert row["stage"] == 2
    assert ({"code", "confusion", "rate"} <= set(row)) == held


def test_what_f_of_x_is_held_to_in_stage_2_moves_it(faces, tmp_path):
    data = load(faces, all_of(faces), TINY.network, faces.expressions)
    sizes = []
    for weight in (0, 100):
        changes = ["classifier.encoder_rate=1", "classifier.epochs=10"]
        settings = override(TINY, [*changes, f"gan.weight_rate={weight}"])
        _, encoder, _ = stage_2(data, settings, tmp_path / str(weight))
        with torch.no_grad():
            sizes.append(encoder.eval()(data.images).code.abs().mean().item())
    assert sizes[1] < 0.7 * sizes[0]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ([], r"stage 1 .*gan\.learning_rate"),
        (["gan.epochs=0"], r"stage 2 .*classifier\.learning_rate"),
    ],
)
def test_both_stages_stop_where_nothing_is_learnt(faces, tmp_path, monkeypatch, changes, words):
    monkeypatch.setattr(guard, "WORST", 0.01)
    with pytest.raises(DeganError, match=words):
        train(faces, all_of(faces), override(TINY, changes), tmp_path / "run")
    assert not (tmp_path / "run/model.safetensors").exists()


def test_every_pass_has_an_order_of_its_own(faces):
    data = load(faces, all_of(faces), TINY.network, faces.expressions)
    passes = EpochRunner(1, "gan", TINY.gan, 0, data)
    optimizer = torch.optim.SGD([{"params": [torch.zeros(1)], "factor": 1.0}], lr=1.0)

    def order(epoch):
        seen = []
        passes.run(epoch, optimizer, lambda batch, _: seen.append(batch) or {"loss": 0.0}, silent)
        return torch.cat(seen).tolist()

    assert order(0) == order(0)
    assert order(0) != order(1)
    assert sorted(order(0)) == sorted(order(1))


def test_no_passes_of_stage_1_make_a_plain_cnn(faces, tmp_path):
    changes = ["gan.epochs=0", "classifier.encoder_rate=1", "classifier.features='code'"]
    model = train(faces, all_of(faces), override(TINY, changes), tmp_path / "run")
    rows = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    assert {row["stage"] for row in rows} == {2}
    assert not model.recognition.classifier.local
    assert not (tmp_path / "run/gan.safetensors").exists()


def test_a_rare_expression_weighs_more_than_its_share(faces, tmp_path):
    settings = override(TINY, ["classifier.epochs=150", "classifier.learning_rate=0.01"])
    data = load(faces, all_of(faces), settings.network, faces.expressions)
    # All images alike: nothing can be read but how common and how heavy an expression is.
    num, rare = 20, 2
    images = data.images[:1].repeat(num, 1, 1, 1)
    expression = torch.tensor([1] * rare + [0] * (num - rare))
    alike = dataclasses.replace(
        data, images=images, expression=expression, subject=torch.zeros(num, dtype=torch.long)
    )
    _, encoder, classifier = stage_2(alike, settings, tmp_path)
    with torch.no_grad():
        probability = classifier(encoder.eval()(images[:1])).softmax(1)[0, 1]
    # 1/sqrt(count): a share of 0.1 counts as 0.25; smoothing alone would lift it to 0.14.
    assert 0.2 < probability < 0.35


def test_stage_1_in_a_folder_of_its_own_gives_the_same_model_and_is_trained_once(faces, tmp_path):
    train(faces, all_of(faces), TINY, tmp_path / "whole")
    shared = tmp_path / "stage1"
    train(faces, all_of(faces), TINY, tmp_path / "one", stage1=shared)
    before = (shared / "log.jsonl").read_bytes()
    other = override(TINY, ["classifier.features='code'"])
    said = []
    train(
        faces,
        all_of(faces),
        other,
        tmp_path / "other",
        lambda _, doing: said.append(doing),
        stage1=shared,
    )
    trained = [doing for doing in said if not doing.startswith("reading")]
    assert trained[0].startswith("stage 2")
    assert (shared / "log.jsonl").read_bytes() == before
    whole, one = (tmp_path / name / "model.safetensors" for name in ("whole", "one"))
    assert whole.read_bytes() == one.read_bytes()
    stages = {path: len(path.read_text().splitlines()) for path in tmp_path.glob("*/log.jsonl")}
    assert stages == {
        tmp_path / "whole/log.jsonl": 4,
        shared / "log.jsonl": 2,
        tmp_path / "one/log.jsonl": 2,
        tmp_path / "other/log.jsonl": 2,
    }


def test_a_stage_1_of_other_settings_is_not_taken(faces, tmp_path):
    train_stage1(faces, all_of(faces), TINY, tmp_path / "stage1")
    other = override(TINY, ["gan.weight_swap=0.0"])
    with pytest.raises(DeganError, match="stage1 holds a run that differs in: settings"):
        train(faces, all_of(faces), other, tmp_path / "run", stage1=tmp_path / "stage1")


def test_a_finished_run_is_not_trained_again(faces, tmp_path):
    train(faces, all_of(faces), TINY, tmp_path / "run")
    before = (tmp_path / "run/log.jsonl").read_bytes()
    train(faces, all_of(faces), TINY, tmp_path / "run", interrupt_at(0))
    assert (tmp_path / "run/log.jsonl").read_bytes() == before


def test_a_run_is_not_continued_with_other_settings_or_people(faces, tmp_path):
    train(faces, all_of(faces), TINY, tmp_path / "run")
    with pytest.raises(DeganError, match="settings"):
        train(faces, all_of(faces), TINY.model_copy(update={"seed": 7}), tmp_path / "run")
    some = faces.without_subjects([faces.subjects[0]])
    with pytest.raises(DeganError, match="subjects"):
        train(faces, some, TINY, tmp_path / "run")


def test_a_run_of_another_version_of_degan_says_how_to_begin_again(faces, tmp_path):
    with open_run(tmp_path / "run", TINY, {}):
        pass
    record = tmp_path / "run/run.json"
    record.write_text(record.read_text().replace(f'"{__version__}"', '"0.0.9"'))
    (tmp_path / "run/settings.toml").write_text("of = 'another version'\n")
    says = f"begun by degan 0.0.9, and this is degan {__version__}, .*; delete the folder to begin"
    with pytest.raises(DeganError, match=says), open_run(tmp_path / "run", TINY, {}):
        pass


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_ends_the_log_in_a_sentence(tmp_path):
    (tmp_path / "log.jsonl").symlink_to("/dev/full")
    with pytest.raises(DeganError, match=r"cannot write .*log\.jsonl: No space left on device"):
        Log.write(SimpleNamespace(path=tmp_path / "log.jsonl", _start=0.0), stage=1, epoch=1)


def test_a_run_knows_which_part_of_an_official_split_it_trained_on(faces, tmp_path):
    """Where nobody is named nothing else would tell one part from another."""
    half = len(faces.samples) // 2
    parts = [sample._replace(subject="") for sample in faces.samples]
    parts = [s._replace(split="train" if i % 4 < 2 else "test") for i, s in enumerate(parts)]
    divided = dataclasses.replace(faces, samples=tuple(parts), joined={"lab": "1" * 64})
    train_part, test_part = divided.split_indices("train"), divided.split_indices("test")
    assert len(train_part) == len(test_part) == half
    model = train(divided, train_part, TINY, tmp_path / "run")
    assert model.trained_on["splits"] == "train"
    assert manifests_of(model.trained_on) == {faces.manifest_hash, "1" * 64}
    with pytest.raises(DeganError, match="differs in: splits; use the same"):
        train(divided, test_part, TINY, tmp_path / "run")


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(DeganError, match="not a run directory"), open_run(tmp_path, TINY, {}):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("written", [[], [".settings.toml.12345678.tmp"], ["settings.toml"]])
def test_a_run_that_was_killed_before_its_record_was_written_is_begun_again(written, tmp_path):
    for name in written:
        write_settings(tmp_path / name, TINY)
    for _ in range(2):
        with open_run(tmp_path, TINY, {"kind": "training"}):
            pass


def test_two_calls_do_not_train_in_one_folder(faces, tmp_path):
    """Once, two trainings wrote one log."""
    train(faces, range(len(faces.samples)), TINY, tmp_path / "run")
    log = (tmp_path / "run/log.jsonl").read_bytes()
    with (
        locked(tmp_path / "run"),
        pytest.raises(DeganError, match=r"another degan command is writing .*run; wait for it"),
    ):
        train(faces, range(len(faces.samples)), TINY, tmp_path / "run")
    train(faces, range(len(faces.samples)), TINY, tmp_path / "run")
    assert (tmp_path / "run/log.jsonl").read_bytes() == log
    assert not list((tmp_path / "run").glob(".*"))


def test_a_folder_with_settings_of_ones_own_is_left_alone(tmp_path):
    write_settings(tmp_path / "settings.toml", TINY.model_copy(update={"seed": 7}))
    before = (tmp_path / "settings.toml").read_bytes()
    with pytest.raises(DeganError, match="not a run directory"), open_run(tmp_path, TINY, {}):
        pass
    assert (tmp_path / "settings.toml").read_bytes() == before


@pytest.mark.parametrize("name", ["gan", "classifier", "model"])
@pytest.mark.parametrize("damage", ["truncated", "text", "empty"])
def test_a_damaged_checkpoint_is_one_sentence(faces, tmp_path, name, damage):
    train(faces, all_of(faces), TINY, tmp_path / "run")
    model, path = tmp_path / "run/model.safetensors", tmp_path / f"run/{name}.safetensors"
    content = model.read_bytes()
    if name != "model":
        model.unlink()
    data = {"truncated": content[:1000], "text": b"not a checkpoint", "empty": b""}
    path.write_bytes(data[damage])
    with pytest.raises(DeganError, match=name):
        train(faces, all_of(faces), TINY, tmp_path / "run")


def test_one_expression_alone_cannot_be_trained_on(faces, tmp_path):
    from dataclasses import replace

    only = [s for s in faces.samples if s.expression == "neutral"]
    with pytest.raises(DeganError, match="only one expression"):
        train(replace(faces, samples=tuple(only)), range(len(only)), TINY, tmp_path / "run")


def test_crops_that_do_not_fit_the_networks_are_refused_with_the_size_to_use(faces):
    network = TINY.network.model_copy(update={"image_size": 48})
    with pytest.raises(DeganError, match="--size 96"):
        load(faces, [0], network, faces.expressions)


def test_an_encoder_that_reads_finer_images_than_g_draws_trains_and_reads(faces, tmp_path):
    finer = override(TINY, ["network.detail=2"])
    data = load(faces, all_of(faces), finer.network, faces.expressions)
    assert data.images.shape[-1] == 64
    assert data.photos(torch.tensor([3, 1])).shape == (2, 1, 32, 32)
    assert torch.allclose(
        data.photos(torch.tensor([1]))[0, 0, 0, 0], data.images[1, 0, :2, :2].mean()
    )
    train(faces, all_of(faces), finer, tmp_path / "run")
    model = load_model(tmp_path / "run")
    assert model.recognition.standardize.image_size == 64
    with pytest.raises(DeganError, match=r"network\.image_size \* detail = 96; .*--size 96"):
        load(faces, [0], override(TINY, ["network.detail=2", "network.image_size=48"]).network, ())


def test_the_sample_grid_has_a_row_an_expression_and_a_column_a_person(faces, tmp_path):
    train(faces, all_of(faces), TINY, tmp_path / "run")
    grid = read_image(tmp_path / "run/grids/epoch-0002.png")
    cell = 96 + 4  # 32 px enlarged three times, and a gap
    assert grid.shape == (cell * 3 + 4, cell * 9 + 4, 3)  # portraits + 2 rows, sources + 8 people


def test_every_sample_is_in_one_batch_of_a_pass():
    with seeded(0, 1, 1):
        seen = torch.cat(list(batches(33, 8)))
    assert sorted(seen.tolist()) != list(range(33))  # the rest of one is dropped: batch norm
    assert len(seen) == 32
    assert num_batches(33, 8) == 4
    with seeded(0, 1, 1):
        assert sorted(torch.cat(list(batches(34, 8))).tolist()) == list(range(34))


def test_an_epochs_randomness_follows_from_seed_stage_and_epoch_alone():
    def draw(*key):
        with seeded(*key):
            return torch.rand(4)

    torch.manual_seed(1)
    one = draw(0, 1, 3)
    torch.manual_seed(2)
    assert torch.equal(draw(0, 1, 3), one)
    others = [draw(0, 1, 4), draw(0, 2, 3), draw(1, 1, 3)]
    assert all(not torch.equal(other, one) for other in others)


def test_the_learning_rate_rises_to_its_peak_and_falls_to_nothing():
    rates = [one_cycle(step, 1000, 2e-3) for step in range(1000)]
    assert max(rates) == pytest.approx(2e-3, rel=1e-2)
    assert rates.index(max(rates)) == pytest.approx(300, abs=2)
    assert rates[-1] < 1e-6


def test_a_log_line_cut_short_by_an_interruption_is_dropped(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"stage": 1, "epoch": 1, "seconds": 0.1}\n{"epo')
    Log(path).write(stage=1, epoch=2)
    assert [json.loads(line)["epoch"] for line in path.read_text().splitlines()] == [1, 2]


def test_the_seconds_of_a_log_go_on_from_the_last_line_that_is_kept(tmp_path):
    path = tmp_path / "log.jsonl"
    rows = [{"stage": 1, "epoch": epoch, "seconds": 100.0 * epoch} for epoch in (1, 2, 3)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    log = Log(path)
    log.rewind(1, 2)
    log.write(stage=1, epoch=3)
    assert logged_seconds(path) == pytest.approx(200, abs=5)
    Log(path).write(stage=1, epoch=4)
    assert logged_seconds(path) == pytest.approx(200, abs=5)
    assert logged_seconds(tmp_path / "none.jsonl") == 0


def test_a_damaged_log_is_one_sentence(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text("not a log\n")
    with pytest.raises(DeganError, match=r"log\.jsonl is damaged"):
        Log(path)


def test_training_that_diverges_ends_in_a_sentence(faces, tmp_path, monkeypatch):
    monkeypatch.setattr(
        gan, "reconstruction_loss", lambda drawn, real: (drawn * float("nan")).mean()
    )
    with pytest.raises(DeganError, match="diverged in epoch 1 of stage 1"):
        train(faces, all_of(faces), TINY, tmp_path / "run")


@pytest.mark.slow
def test_stage_1_learns_to_redraw_faces_and_stage_2_to_read_them(faces, tmp_path):
    settings = override(preset("fast"), ["seed=3", "network.image_size=32", "start=''"])
    model = train(faces, all_of(faces), settings, tmp_path / "run")
    rows = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    stage1 = [row for row in rows if row["stage"] == 1]
    assert stage1[-1]["reconstruction"] < 0.5 * stage1[0]["reconstruction"]
    crops = torch.from_numpy(read_crops(faces, all_of(faces)))
    read_as = predict_probabilities(model, crops).argmax(1)
    truth = torch.tensor([faces.expressions.index(s.expression) for s in faces.samples])
    assert (read_as == truth).float().mean() > 0.9  # faces it was trained on


def test_a_price_on_f_x_makes_it_short_in_stage_1(faces, tmp_path):
    last = []
    for weight in (0.001, 20.0):
        changes = ["gan.epochs=20", f"gan.weight_rate={weight}"]
        folder = tmp_path / str(weight)
        train_stage1(faces, all_of(faces), override(TINY, changes), folder)
        last.append(json.loads((folder / "log.jsonl").read_text().splitlines()[-1])["rate"])
    assert last[1] < 0.5 * last[0]


@pytest.mark.parametrize("work", [train, train_stage1])
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"dataset": "data"}, "dataset must be a data set of read_dataset, not .* str"),
        ({"settings": "tiny"}, "settings must be settings of a run"),
        ({"indices": iter(range(24))}, "indices must be a list, range or array .* range_iterator"),
        ({"indices": {0, 1}}, "indices must be a list, range or array .* not set"),
        ({"indices": [*range(24), 3]}, "indices has the index 3 twice; give each index once"),
        ({"indices": [*range(23), -1]}, "indices has the index -1, but the data set has 24"),
        ({"progress": 5}, "progress must be a function or None"),
        ({"folder": 5}, "folder must be a path"),
    ],
)
def test_a_wrong_argument_is_found_before_a_folder_is_made(faces, tmp_path, work, change, says):
    right = {"dataset": faces, "indices": all_of(faces), "settings": TINY}
    with pytest.raises(DeganError, match=says):
        work(**{**right, "folder": tmp_path / "run", **change})
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("choices", "says"),
    [
        ({"stage1": 5}, "stage1 must be a path"),
        ({"teachers": ["a"]}, "teachers must be a path"),
        ({"needs_generated": "no"}, "needs_generated must be True or False"),
    ],
)
def test_so_is_a_wrong_choice(faces, tmp_path, choices, says):
    with pytest.raises(DeganTypeError, match=says):
        train(faces, all_of(faces), TINY, tmp_path / "run", **choices)
    assert not any(tmp_path.iterdir())


def test_no_samples_are_refused(faces, tmp_path):
    with pytest.raises(DeganError, match=r"no sample of .* is left; choose expressions"):
        train(faces.with_expressions(["fear"]), [], TINY, tmp_path / "run")


def test_paths_may_be_text_and_indices_an_array(faces, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    train_stage1(faces, all_of(faces), TINY, str(tmp_path / "first"))
    train(faces, all_of(faces), TINY, one, stage1=tmp_path / "first")
    every = np.arange(len(faces.samples))
    train(faces, every, TINY, str(two), stage1=str(tmp_path / "first"))
    assert (one / "model.safetensors").read_bytes() == (two / "model.safetensors").read_bytes()
    assert (one / "run.json").read_bytes() == (two / "run.json").read_bytes()


def test_only_crops_of_the_models_size_are_read(faces, tmp_path):
    model = train(faces, all_of(faces), override(TINY, ["gan.epochs=0"]), tmp_path / "run")
    crops = torch.from_numpy(read_crops(faces, range(4)))
    whole = predict_probabilities(model, crops)
    assert torch.equal(predict_probabilities(model, crops, np.int64(4)), whole)
    assert predict_probabilities(model, crops[:0]).shape == (0, whole.shape[1])
    for wrong, says in (
        (crops.float(), r"not float32 \(4, 64, 64, 3\)"),
        (crops[:, ::2, ::2], r"not uint8 \(4, 32, 32, 3\)"),
        (crops.permute(0, 3, 1, 2), r"not uint8 \(4, 3, 64, 64\)"),
        (crops[0], r"not uint8 \(64, 64, 3\)"),
        (crops.numpy(), "crops must be a tensor, such as"),
    ):
        with pytest.raises(DeganError, match=says):
            predict_probabilities(model, wrong)
    with pytest.raises(DeganError, match="batch_size must be 1 or more, not 0"):
        predict_probabilities(model, crops, 0)
    with pytest.raises(DeganTypeError, match="model must be a trained model, as load_model"):
        predict_probabilities(tmp_path / "run", crops)
