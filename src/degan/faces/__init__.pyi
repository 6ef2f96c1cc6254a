from .alignment import FRAME as FRAME
from .alignment import crop_face as crop_face
from .face import Box as Box
from .face import Face as Face
from .finder import FaceFinder as FaceFinder
from .tracker import TrackedFace as TrackedFace
from .tracker import Tracker as Tracker
