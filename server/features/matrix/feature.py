"""What the rest of the product knows of the matrix and the risk types."""

from dataclasses import replace

from server.feature import Feature
from server.features.matrix.check import check_matrix, check_risk_type
from server.features.matrix.engine import gives_of_matrix, gives_of_risk_type
from server.features.matrix.kind import MATRIX, RISK_TYPE

FEATURE = Feature(
    "matrix",
    kinds=(replace(MATRIX, check=check_matrix, gives=gives_of_matrix), replace(RISK_TYPE, check=check_risk_type, gives=gives_of_risk_type)),
)
