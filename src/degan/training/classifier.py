"""Stage 2: the classifier on f(x) joined with the residue."""

import time
from pathlib import Path

import torch
from torch import Tensor, optim
from torch.nn import functional as F

from degan.config import Settings
from degan.data.augment import augment
from degan.data.loader import TrainingData, batches, num_batches, num_epochs
from degan.networks.classifier import Classifier
from degan.networks.encoder import Encoder, EncoderOutput
from degan.training import checkpoint
from degan.training.guard import check_finite
from degan.training.losses import class_weights
from degan.training.run import Log, Progress, one_cycle, seeded

CHECKPOINT = "classifier.safetensors"
"""What stage 2 is continued from; of no use once the model is written."""

_STAGE = 2
_CHECKPOINT_SECONDS = 30.0


def train_classifier(
    data: TrainingData,
    encoder: Encoder,
    settings: Settings,
    folder: Path,
    log: Log,
    progress: Progress,
) -> Classifier:
    """Train the classifier; the encoder is moved too if ``classifier.encoder_rate`` is above 0.

    Args:
        data: the training samples.
        encoder: G_en after stage 1; holds what it became when the function returns.
        settings: of the run.
        folder: the run directory. What an interrupted call left there is continued.
        log: gets a line an epoch.
        progress: told the share done and what is being done.

    Raises:
        DeganError: the checkpoint is damaged, or the loss is no longer finite.
    """
    choice = settings.classifier
    with seeded(settings.seed, _STAGE, 0):
        classifier = Classifier(settings.network, choice, len(data.expressions))
    classifier.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    groups = [{"params": classifier.parameters(), "factor": 1.0}]
    if choice.encoder_rate > 0:
        groups.append({"params": encoder.parameters(), "factor": choice.encoder_rate})
    optimizer = optim.AdamW(groups, lr=choice.learning_rate, weight_decay=choice.weight_decay)
    path = folder / CHECKPOINT
    start = _restore(path, encoder, classifier, optimizer) if path.exists() else 0
    log.rewind(_STAGE, start)
    saved = time.monotonic()
    epochs = num_epochs(choice, num_batches(len(data), choice.batch_size))
    for epoch in range(start, epochs):
        with seeded(settings.seed, _STAGE, epoch + 1):
            loss, right = _epoch(data, encoder, classifier, optimizer, settings, epoch, progress)
        rate = "classifier.learning_rate"
        check_finite({"the loss": loss}, stage=_STAGE, epoch=epoch + 1, rate=rate)
        log.write(
            stage=2,
            epoch=epoch + 1,
            epochs=epochs,
            loss=round(loss, 5),
            training_accuracy=round(right, 5),
        )
        if time.monotonic() - saved > _CHECKPOINT_SECONDS:
            _save(path, encoder, classifier, optimizer, epoch + 1)
            saved = time.monotonic()
    encoder.eval()
    return classifier.eval()


def _epoch(
    data: TrainingData,
    encoder: Encoder,
    classifier: Classifier,
    optimizer: optim.Optimizer,
    settings: Settings,
    epoch: int,
    progress: Progress,
) -> tuple[float, float]:
    """Pass over the data once; return the mean loss and the share that was right."""
    choice = settings.classifier
    steps = num_batches(len(data), choice.batch_size)
    epochs = num_epochs(choice, steps)
    frozen = choice.encoder_rate == 0
    weights = class_weights(data.expression, len(data.expressions))
    classifier.train()
    encoder.train(not frozen)
    total, correct = 0.0, 0
    for step, batch in enumerate(batches(len(data), choice.batch_size)):
        done, all_steps = epoch * steps + step, steps * epochs
        progress(done / all_steps, f"stage 2, epoch {epoch + 1} of {epochs}")
        rate = one_cycle(done, all_steps, choice.learning_rate)
        for group in optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        labels = data.expression[batch]
        images = data.images[batch].contiguous(memory_format=torch.channels_last)
        encoded = _encode(encoder, augment(images, settings.augment), frozen)
        logits = classifier(encoded)
        loss = F.cross_entropy(
            logits, labels, weight=weights, label_smoothing=choice.label_smoothing
        )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(batch)
        correct += int((logits.argmax(1) == labels).sum())
    return total / len(data), correct / len(data)


def _encode(encoder: Encoder, images: Tensor, frozen: bool) -> EncoderOutput:
    if not frozen:
        output: EncoderOutput = encoder(images)
        return output
    with torch.no_grad():
        output = encoder(images)
    return output


def _save(
    path: Path, encoder: Encoder, classifier: Classifier, optimizer: optim.Optimizer, epoch: int
) -> None:
    # The encoder too, even a frozen one: with it the classifier can be continued, whatever became
    # of stage 1 since.
    tensors = checkpoint.module_tensors("encoder", encoder)
    tensors |= checkpoint.module_tensors("classifier", classifier)
    tensors |= checkpoint.optimizer_tensors("optimizer", optimizer)
    checkpoint.save_checkpoint(path, tensors, {"epoch": epoch})


def _restore(
    path: Path, encoder: Encoder, classifier: Classifier, optimizer: optim.Optimizer
) -> int:
    """Load the checkpoint; return how many epochs it has behind it."""
    tensors, state = checkpoint.load_checkpoint(path)
    checkpoint.load_module("encoder", encoder, tensors, path)
    checkpoint.load_module("classifier", classifier, tensors, path)
    checkpoint.load_optimizer("optimizer", optimizer, tensors)
    return int(state["epoch"])
