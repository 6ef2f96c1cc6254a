"""What several people saw in each picture: the table, and trainings that learn from it."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from degan.config import override, preset
from degan.data.crops import read_crops
from degan.data.join import join_datasets
from degan.data.manifest import read_dataset
from degan.data.set_layout import VOTES_FILE
from degan.data.votes import read_votes, vote_shares, write_votes
from degan.errors import DeganError
from degan.evaluation.ablation.arms import choose_arms
from degan.labels import EXPRESSIONS
from degan.training.model import predict_probabilities
from degan.training.pipeline import train

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


def test_the_ablation_says_what_the_votes_are_worth():
    arms = choose_arms(VOTED, ["no-teachers", "taught-cnn"]).arms
    told = {arm.name: arm.settings(VOTED, 100).classifier.teachers for arm in arms}
    assert told == {"full": "votes", "no-teachers": 0, "taught-cnn": "votes"}
