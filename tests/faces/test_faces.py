"""The face finder on real photos: found once, whatever the rotation, size and place."""

import csv
import itertools
import math
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

import degan
from degan.errors import DeganError, DeganTypeError
from degan.faces import detector
from degan.faces import finder as finder_module
from degan.faces.alignment import crop_face
from degan.faces.face import Face
from degan.faces.finder import FaceFinder
from degan.faces.tracker import Tracker
from degan.media.images import RgbImage, read_image
from degan.system import assets

LONDON = Path(__file__).parents[3] / "shared" / "data" / "london"
RIGHT_EYE = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
LEFT_EYE = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)

needs_london = pytest.mark.skipif(not LONDON.exists(), reason=f"no London photos at {LONDON}")


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return FaceFinder()


@pytest.fixture(scope="module")
def face(finder: FaceFinder, astronaut: RgbImage) -> Face:
    (found,) = finder.find(astronaut)
    return found


def turned(image: RgbImage, degrees: float) -> tuple[RgbImage, np.ndarray]:
    """Turn an image clockwise on a larger canvas; also the (2, 3) map back to the image."""
    height, width = image.shape[:2]
    side = math.ceil(math.hypot(height, width))
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    linear = np.array([[cos, sin], [-sin, cos]])
    shift = np.array([width / 2, height / 2]) - linear @ np.full(2, side / 2)
    back = np.hstack([linear, shift[:, None]])
    canvas = Image.fromarray(image).transform(
        (side, side),
        Image.Transform.AFFINE,
        data=tuple(back.ravel()),
        resample=Image.Resampling.BICUBIC,
        fillcolor=(128, 128, 128),
    )
    return np.asarray(canvas), back


def pasted(face: RgbImage, size: tuple[int, int], *places: tuple[int, int]) -> RgbImage:
    """Lay copies of an image on a grey canvas (width, height)."""
    canvas = Image.new("RGB", size, (128, 128, 128))
    for place in places:
        canvas.paste(Image.fromarray(face), place)
    return np.asarray(canvas)


def scaled(image: RgbImage, scale: float) -> RgbImage:
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """Mean distance of landmarks in the plane."""
    return float(np.linalg.norm(one[:, :2] - other[:, :2], axis=1).mean())


def test_a_portrait_has_one_upright_face(face: Face) -> None:
    x, y, width, height = face.box
    assert 150 < x < 200
    assert 40 < y < 90
    assert 80 < width < 130
    assert 90 < height < 150
    assert abs(face.roll) < 10
    assert 0.5 < face.score <= 1
    assert 0.9 < face.landmark_score <= 1
    assert face.landmarks.shape == (468, 3)
    assert face.landmarks.dtype == np.float32


@pytest.mark.parametrize("degrees", [0, 30, 45, 90, 135, 180, 225, 270, 315, 350])
def test_a_turned_face_is_found_once_with_its_roll(
    finder: FaceFinder, astronaut: RgbImage, face: Face, degrees: float
) -> None:
    image, back = turned(astronaut, degrees)
    (found,) = finder.find(image)
    assert abs(math.remainder(found.roll - face.roll - degrees, 360)) < 5
    upright = found.landmarks[:, :2] @ back[:, :2].T + back[:, 2]
    assert distance(upright, face.landmarks) < 0.03 * face.box[2]


@pytest.mark.parametrize("place", [(0, 0), (700, 300), (1100, 480), (1750, 950)])
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_face_of_40_pixels_is_found_in_a_large_photo(
    finder: FaceFinder, astronaut: RgbImage, face: Face, place: tuple[int, int], turns: int
) -> None:
    x, y, width, height = (round(value) for value in face.box)
    cut = astronaut[max(0, y - height // 2) : y + 2 * height, x - width // 2 : x + 2 * width]
    small = np.rot90(scaled(cut, 40 / face.box[2]), turns)
    (found,) = finder.find(pasted(small, (1920, 1080), place))
    assert 30 < min(found.box[2:]) < 50
    assert place[0] <= found.box[0] < place[0] + small.shape[1]
    assert place[1] <= found.box[1] < place[1] + small.shape[0]


PANORAMA = [(8_000, 2_000), (1_000, 16_000)]  # width, height in pixels


@pytest.mark.parametrize("size", PANORAMA)
def test_faces_of_40_pixels_are_found_in_panoramas_and_long_screenshots(
    finder: FaceFinder, face: Face, astronaut: RgbImage, size: tuple[int, int]
) -> None:
    small = scaled(astronaut, 44 / face.box[2])
    canvas = np.full((size[1], size[0], 3), 120, np.uint8)
    places = [(x, y) for x in range(60, size[0] - 200, 1300) for y in range(70, size[1] - 200, 900)]
    for x, y in places:
        canvas[y : y + small.shape[0], x : x + small.shape[1]] = small
    boxes = [found.box for found in finder.find(canvas)]
    assert len(boxes) == len(places)
    corners = np.array([(box[0] - face.box[0] * 44 / face.box[2], box[1]) for box in boxes])
    for x, y in places:
        near = np.abs(corners - (x, y + face.box[1] * 44 / face.box[2])).max(axis=1) < 6
        assert near.sum() == 1
    again = [found.box for found in finder.find(canvas)]
    assert again == boxes


@pytest.mark.parametrize("shape", [(4321, 5117, 3), (20_001, 1_003, 3)])
@pytest.mark.parametrize("scale", [0.3375, 0.02, 0.9])
def test_large_photos_are_reduced_in_strips_with_the_same_result(
    shape: tuple[int, int, int], scale: float
) -> None:
    image = np.random.default_rng(0).integers(0, 255, shape, dtype=np.uint8)
    size = round(shape[1] * scale), round(shape[0] * scale)
    whole = Image.fromarray(image).resize(size, Image.Resampling.BILINEAR, reducing_gap=1.1)
    np.testing.assert_array_equal(np.asarray(detector._level(image, scale)), np.asarray(whole))


def test_a_face_that_fills_the_frame_is_found_inside_it(
    finder: FaceFinder, astronaut: RgbImage, face: Face
) -> None:
    x, y, width, height = (round(value) for value in face.box)
    cut = astronaut[y : y + height, x : x + width]
    (found,) = finder.find(cut)
    left, top, found_width, found_height = found.box
    assert left >= 0
    assert top >= 0
    assert left + found_width <= width
    assert top + found_height <= height
    assert distance(found.landmarks[:, :2] + (x, y), face.landmarks) < 0.05 * width


def party(astronaut: RgbImage, turned: list[int]) -> RgbImage:
    """Four faces of falling size, each turned by so many quarters."""
    canvas = Image.new("RGB", (1280, 720), (90, 120, 90))
    places = [(1.0, (20, 100)), (0.6, (560, 40)), (0.5, (600, 420)), (0.4, (950, 400))]
    for (scale, place), turns in zip(places, turned, strict=True):
        cut = np.rot90(scaled(astronaut[:260, 80:360], scale), turns)
        canvas.paste(Image.fromarray(np.ascontiguousarray(cut)), place)
    return np.asarray(canvas)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_all_faces_of_a_photo_are_found_however_it_lies(
    finder: FaceFinder, astronaut: RgbImage, turns: int
) -> None:
    found = finder.find(np.ascontiguousarray(np.rot90(party(astronaut, [0] * 4), turns)))
    assert [round(face.roll / 90) % 4 for face in found] == [-turns % 4] * 4


def test_every_face_is_found_largest_first(finder: FaceFinder, astronaut: RgbImage) -> None:
    """Those that lie beside upright ones too, where that is asked for."""
    found = finder.find(party(astronaut, [0, 1, 0, 2]), thorough=True)
    assert len(found) == 4
    sizes = [face.box[2] * face.box[3] for face in found]
    assert sizes == sorted(sizes, reverse=True)
    rolls = [round(face.roll / 90) % 4 for face in found]
    assert rolls == [0, 3, 0, 2]  # largest first; rot90 turns anticlockwise


@pytest.mark.parametrize("name", ["brick", "coffee", "coins", "text", "rocket"])
def test_no_face_is_seen_where_there_is_none(finder: FaceFinder, name: str) -> None:
    image = np.asarray(Image.fromarray(getattr(skimage.data, name)()).convert("RGB"))
    assert finder.find(image) == []


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 1), (7, 7), (3000, 1)], ids=str)
def test_odd_sizes_hold_no_face(finder: FaceFinder, height: int, width: int) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    for image in (noise, np.zeros_like(noise)):
        assert finder.find(image) == []
        assert finder.find(np.ascontiguousarray(image.transpose(1, 0, 2))) == []
        assert finder.find_in_crop(image) is None


def test_a_large_min_face_is_obeyed_by_speed_not_by_dropping_large_faces(
    astronaut: RgbImage, face: Face
) -> None:
    (found,) = FaceFinder(min_face=90).find(astronaut)
    assert distance(found.landmarks, face.landmarks) < 0.02 * face.box[2]


@pytest.mark.parametrize("min_face", [0, -1, math.nan, math.inf, "40", None, True])
def test_a_senseless_min_face_is_refused(min_face: float) -> None:
    with pytest.raises(DeganError, match="min_face must be"):
        FaceFinder(min_face=min_face)


@pytest.mark.parametrize("threads", [0, -1, 10**12, 1.5, "1", None])
def test_a_senseless_number_of_threads_is_refused(threads: int) -> None:
    with pytest.raises(DeganError, match="threads must be"):
        FaceFinder(threads=threads)


IMAGE = np.zeros((40, 40, 3), np.uint8)
NO_IMAGES = {
    "nothing": None,
    "a list": IMAGE.tolist(),
    "grey": IMAGE[..., 0],
    "transparent": np.zeros((40, 40, 4), np.uint8),
    "of floats": IMAGE / 255,
    "empty": IMAGE[:0],
}


@pytest.mark.parametrize("image", NO_IMAGES.values(), ids=NO_IMAGES)
def test_only_images_are_searched(finder: FaceFinder, face: Face, image: object) -> None:
    for call in (
        finder.find,
        finder.find_main,
        finder.find_upright,
        finder.find_in_crop,
        lambda image: finder.find_in_box(image, (0, 0, 40, 40)),
        lambda image: finder.follow(image, face.landmarks),
        lambda image: Tracker(finder).next(image, 0.0),
        lambda image: crop_face(image, None, 40),
        lambda image: crop_face(image, face.landmarks, 40),
    ):
        with pytest.raises(DeganError, match="an image must be an RGB uint8 array"):
            call(image)


@pytest.mark.parametrize(
    "box", [None, "abcd", b"abcd", (1, 2, 3), np.array("x"), np.zeros((4, 1)), [[1], 2, 3, 4]]
)
def test_a_box_is_four_numbers(finder: FaceFinder, box: object) -> None:
    with pytest.raises(DeganTypeError, match="a box must be four numbers"):
        finder.find_in_box(IMAGE, box)


@pytest.mark.parametrize("landmarks", [None, "abc", np.zeros((468, 3)), np.zeros((5, 2))])
def test_only_landmarks_of_a_face_are_followed(finder: FaceFinder, landmarks: object) -> None:
    with pytest.raises(DeganError, match="landmarks"):
        finder.follow(IMAGE, landmarks)


def test_thorough_is_true_or_false(finder: FaceFinder) -> None:
    with pytest.raises(DeganTypeError, match="thorough must be True or False"):
        finder.find(IMAGE, thorough="no")


@pytest.mark.parametrize("side", [32, 48, 96])
@pytest.mark.parametrize(("mode", "border"), [("RGB", 0.0), ("L", 0.0), ("L", 0.25)])
def test_the_face_of_a_tight_crop_is_found(
    finder: FaceFinder, astronaut: RgbImage, face: Face, side: int, mode: str, border: float
) -> None:
    x, y, width, height = face.box
    size = max(width, height) * (1 + border)
    left, top = round(x + width / 2 - size / 2), round(y + height / 2 - size / 2)
    cut = Image.fromarray(astronaut).crop((left, top, left + round(size), top + round(size)))
    cut = cut.resize((side, side), Image.Resampling.BICUBIC)
    image = np.asarray(cut.convert(mode).convert("RGB"))
    found = finder.find_in_crop(image)
    assert found is not None
    scale = round(size) / side
    back = found.landmarks[:, :2] * scale + (left, top)
    assert distance(back, face.landmarks) < 0.06 * width
    assert abs(found.roll - face.roll) < 6


def cut_out(image: RgbImage, face: Face, side: int) -> RgbImage:
    """Return the face of an image as a crop of ``side`` pixels, as data sets have them."""
    x, y, width, height = (round(value) for value in face.box)
    margin = width // 8
    cut = image[y - margin : y + height + margin, x - margin : x + width + margin]
    return np.asarray(Image.fromarray(cut).resize((side, side), Image.Resampling.LANCZOS))


@pytest.mark.parametrize("side", [48, 96])
@pytest.mark.parametrize("is_grey", [False, True])
def test_a_clear_upright_crop_is_searched_once_with_the_result_of_the_full_search(
    astronaut: RgbImage,
    face: Face,
    side: int,
    is_grey: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    finder = FaceFinder()
    crop = cut_out(astronaut, face, side)
    if is_grey:
        crop = crop[..., 1:2].repeat(3, axis=2)
    runs: list[int] = []
    run = finder._detector._short.__call__

    def counted(window: RgbImage, turns: int) -> detector.Proposals:
        runs.append(turns)
        return run(window, turns)

    monkeypatch.setattr(finder._detector, "_short", counted)
    monkeypatch.setattr(counted, "side", 128, raising=False)
    once = finder.find_in_crop(crop)
    assert runs == [0]
    monkeypatch.setattr(finder_module, "_UPRIGHT_LOGIT", math.inf)
    monkeypatch.setattr(finder_module, "as_grey", lambda image: image)
    full = finder.find_in_crop(crop)
    assert runs == [0, 0, 2]
    assert once is not None
    assert full is not None
    np.testing.assert_array_equal(once.landmarks, full.landmarks)
    assert once.box == full.box
    assert once.score == full.score


def test_a_crop_without_a_face_gives_none(finder: FaceFinder) -> None:
    for name in ("brick", "grass", "gravel", "coins"):
        image = np.repeat(getattr(skimage.data, name)()[:48, :48, None], 3, axis=2)
        assert finder.find_in_crop(image) is None


def test_an_upside_down_crop_is_not_taken_for_a_face(
    finder: FaceFinder, astronaut: RgbImage
) -> None:
    assert finder.find_in_crop(astronaut[40:200, 150:300]) is not None
    assert finder.find_in_crop(astronaut[40:200, 150:300][::-1, ::-1]) is None


def test_threads_that_share_a_finder_agree(
    finder: FaceFinder, astronaut: RgbImage, face: Face
) -> None:
    with ThreadPoolExecutor(4) as pool:
        for (found,) in pool.map(finder.find, [astronaut] * 8):
            assert found.box == face.box
            assert np.array_equal(found.landmarks, face.landmarks)


def test_a_damaged_network_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = Path(degan.__file__).parent / "assets"
    shutil.copytree(shipped, tmp_path / "assets")
    monkeypatch.setattr(assets, "files", lambda _package: tmp_path)
    assert assets.asset_bytes("face_landmark.onnx")
    network = tmp_path / "assets" / "face_landmark.onnx"
    network.write_bytes(network.read_bytes()[:-1] + b"?")
    with pytest.raises(DeganError, match=r"face_landmark\.onnx is damaged.*reinstall degan"):
        FaceFinder()
    network.unlink()
    with pytest.raises(DeganError, match="reinstall degan"):
        FaceFinder()


@pytest.mark.parametrize("name", ["NOTICE", "../faces.py", "no such file"])
def test_only_listed_assets_are_given_out(name: str) -> None:
    with pytest.raises(DeganError, match="reinstall degan"):
        assets.asset_bytes(name)


@needs_london
def test_london_faces_are_found_once_whatever_the_rotation(finder: FaceFinder) -> None:
    photos = sorted(LONDON.glob("*/[0-9]*.jpg"))[::17]
    for path, degrees in zip(
        photos, itertools.cycle((0, 45, 90, 160, 180, 250, 300)), strict=False
    ):
        image, _ = turned(read_image(path), degrees)
        found = finder.find(image)
        assert len(found) == 1, path
        assert abs(math.remainder(found[0].roll - degrees, 360)) < 12, path


@needs_london
def test_eye_centres_agree_with_clicked_pupils(finder: FaceFinder) -> None:
    errors = []
    with (LONDON / "pupils.csv").open(newline="") as file:
        for row in list(csv.DictReader(file))[::6]:
            (found,) = finder.find(read_image(LONDON / row["expression"] / f"{row['subject']}.jpg"))
            names = ("image_left_x", "image_left_y", "image_right_x", "image_right_y")
            clicked = np.array([float(row[name]) for name in names]).reshape(2, 2)
            flat = found.landmarks[:, :2]
            centres = np.stack([flat[list(eye)].mean(axis=0) for eye in (RIGHT_EYE, LEFT_EYE)])
            apart = np.linalg.norm(clicked[1] - clicked[0])
            errors += (np.linalg.norm(centres - clicked, axis=1) / apart).tolist()
    assert np.mean(errors) <= 0.05
    assert max(errors) <= 0.12
