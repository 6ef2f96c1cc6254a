"""The head of the synthetic people: a face in millimetres that moves as its actions are named."""

import re
import shutil

import numpy as np
import pytest

from degan.errors import DeganError
from degan.synthetic.head_model import (
    CLOTHES,
    LASHES,
    LEFT_EYE,
    RIGHT_EYE,
    SKIN,
    TEETH,
    TONGUE,
    load_head,
)
from degan.synthetic.person import draw_person
from degan.synthetic.raster import rasterize

UP, DOWN, FORWARD, BACK = (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)
OUT, IN = (1, 0, 0), (-1, 0, 0)  # of the subject's left half, where x is positive

# Places on the mean face in mm; the ones beside the middle are of the subject's left half.
CHIN = (0, -97, 21)
BROW_IN, BROW, BROW_OUT = (11, 15, 25), (31, 19, 22), (45, 12, 13)
CHEEK, NOSE_WING = (47, -42, 4), (15, -35, 22)
CORNER, UPPER_LIP, LOWER_LIP = (22, -67, 16), (8, -61, 31), (8, -70, 28)

# What FACS and ARKit say that an action moves at 1: place, direction, millimetres at least.
MOVES = [
    ("browInnerUp", BROW_IN, UP, 5),
    ("browDown{S}", BROW, DOWN, 5),
    ("browOuterUp{S}", BROW_OUT, UP, 6),
    ("cheekPuff", (43, -66, 4), FORWARD, 6),
    ("cheekSquint{S}", CHEEK, UP, 4),
    ("jawForward", CHIN, FORWARD, 4),
    ("jawLeft", CHIN, OUT, 3),
    ("jawRight", CHIN, IN, 3),
    ("jawOpen", CHIN, DOWN, 12),
    ("jawOpen", LOWER_LIP, DOWN, 12),
    ("mouthDimple{S}", CORNER, OUT, 2),
    ("mouthDimple{S}", CORNER, BACK, 2),
    ("mouthFrown{S}", CORNER, DOWN, 3),
    ("mouthFunnel", LOWER_LIP, FORWARD, 2),
    ("mouthLeft", CORNER, OUT, 3),
    ("mouthLowerDown{S}", LOWER_LIP, DOWN, 2),
    ("mouthPucker", CORNER, IN, 3),
    ("mouthRollLower", LOWER_LIP, BACK, 2),
    ("mouthRollUpper", UPPER_LIP, BACK, 4),
    ("mouthShrugLower", LOWER_LIP, UP, 3),
    ("mouthShrugUpper", UPPER_LIP, UP, 3),
    ("mouthSmile{S}", CORNER, UP, 6),
    ("mouthSmile{S}", CORNER, OUT, 4),
    ("mouthStretch{S}", CORNER, OUT, 5),
    ("mouthUpperUp{S}", UPPER_LIP, UP, 3),
    ("noseSneer{S}", NOSE_WING, UP, 2),
]


@pytest.fixture(scope="module")
def head():
    return load_head()


def amounts(head, **actions):
    values = np.zeros(len(head.action_names), np.float32)
    for name, amount in actions.items():
        values[head.action_names.index(name)] = amount
    return values


def moved(head, name, amount=1.0):
    """Where an action takes each vertex of the mean face, in mm (V, 3)."""
    return head.perform(head.mean, amounts(head, **{name: amount})) - head.mean


def at(head, place, side=1):
    """The vertex of the skin that is nearest to a place, or with -1 to its mirror image."""
    skin = np.unique(head.triangles[head.regions == SKIN])
    distance = np.linalg.norm(head.mean[skin] - np.multiply(place, (side, 1, 1)), axis=1)
    assert distance.min() < 6
    return skin[distance.argmin()]


def seen(head, face, region):
    """How many square millimetres of a region a far camera in front of the face sees."""
    x, y, z = face.T
    view = np.stack([x * 2 + 120, 100 - y * 2, 1 / (10_000 - z)], axis=1).astype(np.float32)
    nearest, _ = rasterize(view, head.triangles, 240, 300)
    return np.isin(nearest, np.flatnonzero(head.regions == region)).sum() / 4


def test_all_arrays_speak_of_the_same_vertices_and_actions(head):
    count = len(head.mean)
    assert head.mean.shape == (count, 3)
    assert head.identity.shape[1:] == head.actions.shape[1:] == (count, 3)
    assert len(head.actions) == len(head.action_names) == len(set(head.action_names)) == 52
    assert len(head.identity) == len(head.residual) == head.regression.shape[1]
    assert len(head.regression) == len(head.attribute_names)
    assert len(head.regions) == len(head.triangles)
    assert np.array_equal(np.unique(head.triangles), np.arange(count))
    for share in (head.lips, head.mouth, head.ears, head.lids, head.occlusion):
        assert share.shape == (count,)
        assert share.min() >= 0
        assert 0.9 < share.max() <= 1


def test_every_part_of_a_head_is_there(head):
    parts = {SKIN, LEFT_EYE, RIGHT_EYE, TEETH, TONGUE, LASHES, CLOTHES}
    assert set(head.regions.tolist()) == parts


def test_each_pair_of_neighbours_is_listed_once(head):
    pairs = {
        frozenset(pair) for corners in head.triangles.tolist() for pair in zip(
            corners, corners[1:] + corners[:1], strict=True
        )
    }  # fmt: skip
    assert {frozenset(pair) for pair in head.edges.tolist()} == pairs
    assert len(head.edges) == len(pairs)


def test_the_mean_face_is_as_large_as_a_face(head):
    left, right = (head.mean[eye].mean(axis=0) for eye in head.eyes)
    assert 55 < left[0] - right[0] < 72
    assert 40 < head.mean[head.lips > 0.5, 0].max() * 2 < 60
    skin = np.unique(head.triangles[head.regions == SKIN])
    cheeks = skin[np.abs(head.mean[skin, 1] + 20) < 15]
    assert 120 < np.ptp(head.mean[cheeks, 0]) < 190


def test_the_origin_lies_between_the_eyes_and_both_eyes_look_at_the_camera(head):
    left, right = (head.mean[eye].mean(axis=0) for eye in head.eyes)
    np.testing.assert_allclose((left + right) / 2, 0, atol=0.01)
    assert left[0] > 0 > right[0]
    nose = head.mean[np.abs(head.mean[:, 0]) < 3]
    assert nose[nose[:, 2].argmax(), 1] < -25  # its tip is the foremost place, below the eyes
    for region in (LEFT_EYE, RIGHT_EYE):
        assert 60 < seen(head, head.mean, region) < 500


def test_the_mean_face_is_its_own_mirror_image(head):
    mirror = head.mean * np.float32([-1, 1, 1])
    gaps = [np.linalg.norm(head.mean - vertex, axis=1).min() for vertex in mirror]
    assert max(gaps) < 0.5
    assert np.mean(gaps) < 0.05


def test_a_person_without_coefficients_is_the_mean_face(head):
    np.testing.assert_array_equal(head.neutral(np.zeros(len(head.identity), np.float32)), head.mean)


def test_components_are_apart_and_ordered_by_how_much_they_say(head):
    axes = head.identity.reshape(len(head.identity), -1).astype(np.float64)
    size = np.linalg.norm(axes, axis=1)
    assert (np.diff(size) < 0.01 * size[:-1]).all()
    cosines = (axes @ axes.T) / np.outer(size, size)
    assert np.abs(cosines - np.eye(len(axes))).max() < 0.01


def test_peoples_coefficients_are_about_one_deviation(head):
    shapes = np.array([draw_person(np.random.default_rng(seed)).shape for seed in range(200)])
    deviation = shapes.std(axis=0)
    assert 0.8 < deviation.mean() < 1.1
    assert np.abs(shapes).max() < 5
    # What sex, age and ancestry leave open is less than all there is.
    left_open = np.square(head.residual).sum(axis=1)
    assert (left_open < 1.05).all()
    assert left_open.min() < 0.7


def test_actions_add_up_and_half_an_action_goes_half_the_way(head):
    smile, open_mouth = moved(head, "mouthSmileLeft"), moved(head, "jawOpen")
    both = head.perform(head.mean, amounts(head, mouthSmileLeft=1, jawOpen=1)) - head.mean
    np.testing.assert_allclose(both, smile + open_mouth, atol=1e-4)
    np.testing.assert_allclose(moved(head, "jawOpen", 0.5), open_mouth / 2, atol=1e-4)
    np.testing.assert_array_equal(head.perform(head.mean, amounts(head)), head.mean)


@pytest.mark.parametrize(("name", "place", "direction", "least"), MOVES)
def test_an_action_moves_what_its_name_says(head, name, place, direction, least):
    sides = [(1, "Left"), (-1, "Right")] if "{S}" in name else [(1, "")]
    for side, suffix in sides:
        offset = moved(head, name.format(S=suffix))
        towards = np.multiply(direction, (side, 1, 1))
        here, there = offset[at(head, place, side)], offset[at(head, place, -side)]
        assert here @ towards >= least
        if suffix:  # near the middle the skin of the other half is drawn along
            assert np.linalg.norm(there) < np.linalg.norm(here) / 2


def test_what_has_no_side_moves_both_halves_alike(head):
    for name in ("browInnerUp", "jawOpen", "mouthFunnel", "mouthPucker", "cheekPuff"):
        offset = moved(head, name)
        for place in (BROW_IN, CORNER, CHEEK):
            left, right = offset[at(head, place)], offset[at(head, place, -1)]
            np.testing.assert_allclose(left, right * (-1, 1, 1), atol=0.7)


@pytest.mark.parametrize(
    ("side", "region", "other"), [("Left", LEFT_EYE, RIGHT_EYE), ("Right", RIGHT_EYE, LEFT_EYE)]
)
def test_a_blink_hides_the_eye_of_its_side_and_wide_eyes_show_more(head, side, region, other):
    rest = seen(head, head.mean, region)
    blink = head.mean + moved(head, f"eyeBlink{side}")
    assert seen(head, blink, region) < 0.05 * rest
    assert seen(head, blink, other) == seen(head, head.mean, other)
    assert seen(head, head.mean + moved(head, f"eyeSquint{side}"), region) < 0.9 * rest
    assert seen(head, head.mean + moved(head, f"eyeWide{side}"), region) > 1.2 * rest


@pytest.mark.parametrize(
    ("name", "direction"), [("In", IN), ("Out", OUT), ("Up", UP), ("Down", DOWN)]
)
def test_eyes_look_where_the_action_says(head, name, direction):
    for eye, side, suffix in zip(head.eyes, (1, -1), ("Left", "Right"), strict=True):
        front = eye[head.mean[eye, 2].argmax()]
        offset = moved(head, f"eyeLook{name}{suffix}")
        assert offset[front] @ np.multiply(direction, (side, 1, 1)) > 2


def test_the_tongue_comes_out_between_the_lips(head):
    tongue = np.unique(head.triangles[head.regions == TONGUE])
    lips = head.mean[head.lips > 0.5, 2].max()
    out = head.mean + moved(head, "tongueOut")
    assert head.mean[tongue, 2].max() < lips < out[tongue, 2].max()


def test_a_damaged_head_is_refused(monkeypatch, tmp_path, root):
    assets = shutil.copytree(root / "src" / "degan" / "assets", tmp_path / "assets")
    data = bytearray((assets / "head.npz").read_bytes())
    data[len(data) // 2] ^= 1
    (assets / "head.npz").write_bytes(data)
    monkeypatch.setattr("degan.system.assets.files", lambda package: tmp_path)
    load_head.cache_clear()
    with pytest.raises(DeganError, match=r"head\.npz is damaged .* reinstall degan"):
        load_head()
    load_head.cache_clear()


def test_the_note_beside_the_head_says_what_it_holds_and_where_it_comes_from(head, root):
    assets = root / "src" / "degan" / "assets"
    note = (assets / "head.md").read_text(encoding="utf-8")
    with np.load(assets / "head.npz") as file:
        arrays = {name: file[name] for name in file.files}
    rows = [line for line in note.splitlines() if line.startswith("| `")]
    for name, array in arrays.items():
        row = next(line for line in rows if f"`{name}`" in line.split("|")[1])
        kind = "text" if array.dtype.kind == "U" else str(array.dtype)
        size = {len(head.mean): "V", len(head.triangles): "T"}.get(len(array), str(len(array)))
        assert row.split("|")[2].strip().startswith(f"{kind} ({size},")
    assert f"V = {len(head.mean):,} vertices, T = {len(head.triangles):,} triangles" in note
    for region, count in enumerate(np.bincount(head.regions)):
        assert re.search(rf"\b{region} [a-z ]+ {count:,}\b", note)
    tool = (root / "tools" / "bake_head.py").read_text(encoding="utf-8")
    wheel = re.search(r'WHEEL_SHA256 = "(\w{64})"', tool)[1]
    for page in ("head.md", "NOTICE"):
        text = (assets / page).read_text(encoding="utf-8")
        assert wheel in text
        assert "CC0 1.0" in text
        assert "Mika Suominen" in text
