"""MMI as its owner has it: what look-alike copies give, and what is said of their faults."""

import io
import random
import sys
from contextlib import suppress
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from degan.data.adapter import AdapterResult
from degan.data.datasets.mmi import ADAPTER
from degan.data.pictures import Location, PictureReader, VideoFrame
from degan.errors import DeganError
from sequences import pack, put, reading

av = pytest.importorskip("av")

read, only = reading(ADAPTER)
EXPRESSIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")


@cache
def film(count=11, width=64, height=48, ratio=None):
    """A video that is bright on the left and dark on the right, for dual views."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="avi") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        if ratio is not None:
            stream.codec_context.sample_aspect_ratio = ratio
        for number in range(count):
            image = np.full((height, width, 3), 200 + number % 2, np.uint8)
            image[:, width // 2 :] = 20
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return buffer.getvalue()


def sheet(*metatags, text=""):
    tags = "".join(f'<Metatag Name="{name}" Value="{value}"/>' for name, value in metatags)
    return f'<?xml version="1.0"?><Annotation>{tags}{text}</Annotation>'.encode()


def units(*units):
    """The annotation of action units: a number, and (type, frame) of its markers."""
    rows = "".join(
        f'<ActionUnit Number="{number}">'
        + "".join(f'<Marker Type="{kind}" Frame="{frame}"/>' for kind, frame in markers)
        + "</ActionUnit>"
        for number, *markers in units
    )
    return f"<AUAnnotation>{rows}</AUAnnotation>".encode()


def session(value=4, name="S001-100", number="7", view="0", subject="1", video=None, extra=None):
    """The files of a session; a value of None leaves the expression out."""
    folder = f"Sessions/{number}"
    info = f'<session id="{number}"><subject id="{subject}" gender="f"/>'
    info += f'<track type="Video" filename="{name}.avi" view="{view}"/></session>'
    tags = [("Subject", "x"), *([("Emotion", value)] if value is not None else [])]
    files = {
        f"{folder}/session.xml": info.encode(),
        f"{folder}/{name}.avi": film() if video is None else video,
        f"{folder}/{name}.xml": sheet(*tags),
    }
    return files | {f"{folder}/{key}": data for key, data in (extra or {}).items()}


def indices(recording):
    return [source.picture.index for source in recording.sources]


def reasons(found):
    return {row.name: row.reason for row in found.skipped}


def left_out(path):
    """Why the one session of a copy is left out."""
    found = read(path)
    assert found.recordings == []
    (row,) = found.skipped
    assert row.name == "Sessions/7/S001-100.avi"
    assert row.reason.isprintable()
    return row.reason


def test_three_frames_in_the_middle_are_samples(tmp_path):
    recording = only(put(tmp_path, session()))
    where = Location(tmp_path / "Sessions/7/S001-100.avi")
    assert [source.picture for source in recording.sources] == [
        VideoFrame(where, index) for index in (4, 5, 6)
    ]
    assert [(s.name, s.frame) for s in recording.sources] == [
        (f"Sessions/7/S001-100.avi#{index}", index) for index in (4, 5, 6)
    ]
    assert {(s.expression, s.subject, s.sequence, s.split) for s in recording.sources} == {
        ("happiness", "S001", "7/S001-100", "")
    }
    assert [picture.index for picture in recording.before] == [1, 2, 3]


@pytest.mark.parametrize(("value", "expression"), [*enumerate(EXPRESSIONS, start=1)])
def test_values_are_those_of_the_makers(tmp_path, value, expression):
    assert {s.expression for s in only(put(tmp_path, session(value))).sources} == {expression}


def test_case_and_writing_do_not_matter(tmp_path):
    files = {name.upper(): data for name, data in session(None).items()}
    tag = b'<a xmlns="urn:x"><METATAG name="EMOTION" VALUE=" 4.0 "/></a>'
    recording = only(put(tmp_path, files, {"SESSIONS/7/S001-100.XML": tag}))
    assert {(s.expression, s.subject) for s in recording.sources} == {("happiness", "S001")}


def test_the_expression_may_stand_in_session_xml(tmp_path):
    files = session()
    info = files["Sessions/7/session.xml"].replace(
        b"</session>", b'<Metatag Name="Emotion" Value="6"/></session>'
    )
    del files["Sessions/7/S001-100.xml"]
    put(tmp_path, files, {"Sessions/7/session.xml": info})
    assert only(tmp_path).sources[0].expression == "surprise"


def test_peak_frames_and_the_neutral_first_frame_are_the_protocols(tmp_path):
    put(tmp_path, session())
    assert indices(only(tmp_path, peak_frames=1)) == [5]
    neutral, peak = read(tmp_path, peak_frames=5, neutral=True).recordings
    assert indices(peak) == [3, 4, 5, 6, 7]
    (first,) = neutral.sources
    assert (first.expression, first.subject, first.frame) == ("neutral", "S001", 0)
    assert first.sequence != peak.sources[0].sequence


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_video_shorter_than_the_peak_is_taken_whole_and_has_no_neutral(tmp_path, count):
    put(tmp_path, session(video=film(count)))
    assert indices(only(tmp_path, neutral=True)) == [*range(count)]


def apex(tmp_path, data, name="S001-100-oao_aucs.xml"):
    put(tmp_path, session(extra={name: data}))
    return indices(only(tmp_path, peak_frames=1))


def test_the_apex_of_action_units_is_the_peak(tmp_path):
    # Frames count from 1; a phase lasts until the next marker.
    markers = [(0, 1), (1, 2), (2, 3), (3, 6), (0, 9)]
    assert apex(tmp_path, units(["12", *markers])) == [3]


def test_the_peak_is_where_most_action_units_are_at_their_apex(tmp_path):
    data = units(["6", (2, 1), (3, 6)], ["12", (2, 4), (3, 10)], ["25", (2, 4), (3, 6)])
    assert apex(tmp_path, data) == [4]


def test_an_apex_that_no_marker_ends_lasts_to_the_end(tmp_path):
    assert apex(tmp_path, units(["12", (1, 1), (2, 9)])) == [9]
    assert apex(tmp_path, units(["12", (1, 1), (2, 9), (3, 400)])) == [9]


def test_a_blink_is_no_peak(tmp_path):
    data = units(["12", (2, 2), (3, 5)], ["45", (2, 9), (3, 10)], ["45", (2, 4), (3, 5)])
    assert apex(tmp_path, data) == [2]


@pytest.mark.parametrize(
    "text",
    ['<Annotation apex="3"/>', '<x><Metatag Name="Apex frame" Value="3"/></x>',
     '<x><clip Peak_Frame="3"/></x>', '<x><AU/><ActionUnit Number="1" Apex="3" Offset="4"/></x>',
     '<x><actionunit number="1"><marker type="Apex" frame="3"/><marker type="offset" frame="4"/>'
     "</actionunit></x>"],
)  # fmt: skip
def test_an_apex_may_be_written_in_other_ways(tmp_path, text):
    assert apex(tmp_path, text.encode()) == [2]


@pytest.mark.parametrize(
    "text",
    [units(), units(["12", (0, 1), (1, 2)]), units(["12", ("x", "y"), (2, "")]),
     units(["12", (2, 5), (3, 5)]), b'<x apex="soon"/>', units(["12", (2, 0)])],
)  # fmt: skip
def test_without_a_usable_apex_the_peak_is_the_middle(tmp_path, text):
    assert apex(tmp_path, text) == [5]


@pytest.mark.parametrize("data", [units(["12", (2, 40), (3, 50)]), b'<x apex="40"/>'])
def test_an_apex_that_the_video_does_not_reach_is_left_out(tmp_path, data):
    put(tmp_path, session(extra={"S001-100-oao_aucs.xml": data}))
    assert (
        left_out(tmp_path)
        == "the apex is frame 40, but the video has only 11 frames; download it again"
    )


@pytest.mark.parametrize("view", ["2", "dual", "Dual View", "both", "frontal and profile"])
@pytest.mark.parametrize(
    ("name", "half"), [("S001-100", "right"), ("S016-002", "left"), ("S099-001", "whole")]
)
def test_of_a_dual_view_the_frontal_half_is_taken(tmp_path, view, name, half):
    recording = only(put(tmp_path, session(view=view, name=name)))
    assert {source.picture.half for source in recording.sources} == {half}
    assert {picture.half for picture in recording.before} == {half}
    image = PictureReader().read([recording.sources[0].picture])[0]
    assert image.shape == (48, 64 if half == "whole" else 32, 3)
    assert abs(image.mean() - {"left": 200, "right": 20, "whole": 110}[half]) < 20


@pytest.mark.parametrize("half", ["left", "right", "whole"])
def test_the_half_of_a_dual_view_may_be_chosen(tmp_path, half):
    put(tmp_path, session(view="dual"))
    assert only(tmp_path, dual_view=half).sources[0].picture.half == half


def test_dual_views_may_be_left_out_and_frontal_ones_stay(tmp_path):
    both, front = session(view="2"), session(view="0", number="8", name="S003-001")
    found = read(put(tmp_path, both, front), dual_view="skip")
    assert [recording.sources[0].subject for recording in found.recordings] == ["S003"]
    assert "front and the side at once" in found.skipped[0].reason


def test_the_middle_may_be_chosen_whatever_is_annotated(tmp_path):
    put(tmp_path, session(extra={"S001-100-oao_aucs.xml": units(["12", (1, 1), (2, 9)])}))
    assert indices(only(tmp_path, peak_frames=1, peak="middle")) == [5]


def test_a_metatag_may_tell_the_view(tmp_path):
    both = sheet(("Emotion", 1), ("View", "Dual view"))
    put(tmp_path, session(view=""), {"Sessions/7/S001-100.xml": both})
    assert only(tmp_path).sources[0].picture.half == "right"


@pytest.mark.parametrize("view", ["1", "profile", "Profile view"])
def test_videos_in_profile_are_left_out(tmp_path, view):
    assert "profile" in left_out(put(tmp_path, session(view=view)))


def test_the_view_is_that_of_the_videos_own_track(tmp_path):
    files = session()
    files["Sessions/7/session.xml"] = files["Sessions/7/session.xml"].replace(
        b"<track", b'<track filename="S001-100-both.avi" view="2"/><track'
    )
    assert only(put(tmp_path, files)).sources[0].picture.half == "whole"


@pytest.mark.parametrize(
    ("size", "view", "turned"),
    [((720, 576), "0", True), ((720, 576), "2", False), ((640, 480), "0", False)],
)
def test_frontal_views_that_were_filmed_lying_are_turned(tmp_path, size, view, turned):
    put(tmp_path, session(view=view, video=film(3, *size)))
    pictures = [source.picture for source in only(tmp_path).sources]
    assert {picture.turned for picture in pictures} == {turned}
    if turned:
        image = PictureReader().read(pictures[:1])[0]
        assert image.shape == (720, 576, 3)
        assert image[:300].mean() > 180  # what was on the left


def test_pixels_that_are_not_square_become_so_before_a_view_is_turned(tmp_path):
    """PAL has 720 x 576 pixels with a ratio of 16:15."""
    put(tmp_path, session(video=film(3, 720, 576, ratio=Fraction(16, 15))))
    pictures = [source.picture for source in only(tmp_path).sources]
    assert {picture.turned for picture in pictures} == {True}
    assert PictureReader().read(pictures[:1])[0].shape == (768, 576, 3)


def test_who_is_shown_is_told_by_the_videos_name_or_else_by_the_session(tmp_path):
    put(tmp_path, session(name="S012-034", number="1", subject="9"))
    put(tmp_path, session(name="clip", number="2", subject="12"))
    put(tmp_path, session(name="clip", number="3", subject="S012"))
    put(tmp_path, session(name="clip", number="4", subject="Anna"))
    found = read(tmp_path)
    assert [r.sources[0].subject for r in found.recordings] == ["S012", "S012", "S012", "Anna"]


def test_a_video_of_nobody_is_left_out(tmp_path):
    put(tmp_path, session(), session(name="clip", number="2", subject=""))
    found = read(tmp_path)
    assert len(found.recordings) == 1
    assert "names the subject" in reasons(found)["Sessions/2/clip.avi"]


def test_a_session_without_an_expression_is_left_out(tmp_path):
    assert left_out(put(tmp_path, session(None))) == "no expression label (metatag Emotion)"


@pytest.mark.parametrize("value", ["0", "7", "-1", "2.5", "", "happy", "99999999999", "&#x200b;4"])
def test_a_value_out_of_range_is_left_out_and_quoted(tmp_path, value):
    reason = left_out(put(tmp_path, session(value)))
    assert reason.startswith("its expression label is '")
    assert reason.endswith("not 1 to 6")


def test_labels_that_differ_are_left_out_and_equal_ones_are_one(tmp_path):
    put(tmp_path, session(extra={"more.xml": sheet(("emotion", 4))}))
    assert only(tmp_path).sources[0].expression == "happiness"
    put(tmp_path, session(extra={"more.xml": sheet(("emotion", 5))}))
    assert left_out(tmp_path) == "several expression labels that differ (4, 5)"


def test_what_systems_leave_behind_is_passed_over_in_silence(tmp_path):
    junk = dict.fromkeys([".DS_Store", "Sessions/.DS_Store", "Sessions/7/.DS_Store"], b"x")
    junk |= {"__MACOSX/Sessions/7/._S001-100.avi": b"x", "Sessions/7/._S001-100.avi": b"x"}
    junk |= {"Sessions/7/poster.jpg": b"x", "readme.txt": b"x", "notes/page.xml": b"<x/>"}
    assert indices(only(put(tmp_path, session(), junk))) == [4, 5, 6]


@pytest.mark.parametrize("root", [False, True])
def test_zip_files_are_read_in_place(tmp_path, root):
    path = pack(tmp_path / "download.zip", session(view="2"), {"__MACOSX/._x": b""})
    pictures = [source.picture for source in only(path if root else tmp_path).sources]
    assert {picture.video.member for picture in pictures} == {"Sessions/7/S001-100.avi"}
    assert [image.shape for image in PictureReader().read(pictures)] == [(48, 32, 3)] * 3


def test_a_session_that_lies_there_twice_is_used_once(tmp_path):
    put(tmp_path, session())
    pack(tmp_path / "download.zip", session())
    found = read(tmp_path)
    assert len(found.recordings) == 1
    assert reasons(found) == {"download.zip/Sessions/7/S001-100.avi": "a second copy of this video"}


def test_a_whole_copy_stands_in_for_a_broken_one(tmp_path):
    put(tmp_path, session(video=b"broken"))
    pack(tmp_path / "z.zip", session())
    found = read(tmp_path)
    assert found.recordings[0].sources[0].picture.video.member
    assert set(reasons(found)) == {"Sessions/7/S001-100.avi"}


def test_two_videos_of_one_session_have_each_their_own_label(tmp_path):
    put(tmp_path, session(), session(2, name="S001-101"))
    found = read(tmp_path)
    assert [(r.sources[0].sequence, r.sources[0].expression) for r in found.recordings] == [
        ("7/S001-100", "happiness"), ("7/S001-101", "disgust"),
    ]  # fmt: skip


def test_a_flat_folder_of_many_videos_gives_each_its_own_label(tmp_path):
    number = {f"S{n % 30 + 1:03d}-{n:03d}": n % 6 + 1 for n in range(60)}
    small = film(3, 16, 16)
    files = {f"all/{name}.avi": small for name in number}
    files |= {f"all/{name}.xml": sheet(("Emotion", code)) for name, code in number.items()}
    files |= {f"all/{name}-oao_aucs.xml": units(["12", (2, 1), (3, 2)]) for name in number}
    found = read(pack(tmp_path / "flat.zip", files), peak_frames=1)
    assert found.skipped == []
    assert {r.sources[0].sequence: r.sources[0].expression for r in found.recordings} == {
        f"all/{name}": EXPRESSIONS[code - 1] for name, code in number.items()
    }
    assert {r.sources[0].frame for r in found.recordings} == {0}


def test_sessions_without_a_video_and_videos_without_an_annotation_are_reported(tmp_path):
    photos = session(number="8")
    del photos["Sessions/8/S001-100.avi"]
    found = read(put(tmp_path, session(), photos, {"Sessions/9/S001-102.avi": film()}))
    assert len(found.recordings) == 1
    assert reasons(found) == {
        "Sessions/8": "a session without a video",
        "Sessions/9/S001-102.avi": "no annotation (XML) for this video",
    }


@pytest.mark.parametrize("data", [b"", b"RIFF", b"no video at all", film()[:300]])
def test_an_unreadable_video_is_left_out(tmp_path, data):
    reason = left_out(put(tmp_path, session(video=data)))
    assert "S001-100.avi cannot be read as a video" in reason


def test_a_video_that_was_cut_off_is_left_out_for_its_middle_is_not_the_peak(tmp_path):
    data = film(200)
    reason = left_out(put(tmp_path, session(video=data[: len(data) * 3 // 5])))
    assert "truncated: it has" in reason
    assert "of 200 frames" in reason


BOMB = b'<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>'
OUTSIDE = b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'
DTD = b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><a/>'


@pytest.mark.parametrize("data", [BOMB, OUTSIDE, DTD])
def test_xml_that_declares_entities_or_types_is_refused(tmp_path, data):
    reason = left_out(put(tmp_path, session(extra={"more.xml": data})))
    assert reason.startswith("Sessions/7/more.xml declares entities or a document type")
    assert "passwd" not in reason


@pytest.mark.parametrize(
    "data", [b"<a>", b"<a></b>", b"no xml", b"<a/><b/>", b"<a>\x00</a>", b"<a b='1' b='2'/>"]
)
def test_broken_xml_is_left_out(tmp_path, data):
    reason = left_out(put(tmp_path, session(extra={"more.xml": data})))
    assert reason.startswith("Sessions/7/more.xml is not valid XML")


def test_empty_and_huge_xml_is_not_parsed(tmp_path):
    put(tmp_path, session(extra={"more.xml": b""}))
    assert "more.xml is empty" in left_out(tmp_path)
    put(tmp_path, session(extra={"more.xml": b"<a>" + b" " * 2**20 + b"</a>"}))
    assert "more.xml has 1,048,583 bytes" in left_out(tmp_path)


def test_xml_nested_without_end_is_no_crash(tmp_path):
    for tag in (b"a", b"ActionUnit"):
        data = b"<%s>" % tag * 40_000 + b"</%s>" % tag * 40_000
        put(tmp_path, session(extra={"more.xml": data}))
        found = read(tmp_path)
        assert len(found.recordings) + len(found.skipped) == 1


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1", "cp1252"])
@pytest.mark.parametrize("declared", ["utf-8", "utf-16", "iso-8859-1", "klingon"])
def test_xml_is_read_whatever_its_encoding_and_whatever_it_says_of_it(tmp_path, encoding, declared):
    text = f'<?xml version="1.0" encoding="{declared}"?><a who="Zoë">'
    text += '<Metatag Name="Emotion" Value="2"/></a>'
    put(tmp_path, session(), {"Sessions/7/S001-100.xml": text.encode(encoding)})
    assert only(tmp_path).sources[0].expression == "disgust"


def test_a_path_without_a_session_says_what_to_give(tmp_path):
    with pytest.raises(
        DeganError, match=r"no MMI session .*give the folder that contains Sessions"
    ):
        read(put(tmp_path, {"a/film.avi": film(), "b/session.xml": b"<a/>"}))
    with pytest.raises(DeganError, match=r"left out: a\.zip: damaged"):
        read(put(tmp_path, {"a.zip": b"PK"}))
    with pytest.raises(DeganError, match="does not exist"):
        read(tmp_path / "gone")


def test_without_pyav_there_is_one_sentence_that_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(DeganError, match=r"pip install 'degan\[video\]'"):
        read(put(tmp_path, session()))


LIGHT = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
VALID = (
    sheet(("Emotion", 3), text='<track view="2" filename="S001-100.avi"/>'),
    units(["12", (0, 1), (2, 3), (3, 8)], ["45", (2, 9)]),
)
WORDS = ["<", ">", "/", "&", '"', "Metatag", ' Name="Emotion"', ' Value="4"', "<ActionUnit>", "é"]
WORDS += ['<Marker Type="2" Frame="9"/>', "</ActionUnit>", ' apex="4"', "<!DOCTYPE a>", "\0", "]]>"]


def answer(tmp_path, data):
    """What comes of a session with these bytes among its annotation."""
    if not (tmp_path / "Sessions").exists():
        put(tmp_path, session(video=film(5)))
    put(tmp_path, {"Sessions/7/S001-100-oao_aucs.xml": data})
    with suppress(DeganError):
        found = read(tmp_path)
        assert isinstance(found, AdapterResult)
        assert len(found.recordings) + len(found.skipped) == 1
        assert all(0 <= i < 5 for recording in found.recordings for i in indices(recording))


@LIGHT
@given(st.one_of(st.binary(max_size=80), st.lists(st.sampled_from(WORDS), max_size=12)))
def test_any_bytes_as_xml_give_what_is_found_or_a_sentence(tmp_path, data):
    answer(tmp_path, data if isinstance(data, bytes) else "".join(data).encode())


@LIGHT
@given(st.sampled_from(VALID), st.randoms(use_true_random=False), st.integers(1, 8))
def test_any_damage_to_xml_gives_what_is_found_or_a_sentence(
    tmp_path, data, dice: random.Random, n
):
    damaged = bytearray(data)
    for _ in range(n):
        damaged[dice.randrange(len(damaged))] = dice.choice([*b"<>/&\"='0129", dice.randrange(256)])
    if dice.random() < 0.3:
        del damaged[dice.randrange(len(damaged)) :]
    answer(tmp_path, bytes(damaged))


@LIGHT
@given(st.lists(st.tuples(st.integers(-1, 4), st.integers(-5, 10**10)), max_size=6))
def test_any_markers_give_a_peak_within_the_video_or_a_sentence(tmp_path, markers):
    answer(tmp_path, units(["12", *markers], ["25", *markers[::2]]))
