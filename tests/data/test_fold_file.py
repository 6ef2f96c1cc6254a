"""``folds.json``: what others need to divide a data set alike, and what they may get wrong."""

import json
from dataclasses import replace

import numpy as np
import pytest

from degan.data.fold_file import PROTOCOLS, folds_text, make_folds, write_folds
from degan.data.fold_reading import read_folds
from degan.data.folds import Fold
from degan.errors import DeganError, DeganTypeError


@pytest.fixture
def written(faces, tmp_path):
    """A function that writes a folds.json of some content."""

    def write(content):
        path = tmp_path / "folds.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


@pytest.mark.parametrize("validation", [0.0, 0.25])
def test_folds_come_back_as_they_were_written(faces, tmp_path, validation):
    folds = make_folds(faces, "subjects", num_folds=3, seed=5, validation=validation)
    write_folds(tmp_path / "folds.json", faces, folds, "subjects", 5)
    assert read_folds(tmp_path / "folds.json", faces) == folds


@pytest.mark.parametrize(
    ("folds", "protocol", "says"),
    [
        ([Fold((0,), (1,))], "subjects", "fold 1 does not use sample 2 .*; put every sample into"),
        ([Fold(range(20), range(4, 24))], "subjects", "fold 1 has sample 4 .* in train and in te"),
        ([], "subjects", "folds is an empty list"),
        (None, "nope", "no protocol 'nope'; choose one of subjects, loso, official, file"),
        (None, "official", "the data set has no official split"),
    ],
)
def test_folds_that_would_not_come_back_are_not_written(faces, tmp_path, folds, protocol, says):
    path = tmp_path / "folds.json"
    if folds is None:
        folds = make_folds(faces, "subjects", num_folds=3)
    with pytest.raises(DeganError, match=says):
        write_folds(path, faces, folds, protocol, 0)
    assert not path.exists()


def test_folds_that_are_not_the_official_split_are_not_called_so(faces, tmp_path):
    parts = ("train", "test", "")
    place = {subject: parts[number % 3] for number, subject in enumerate(faces.subjects)}
    samples = tuple(s._replace(split=place[s.subject]) for s in faces.samples)
    dataset = replace(faces, samples=samples)
    folds = make_folds(dataset, "subjects", num_folds=3)
    with pytest.raises(DeganError, match=r"not the official split .* protocol 'file'"):
        write_folds(tmp_path / "folds.json", dataset, folds, "official", 0)
    write_folds(tmp_path / "folds.json", dataset, folds, "file", np.int64(0))
    assert read_folds(tmp_path / "folds.json", dataset) == folds


@pytest.mark.parametrize("seed", [None, -1, 1.5])
def test_a_seed_is_a_whole_number(faces, tmp_path, seed):
    folds = make_folds(faces, "subjects", num_folds=3)
    with pytest.raises(DeganError, match="seed must be"):
        write_folds(tmp_path / "folds.json", faces, folds, "subjects", seed)


def test_a_folder_is_no_data_set(faces, tmp_path):
    for call in (
        lambda data: make_folds(data, "subjects"),
        lambda data: read_folds(tmp_path / "folds.json", data),
        lambda data: write_folds(tmp_path / "folds.json", data, [], "subjects", 0),
    ):
        with pytest.raises(DeganTypeError, match="dataset must be a data set of read_dataset"):
            call(str(faces.folder))


def test_the_file_says_what_was_divided_how_and_into_what(faces):
    folds = make_folds(faces, "subjects", num_folds=3, seed=5)
    content = json.loads(folds_text(faces, folds, "subjects", 5))
    assert content["manifest_sha256"] == faces.manifest_hash
    assert (content["protocol"], content["seed"]) == ("subjects", 5)
    tested = [name for fold in content["folds"] for name in fold["test_subjects"]]
    assert sorted(tested) == list(faces.subjects)
    assert [fold["train_samples"] + fold["test_samples"] for fold in content["folds"]] == [24] * 3


def test_people_may_write_such_a_file_by_hand(faces, written):
    one, two, three, *_ = faces.subjects
    path = written(
        {
            "folds": [
                {"test_subjects": [one]},
                {"test_subjects": [two], "validation_subjects": [three]},
            ]
        }
    )
    first, second = read_folds(path, faces)
    assert {faces.samples[i].subject for i in first.test} == {one}
    assert {faces.samples[i].subject for i in second.validation} == {three}
    assert len(second.train) == len(faces.samples) - 4


@pytest.mark.parametrize(
    "content",
    ["", "no", "[]", "{}", '{"folds": []}', '{"folds": [1]}', '{"folds": [{"test_subjects": 3}]}',
     '{"folds": [{"test_subjects": [3]}]}', "[" * 100_000],
)  # fmt: skip
def test_what_is_no_file_of_folds_is_refused(faces, written, content):
    with pytest.raises(DeganError, match=r"folds\.json"):
        read_folds(written(content), faces)


def test_folds_that_break_the_protocol_are_refused(faces, written):
    one, two = faces.subjects[:2]
    everybody = list(faces.subjects)
    for folds, sentence in (
        ([{"test_subjects": ["nobody"]}], "has no subject nobody"),
        (
            [{"test_subjects": [one]}, {"test_subjects": [one, two]}],
            f"fold 2: {one} is also a test subject of an earlier fold; test each",
        ),
        (
            [{"test_subjects": [one], "validation_subjects": [one]}],
            f"{one} is both a test and a validation subject; remove it",
        ),
        ([{"test_subjects": []}], "has no test subjects; add"),
        ([{"test_subjects": everybody}], "leaves no training subjects"),
    ):
        with pytest.raises(DeganError, match=sentence):
            read_folds(written({"folds": folds}), faces)


def test_folds_of_another_data_set_are_refused(faces, written):
    content = {"manifest_sha256": "0" * 64, "folds": [{"test_subjects": [faces.subjects[0]]}]}
    with pytest.raises(DeganError, match="another data set"):
        read_folds(written(content), faces)


def test_every_protocol_has_a_name_and_others_are_refused(faces):
    assert len(make_folds(faces, "loso")) == len(faces.subjects)
    with pytest.raises(DeganError, match="official split"):
        make_folds(faces, "official")
    with pytest.raises(
        DeganError, match=f"no protocol 'k-fold'; choose one of {', '.join(PROTOCOLS)}"
    ):
        make_folds(faces, "k-fold")


def test_an_official_split_comes_back_as_it_was_written(faces, tmp_path):
    parts = ("train", "test", "")
    place = {subject: parts[number % 3] for number, subject in enumerate(faces.subjects)}
    samples = tuple(s._replace(split=place[s.subject]) for s in faces.samples)
    for rows in (samples, tuple(s._replace(subject="") for s in samples)):
        dataset = replace(faces, samples=rows)
        folds = make_folds(dataset, "official")
        write_folds(tmp_path / "folds.json", dataset, folds, "official", 0)
        assert read_folds(tmp_path / "folds.json", dataset) == folds


def test_folds_by_name_of_people_without_one_are_refused(faces, written):
    rows = (faces.samples[0]._replace(subject=""), *faces.samples[1:])
    path = written({"folds": [{"test_subjects": [faces.subjects[1]]}]})
    with pytest.raises(DeganError, match="has samples without a subject"):
        read_folds(path, replace(faces, samples=rows))


class TestFoldsByFile:
    @staticmethod
    def unnamed(faces):
        samples = tuple(sample._replace(subject="") for sample in faces.samples)
        return replace(faces, samples=samples)

    def test_folds_of_unnamed_people_come_back(self, faces, tmp_path):
        dataset = self.unnamed(faces)
        folds = [
            Fold(tuple(range(12)), tuple(range(12, 20)), tuple(range(20, 24))),
            Fold(tuple(range(12, 24)), tuple(range(12))),
        ]
        path = tmp_path / "folds.json"
        path.write_text(folds_text(dataset, folds, "file", 0))
        assert read_folds(path, dataset) == folds
        write_folds(path, dataset, folds, "file", 0)
        assert read_folds(path, dataset) == folds

    def test_folds_that_leave_samples_out_come_back(self, faces, tmp_path):
        folds = [Fold((0, 1, 2), (5, 7)), Fold((5, 7), (0, 1))]
        path = tmp_path / "folds.json"
        path.write_text(folds_text(faces, folds, "file", 0))
        assert read_folds(path, faces) == folds

    def test_folds_by_subject_need_no_files(self, faces):
        text = folds_text(faces, make_folds(faces, "subjects", num_folds=3), "subjects", 0)
        assert "_files" not in text

    @pytest.mark.parametrize(
        ("rows", "says"),
        [
            ([{"test_files": ["no.png"]}], "has no file no.png"),
            ([{"test_files": []}], "fold 1 has no test samples"),
            ([{"test_files": [3]}], "is not a valid fold file"),
            ([{"test_files": "A"}, {"test_subjects": ["001"]}], "fold 2 has no test_files"),
            ([{"test_files": "AA"}], "twice"),
            ([{"test_files": "A", "validation_files": "A"}], "in test and in validation"),
            ([{"test_files": "A"}, {"test_files": "A"}], "both test sample 0"),
        ],
    )
    def test_wrong_files_are_refused(self, faces, written, rows, says):
        dataset, file = self.unnamed(faces), faces.samples[0].file
        rows = [
            {key: [file] * len(one) if one in ("A", "AA") else one for key, one in row.items()}
            for row in rows
        ]
        with pytest.raises(DeganError, match=says):
            read_folds(written({"folds": rows}), dataset)
