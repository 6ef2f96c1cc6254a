"""Figures of groups of people: a table with a row a person, and the gap between two groups."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from degan.data.manifest import Dataset
from degan.data.people_table import read_people
from degan.data.sample import Sample
from degan.errors import DeganError
from degan.evaluation.group_metrics import metrics_by_group
from degan.evaluation.grouping import group

TABLE = "face_id,face_age,Gender\nann,24,female\nbob,,male\ncid,31.5,\n"


def sample(subject, expression="neutral"):
    return Sample(f"{subject}.png", expression, subject, f"s/{subject}", 0, "a.jpg", "landmarks", 1)


@pytest.fixture
def data(tmp_path):
    """A data set of four samples; of dora nothing is known, and one has no name."""
    samples = tuple(map(sample, ("bob", "ann", "dora", "", "cid")))
    return Dataset(tmp_path, samples, 96, "frame/1", "0" * 64, "folder")


def table(folder, text):
    path = folder / "people.csv"
    path.write_text(text, encoding="utf-8")
    return path


class TestTable:
    def test_each_sample_gets_what_is_known_of_its_person(self, data, tmp_path):
        path = table(tmp_path, TABLE)
        assert read_people(path, data, "gender") == ["male", "female", None, None, None]

    def test_numbers_are_numbers_and_empty_cells_nothing(self, data, tmp_path):
        path = table(tmp_path, TABLE)
        assert read_people(path, data, "face_age") == [None, 24, None, None, 31.5]

    def test_words_for_nothing_are_nothing(self, data, tmp_path):
        path = table(tmp_path, "subject,age\nann,24\nbob,NA\ncid,?\n")
        assert read_people(path, data, "age") == [None, 24, None, None, None]

    def test_a_word_among_numbers_makes_all_words(self, data, tmp_path):
        path = table(tmp_path, "subject,age\nann,24\nbob,old\ncid,inf\n")
        assert read_people(path, data, "age") == ["old", "24", None, None, "inf"]

    def test_the_column_subject_names_the_people_wherever_it_stands(self, data, tmp_path):
        path = table(tmp_path, "Age;Group,Subject\nold,ann\n")
        assert read_people(path, data, "age;group") == [None, "old", None, None, None]

    def test_a_mark_of_the_byte_order_and_windows_line_ends_are_no_matter(self, data, tmp_path):
        path = table(tmp_path, "\ufeff" + TABLE.replace("\n", "\r\n"))
        assert read_people(path, data, "face_id") == ["bob", "ann", None, None, "cid"]

    @pytest.mark.parametrize(
        "text",
        [
            "Subject;Age\r\nann;31,5\r\n;\r\nbob;\r\n",
            "sep=;\nsubject;age\nann;31,5\n",
            "subject\tage\t\nann\t31,5\t\n",
            "subject,age,\r,,\rann,31.5,\r",
        ],
    )
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
    def test_a_table_of_any_spreadsheet_is_read(self, data, tmp_path, text, encoding):
        (tmp_path / "people.csv").write_bytes(text.encode(encoding))
        values = read_people(tmp_path / "people.csv", data, "age")
        assert values == [None, 31.5, None, None, None]

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("", "is empty"),
            ("subject,age\n", "has no rows; it needs"),
            ("subject,age\nann,3\nann,4\n", "names 'ann' twice"),
            ("subject,age\nann,3,4\n", "row of 'ann' in .* has 3 cells"),
            ("subject,age\nxavier,3\n", "lists no subject of"),
            ("subject,mood\nann,3\n", "has no column 'age'; its columns: subject, mood"),
            ('subject,age\n"ann,3\n', "is not a CSV table"),
        ],
    )
    def test_what_is_wrong_with_a_table_is_one_sentence(self, data, tmp_path, text, sentence):
        with pytest.raises(DeganError, match=sentence):
            read_people(table(tmp_path, text), data, "age")

    def test_bytes_that_are_no_text_are_refused(self, data, tmp_path):
        path = tmp_path / "people.csv"
        path.write_bytes(b"subject,age\n\xff\xfe,3\n")
        with pytest.raises(DeganError, match="not a CSV table in UTF-8"):
            read_people(path, data, "age")

    @given(content=st.binary(max_size=200))
    def test_whatever_a_file_holds_it_is_read_or_refused(self, content, tmp_path_factory):
        folder = tmp_path_factory.mktemp("any")
        path = folder / "people.csv"
        path.write_bytes(content)
        samples = (sample("a"), sample("1"))
        made = Dataset(folder, samples, 96, "frame/1", "0" * 64, "folder")
        try:
            assert len(read_people(path, made, "b")) == 2
        except DeganError as error:
            assert "\n" not in str(error)


class TestGap:
    @staticmethod
    def by(sizes, wrong):
        """People of groups a, b, ...; the first ``wrong`` of each are misread."""
        values, samples, predicted = [], [], []
        for name, size, misread in zip("abcd", sizes, wrong, strict=False):
            values += [name] * size
            samples += [sample(f"{name}{k}", ("neutral", "fear")[k % 2]) for k in range(size)]
            predicted += [(k % 2) ^ (k < misread) for k in range(size)]
        return metrics_by_group(group(values), samples, ("neutral", "fear"), np.array(predicted))

    def test_it_is_between_the_best_and_the_worst(self):
        gap = self.by((20, 20, 20), (2, 8, 4))["gap"]
        assert (gap["best"], gap["worst"]) == ("a", "b")
        assert gap["difference"] == pytest.approx(0.3)
        low, high = gap["interval"]
        assert 0 < low < 0.3 < high < 0.6

    def test_groups_of_few_people_have_no_part_in_it(self):
        gap = self.by((20, 9, 20), (2, 9, 4))["gap"]
        assert (gap["best"], gap["worst"]) == ("a", "c")
        assert self.by((20, 9), (2, 3))["gap"] is None

    def test_groups_read_alike_have_a_gap_of_nothing(self):
        gap = self.by((20, 20), (4, 4))["gap"]
        assert gap["best"] != gap["worst"]
        assert gap["difference"] == 0
        assert gap["interval"][0] < 0 < gap["interval"][1]
