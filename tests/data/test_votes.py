"""What several people saw in each picture: the table, and trainings that learn from it."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from degan.config import override, preset
from degan.data.adapters import find_adapter
from degan.data.crops import read_crops
from degan.data.join import join_datasets
from degan.data.manifest import read_dataset, write_dataset
from degan.data.prepare import PrepareSettings, prepare_dataset
from degan.data.protocol import Protocol
from degan.data.set_layout import VOTES_FILE
from degan.data.votes import read_votes, vote_shares, write_votes
from degan.errors import DeganError
from degan.evaluation.ablation.arms import choose_arms
from degan.evaluation.protocols.crossdata import cross_data_set
from degan.labels import EXPRESSIONS
from degan.media import images
from degan.training.model import predict_probabilities
from degan.training.pipeline import train
from fer_tables import voted as voted_row
from fer_tables import write_pictures, write_votes_table

VOTED = override(preset("tiny"), ["classifier.teachers='votes'"])


@pytest.fixture
def voted(faces, tmp_path):
    """The examples, whose people are all said to be half neutral, half happy."""
    shutil.copytree(faces.folder, tmp_path / "voted")
    write_votes(
        tmp_path / "voted",
        {sample.file: {"neutral": 5, "happiness": 5} for sample in faces.samples},
    )
    return read_dataset(tmp_path / "voted")


def with_votes(faces, folder, votes):
    """Copy the examples; their votes are columns of the manifest."""
    shutil.copytree(faces.folder, folder)
    write_dataset(
        folder, faces.samples, [], crop_size=64, frame=faces.frame, settings={}, votes=votes
    )
    return read_dataset(folder)


@pytest.fixture
def counted(faces, tmp_path):
    """As ``voted``, but the votes are columns of the manifest; one vote is for unknown."""
    chosen = {"neutral": 5, "happiness": 4, "unknown": 1}
    return with_votes(faces, tmp_path / "counted", {s.file: chosen for s in faces.samples})


class TestTable:
    @given(
        votes=st.dictionaries(
            st.from_regex(r"[a-z ,'\"]{1,9}/[0-9]{3}\.png", fullmatch=True),
            st.dictionaries(st.sampled_from(EXPRESSIONS), st.integers(1, 10), min_size=1),
            min_size=1,
        )
    )
    def test_what_is_written_is_read(self, votes, tmp_path_factory):
        folder = tmp_path_factory.mktemp("votes")
        write_votes(folder, votes)
        assert read_votes(folder) == votes

    @pytest.mark.parametrize(
        "text", ["File;Anger;Fear\r\na.png;1;0,5\r\n;;\r\n", "file\tanger\tfear\na.png\t1\t0,5\n"]
    )
    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
    def test_a_table_of_any_spreadsheet_is_read(self, tmp_path, text, encoding):
        (tmp_path / VOTES_FILE).write_bytes(text.encode(encoding))
        assert read_votes(tmp_path) == {"a.png": {"anger": 1, "fear": 0.5}}

    def test_of_nothing_there_is_none(self, tmp_path):
        write_votes(tmp_path, {})
        assert list(tmp_path.iterdir()) == []
        assert read_votes(tmp_path) == {}

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("file,anger\n", "no row"),
            ("picture,anger\na,0\n", "must have the columns file, and one for each expression"),
            ("file,anger,Anger\na,0,1\n", "each once"),
            ("file,anger\na,many\n", "a number of votes"),
            ("file,anger\na,-1\n", "a number of votes"),
            ("file,anger\na,nan\n", "a number of votes"),
            ("file,anger\na,inf\n", "a number of votes"),
            ("file,anger\na,0\na,1\n", "twice"),
            ("file,anger\na\n", "cells"),
        ],
    )
    def test_a_damaged_one_is_refused_in_a_sentence(self, tmp_path, text, said):
        (tmp_path / VOTES_FILE).write_text(text)
        with pytest.raises(DeganError, match=said):
            read_votes(tmp_path)


class TestShares:
    def test_they_are_the_votes_for_the_expressions_of_the_data_set(self, faces, voted):
        file = faces.samples[0].file
        chosen = {"neutral": 3, "happiness": 1, "anger": 6}  # nobody here is labelled as angry
        write_votes(voted.folder, {file: chosen})
        assert faces.expressions == ("neutral", "happiness")
        assert vote_shares(voted, [0]).tolist() == [[0.75, 0.25]]

    def test_a_class_of_any_case_is_found(self, faces, voted):
        samples = tuple(
            sample._replace(expression=sample.expression.capitalize()) for sample in voted.samples
        )
        own = replace(voted, samples=samples)
        assert own.expressions == ("Happiness", "Neutral")
        write_votes(voted.folder, {faces.samples[0].file: {"Neutral": 1, "Happiness": 3}})
        assert vote_shares(own, [0]).tolist() == [[0.75, 0.25]]

    def test_a_picture_without_a_vote_has_its_label(self, faces, voted):
        write_votes(
            voted.folder,
            {faces.samples[0].file: {"neutral": 1}, faces.samples[1].file: {"fear": 9}},
        )
        labels = [faces.expressions.index(sample.expression) for sample in faces.samples]
        assert vote_shares(voted, [1, 2]).argmax(axis=1).tolist() == labels[1:3]
        assert np.allclose(vote_shares(voted, range(24)).sum(axis=1), 1)

    def test_votes_on_other_pictures_are_refused(self, voted):
        write_votes(voted.folder, {"crops/other.png": {"neutral": 1}})
        with pytest.raises(DeganError, match="not in the data set"):
            vote_shares(voted, [0])

    def test_votes_for_no_expression_of_the_data_set_are_refused(self, faces, voted):
        write_votes(voted.folder, {faces.samples[0].file: {"happy": 9}})
        with pytest.raises(DeganError, match="name its columns neutral, happiness"):
            vote_shares(voted, [0])

    def test_a_table_without_an_expression_is_refused(self, faces, voted):
        (voted.folder / VOTES_FILE).write_text(f"file\n{faces.samples[0].file}\n")
        with pytest.raises(DeganError, match="name its columns neutral, happiness"):
            vote_shares(voted, [0])


class TestManifest:
    """Votes in columns of the manifest."""

    def test_they_are_read_as_those_of_the_table_are(self, faces, counted):
        chosen = {"neutral": 5, "happiness": 4, "unknown": 1}
        assert read_votes(counted.folder) == {sample.file: chosen for sample in faces.samples}
        assert not (counted.folder / VOTES_FILE).exists()

    def test_who_recognised_nothing_or_saw_no_face_has_no_share(self, faces, tmp_path):
        chosen = [
            {"neutral": 3, "happiness": 1, "unknown": 4, "no_face": 2},
            {"unknown": 6, "no_face": 4},
            {"anger": 10},
        ]
        files = [sample.file for sample in faces.samples]
        votes = dict(zip(files, chosen, strict=False))
        dataset = with_votes(faces, tmp_path / "v", votes)
        label = [float(faces.samples[1].expression == name) for name in faces.expressions]
        shares = vote_shares(dataset, [0, 1]).tolist()
        assert shares == [[0.75, 0.25], label]  # nine of ten votes of the first rows count nothing

    def test_a_single_vote_counts_as_any_other(self, faces, tmp_path):
        votes = {faces.samples[0].file: {"neutral": 9, "happiness": 1}}
        dataset = with_votes(faces, tmp_path / "v", votes)
        assert vote_shares(dataset, [0])[0].tolist() == pytest.approx([0.9, 0.1])

    def test_two_sources_of_votes_are_refused(self, counted):
        write_votes(counted.folder, {counted.samples[0].file: {"neutral": 1}})
        with pytest.raises(DeganError, match=r"manifest\.csv has votes, and so has votes\.csv"):
            train(counted, range(24), VOTED, counted.folder.parent / "run")
        assert not (counted.folder.parent / "run").exists()

    def test_votes_for_no_expression_of_the_data_set_are_refused(self, faces, tmp_path):
        dataset = with_votes(faces, tmp_path / "v", {faces.samples[0].file: {"fear": 9}})
        with pytest.raises(DeganError, match=r"manifest\.csv has no vote .* another data set"):
            vote_shares(dataset, [0])

    def test_a_run_depends_on_them_by_the_hash_of_the_manifest(self, faces, counted, tmp_path):
        train(counted, range(24), VOTED, tmp_path / "run")
        facts = json.loads((tmp_path / "run" / "run.json").read_text())
        assert facts["manifest_sha256"] == counted.manifest_hash
        assert "votes_sha256" not in facts
        other = {sample.file: {"neutral": 5, "happiness": 5} for sample in faces.samples}
        changed = with_votes(faces, tmp_path / "other", other)
        with pytest.raises(DeganError, match="differs in: data set"):
            train(changed, range(24), VOTED, tmp_path / "run")


@pytest.mark.parametrize("source", ["table", "manifest"])
def test_votes_on_pictures_with_an_expression_of_one_set_alone_are_no_fault(
    faces, tmp_path, source
):
    """A run across data sets leaves such pictures out, but their votes are still there."""
    samples = [s._replace(expression="fear") if i < 3 else s for i, s in enumerate(faces.samples)]
    votes = {sample.file: {sample.expression: 9, "unknown": 1} for sample in samples}
    known = replace(faces, samples=tuple(samples))
    dataset = with_votes(known, tmp_path / "more", votes if source == "manifest" else None)
    if source == "table":
        write_votes(dataset.folder, votes)
    test_set = with_votes(faces, tmp_path / "test", None)
    for sample in test_set.samples:
        crop = images.read_image(test_set.folder / sample.file)
        images.write_image(test_set.folder / sample.file, np.ascontiguousarray(crop[:, ::-1]))
    summary = cross_data_set(dataset, test_set, tmp_path / "run", VOTED)
    assert summary["expressions"] == ["neutral", "happiness"]


def test_a_joined_set_has_the_votes_of_both_kinds(faces, voted, counted, tmp_path):
    joined = join_datasets([voted.folder, counted.folder, faces.folder], tmp_path / "all")
    assert read_votes(joined.folder) == {
        f"{part.folder.name}/{file}": chosen
        for part in (voted, counted)
        for file, chosen in read_votes(part.folder).items()
    }
    shares = vote_shares(joined, [0, 24])
    assert np.allclose(shares, [vote_shares(voted, [0])[0], vote_shares(counted, [0])[0]])


def test_a_joined_set_has_the_votes_of_its_parts(faces, voted, tmp_path):
    joined = join_datasets([voted.folder, faces.folder], tmp_path / "both")
    assert read_votes(joined.folder) == {
        f"voted/{file}": chosen for file, chosen in read_votes(voted.folder).items()
    }


def test_a_run_learns_what_people_voted_for(voted, tmp_path):
    """Whatever the labels say: half of the people are labelled as happy."""
    write_votes(voted.folder, {sample.file: {"neutral": 1} for sample in voted.samples})
    every = range(len(voted.samples))
    settings = override(VOTED, ["classifier.taught=1.0", "classifier.epochs=40"])
    model = train(voted, every, settings, tmp_path / "run")
    read = predict_probabilities(model, torch.from_numpy(read_crops(voted, every)))
    assert (read[:, model.expressions.index("neutral")] > 0.7).all()


def test_a_run_whose_votes_have_changed_is_another(voted, tmp_path):
    every = range(len(voted.samples))
    train(voted, every, VOTED, tmp_path / "run")
    write_votes(voted.folder, {voted.samples[0].file: {"happiness": 1}})
    with pytest.raises(DeganError, match="differs in: votes; use"):
        train(voted, every, VOTED, tmp_path / "run")


def test_without_votes_nothing_is_trained(faces, tmp_path):
    with pytest.raises(DeganError, match=r"votes.csv does not exist"):
        train(faces, range(len(faces.samples)), VOTED, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("labels", ["majority", "original"])
def test_fer_plus_is_prepared_joined_with_synthetic_people_and_trained_on(
    faces, rendered, tmp_path, labels
):
    """Tables like fer2013.csv and fer2013new.csv, of the examples."""
    pictures, votes = [], []
    for number, sample in enumerate(faces.samples):
        crop = Image.fromarray(images.read_image(faces.folder / sample.file)).convert("L")
        pixels = " ".join(map(str, np.asarray(crop.resize((48, 48))).ravel()))
        is_happy = sample.expression == "happiness"
        pictures.append((3 if is_happy else 6, "Training", pixels))
        chosen = {"happiness": 6, "surprise": 3, "NF": 1} if is_happy else {"neutral": 10}
        votes.append(voted_row(**({"unknown": 9, "neutral": 1} if number == 0 else chosen)))
    result = prepare_dataset(
        find_adapter("fer2013"),
        write_pictures(tmp_path / "fer2013.csv", *pictures),
        tmp_path / "fer",
        Protocol(votes=write_votes_table(tmp_path / "fer2013new.csv", *votes), labels=labels),
        PrepareSettings(crop_size=48),
        jobs=1,
    )
    assert len(result.skipped) == (labels == "majority")  # most people recognised nothing in one
    assert len(result.samples) + len(result.skipped) == 24
    described = json.loads((tmp_path / "fer" / "dataset.json").read_text())["settings"]
    assert described["protocol"]["votes"] == "fer2013new.csv"
    assert described["protocol"]["labels"] == labels
    assert str(tmp_path) not in json.dumps(described)

    joined = join_datasets([tmp_path / "fer", rendered[1]], tmp_path / "all")
    assert len(read_votes(joined.folder)) == len(result.samples)
    happy = next(i for i, s in enumerate(joined.samples) if s.expression == "happiness")
    chosen = dict(zip(joined.expressions, vote_shares(joined, [happy])[0], strict=True))
    assert chosen["happiness"] == pytest.approx(6 / 9)
    assert chosen["surprise"] == pytest.approx(3 / 9)
    settings = override(VOTED, ["network.image_size=48"])
    model = train(joined, range(len(joined.samples)), settings, tmp_path / "run")
    assert model.expressions == EXPRESSIONS


def test_the_ablation_says_what_the_votes_are_worth():
    arms = choose_arms(VOTED, ["no-teachers", "taught-cnn"]).arms
    told = {arm.name: arm.settings(VOTED, 100).classifier.teachers for arm in arms}
    assert told == {"full": "votes", "no-teachers": 0, "taught-cnn": "votes"}
