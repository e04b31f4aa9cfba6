"""What the rest of the product knows of matrix."""

from server.feature import Feature
from server.features.matrix.kind import MATRIX, RISK_TYPE

FEATURE = Feature("matrix", kinds=(MATRIX, RISK_TYPE,))
