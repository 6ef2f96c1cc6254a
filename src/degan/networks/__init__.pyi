from .backbone import Backbone as Backbone
from .backbone import find_backbone as find_backbone
from .classifier import Classifier as Classifier
from .classifier import Recognition as Recognition
from .decoder import Decoder as Decoder
from .discriminator import Discriminator as Discriminator
from .encoder import Encoder as Encoder
from .encoder import EncoderOutput as EncoderOutput
