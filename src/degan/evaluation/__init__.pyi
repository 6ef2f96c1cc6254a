from .ablation.run import ablate as ablate
from .compare import compare_results as compare_results
from .exported import evaluate as evaluate
from .own_photos import PhotoEvaluation as PhotoEvaluation
from .own_photos import evaluate_photos as evaluate_photos
from .probes.run import probe as probe
from .protocols.crossdata import cross_data_set as cross_data_set
from .protocols.crossval import cross_validate as cross_validate
