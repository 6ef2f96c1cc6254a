"""Make the environment of a peer once, completely or not at all."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from peers.catalog import Environment
from peers.summary import reason

_FACTS = "environment.json"


class InstallError(Exception):
    """An environment could not be made; the message has the reason in one line."""


def prepare(environment: Environment, cache: Path) -> tuple[Path, dict[str, Any]]:
    """Return the folder of an environment and its facts (size, versions); make it if missing.

    It is made under another name and renamed when it is complete, so an interrupted run leaves no
    incomplete environment.

    Raises:
        InstallError: an installer failed.
    """
    place = cache / environment.name
    wanted = {"packages": list(environment.packages), "sources": _fingerprint(environment)}
    facts = _read_facts(place)
    if all(facts.get(key) == value for key, value in wanted.items()):
        return place, facts
    part = cache / f".{environment.name}.part"
    for old in (part, place):
        if old.exists():
            shutil.rmtree(old)
    part.mkdir(parents=True)
    try:
        install = _install_pip if environment.kind == "pip" else _install_npm
        facts = {**wanted, **install(environment, part)}
        (part / _FACTS).write_text(json.dumps(facts, indent=1), encoding="utf-8")
        part.rename(place)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return place, facts


def _read_facts(place: Path) -> dict[str, Any]:
    try:
        facts: dict[str, Any] = json.loads((place / _FACTS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return facts


def _fingerprint(environment: Environment) -> str:
    digest = hashlib.sha256()
    for path in environment.sources:
        digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _install_pip(environment: Environment, part: Path) -> dict[str, Any]:
    _run([sys.executable, "-m", "venv", part])
    empty = _megabytes(part)
    pip = [part / "bin" / "python", "-m", "pip", "--disable-pip-version-check"]
    _run([*pip, "install", "--quiet", *environment.packages])
    added = _megabytes(part) - empty
    return {"added_mb": added, "installed": _run([*pip, "freeze"]).split("\n")}


def _install_npm(environment: Environment, part: Path) -> dict[str, Any]:
    (part / "package.json").write_text('{"private": true}', encoding="utf-8")
    npm = ["npm", "--prefix", part]
    # No package needs its install script: the packages contain prebuilt binaries.
    quiet = ["--no-audit", "--no-fund", "--ignore-scripts"]
    _run([*npm, "install", *quiet, *environment.packages])
    lock = json.loads((part / "node_modules" / ".package-lock.json").read_text(encoding="utf-8"))
    installed = [
        f"{name.removeprefix('node_modules/')}@{facts['version']}"
        for name, facts in lock["packages"].items()
    ]
    return {"added_mb": _megabytes(part / "node_modules"), "installed": installed}


def _run(command: list[str | Path]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise InstallError(f"{command[0]} is not installed") from error
    if done.returncode:
        raise InstallError(f"the installation failed: {reason(done.stderr, done.returncode)}")
    return done.stdout.strip()


def _megabytes(folder: Path) -> float:
    """Return the size of all files of a folder in MB, without following links."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
