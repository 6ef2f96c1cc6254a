from .prediction import Prediction as Prediction
from .prediction import Readings as Readings
from .recognizer import Recognizer as Recognizer
from .weights import SHIPPED_WEIGHTS as SHIPPED_WEIGHTS
