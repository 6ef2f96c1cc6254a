"""Results on the same samples, held against each other: what is compared, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from degan.errors import DeganError
from degan.evaluation.compare import compare_results
from degan.evaluation.paired import compare
from degan.evaluation.predictions import predictions_text

HEADER = "index,source,subject,sequence,expression,predicted,neutral,happiness\n"


def saying(folder, faces, right, order=None):
    """Write what a recogniser that gets some of the faces right would leave; return the folder."""
    places = range(len(faces.samples)) if order is None else order
    names = faces.expressions
    truth = [names.index(faces.samples[place].expression) for place in places]
    said = [t if right[place] else 1 - t for t, place in zip(truth, places, strict=True)]
    folder.mkdir()
    text = predictions_text(faces, places, names, np.eye(len(names))[said])
    (folder / "predictions.csv").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def some(faces):
    return np.random.default_rng(0).random((2, len(faces.samples))) < 0.7


def test_a_result_is_held_against_the_first_person_by_person(faces, some, tmp_path):
    one, two = (saying(tmp_path / n, faces, own) for n, own in zip("ab", some, strict=True))
    summary = compare_results(one, [two], out=tmp_path / "out")
    assert summary == json.loads((tmp_path / "out/compare.json").read_text())
    first, second = summary["results"].values()
    assert first["accuracy"] == pytest.approx(some[0].mean())
    assert second["accuracy"] == pytest.approx(some[1].mean())
    known = compare(some[1], some[0], [sample.subject for sample in faces.samples])
    assert second["difference"] == pytest.approx(known.accuracy)
    assert second["difference_interval"] == pytest.approx(known.interval)
    assert second["p"] == second["p_holm"] == pytest.approx(known.p)
    assert second["gained"] - second["lost"] == some[1].sum() - some[0].sum()
    assert (summary["images"], summary["persons"]) == (24, 12)


def test_of_several_runs_their_mean_is_compared_person_by_person(faces, tmp_path):
    rng = np.random.default_rng(2)
    right = rng.random((2, 3, len(faces.samples))) < 0.7
    joined = []
    for name, runs in zip("ab", right, strict=True):
        folders = [saying(tmp_path / f"{name}{i}", faces, run) for i, run in enumerate(runs)]
        joined.append(Path(",".join(map(str, folders))))
    summary = compare_results(joined[0], joined[1:])
    row = summary["results"][str(joined[1])]
    persons = [sample.subject for sample in faces.samples]
    known = compare(right[1], right[0], persons)
    assert row["accuracy"] == pytest.approx(right[1].mean())
    assert row["difference"] == pytest.approx(right[1].mean() - right[0].mean())
    assert (row["difference_interval"], row["p"]) == (list(known.interval), known.p)
    assert row["gained"] - row["lost"] == right[1].sum() - right[0].sum()
    assert summary["runs"] == 3


def test_the_same_run_twice_over_says_no_more_than_once(faces, some, tmp_path):
    """Seeds that all say the same are no more people: intervals and p stay as they are."""
    one, two = (saying(tmp_path / n, faces, own) for n, own in zip("ab", some, strict=True))
    copies = [saying(tmp_path / f"{n}2", faces, own) for n, own in zip("ab", some, strict=True)]
    once = compare_results(one, [two])["results"]
    pairs = [Path(f"{run},{copy}") for run, copy in zip((one, two), copies, strict=True)]
    twice = compare_results(pairs[0], pairs[1:])["results"]
    for name, joined in zip((one, two), pairs, strict=True):
        there, here = once[str(name)], twice[str(joined)]
        for key in set(there) - {"gained", "lost"}:
            assert here[key] == pytest.approx(there[key]), key


def test_results_of_another_number_of_runs_are_refused(faces, some, tmp_path):
    one, two = (saying(tmp_path / n, faces, own) for n, own in zip("ab", some, strict=True))
    three = saying(tmp_path / "c", faces, some[0])
    with pytest.raises(
        DeganError, match=r"b has 1 runs and .* has 2; give each result the same number"
    ):
        compare_results(two, [Path(f"{one},{three}")])
    with pytest.raises(DeganError, match="a is given twice"):
        compare_results(two, [Path(f"{one},{one}")])


@pytest.mark.parametrize("written", ["{},", ",{}", "{},,{}"])
def test_a_comma_that_joins_nothing_is_told(faces, some, tmp_path, written, monkeypatch):
    """What lies in the working directory is not taken for a run."""
    one, two = (saying(tmp_path / n, faces, own) for n, own in zip("ab", some, strict=True))
    monkeypatch.chdir(one)
    with pytest.raises(DeganError, match="names no run before or after a comma"):
        compare_results(two, [Path(written.format(one, one))])


def test_a_folder_whose_name_has_a_comma_is_one_result(faces, some, tmp_path):
    one, two = (saying(tmp_path / n, faces, own) for n, own in zip(("a,b", "c"), some, strict=True))
    assert compare_results(one, [two])["runs"] == 1


def test_log_losses_stand_beside_each_other(tmp_path):
    row = "{0},p{0}.png,s{0},,neutral,neutral,{1},{2}\n"
    for name, shares in (("a", (0.5, 0.25)), ("b", (1.0, 0.25))):
        rows = [row.format(i, share, 1 - share) for i, share in enumerate(shares)]
        (tmp_path / name).write_text(HEADER + "".join(rows))
    first, second = compare_results(tmp_path / "a", [tmp_path / "b"])["results"].values()
    assert first["log_loss"] == pytest.approx(np.log([2, 4]).mean())
    assert second["log_loss_difference"] == pytest.approx(-np.log(2) / 2)
    assert second["log_loss_difference_interval"] == pytest.approx(
        [(-0.5 - 12.706 / 2) * np.log(2), (-0.5 + 12.706 / 2) * np.log(2)], rel=1e-4
    )  # Student's t with one degree of freedom


def test_an_expression_without_a_class_was_given_nothing(tmp_path):
    (tmp_path / "a").write_text(HEADER + "0,p.png,s,,anger,neutral,0.6,0.4\n")
    (tmp_path / "b").write_text(HEADER + "0,p.png,s,,anger,neutral,1.0,0.0\n")
    first, second = compare_results(tmp_path / "a", [tmp_path / "b"])["results"].values()
    assert first["log_loss"] == second["log_loss"] == pytest.approx(-np.log(1e-6))


def test_the_order_of_the_rows_does_not_matter(faces, some, tmp_path):
    one, two = (saying(tmp_path / n, faces, own) for n, own in zip("ab", some, strict=True))
    other_order = np.random.default_rng(1).permutation(24).tolist()
    mixed = saying(tmp_path / "c", faces, some[1], other_order)
    there, back = (
        list(compare_results(one, [other])["results"].values())[1] for other in (two, mixed)
    )
    assert there == back


def test_of_several_each_p_is_adjusted_for_all(faces, some, tmp_path):
    one, two = (saying(tmp_path / n, faces, own) for n, own in zip("ab", some, strict=True))
    none = saying(tmp_path / "c", faces, np.zeros(24, dtype=bool))
    rows = compare_results(one, [two, none])["results"]
    assert list(rows) == [str(one), str(two), str(none)]
    assert rows[str(none)]["p"] < 0.01
    assert rows[str(none)]["p_holm"] == 2 * rows[str(none)]["p"]


def test_where_nobody_is_named_a_recording_counts_as_a_person(tmp_path):
    """As in the intervals of all other figures."""
    row = "{},p.png,,{},neutral,{},1,0\n"
    for name, said in (("a", "neutral"), ("b", "happiness")):
        rows = [row.format(i, f"s{i // 4}", said) for i in range(8)]
        (tmp_path / name).write_text(HEADER + "".join(rows))
    summary = compare_results(tmp_path / "a", [tmp_path / "b"])
    assert summary["persons"] == 2
    assert summary["results"][str(tmp_path / "b")]["p"] == 0.5


def test_results_on_other_samples_are_refused_with_what_differs(faces, some, tmp_path):
    one = saying(tmp_path / "a", faces, some[0])
    fewer = saying(tmp_path / "b", faces, some[0], range(20))
    with pytest.raises(DeganError, match=r"20 samples instead of 24.*same samples"):
        compare_results(one, [fewer])
    text = (one / "predictions.csv").read_text()
    (tmp_path / "c").write_text(text.replace(faces.samples[3].source, "else.jpg"))
    with pytest.raises(DeganError, match=r"sample 3, else\.jpg"):
        compare_results(one, [tmp_path / "c"])


def test_a_result_given_twice_is_refused(faces, some, tmp_path):
    one = saying(tmp_path / "a", faces, some[0])
    with pytest.raises(DeganError, match="given twice"):
        compare_results(one, [one])


def test_what_holds_no_result_is_one_sentence(tmp_path):
    with pytest.raises(DeganError, match=r"holds no predictions\.csv; give a finished run"):
        compare_results(tmp_path, [tmp_path / "other"])


def test_a_run_is_never_written_into(faces, some, tmp_path):
    one, two = (saying(tmp_path / n, faces, own) for n, own in zip("ab", some, strict=True))
    (one / "run.json").write_text("{}")
    with pytest.raises(DeganError, match="choose another folder"):
        compare_results(one, [two], out=one)
    assert {path.name for path in one.iterdir()} == {"run.json", "predictions.csv"}


@pytest.mark.parametrize(
    "content",
    [
        "a,b\n1,2\n",
        HEADER,
        HEADER + "x,p.png,s,q,neutral,neutral,1,0\n",
        HEADER + "9" * 5000 + ",p.png,s,q,neutral,neutral,1,0\n",
        HEADER + "0,p.png,s,q,joy,neutral,1,0\n",
        HEADER + "0,p.png,s,q\n",
        HEADER + "0,p.png,s,q,neutral,neutral,1,0\n" * 2,
        HEADER + '0,"p.png,s,q,neutral,neutral,1,0\n',
        HEADER + "0," + "p" * 200_000 + ",s,q,neutral,neutral,1,0\n",
        HEADER + "0,\udcff,s,q,neutral,neutral,1,0\n",
    ],
)
def test_a_damaged_table_is_one_sentence(content, tmp_path):
    (tmp_path / "a").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(DeganError, match=r"/a( |, row)"):
        compare_results(tmp_path / "a", [tmp_path / "b"])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_table_that_a_spreadsheet_saved_is_the_same_table(encoding, tmp_path):
    text = HEADER + "0,p.png,s,q,neutral,neutral,0.75,0.25\n"
    (tmp_path / "a").write_text(text)
    saved = text.replace(",", ";").replace(".75", ",75").replace(".25", ",25")
    (tmp_path / "b").write_bytes(saved.replace("\n", "\r\n").encode(encoding))
    rows = compare_results(tmp_path / "a", [tmp_path / "b"])["results"].values()
    assert len({row["log_loss"] for row in rows}) == 1


@pytest.mark.parametrize("names", ["", ",neutral,neutral"])
def test_each_class_has_one_column(names, tmp_path):
    header = HEADER.partition(",neutral")[0] + names + "\n"
    (tmp_path / "a").write_text(header + "0,p.png,s,q,neutral,neutral" + ",0.5" * 2 + "\n")
    with pytest.raises(
        DeganError, match=r"a has (no column|two columns 'neutral') of probabilities"
    ):
        compare_results(tmp_path / "a", [tmp_path / "a"])


@given(st.text(max_size=200))
def test_no_table_at_all_ends_in_anything_else(tmp_path_factory, text):
    folder = tmp_path_factory.mktemp("any")
    (folder / "a").write_bytes((HEADER + text).encode("utf-8", "surrogatepass"))
    with pytest.raises(DeganError):
        compare_results(folder / "a", [folder / "b"])


def test_the_command_prints_a_row_a_result_or_refuses_in_a_line(faces, some, tmp_path, degan):
    """From what 'degan evaluate' wrote of the weights that ship to a table that fits 80 columns."""
    shipped = tmp_path / "shipped"
    assert degan("evaluate", "--data", faces.folder, "--out", shipped).returncode == 0
    other = saying(tmp_path / "other", faces, some[0])
    found = degan("compare", shipped, other, "--out", tmp_path / "out")
    assert found.returncode == 0, found.stderr
    assert "24 images of 12 people" in found.stderr
    assert "difference to the first" in found.stdout
    assert (tmp_path / "out/compare.json").exists()
    refused = degan("compare", shipped, faces.folder)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert len(refused.stderr.strip().splitlines()) == 1


def test_results_in_classes_of_ones_own_can_be_compared(tmp_path):
    header = HEADER.replace("neutral", "bored").replace("happiness", "awake")
    for name, read in (("a", "bored"), ("b", "awake")):
        (tmp_path / name).write_text(header + f"0,p.png,s,q,bored,{read},1,0\n")
    summary = compare_results(tmp_path / "a", [tmp_path / "b"])
    assert [row["accuracy"] for row in summary["results"].values()] == [1, 0]


@pytest.mark.parametrize("others", ["runs/a", Path("runs/a"), [], [3], iter([])])
def test_other_results_are_a_list_of_paths(others):
    with pytest.raises(DeganError, match=r"others (must be a|is an empty list)"):
        compare_results("reference", others)
