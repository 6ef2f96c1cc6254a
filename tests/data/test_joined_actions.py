"""Facial actions of rendered people in a data set joined with photos, whose are not known."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas
import pytest
import torch

from degan.config import IMAGE_TERMS, override, preset
from degan.data.facial_actions import (
    has_amounts,
    read_actions,
    read_all_actions,
    read_known_actions,
    write_actions,
)
from degan.data.factors import column_names, read_column
from degan.data.join import join_datasets
from degan.data.manifest import read_dataset
from degan.data.rendered_sequences import read_all_frames
from degan.data.set_layout import DATA_SET_FILES, FACIAL_ACTIONS_FILE, FACTORS_FILE
from degan.errors import DeganError
from degan.training.pipeline import train

# Nothing is drawn, which takes time.
TINY = override(
    preset("tiny"),
    [
        *(f"gan.weight_{name}=0.0" for name in IMAGE_TERMS),
        "gan.weight_actions=8.0",
        "network.image_size=48",
    ],
)


@pytest.fixture(scope="module")
def people(rendered):
    return read_dataset(rendered[1])


@pytest.fixture(scope="module")
def photos(resized, tmp_path_factory):
    return resized(tmp_path_factory.mktemp("real") / "photos", 48)


@pytest.fixture(scope="module")
def mixed(people, photos, tmp_path_factory):
    return join_datasets([photos.folder, people.folder], tmp_path_factory.mktemp("mixed") / "all")


def with_table(people, folder, **changes):
    """A copy of rendered people whose table of factors has other columns."""
    shutil.copytree(people.folder, folder)
    table = pandas.read_parquet(folder / FACTORS_FILE).assign(**changes)
    table.to_parquet(folder / FACTORS_FILE)
    return folder


class TestJoin:
    def test_rendered_people_keep_their_amounts_and_photos_have_none(self, people, mixed):
        amounts = read_known_actions(mixed)
        assert np.isnan(amounts[:24]).all()
        assert np.array_equal(amounts[24:], read_all_actions(people))

    def test_the_table_has_a_row_for_every_crop(self, mixed):
        table = pandas.read_parquet(mixed.folder / FACIAL_ACTIONS_FILE)
        assert table["file"].tolist() == [sample.file for sample in mixed.samples]
        assert table.drop(columns="file").isna().all(axis=1).sum() == 24
        assert FACIAL_ACTIONS_FILE in DATA_SET_FILES

    def test_a_set_joined_again_keeps_them_too(self, people, photos, mixed, tmp_path):
        shutil.copytree(people.folder, tmp_path / "more")
        joined = join_datasets([mixed.folder, tmp_path / "more"], tmp_path / "both")
        amounts = read_known_actions(joined)
        own = read_all_actions(people)
        assert np.array_equal(amounts[24:], np.concatenate([own, own]))
        assert np.isnan(amounts[:24]).all()

    def test_the_bytes_are_the_same_each_time(self, people, photos, mixed, tmp_path):
        again = join_datasets([photos.folder, people.folder], tmp_path / "all")
        first, second = (
            (data.folder / FACIAL_ACTIONS_FILE).read_bytes() for data in (mixed, again)
        )
        assert first == second

    def test_photos_alone_have_no_table(self, photos, tmp_path):
        shutil.copytree(photos.folder, tmp_path / "others")
        joined = join_datasets([photos.folder, tmp_path / "others"], tmp_path / "all")
        assert not (joined.folder / FACIAL_ACTIONS_FILE).exists()

    def test_of_recordings_only_the_frames_of_the_manifest_are_kept(
        self, rendered_sequences, faces, tmp_path
    ):
        frames = read_dataset(rendered_sequences[1])
        joined = join_datasets([frames.folder, faces.folder], tmp_path / "all")
        amounts = read_known_actions(joined)
        assert np.array_equal(amounts[: len(frames.samples)], read_all_actions(frames))

    def test_factors_without_actions_are_no_amounts(self, people, photos, tmp_path):
        folder = with_table(people, tmp_path / "old")
        pandas.read_parquet(folder / FACTORS_FILE)[["file", "age"]].to_parquet(
            folder / FACTORS_FILE
        )
        joined = join_datasets([folder, photos.folder], tmp_path / "all")
        assert not (joined.folder / FACIAL_ACTIONS_FILE).exists()

    def test_a_damaged_table_is_one_sentence_before_a_folder_is_made(
        self, people, photos, tmp_path
    ):
        folder = with_table(people, tmp_path / "bad")
        (folder / FACTORS_FILE).write_bytes(b"PAR1")
        with pytest.raises(DeganError, match=r"bad/factors\.parquet is damaged"):
            join_datasets([folder, photos.folder], tmp_path / "all")
        assert {path.name for path in tmp_path.iterdir()} == {"bad"}

    def test_a_table_of_another_set_is_refused(self, people, photos, tmp_path):
        folder = with_table(people, tmp_path / "cut")
        pandas.read_parquet(folder / FACTORS_FILE).iloc[:-1].to_parquet(folder / FACTORS_FILE)
        with pytest.raises(DeganError, match="has no row for"):
            join_datasets([folder, photos.folder], tmp_path / "all")


class TestReaders:
    """A joined set is never taken for a rendered one."""

    def test_it_has_no_columns_of_factors(self, mixed):
        assert not any(name.startswith("action_") for name in column_names(mixed))
        with pytest.raises(DeganError, match="has no column 'action_jawOpen'"):
            read_column(mixed, "action_jawOpen")

    def test_it_has_no_recordings(self, mixed):
        with pytest.raises(DeganError, match=r"has no factors\.parquet"):
            read_all_frames(mixed)

    def test_who_needs_the_amounts_of_all_pictures_refuses_it(self, mixed):
        with pytest.raises(DeganError, match="for every picture; use rendered people"):
            read_all_actions(mixed)

    @pytest.mark.parametrize("bad", [None, float("inf"), "much", 1e300, True])
    def test_a_picture_with_some_amounts_only_is_refused(self, people, photos, tmp_path, bad):
        column = pandas.read_parquet(people.folder / FACTORS_FILE)["action_jawOpen"].astype(object)
        column[3] = bad
        if isinstance(bad, str | bool):
            column[:] = bad
        folder = with_table(people, tmp_path / "odd", action_jawOpen=column)
        joined = join_datasets([folder, photos.folder], tmp_path / "all")
        for dataset in (read_dataset(folder), joined):
            with pytest.raises(DeganError, match="the amount of jawOpen"):
                read_actions(dataset, range(4))
            with pytest.raises(DeganError, match=r"the amount \(0 to 1\) of jawOpen"):
                read_known_actions(dataset)

    def test_what_is_written_is_read_in_several_row_groups(self, photos, tmp_path, monkeypatch):
        monkeypatch.setattr("degan.data.facial_actions._ROW_GROUP", 7)
        amounts = np.random.default_rng(0).random((24, 52), dtype=np.float32)
        amounts[5] = np.nan
        write_actions(tmp_path, [sample.file for sample in photos.samples], amounts)
        read = read_known_actions(replace(photos, folder=tmp_path))
        assert np.array_equal(read, amounts, equal_nan=True)


class TestTraining:
    def test_samples_of_photos_have_no_target(self, people, mixed):
        actions = read_actions(mixed, [0, 24, 23, 119])
        assert has_amounts(actions).tolist() == [False, True, False, True]
        assert np.array_equal(actions[[1, 3]], read_actions(people, [0, 95]))

    def test_a_training_is_drawn_to_the_amounts_of_the_rendered_people(self, mixed, tmp_path):
        """Their distance shrinks: numbers of f(x) that nothing draws there keep it."""
        for name, weight in (("told", 8.0), ("hardly", 0.001)):
            settings = override(TINY, ["gan.epochs=15", f"gan.weight_actions={weight}"])
            model = train(mixed, range(120), settings, tmp_path / name)
            for parameter in model.recognition.parameters():
                assert torch.isfinite(parameter).all()
        told, hardly = (
            [json.loads(line) for line in (tmp_path / name / "log.jsonl").open()][14]["actions"]
            for name in ("told", "hardly")
        )
        assert 0 < told < 0.8 * hardly
        assert json.loads((tmp_path / "told/run.json").read_text())["samples_with_actions"] == 96

    def test_batches_of_photos_alone_do_no_harm(self, mixed, tmp_path):
        """Of 28 pictures in batches of two, only four are rendered."""
        indices = [*range(24), *range(24, 120, 24)]
        chosen = replace(mixed, samples=tuple(mixed.samples[index] for index in indices))
        train(chosen, range(28), override(TINY, ["gan.batch_size=2"]), tmp_path / "run")
        terms = [json.loads(line).get("actions") for line in (tmp_path / "run/log.jsonl").open()]
        assert all(np.isfinite(term) for term in terms if term is not None)

    def test_rendered_people_alone_have_no_count(self, people, tmp_path):
        train(people, range(96), TINY, tmp_path / "run")
        assert "samples_with_actions" not in json.loads((tmp_path / "run/run.json").read_text())

    def test_runs_with_and_without_the_term_share_their_teachers(self, mixed, tmp_path):
        for name, weight in (("with", 8.0), ("without", 0.0)):
            settings = override(TINY, ["classifier.teachers=2", f"gan.weight_actions={weight}"])
            train(mixed, range(120), settings, tmp_path / name, teachers=tmp_path / "teachers")

    def test_photos_of_it_alone_are_refused_before_anything_is_written(self, mixed, tmp_path):
        with pytest.raises(DeganError, match=r"none of the 24 training pictures .*set it to 0"):
            train(mixed, range(24), TINY, tmp_path / "run")
        assert not (tmp_path / "run").exists()

    def test_the_command_says_how_many_amounts_are_known(self, mixed, tmp_path, degan):
        words = ("--data", mixed.folder, "--preset", "tiny", "--set", "gan.weight_actions=8.0")
        done = degan("train", tmp_path / "run", *words, "--set", "network.image_size=48")
        assert done.returncode == 0, done.stderr
        said = " ".join(done.stderr.split())
        assert "the facial actions of 96 of 120 faces are known" in said
