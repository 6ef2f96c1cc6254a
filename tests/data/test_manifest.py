"""A prepared data set on disk: what is written comes back, what was touched is refused."""

import csv
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from degan.data.manifest import check_dataset, read_dataset, write_dataset
from degan.data.manifest_columns import read_user_columns, read_vote_columns
from degan.data.sample import Sample, Skipped
from degan.data.vote_columns import VOTE_COLUMNS, VOTE_NAMES
from degan.errors import DeganError, DeganTypeError
from degan.labels import EXPRESSIONS

SAMPLE = Sample("crops/fear/000000.png", "fear", "ann", "fear/ann", 0, "fear/ann.jpg", "none", 1)
OTHER = SAMPLE._replace(file="crops/anger/000001.png", expression="anger", subject="Bob")

TEXT = st.text(max_size=20) | st.text(alphabet=',"\n\r\t\0 ;\\aé😀', max_size=8)
SAMPLES = st.builds(
    Sample,
    file=st.integers(0, 10**9).map(lambda number: f"crops/x/{number:06d}.png"),
    expression=st.sampled_from(EXPRESSIONS),
    subject=TEXT,
    sequence=TEXT,
    frame=st.integers(0, 10**12),
    source=TEXT,
    alignment=st.sampled_from(["landmarks", "neighbour", "none"]),
    split=st.sampled_from(["", "train", "validation", "test"]),
    faces=st.integers(0, 100),
)


def written(folder, samples=(SAMPLE, OTHER), skipped=(), crop_size=64):
    write_dataset(
        folder, samples, skipped, crop_size=crop_size, frame="frame/1", settings={"crops": False}
    )
    return folder


def rewritten(folder, text):
    """Put another manifest in place, with a hash that fits: as a forger would."""
    from degan.system.files import sha256

    (folder / "manifest.csv").write_text(text, encoding="utf-8")
    description = json.loads((folder / "dataset.json").read_text())
    description["manifest_sha256"] = sha256(text.encode())
    (folder / "dataset.json").write_text(json.dumps(description))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(SAMPLES, min_size=1, max_size=5))
def test_samples_come_back_as_they_went_whatever_their_names(tmp_path, samples):
    assert read_dataset(written(tmp_path, samples)).samples == tuple(samples)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.builds(Skipped, name=TEXT, reason=TEXT), max_size=5))
def test_the_list_of_what_was_left_out_can_be_read_by_any_csv_reader(tmp_path, skipped):
    written(tmp_path, skipped=skipped)
    with (tmp_path / "skipped.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file, strict=True)
    assert header == ["source", "reason"]
    assert rows == [[row.name, row.reason] for row in skipped]


def test_a_name_that_is_not_utf8_is_written_escaped(tmp_path):
    written(tmp_path, [SAMPLE._replace(source="caf\udce9.jpg")], [Skipped("\udcff", "broken")])
    assert read_dataset(tmp_path).samples[0].source == "caf\\udce9.jpg"


def test_a_data_set_knows_its_size_frame_expressions_and_subjects(tmp_path):
    dataset = read_dataset(written(tmp_path))
    assert (dataset.folder, dataset.crop_size, dataset.frame) == (tmp_path, 64, "frame/1")
    assert dataset.expressions == ("anger", "fear")
    assert dataset.subjects == ("Bob", "ann")


class TestVotes:
    """Columns with the votes of several people."""

    def written(self, folder, votes, samples=(SAMPLE, OTHER)):
        write_dataset(folder, samples, [], crop_size=64, frame="frame/1", settings={}, votes=votes)
        return folder

    def test_they_are_columns_of_the_manifest(self, tmp_path):
        self.written(tmp_path, {SAMPLE.file: {"fear": 7, "neutral": 1, "no_face": 2}})
        with (tmp_path / "manifest.csv").open(newline="", encoding="utf-8") as file:
            header, first, second = csv.reader(file, strict=True)
        assert tuple(header) == (*Sample._fields, *VOTE_COLUMNS)
        assert VOTE_COLUMNS[0] == "votes_neutral"
        assert VOTE_COLUMNS[-2:] == ("votes_unknown", "votes_no_face")
        counts = dict(zip(header, first, strict=True))
        assert (counts["votes_fear"], counts["votes_anger"]) == ("7", "0")
        assert second[len(Sample._fields) :] == [""] * len(VOTE_COLUMNS)

    @given(
        st.dictionaries(
            st.sampled_from([SAMPLE.file, OTHER.file]),
            st.dictionaries(st.sampled_from(VOTE_NAMES), st.integers(0, 10**6)),
        )
    )
    def test_they_come_back_and_so_do_the_samples(self, tmp_path_factory, votes):
        folder = self.written(tmp_path_factory.mktemp("voted"), votes)
        assert read_dataset(folder).samples == (SAMPLE, OTHER)
        chosen = {f: {name: n for name, n in row.items() if n} for f, row in votes.items()}
        assert read_vote_columns(folder) == chosen

    def test_without_votes_the_manifest_has_no_such_columns(self, tmp_path):
        plain = written(tmp_path / "plain") / "manifest.csv"
        none = self.written(tmp_path / "none", None) / "manifest.csv"
        assert plain.read_bytes() == none.read_bytes()
        assert read_vote_columns(tmp_path / "plain") == {}

    def test_they_are_not_columns_of_the_user(self, tmp_path):
        self.written(tmp_path, {SAMPLE.file: {"fear": 7}})
        assert read_user_columns(read_dataset(tmp_path)) == {}
        text = (tmp_path / "manifest.csv").read_text().splitlines()
        added = "\n".join(f"{line},{cell}" for line, cell in zip(text, "wxy", strict=True))
        rewritten(tmp_path, added + "\n")
        assert read_user_columns(read_dataset(tmp_path)) == {"w": ["x", "y"]}
        assert read_vote_columns(tmp_path) == {SAMPLE.file: {"fear": 7}}

    @pytest.mark.parametrize(
        ("votes", "said"),
        [
            ([1], "votes must be a mapping from files to votes"),
            ({"gone.png": {}}, "votes has the file 'gone.png', which no sample has"),
            ({SAMPLE.file: 3}, "must be a mapping from expressions to numbers"),
            ({SAMPLE.file: {"bored": 1}}, "has the name 'bored'; use neutral, anger"),
            ({SAMPLE.file: {"fear": -1}}, "must be 0 to 1,?000,?000, not -1"),
            ({SAMPLE.file: {"fear": 0.5}}, "must be a whole number, not an object of type float"),
            ({SAMPLE.file: {"fear": True}}, "must be a whole number"),
        ],
    )
    def test_wrong_ones_are_refused_before_anything_is_written(self, tmp_path, votes, said):
        with pytest.raises((DeganError, DeganTypeError), match=said):
            self.written(tmp_path, votes)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (("7", "-7"), "the votes on .* are damaged .*'-7' is not a number from 0"),
            (("7", "x"), "the votes on .* are damaged"),
            (("7", ""), "the votes on .* are damaged"),
            (("votes_fear", "fear"), r"lacks columns of votes \(votes_fear\)"),
        ],
    )
    def test_damaged_ones_are_refused_in_a_sentence(self, tmp_path, change, said):
        self.written(tmp_path, {SAMPLE.file: {"fear": 7}})
        rewritten(tmp_path, (tmp_path / "manifest.csv").read_text().replace(*change))
        assert read_dataset(tmp_path).samples == (SAMPLE, OTHER)
        with pytest.raises(DeganError, match=said):
            read_vote_columns(tmp_path)


def test_the_description_counts_what_is_in_it(tmp_path):
    written(tmp_path, [SAMPLE, OTHER, OTHER], [Skipped("a", "b")])
    description = json.loads((tmp_path / "dataset.json").read_text())
    counted = {name: description[name] for name in ("samples", "skipped", "subjects")}
    assert counted == {"samples": 3, "skipped": 1, "subjects": 2}
    assert description["expressions"] == {"anger": 2, "fear": 1}
    assert description["settings"] == {"crops": False}


def test_classes_of_ones_own_come_back_and_stand_after_the_expressions(tmp_path):
    own = OTHER._replace(expression="sehr müde, a")
    dataset = read_dataset(written(tmp_path, (SAMPLE, own)))
    assert dataset.samples == (SAMPLE, own)
    assert dataset.expressions == ("fear", "sehr müde, a")
    description = json.loads((tmp_path / "dataset.json").read_text())
    assert description["expressions"] == {"fear": 1, "sehr müde, a": 1}


def test_a_class_that_the_description_does_not_name_is_refused(tmp_path):
    written(tmp_path, (SAMPLE, OTHER._replace(expression="bored")))
    description = json.loads((tmp_path / "dataset.json").read_text())
    for told in ([], None, "bored", [["bored"]]):
        text = json.dumps({**description, "own_classes": told})
        (tmp_path / "dataset.json").write_text(text)
        with pytest.raises(DeganError, match="not a valid sample"):
            read_dataset(tmp_path)


def test_the_same_samples_give_the_same_bytes(tmp_path):
    one, two = written(tmp_path / "one"), written(tmp_path / "two")
    for name in ("manifest.csv", "skipped.csv", "dataset.json"):
        assert (one / name).read_bytes() == (two / name).read_bytes()


def test_subjects_are_left_out_by_name(tmp_path):
    dataset = read_dataset(written(tmp_path, [SAMPLE, OTHER, SAMPLE]))
    assert dataset.without_subjects(["Bob"]) == [0, 2]
    assert dataset.without_subjects([]) == [0, 1, 2]
    with pytest.raises(DeganError, match="no subject carl, dan"):
        dataset.without_subjects(["dan", "ann", "carl"])


@pytest.mark.parametrize("names", ["Bob", b"Bob", None, 3, [1], iter(["Bob"])])
def test_names_are_a_list_or_set_of_them(tmp_path, names):
    dataset = read_dataset(written(tmp_path))
    assert dataset.without_subjects({"Bob"}) == [0]
    assert dataset.with_expressions({"fear": 1}.keys()).expressions == ("fear",)
    with pytest.raises(DeganTypeError, match="subjects must be a list of names of subjects, not"):
        dataset.without_subjects(names)
    with pytest.raises(DeganTypeError, match="expressions must be a list of names of expressions"):
        dataset.with_expressions(names)


def test_a_part_of_no_samples_is_refused(tmp_path):
    dataset = read_dataset(written(tmp_path))
    with pytest.raises(DeganError, match=r"no sample of .* is left; choose expressions that"):
        check_dataset(dataset.with_expressions([]))
    with pytest.raises(DeganError, match=r"no sample of .* is left; choose expressions that"):
        dataset.with_expressions(["contempt"]).split_indices(None)
    with pytest.raises(DeganTypeError, match="split must be a part of the official split or None"):
        dataset.split_indices(3)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"samples": [SAMPLE._replace(file="../x.png")]}, "sample 0 has the file '../x.png'; give"),
        ({"samples": [SAMPLE, OTHER._replace(file="C:/x")]}, "sample 1 has the file 'C:/x'; give"),
        ({"samples": [SAMPLE._replace(split="dev")]}, "sample 0 is in the split 'dev'; choose"),
        ({"samples": [SAMPLE._replace(expression=" ")]}, "' ' is not a valid expression; give"),
        ({"samples": [SAMPLE._replace(frame="0")]}, "frame of sample 0 must be a whole number"),
        ({"samples": [SAMPLE._replace(subject=None)]}, "subject of sample 0 must be a text"),
        ({"samples": [("a", "b")]}, "samples must be a list of samples, not of tuple"),
        ({"samples": SAMPLE}, "samples must be a list of samples, not of str"),
        ({"samples": 3}, "samples must be a list of samples, not int"),
        ({"skipped": ["a.jpg"]}, "skipped must be a list of skipped files, not of str"),
        ({"skipped": [Skipped("a", None)]}, "a row of skipped must be a list of texts, not of No"),
        ({"crop_size": 0}, "crop_size must be 1 to 4096, not 0"),
        ({"crop_size": 4097}, "crop_size must be 1 to 4096, not 4097"),
        ({"crop_size": 64.0}, "crop_size must be a whole number, not an object of type float"),
        ({"frame": None}, "frame must be the name of a crop frame, not"),
        ({"settings": []}, "settings must be a dict of JSON values, not"),
        ({"settings": {"by": {"ann"}}}, "settings must hold values that JSON can store.*of type s"),
    ],
)
def test_a_wrong_argument_leaves_the_data_set_as_it_was(tmp_path, change, says):
    before = read_dataset(written(tmp_path))
    right = {"crop_size": 32, "frame": "frame/2", "settings": {}}
    with pytest.raises(DeganError, match=says):
        write_dataset(tmp_path, **{"samples": [OTHER], "skipped": [], **right, **change})
    assert read_dataset(tmp_path) == before


def test_numbers_of_numpy_are_written_as_numbers(tmp_path):
    written(tmp_path, [SAMPLE._replace(frame=np.int64(3))], crop_size=np.int64(48))
    dataset = read_dataset(tmp_path)
    assert (dataset.crop_size, dataset.samples[0].frame) == (48, 3)


def test_an_edited_manifest_is_refused(tmp_path):
    written(tmp_path)
    path = tmp_path / "manifest.csv"
    path.write_text(path.read_text().replace("ann", "bob"))
    with pytest.raises(DeganError, match=r"manifest\.csv was changed"):
        read_dataset(tmp_path)


@pytest.mark.parametrize("name", ["manifest.csv", "dataset.json"])
def test_a_missing_file_is_refused_by_its_name(tmp_path, name):
    (written(tmp_path) / name).unlink()
    with pytest.raises(DeganError, match=name):
        read_dataset(tmp_path)


def test_a_folder_that_is_no_data_set_says_how_to_make_one(tmp_path):
    with pytest.raises(DeganError, match="degan prepare folder"):
        read_dataset(tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"{", b"[]", b"null", b"{}", b"\xff\xfe", b"[" * 100_000, b'{"crop_size": "64"}'],
)
def test_a_damaged_description_is_refused(tmp_path, content):
    (written(tmp_path) / "dataset.json").write_bytes(content)
    with pytest.raises(DeganError, match=r"dataset\.json is damaged"):
        read_dataset(tmp_path)


@pytest.mark.parametrize("crop_size", [0, -96, 10**9])
def test_an_impossible_crop_size_is_refused(tmp_path, crop_size):
    description = json.loads((written(tmp_path) / "dataset.json").read_text())
    forged = json.dumps({**description, "crop_size": crop_size})
    (tmp_path / "dataset.json").write_text(forged)
    with pytest.raises(DeganError, match=r"dataset\.json is damaged"):
        read_dataset(tmp_path)


@pytest.mark.parametrize(
    "file", ["../x.png", "crops/../../x.png", "/etc/x.png", "..\\x.png", "C:\\x.png", "C:/x.png"]
)
def test_a_crop_outside_the_data_set_is_refused(tmp_path, file):
    manifest = (written(tmp_path, [OTHER, SAMPLE]) / "manifest.csv").read_text()
    rewritten(tmp_path, manifest.replace(SAMPLE.file, file))
    with pytest.raises(DeganError, match=r"manifest\.csv, line 3,"):
        read_dataset(tmp_path)


@pytest.mark.parametrize(
    "row", ["a.png,bored,ann,s,0,a.jpg,none,1", "a.png,fear,ann,s,x,a.jpg,none,1", "a.png,fear"]
)
def test_a_forged_row_that_is_no_sample_is_refused_by_its_line(tmp_path, row):
    header = (written(tmp_path) / "manifest.csv").read_text().partition("\n")[0]
    rewritten(tmp_path, f"{header}\n{row}\n")
    with pytest.raises(DeganError, match=r"manifest\.csv, line 2,"):
        read_dataset(tmp_path)


@pytest.mark.parametrize(
    ("text", "words"), [("", "is empty"), ("a,b\n1,2\n", "lacks columns"), ('file,"x', "CSV")]
)
def test_a_forged_manifest_that_is_no_manifest_is_refused(tmp_path, text, words):
    rewritten(written(tmp_path), text)
    with pytest.raises(DeganError, match=words):
        read_dataset(tmp_path)


def test_a_data_set_without_samples_is_refused(tmp_path):
    with pytest.raises(DeganError, match=r"skipped\.csv"):
        read_dataset(written(tmp_path, []))
