"""A fit as an expression of another language: SQL, or Python without glmfit."""

from glmfit.scoring.equations import Equation, predictor_code
from glmfit.scoring.languages import SQL_DIALECTS, Language, PythonSource
from glmfit.scoring.means import cumulative, inverse, softmax

__all__ = [
    "SQL_DIALECTS",
    "Equation",
    "Language",
    "PythonSource",
    "cumulative",
    "inverse",
    "predictor_code",
    "softmax",
]
