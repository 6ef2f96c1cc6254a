"""Scenes: how a face is seen, and what a picture loses on its way."""

import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from degan.synthetic.degrade import degrade
from degan.synthetic.scene import FRONT_LIGHT, FRONTAL, Degradation, SceneRange, draw_scene
from degan.synthetic.turned_frame import turned_frame

SEEDS = st.integers(0, 2**32 - 1)
COVER = (0.25, 0.5, 0.3, 0.2)  # left, top, width, height in shares of the side


def drawn(ranges=None, seeds=range(300)):
    return [draw_scene(np.random.default_rng(seed), ranges) for seed in seeds]


def detail(image):
    """How much neighbours differ, in grey levels."""
    return np.abs(np.diff(image.astype(float), axis=0)).mean()


def change(image, other):
    return np.abs(image.astype(float) - other).mean()


# ------------------------------------------------------------------------------------- scenes


@given(SEEDS, st.floats(0, 60), st.floats(0, 40), st.floats(0, 20))
def test_no_angle_is_further_than_two_and_a_half_deviations(seed, yaw, pitch, roll):
    camera = draw_scene(np.random.default_rng(seed), SceneRange(yaw, pitch, roll)).camera
    for angle, deviation in ((camera.yaw, yaw), (camera.pitch, pitch), (camera.roll, roll)):
        assert abs(angle) <= 2.5 * deviation


def test_heads_turn_as_much_as_asked_for_and_to_both_sides():
    yaw = np.array([scene.camera.yaw for scene in drawn(SceneRange(yaw=20))])
    assert yaw.std() == pytest.approx(20, rel=0.15)
    assert abs(yaw.mean()) < 4


@given(SEEDS, st.floats(0, 90), st.floats(0, 90))
def test_no_turned_head_is_turned_further_than_the_given_angles(seed, yaw, pitch):
    camera = draw_scene(np.random.default_rng(seed), SceneRange(turn=(yaw, pitch))).camera
    assert abs(camera.yaw) <= yaw
    assert abs(camera.pitch) <= pitch


def test_turned_heads_are_turned_by_all_angles_equally_often():
    cameras = [scene.camera for scene in drawn(SceneRange(turn=(45, 20)), range(1000))]
    for angles, most in (([c.yaw for c in cameras], 45), ([c.pitch for c in cameras], 20)):
        counts, _ = np.histogram(angles, bins=5, range=(-most, most))
        assert counts.sum() == 1000
        assert min(counts) > 150
    assert np.std([camera.roll for camera in cameras]) == pytest.approx(5, rel=0.15)


def test_the_frame_of_a_turned_head_has_the_mean_error_of_the_landmarks():
    for camera in (scene.camera for scene in drawn(SceneRange(turn=(45, 20), frame=0))):
        mean = turned_frame(camera.yaw, camera.pitch)
        assert camera.shift == (mean.right, mean.down)
        assert camera.scale == 1 + mean.growth
        assert camera.tilt == mean.tilt


@given(st.floats(-45, 45), st.floats(-20, 20))
def test_mirrored_heads_have_mirrored_frames(yaw, pitch):
    one, other = turned_frame(yaw, pitch), turned_frame(-yaw, pitch)
    assert one == other._replace(right=-other.right, tilt=-other.tilt)


def test_frontal_scenes_are_straight_in_the_studio_and_without_a_flaw():
    for scene in drawn(FRONTAL):
        camera = scene.camera
        assert max(abs(camera.yaw), abs(camera.pitch), abs(camera.roll)) <= 5
        assert max(abs(shift) for shift in camera.shift) <= 0.01
        assert scene.light == FRONT_LIGHT
        assert replace(scene.degradation, cover_tone=0.5, seed=0) == Degradation()
        assert scene.tone.brightness == 0.55
        assert scene.tone.contrast == 1


def test_the_frame_is_as_exact_as_asked_for():
    still = [scene.camera for scene in drawn(SceneRange(frame=0))]
    assert {(camera.shift, camera.scale, camera.tilt) for camera in still} == {((0, 0), 1, 0)}
    shifts = [scene.camera.shift for scene in drawn(SceneRange(frame=0.05))]
    assert np.std(shifts) == pytest.approx(0.05, rel=0.15)


@given(SEEDS)
def test_lights_are_far_lamps_of_positive_light(seed):
    light = draw_scene(np.random.default_rng(seed), SceneRange(light=1)).light
    assert 1 <= len(light.lamps) <= 3
    for lamp in light.lamps:
        assert np.linalg.norm(lamp.direction) == pytest.approx(1)
        assert min(lamp.colour) > 0
    assert min(light.ambient) > 0
    assert 0 <= light.shadow <= 1


def test_light_comes_from_both_sides_and_mostly_from_above():
    lamps = np.array([scene.light.lamps[0].direction for scene in drawn(SceneRange(light=1))])
    assert abs((lamps[:, 0] > 0).mean() - 0.5) < 0.1
    assert (lamps[:, 1] > 0).mean() > 0.7


def test_degradations_come_as_often_and_as_strongly_as_asked_for():
    def losses(strength):
        scenes = drawn(SceneRange(degradation=strength, grey=0))
        return [replace(one.degradation, cover_tone=0.5, seed=0) for one in scenes]

    def touched(strength):
        return np.mean([loss != Degradation() for loss in losses(strength)])

    assert touched(0) == 0
    assert 0 < touched(0.3) < touched(1)
    assert touched(1) > 0.9
    grey = [scene.degradation.grey for scene in drawn(SceneRange(grey=0.3))]
    assert np.mean(grey) == pytest.approx(0.3, abs=0.08)


@given(SEEDS)
def test_the_same_seed_gives_the_same_scene(seed):
    one, other = (draw_scene(np.random.default_rng(seed)) for _ in range(2))
    assert one == other


@given(SEEDS)
def test_a_covering_lies_in_the_picture(seed):
    cover = draw_scene(np.random.default_rng(seed), SceneRange(degradation=5)).degradation.cover
    if cover is not None:
        left, top, width, height = cover
        assert min(cover) >= 0
        assert left + width <= 1
        assert top + height <= 1


# ------------------------------------------------------------------------------- degradations


def test_a_picture_that_loses_nothing_stays_as_it_is(astronaut):
    np.testing.assert_array_equal(degrade(astronaut, Degradation()), astronaut)


@pytest.mark.parametrize(
    "loss",
    [
        Degradation(resolution=0.3), Degradation(blur=0.01), Degradation(noise=8),
        Degradation(jpeg=40), Degradation(grey=True), Degradation(cover=COVER),
    ],
)  # fmt: skip
@pytest.mark.parametrize("shape", [(512, 512), (48, 48), (31, 57)])
def test_a_loss_changes_a_copy_of_the_same_shape(astronaut, loss, shape):
    image = np.ascontiguousarray(astronaut[100 : 100 + shape[0], : shape[1]])
    if shape == (512, 512):
        image = astronaut.copy()
    before = image.copy()
    worse = degrade(image, loss)
    assert worse.shape == image.shape
    assert worse.dtype == np.uint8
    assert change(worse, image) > 0
    np.testing.assert_array_equal(image, before)


def test_grey_has_equal_channels_and_keeps_the_brightness(astronaut):
    grey = degrade(astronaut, Degradation(grey=True))
    np.testing.assert_array_equal(grey[..., 0], grey[..., 1])
    np.testing.assert_array_equal(grey[..., 0], grey[..., 2])
    luma = astronaut @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(grey[..., 0], luma, atol=1)


def test_the_lower_the_resolution_the_less_detail_but_the_same_brightness(astronaut):
    half, tenth = (degrade(astronaut, Degradation(resolution=share)) for share in (0.5, 0.1))
    assert detail(tenth) < 0.7 * detail(half) < 0.7 * detail(astronaut)
    assert tenth.mean() == pytest.approx(astronaut.mean(), abs=1)
    small = np.asarray(Image.fromarray(astronaut).resize((51, 51), Image.Resampling.BOX))
    again = np.asarray(Image.fromarray(tenth).resize((51, 51), Image.Resampling.BOX))
    assert change(small, again) < 0.3 * change(tenth, astronaut)


def test_blur_takes_detail_in_proportion_to_the_picture(astronaut):
    soft, softer = (degrade(astronaut, Degradation(blur=share)) for share in (0.003, 0.012))
    assert detail(softer) < detail(soft) < detail(astronaut)
    assert softer.mean() == pytest.approx(astronaut.mean(), abs=1)
    picture = Image.fromarray(astronaut).resize((128, 128), Image.Resampling.BOX)
    small = degrade(np.asarray(picture), Degradation(blur=0.012))
    after = Image.fromarray(softer).resize((128, 128), Image.Resampling.BOX)
    assert change(small, np.asarray(after)) < 1.5


@pytest.mark.parametrize("deviation", [1.0, 4.0, 8.0])
def test_noise_has_the_deviation_asked_for_and_no_bias(deviation):
    flat = np.full((200, 200, 3), 128, np.uint8)
    noise = degrade(flat, Degradation(noise=deviation)).astype(float) - 128
    assert noise.std() == pytest.approx(np.hypot(deviation, np.sqrt(1 / 12)), rel=0.03)
    assert abs(noise.mean()) < 0.05
    assert abs(np.corrcoef(noise[..., 0].ravel(), noise[..., 1].ravel())[0, 1]) < 0.03


def test_noise_at_the_ends_of_the_scale_stays_there():
    for level in (0, 255):
        noisy = degrade(np.full((50, 50, 3), level, np.uint8), Degradation(noise=8))
        assert abs(noisy.astype(int) - level).max() < 60


def test_a_covering_hides_its_rectangle_and_nothing_else(astronaut):
    covered = degrade(astronaut, Degradation(cover=COVER, cover_tone=0.2))
    hidden = np.zeros(astronaut.shape[:2], bool)
    hidden[256:358, 128:282] = True
    assert (covered[hidden] == 51).all()
    np.testing.assert_array_equal(covered[~hidden], astronaut[~hidden])


def test_compression_changes_little_and_less_at_a_better_quality(astronaut):
    poor, good = (change(degrade(astronaut, Degradation(jpeg=q)), astronaut) for q in (20, 90))
    assert 0 < good < poor < 8
    assert good < 3
    file = io.BytesIO()
    Image.fromarray(astronaut).save(file, format="JPEG", quality=90)
    np.testing.assert_array_equal(
        degrade(astronaut, Degradation(jpeg=90)), np.asarray(Image.open(file).convert("RGB"))
    )


@given(SEEDS)
def test_the_same_loss_gives_the_same_bytes_and_another_seed_other_noise(seed):
    image = np.random.default_rng(seed).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    ranges = SceneRange(degradation=2, grey=0.3)
    loss = replace(draw_scene(np.random.default_rng(seed), ranges).degradation, noise=3.0)
    np.testing.assert_array_equal(degrade(image, loss), degrade(image, loss))
    plain = Degradation(noise=3.0, seed=loss.seed)
    assert change(degrade(image, plain), degrade(image, replace(plain, seed=loss.seed + 1))) > 1
