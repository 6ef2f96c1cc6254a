"""MMI (Pantic et al. 2005; Valstar and Pantic 2010): the videos with an expression label.

The authors publish no description of the files. The format is taken from public programs that read
MMI: ``session.xml`` (subject; view of the track: 0 frontal, 1 profile, 2 both side by
side), ``S001-100.xml`` (metatag ``Emotion``) and ``S001-100-oao_aucs.xml`` (onset, apex and offset
of action units).
"""

import re
from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter
from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from degan.data.adapter import Adapter, AdapterResult, select_recordings
from degan.data.pictures import Archives, Half, Picture, VideoFrame, video_source
from degan.data.protocol import Protocol
from degan.data.sample import Recording, Skipped
from degan.data.tree import Tree
from degan.errors import DeganError
from degan.media import video, video_files

CODES = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
"""Expressions by their value, from 1 to 6; other values mean expressions that no protocol uses."""

_MAX_XML_BYTES = 2**20
_SUBJECT = re.compile(r"(S\d{3})-\d+$", re.IGNORECASE)
_INTEGER = re.compile(r"\s*(\d{1,9})(?:\.0*)?\s*", re.ASCII)
_MIN_FRAME_SHARE = (
    0.9  # minimum share of the frames stated in the header; a file with less is truncated
)

# Half of the frame with the frontal view; the files do not say which half. For other subjects the
# whole frame is used, and face detection chooses the face.
_FRONTAL: dict[str, Half] = {
    **dict.fromkeys(("S001", "S002", "S017"), "right"),
    **dict.fromkeys(("S003", "S005", "S006", "S015", "S016"), "left"),
}
# Frontal views of this size were filmed with a camera on its side; other sizes were not.
_ON_ITS_SIDE = (720, 576)

_APEX_NAMES = {"apex", "apexframe", "peak", "peakframe"}
_APEX = {"2", "apex", "peak"}  # marker types of an apex; 0 is neutral, 1 onset, 3 offset
_BLINK = "45"  # action unit of a blink, whose apex is not the peak of an expression


def read(path: Path, protocol: Protocol) -> AdapterResult:
    """Return the videos with one of the six expressions, from sessions or their zip files.

    The peak of a sequence is its annotated apex, or its middle if no apex is annotated.

    Raises:
        DeganError: the path cannot be read, contains no session, or PyAV is not installed.
    """
    tree = Tree(path)
    found = AdapterResult(skipped=list(tree.skipped))
    folders: dict[str, list[str]] = {}
    for name in tree.names:
        if _is_xml(name) or _is_video(name):
            folders.setdefault(name.rpartition("/")[0], []).append(name)
    if not any(_is_session(names) for names in folders.values()):
        raise DeganError(
            f"{path} holds no MMI session (Sessions/<number>/session.xml and a video); give the "
            f"folder that contains Sessions, or the zip file{tree.refused()}"
        )
    video.check_installed()
    seen: set[str] = set()
    with Archives() as archives:
        for folder, names in folders.items():
            for name, result in _session(tree, folder, names, protocol, archives, seen):
                if isinstance(result, str):
                    found.skipped.append(Skipped(name, result))
                else:
                    found.recordings.extend(result)
    return found


def _is_xml(name: str) -> bool:
    return name.lower().endswith(".xml")


def _is_video(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in video_files.SUFFIXES


def _is_session(names: Iterable[str]) -> bool:
    return any(map(_is_xml, names)) and any(map(_is_video, names))


def _session(
    tree: Tree,
    folder: str,
    names: list[str],
    protocol: Protocol,
    archives: Archives,
    seen: set[str],
) -> Iterator[tuple[str, list[Recording] | str]]:
    """Yield each video of a folder with its recordings, or with the reason why it is skipped."""
    videos = [name for name in names if _is_video(name)]
    if not videos:
        if any(_stem(name) == "session" for name in names):
            yield folder or ".", "a session without a video"
        return
    for name, xml_files in _xml_files_of(videos, names).items():
        key = f"{folder.rpartition('/')[2]}/{PurePosixPath(name).stem}".strip("/")
        if key.lower() in seen:
            yield name, "a second copy of this video"
            continue
        try:
            recordings = _recordings(tree, name, key, xml_files, protocol, archives)
        except DeganError as error:
            yield name, str(error)
        else:
            seen.add(key.lower())
            yield name, recordings


def _xml_files_of(videos: list[str], names: list[str]) -> dict[str, list[str]]:
    """Return each video of a folder with its XML files.

    A single video gets all XML files. If there are several videos, each gets session.xml and the
    files whose names begin with the name of the video.
    """
    xml_files = list(filter(_is_xml, names))
    if len(videos) == 1:
        return {videos[0]: xml_files}
    named: dict[str, list[str]] = {_stem(name): [] for name in videos}
    for xml_file in xml_files:
        words = _stem(xml_file).split("-")
        starts = ("-".join(words[:count]) for count in range(min(len(words), 9), 0, -1))
        owner = next((start for start in starts if start in named), None)
        if owner is not None:
            named[owner].append(xml_file)
    common = [xml_file for xml_file in xml_files if _stem(xml_file) == "session"]
    return {name: common + named[_stem(name)] for name in videos}


def _stem(name: str) -> str:
    return PurePosixPath(name).stem.lower()


def _recordings(
    tree: Tree, name: str, key: str, xml_files: list[str], protocol: Protocol, archives: Archives
) -> list[Recording]:
    """Return the recordings that the protocol selects from a video.

    Raises:
        DeganError: the video is skipped; the message is the reason.
    """
    if not xml_files:
        raise DeganError("no annotation (XML) for this video")
    roots = [_parse(tree, sheet) for sheet in xml_files]
    expression = _expression(roots)
    subject = _subject(roots, name)
    view = _view(roots, name)
    if view == "profile":
        raise DeganError("shows the face in profile only")
    if view == "dual" and protocol.dual_view == "skip":
        raise DeganError("shows the face from the front and the side at once")
    location = tree.location(name)
    info = video.video_info(video_source(location, archives), str(location))
    if info.frames < _MIN_FRAME_SHARE * info.num_header_frames:
        raise DeganError(
            f"truncated: it has {info.frames} of {info.num_header_frames} frames; download the "
            "video again"
        )
    half = _frontal_part(subject, protocol) if view == "dual" else "whole"
    rotated = view == "frontal" and (info.width, info.height) == _ON_ITS_SIDE
    frames: list[tuple[str, Picture]] = [
        (f"{name}#{index}", VideoFrame(location, index, half, rotated))
        for index in range(info.frames)
    ]
    peak = info.frames // 2 if protocol.peak == "middle" else _peak(roots, info.frames)
    return select_recordings(
        frames, expression=expression, subject=subject, name=key, protocol=protocol, peak=peak
    )


def _frontal_part(subject: str, protocol: Protocol) -> Half:
    """Return the part of a dual-view frame that becomes the picture."""
    if protocol.dual_view in ("left", "right", "whole"):
        chosen: Half = protocol.dual_view
        return chosen
    return _FRONTAL.get(subject, "whole")


def _parse(tree: Tree, name: str) -> Element:
    try:
        root: Element = fromstring(tree.text(name, _MAX_XML_BYTES), forbid_dtd=True)
    except DefusedXmlException as error:
        raise DeganError(
            f"{name} declares entities or a document type, which degan does not accept; remove them"
        ) from error
    except (ParseError, ValueError, LookupError) as error:
        raise DeganError(f"{name} is not valid XML ({error}); download it again") from error
    return root


def _elements(roots: Iterable[Element], tag: str = "") -> Iterator[Element]:
    """Yield the elements with this tag; case and namespace are ignored; all if ``tag`` is empty."""
    for root in roots:
        for element in root.iter():
            if not tag or _plain(element.tag) == tag:
                yield element


def _plain(name: str) -> str:
    return name.rpartition("}")[2].lower().replace(" ", "").replace("_", "")


def _attributes(element: Element) -> dict[str, str]:
    return {_plain(name): value.strip() for name, value in element.attrib.items()}


def _metatags(roots: Iterable[Element], wanted: Callable[[str], bool]) -> list[str]:
    """Return the values of the metatags whose names satisfy ``wanted``."""
    tags = map(_attributes, _elements(roots, "metatag"))
    return [tag.get("value", "") for tag in tags if wanted(_plain(tag.get("name", "")))]


def _parse_integer(text: str | None) -> int | None:
    match = _INTEGER.fullmatch(text or "")
    return int(match[1]) if match else None


def _expression(roots: list[Element]) -> str:
    values = sorted(set(_metatags(roots, lambda name: name == "emotion")))
    if not values:
        raise DeganError("no expression label (metatag Emotion)")
    if len(values) > 1:
        raise DeganError(f"several expression labels that differ ({', '.join(values)[:60]})")
    code = _parse_integer(values[0])
    if code is None or not 1 <= code <= len(CODES):
        raise DeganError(f"its expression label is {values[0][:40]!r}, not 1 to {len(CODES)}")
    return CODES[code - 1]


def _subject(roots: list[Element], name: str) -> str:
    """Return the subject: the number in the file name or, without it, the id in the XML files.

    File names come first because all videos of a person then have the same subject.
    """
    if match := _SUBJECT.match(PurePosixPath(name).stem):
        return match[1].upper()
    ids = {_attributes(element).get("id", "") for element in _elements(roots, "subject")} - {""}
    if len(ids) != 1:
        raise DeganError("neither its name (S001-100.avi) nor session.xml names the subject")
    number = _parse_integer(next(iter(ids)).upper().removeprefix("S"))
    return next(iter(ids)) if number is None else f"S{number:03d}"


def _view(roots: list[Element], name: str) -> str:
    """Return ``frontal``, ``profile`` or ``dual``; ``frontal`` if no view is stated."""
    tracks = [_attributes(track) for track in _elements(roots, "track")]
    file = PurePosixPath(name).name.lower()
    own = [track for track in tracks if track.get("filename", "").lower().endswith(file)]
    views = [track["view"].lower() for track in own or tracks if track.get("view")]
    views = views or [view.lower() for view in _metatags(roots, lambda name: name == "view")]
    if any(view == "2" or re.search("dual|both|front.*profile", view) for view in views):
        return "dual"
    profile = [view == "1" or "profile" in view for view in views]
    return "profile" if profile and all(profile) else "frontal"


def _peak(roots: list[Element], count: int) -> int:
    """Return the index of the middle frame of the peak, in a video of ``count`` frames.

    Raises:
        DeganError: the annotated apex is after the end of the video.
    """
    named = _metatags(roots, _APEX_NAMES.__contains__)
    for element in _elements(roots):
        if _plain(element.tag) not in ("metatag", "actionunit", "marker"):
            named += [value for key, value in _attributes(element).items() if key in _APEX_NAMES]
    annotated_frames = sorted(
        frame for text in named if (frame := _parse_integer(text)) is not None
    )
    spans = [span for unit in _elements(roots, "actionunit") for span in _apexes(unit, count)]
    first = (
        annotated_frames[len(annotated_frames) // 2]
        if annotated_frames
        else min((start for start, _ in spans), default=0)
    )
    if first > count:
        raise DeganError(
            f"the apex is frame {first}, but the video has only {count} frames; download it again"
        )
    if annotated_frames:
        return max(first - 1, 0)
    best = _most_covered_frame(spans, count)
    return count // 2 if best is None else best


def _apexes(unit: Element, count: int) -> list[tuple[int, int]]:
    """Return the apexes of an action unit as (first frame, frame after the last), from 1."""
    own = _attributes(unit)
    if own.get("number") == _BLINK:
        return []
    if "apex" in own:
        start, end = _parse_integer(own["apex"]), _parse_integer(own.get("offset", str(count + 1)))
        return [] if start is None or end is None else [(start, end)]
    markers = []
    for marker in (_attributes(child) for child in unit if _plain(child.tag) == "marker"):
        frame = _parse_integer(marker.get("frame"))
        if frame is not None:
            markers.append((frame, marker.get("type", "").lower() in _APEX))
    markers.sort(key=itemgetter(0))
    ends = [*(frame for frame, _ in markers[1:]), count + 1]
    return [(start, end) for (start, apex), end in zip(markers, ends, strict=False) if apex]


def _most_covered_frame(spans: list[tuple[int, int]], count: int) -> int | None:
    """Return the middle index of the frames covered by most spans, or None if none is covered."""
    steps = [0] * (count + 2)
    for start, end in spans:
        if 0 < start < end and start <= count:
            steps[start] += 1
            steps[min(end, count + 1)] -= 1
    num_spans, level = [], 0
    for step in steps[1 : count + 1]:
        level += step
        num_spans.append(level)
    most = max(num_spans, default=0)
    frames = [index for index, level in enumerate(num_spans) if level == most > 0]
    return frames[len(frames) // 2] if frames else None


ADAPTER = Adapter(
    name="mmi",
    title="MMI Facial Expression Database",
    needs="Sessions, or the zip file, as downloaded: about 205 frontal sequences of 30 subjects",
    choices=frozenset({"peak_frames", "neutral", "peak", "dual_view"}),
    # A download is the result of a search, and papers report different counts: 205 sequences of 30
    # people, 208 of 31. Any fixed count would report complete copies as incomplete.
    expected=None,
    people=True,
    read=read,
)
