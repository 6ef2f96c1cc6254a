from .model import Model as Model
from .model import load_model as load_model
from .model import predict_probabilities as predict_probabilities
from .pipeline import train as train
from .pipeline import train_stage1 as train_stage1
from .synthetic_stream import StreamedFace as StreamedFace
from .synthetic_stream import SyntheticStream as SyntheticStream
