"""Make the network that distinguishes the people of one event: assets/likeness.onnx.

    python tools/train_likeness.py build/likeness

Trained on synthetic people only, 60,000 pictures of 3,000 people with varied light, pose and
expression. The objective: descriptors of one person are similar, descriptors of two people are not.
Takes half an hour on one core; pictures and the trained network are kept in the folder.
Card: docs/cards/likeness.md.
"""

import argparse
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional as F

from degan.faces.likeness import SIDE, ZOOM
from degan.labels import EXPRESSIONS
from degan.networks.layers import ResidualBlock, conv_norm_relu
from degan.synthetic.expressions import ExpressionRange, draw_expression
from degan.synthetic.plan import SynthesisSettings, person_in
from degan.synthetic.renderer import prepare_person, render
from degan.synthetic.scene import SceneRange, draw_scene
from shipping import ASSETS, record_hash

SEED, PEOPLE, EACH = 3001, 3000, 20
SCENES = SceneRange(yaw=14, pitch=9, roll=8, frame=0.015, degradation=0.6, grey=0.08)
SHOWN = ExpressionRange(intensity=(0.2, 1.0))

WIDTH, LENGTH = 24, 64  # channels of the first layer, length of a descriptor
STEPS, BATCH, RATE = 3200, 128, 3e-3
SCALE, MARGIN = 20.0, 0.2  # of cosines; CosFace (Wang et al. 2018)

DIRECTIONS, CELL = 8, 8  # number of edge directions; side of a cell in pixels
EDGES_LENGTH, RIDGE = 128, 0.003  # length of a descriptor; fraction of the mean variance
EDGES_SHARE = 0.5  # weight of the edges in the similarity


def draw_people(path: Path, seed: int, people: int, each: int) -> NDArray[np.uint8]:
    """Return pictures, uint8 (people * each, SIDE, SIDE, 3), ordered by person; cached in path."""
    if path.exists():
        return np.load(path)
    settings = SynthesisSettings(people=people, images=people * each, seed=seed)
    pictures = np.empty((people * each, SIDE, SIDE, 3), np.uint8)
    for person in range(people):
        figure = prepare_person(person_in(settings, person))
        rng = np.random.default_rng([seed, 7, person])
        for number in range(each):
            label = EXPRESSIONS[rng.integers(len(EXPRESSIONS))]
            expression = draw_expression(rng, label, SHOWN)
            scene = draw_scene(rng, SCENES)
            scene = replace(scene, camera=replace(scene.camera, zoom=ZOOM))
            picture = render(figure, expression.actions, scene, SIDE)
            pictures[person * each + number] = picture
    np.save(path, pictures)
    return pictures


class Pictures(nn.Module):
    """uint8 (N, H, H, 3) -> float (N, 3, H, H); each picture has mean 0, deviation about 1."""

    def forward(self, crops: Tensor) -> Tensor:
        """Standardise the three colours together, to preserve the colours of skin and hair."""
        x = crops.permute(0, 3, 1, 2).to(torch.float32)
        x = x - x.mean(dim=(1, 2, 3), keepdim=True)
        return x / (x.square().mean(dim=(1, 2, 3), keepdim=True).sqrt() + 4.0)


class Describer(nn.Module):
    """A residual network of three stages and a linear layer: (N, 3, 64, 64) -> (N, LENGTH)."""

    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.Sequential(
            conv_norm_relu(3, WIDTH, stride=2),
            ResidualBlock(WIDTH, 2 * WIDTH, stride=2),
            ResidualBlock(2 * WIDTH, 3 * WIDTH, stride=2),
            ResidualBlock(3 * WIDTH, 4 * WIDTH, stride=2),
        )
        self.drop = nn.Dropout(0.2)
        self.code = nn.Linear(4 * WIDTH * (SIDE // 16) ** 2, LENGTH, bias=False)
        self.norm = nn.BatchNorm1d(LENGTH)

    def forward(self, x: Tensor) -> Tensor:
        """Return descriptors of standardised pictures; only their direction matters."""
        code: Tensor = self.norm(self.code(self.drop(self.stages(x).flatten(1))))
        return code


def changed(pictures: Tensor, dice: torch.Generator) -> Tensor:
    """Return augmented pictures (shift, mirror, colours, covers, noise), float, same shape."""
    count = len(pictures)

    def normal(deviation: float, *shape: int) -> Tensor:
        return torch.randn(count, *shape, generator=dice) * deviation

    turn, zoom = normal(0.04), 1 + normal(0.03)
    mirror = torch.where(torch.rand(count, generator=dice) < 0.5, -1.0, 1.0)
    affine = torch.stack(
        [
            torch.stack([zoom * turn.cos() * mirror, -zoom * turn.sin(), normal(0.03)], dim=1),
            torch.stack([zoom * turn.sin() * mirror, zoom * turn.cos(), normal(0.03)], dim=1),
        ],
        dim=1,
    )
    x = pictures.float().permute(0, 3, 1, 2)
    grid = F.affine_grid(affine, list(x.shape), align_corners=False)
    x = F.grid_sample(x, grid, padding_mode="border", align_corners=False)
    curve = torch.exp(normal(0.2, 1, 1, 1)) * torch.exp(normal(0.05, 3, 1, 1))
    x = (x / 255).clamp(1e-4, 1) ** curve
    for index in torch.nonzero(torch.rand(count, generator=dice) < 0.15)[:, 0].tolist():
        height, width = torch.randint(8, 24, (2,), generator=dice).tolist()
        top = int(torch.randint(0, SIDE - height, (1,), generator=dice))
        left = int(torch.randint(0, SIDE - width, (1,), generator=dice))
        x[index, :, top : top + height, left : left + width] = torch.rand(3, 1, 1, generator=dice)
    return (255 * x + normal(2, *x.shape[1:])).permute(0, 2, 3, 1)


def train(pictures: NDArray[np.uint8], path: Path, steps: int = STEPS) -> Describer:
    """Return a network trained to distinguish the people; ``path`` stores the trained network."""
    torch.manual_seed(0)
    network, standard = Describer(), Pictures()
    if path.exists():
        network.load_state_dict(torch.load(path, weights_only=True))
        return network.eval()
    network = network.to(memory_format=torch.channels_last)
    everybody = nn.Parameter(0.05 * torch.randn(PEOPLE, LENGTH))
    optimizer = torch.optim.AdamW([*network.parameters(), everybody], lr=RATE, weight_decay=1e-3)
    dice = torch.Generator().manual_seed(0)
    data, who = torch.from_numpy(pictures), torch.arange(PEOPLE).repeat_interleave(EACH)
    order: list[Tensor] = []
    for step in range(steps):
        if not order:
            order = list(torch.randperm(len(data), generator=dice).split(BATCH))[:-1]
        batch, done = order.pop(), step / steps
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1, step / 100) * (1 + math.cos(math.pi * done)) / 2
        x = standard(changed(data[batch], dice)).contiguous(memory_format=torch.channels_last)
        cosines = F.normalize(network(x)) @ F.normalize(everybody).T
        apart = cosines - MARGIN * min(1, 4 * done) * F.one_hot(who[batch], PEOPLE)
        loss = F.cross_entropy(SCALE * apart, who[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 100 == 0:
            right = (cosines.argmax(dim=1) == who[batch]).float().mean()
            print(f"step {step} of {steps}: loss {loss.item():.3f}, right {right:.1%}", flush=True)
    torch.save(network.state_dict(), path)
    return network.eval()


class Edges(nn.Module):
    """Strength of edges of each direction in each cell of a picture, as in HOG.

    Computed from the logarithm of the grey values, so that brighter light changes little.
    """

    def __init__(self) -> None:
        super().__init__()
        across = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 8
        turns = torch.arange(DIRECTIONS) * 2 * math.pi / DIRECTIONS
        filters = torch.stack([turn.cos() * across + turn.sin() * across.T for turn in turns])
        self.filters = nn.Parameter(filters[:, None], requires_grad=False)

    def forward(self, crops: Tensor) -> Tensor:
        """Map uint8 (N, SIDE, SIDE, 3) to float (N, 512); each row has mean square 1."""
        grey = crops.to(torch.float32).mean(dim=3)[:, None]
        slopes = F.relu(F.conv2d(40 * (grey + 1).log(), self.filters, padding=1))
        strong = (F.avg_pool2d(slopes, CELL) + 1e-3).sqrt().flatten(1)
        return strong / strong.square().mean(dim=1, keepdim=True).sqrt()


def fit_edges(pictures: NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
    """Return the mean (512,) and discriminant axes (512, EDGES_LENGTH) of edges: Fisher's LDA.

    The variance within a person (light, pose, expression) is whitened, so that it has little
    effect.
    """
    parts = torch.from_numpy(pictures).split(2000)
    edges = Edges()
    values = torch.cat([edges(part) for part in parts]).double()
    mean = values.mean(dim=0)
    values = values - mean
    means = values.reshape(PEOPLE, EACH, -1).mean(dim=1)
    between = means.T @ means / PEOPLE
    within = values.T @ values / len(values) - between
    within += RIDGE * within.diagonal().mean() * torch.eye(len(within))
    widths, axes = torch.linalg.eigh(within)
    white = axes / widths.sqrt()
    order = torch.linalg.eigh(white.T @ between @ white).eigenvectors.flip(1)
    return mean.float(), (white @ order[:, :EDGES_LENGTH]).float()


class Graph(nn.Module):
    """The shipped graph: uint8 crops (N, SIDE, SIDE, 3) -> descriptors of length 1."""

    def __init__(self, network: nn.Module, mean: Tensor, linear: Tensor) -> None:
        super().__init__()
        self.network, self.standard, self.edges = network, Pictures(), Edges()
        self.linear = nn.Parameter(linear, requires_grad=False)
        self.offset = nn.Parameter(-mean @ linear, requires_grad=False)
        self.eval()

    def forward(self, crops: Tensor) -> Tensor:
        """Join both descriptors; the similarity of two faces is the weighted mean of both."""
        deep = F.normalize(self.network(self.standard(crops)))
        plain = F.normalize(self.edges(crops) @ self.linear + self.offset)
        shares = (math.sqrt(1 - EDGES_SHARE), math.sqrt(EDGES_SHARE))
        return torch.cat([shares[0] * deep, shares[1] * plain], dim=1)


def export(graph: Graph, pictures: NDArray[np.uint8]) -> bytes:
    """Return the graph as ONNX; weights are stored with 16 bits, computation uses 32.

    Raises:
        RuntimeError: the outputs of the file differ from those of the graph.
    """
    program = torch.onnx.export(
        graph.to(memory_format=torch.contiguous_format),
        (torch.from_numpy(pictures[:2]),),
        dynamo=True,
        opset_version=18,
        input_names=["crops"],
        output_names=["likeness"],
        dynamic_shapes={"crops": {0: torch.export.Dim.DYNAMIC}},
        verbose=False,
    )
    proto = program.model_proto
    forget_source(proto)
    halve(proto.graph)
    onnx.checker.check_model(proto)
    data = proto.SerializeToString()
    session = ort.InferenceSession(data, providers=["CPUExecutionProvider"])
    (given,) = session.run(None, {"crops": pictures})
    with torch.no_grad():
        apart = np.abs(given - graph(torch.from_numpy(pictures)).numpy()).max()
    print(f"{len(data)} bytes; outputs differ by at most {apart:.1e}")
    if not apart < 5e-3:
        raise RuntimeError("the outputs of the ONNX file differ from those of the network")
    return data


def halve(graph: onnx.GraphProto) -> None:
    """Store large weights with 16 bits; onnxruntime converts them to 32 on loading."""
    large = [one for one in graph.initializer if numpy_helper.to_array(one).size > 100]
    casts = []
    for one in large:
        values = numpy_helper.to_array(one)
        if values.dtype != np.float32:
            continue
        name = one.name
        one.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
        casts.append(onnx.helper.make_node("Cast", [one.name], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def forget_source(proto: onnx.ModelProto) -> None:
    """Delete the notes of the exporter, which contain paths of this machine."""
    graph = proto.graph
    named = (graph.node, graph.value_info, graph.input, graph.output, graph.initializer)
    for part in (graph, *(one for parts in named for one in parts)):
        del part.metadata_props[:]
        part.doc_string = ""


def main() -> None:
    """Render, train, fit, and write the asset."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder for pictures and the trained network")
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # reproducible on machines of the same type
    pictures = draw_people(folder / "pictures.npy", SEED, PEOPLE, EACH)
    network = train(pictures, folder / "network.pt")
    graph = Graph(network, *fit_edges(pictures))
    (ASSETS / "likeness.onnx").write_bytes(export(graph, pictures[:200]))
    record_hash("likeness.onnx")


if __name__ == "__main__":
    main()
