"""Recognition from Python: several photos, own boxes and landmarks, tasks of an event loop."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import degan
from degan.errors import DeganError
from degan.faces.face import Face
from degan.media.images import read_image

WALL = np.full((90, 120, 3), 100, np.uint8)


@pytest.fixture(scope="module")
def recognizer():
    return degan.Recognizer()


@pytest.fixture(scope="module")
def photos(examples):
    """Photos of one, no, two and one face, of different sizes."""
    one, other = read_image(examples / "smiling/001.jpg"), read_image(examples / "neutral/002.jpg")
    return [one, WALL, np.concatenate([one, other], axis=1), other[:240]]


def same(one, other):
    assert (one.box, one.score, one.expression) == (other.box, other.score, other.expression)
    assert one.probabilities == pytest.approx(other.probabilities, abs=1e-6)
    assert one.code == pytest.approx(other.code, abs=1e-4)
    assert one.actions == pytest.approx(other.actions, abs=1e-6)
    return True


class TestSeveral:
    def test_read_together_they_are_read_as_one_by_one(self, recognizer, photos):
        together = recognizer.predict_many(photos)
        assert [len(faces) for faces in together] == [1, 0, 2, 1]
        for photo, faces in zip(photos, together, strict=True):
            assert all(map(same, faces, recognizer.predict(photo)))

    def test_none_give_none(self, recognizer):
        assert recognizer.predict_many([]) == []
        assert recognizer.predict_crops([]) == []
        assert recognizer.predict_faces(WALL, []) == []
        assert recognizer.predict_boxes(WALL, []) == []

    def test_more_faces_than_are_run_at_once(self, recognizer, photos, monkeypatch):
        monkeypatch.setattr("degan.recognition.weights._BATCH", 2)
        crops = [photos[0][60:210, 60:200]] * 3 + [photos[3][60:210, 60:200]] * 2
        for crop, face in zip(crops, recognizer.predict_crops(crops), strict=True):
            assert same(face, recognizer.predict_crop(crop))

    def test_tasks_of_an_event_loop_give_what_one_gives(self, recognizer, photos):
        async def all_at_once():
            tasks = [asyncio.to_thread(recognizer.predict, photo) for photo in photos * 3]
            return await asyncio.gather(*tasks)

        alone = [recognizer.predict(photo) for photo in photos] * 3
        with ThreadPoolExecutor(1) as thread:  # the main thread may have a loop of the browser's
            together = thread.submit(lambda: asyncio.run(all_at_once())).result()
        for expected, faces in zip(alone, together, strict=True):
            assert [face.probabilities for face in faces] == [
                face.probabilities for face in expected
            ]
            assert [face.box for face in faces] == [face.box for face in expected]


class TestBoxes:
    def test_a_box_around_a_face_gives_nearly_what_finding_it_gives(self, recognizer, photos):
        for found in recognizer.predict(photos[2]):
            (face,) = recognizer.predict_boxes(photos[2], [found.box])
            assert face.expression == found.expression
            assert face.probabilities == pytest.approx(found.probabilities, abs=0.25)
            assert face.box == found.box
            assert face.face.landmarks == pytest.approx(found.face.landmarks, abs=6)

    def test_they_keep_their_order(self, recognizer, photos):
        boxes = [face.box for face in recognizer.predict(photos[2])]
        faces = recognizer.predict_boxes(photos[2], [*boxes, *reversed(boxes)])
        assert [face.box for face in faces] == [*boxes, *reversed(boxes)]
        assert same(faces[0], faces[3])

    def test_where_nobody_is_the_box_is_read_as_it_is(self, recognizer):
        for box in (
            (0, 0, 1e9, 1e9),
            (10, 10, 50, 60),
            (-30, -30, 60, 60),
            (0, 0, 1, 1),
            (119.5, 89.5, 9, 9),
        ):
            (face,) = recognizer.predict_boxes(WALL, [box])
            assert face.face is None
            assert (face.box, face.score) == (box, 0)
            assert sum(face.probabilities.values()) == pytest.approx(1, abs=1e-5)

    @pytest.mark.parametrize(
        "box",
        [
            (200, 10, 50, 60),
            (-60, 10, 50, 60),
            (10, 10, 0, 60),
            (10, 10, 50, -1),
        ],
    )
    def test_a_box_that_shows_nothing_of_the_image_is_refused(self, recognizer, box):
        with pytest.raises(DeganError, match="has no area in an image of 120 x 90 pixels"):
            recognizer.predict_boxes(WALL, [(1, 1, 20, 20), box])

    @pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf"), 1e10])
    def test_a_number_that_is_no_pixel_is_refused(self, recognizer, number):
        for place in range(4):
            box = [1.0, 1.0, 20.0, 20.0]
            box[place] = number
            with pytest.raises(DeganError, match=r"a box must have numbers of pixels up to 1e\+09"):
                recognizer.predict_boxes(WALL, [(1, 1, 20, 20), box])

    @settings(max_examples=25)
    @given(st.tuples(*[st.floats(-1e6, 1e6)] * 2, *[st.floats(-10, 1e6)] * 2))
    def test_any_numbers_are_read_or_refused(self, recognizer, box):
        try:
            (face,) = recognizer.predict_boxes(WALL, [box])
        except DeganError:
            return
        assert face.box == box


class TestLandmarks:
    @pytest.fixture(scope="class")
    @classmethod
    def found(cls, recognizer, photos):
        return recognizer.predict(photos[0])[0]

    def test_own_landmarks_give_what_those_of_degan_give(self, recognizer, photos, found):
        points = found.face.landmarks
        irises = np.concatenate([points, points[:10]])
        for given_ in (points, irises, points[:, :2], points.astype(np.float64), points.tolist()):
            face = Face.of_landmarks(photos[0], given_)
            (read_,) = recognizer.predict_faces(photos[0], [face])
            assert read_.probabilities == pytest.approx(found.probabilities, abs=1e-5)
            assert read_.box == pytest.approx(found.box, abs=1e-3)
            assert read_.score == 1

    @pytest.mark.parametrize(
        "change",
        [
            lambda points: points[:467],
            lambda points: points[:, :1],
            lambda points: np.concatenate([points, points], axis=1),
            lambda points: points.ravel(),
            lambda points: points[None],
            lambda points: [],
            lambda points: points * np.nan,
            lambda points: points * np.inf,
            lambda points: points / 256,  # as MediaPipe gives them, shares of the image
            lambda points: points * 0 + 50,
            lambda points: points + 10_000,
            lambda points: points * 1_000,
        ],
    )
    def test_what_is_no_face_in_the_image_is_refused(self, photos, found, change):
        with pytest.raises(DeganError, match=r"^landmarks must be"):
            Face.of_landmarks(photos[0], change(found.face.landmarks))

    def test_the_image_must_be_one(self, found):
        with pytest.raises(DeganError, match="an image must be an RGB uint8 array"):
            Face.of_landmarks(WALL[..., 0], found.face.landmarks)


@pytest.mark.parametrize(
    "image",
    [
        WALL.astype(np.float32) / 255,
        WALL.astype(np.int64),
        WALL[..., 0],
        WALL[..., :1],
        np.concatenate([WALL, WALL[..., :1]], axis=2),
        WALL[None],
        WALL[:0],
        WALL[:, :0],
        WALL.tolist(),
        "photo.jpg",
        None,
    ],
    ids=["float", "int", "grey", "one channel", "BGRA", "batch", "no rows", "no columns", "list",
         "path", "nothing"],
)  # fmt: skip
def test_what_is_no_image_is_refused_in_one_sentence(recognizer, image):
    for call in (
        recognizer.predict,
        recognizer.find_faces,
        recognizer.predict_crop,
        lambda one: recognizer.predict_many([WALL, one]),
        lambda one: recognizer.predict_faces(one, []),
        lambda one: recognizer.predict_boxes(one, []),
    ):
        with pytest.raises(DeganError, match="an image must be an RGB uint8 array") as caught:
            call(image)
        assert "\n" not in str(caught.value)


def test_an_image_may_be_a_view_in_any_order(recognizer, photos):
    (plain,) = recognizer.predict(photos[0])
    padded = np.zeros((300, 400, 3), np.uint8)
    padded[:256, :256] = photos[0]
    bgr = np.ascontiguousarray(photos[0][..., ::-1])
    for view in (padded[:256, :256], bgr[..., ::-1], np.asfortranarray(photos[0])):
        assert same(recognizer.predict(view)[0], plain)


def test_an_image_that_may_not_be_written_is_read(recognizer, photos):
    image = photos[0].copy()
    image.flags.writeable = False
    assert len(recognizer.predict(image)) == 1


class TestThorough:
    def test_faces_upside_down_beside_upright_ones_are_found_on_demand(self, astronaut):
        upright = astronaut[:240, 60:380]
        both = np.concatenate([upright, np.rot90(upright, 2)], axis=1)
        assert len(degan.Recognizer().predict(both)) == 1
        assert len(degan.Recognizer(thorough=True).predict(both)) == 2


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (3000, 1), (2, 2), (33, 500)])
def test_images_of_any_shape_have_no_face_and_raise_nothing(recognizer, shape):
    assert recognizer.predict(np.full((*shape, 3), 128, np.uint8)) == []
