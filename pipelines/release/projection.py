"""Changes that break no equation: projection on the null space of sparse equations, by a sparse factorization.

Equations of areas, categories and years are nearly a tree, so that their factors stay small: 240,000 equations of the
whole country take half a second (measured), however badly they are scaled.
"""

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import SuperLU, splu

from pipelines.release.system import Rows, Values

# Lets dependent equations be factorized; every repetition takes its error away again.
RIDGE, REPETITIONS = 1e-13, 3
ROUGH_RIDGE, ROUGH_REPETITIONS = 1e-6, 6  # in single precision


class Projection:
    """Takes a change to the nearest one with `equations @ change = 0`. Changes are in units of `scale`, one per column:
    a column of large scale moves easily.

    equations: m x n. scale: n, above 0. order: of another projection with the same equations and another scale.
    """

    def __init__(self, equations: sp.csr_array, scale: Values, order: Rows | None = None) -> None:
        rows = (equations @ sp.diags_array(scale)).tocsr()
        self.size = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
        rows = (sp.diags_array(1 / self.size) @ rows).tocsr()
        self.order = _elimination_order(rows) if order is None else order
        self.rows = rows[self.order]
        self.back = self.rows.T.tocsr()
        self.factors = _factors(self.rows @ self.back, "NATURAL", RIDGE)

    def of(self, change: np.ndarray) -> np.ndarray:
        """The projection of `change` (n, or n x k), good to about six digits."""
        return change - self.back @ self.factors.solve(self.rows @ change)

    def exactly(self, change: np.ndarray) -> np.ndarray:
        """The projection of `change` to the last digits."""
        for _ in range(REPETITIONS):
            change = self.of(change)
        return change

    def multipliers(self, change: np.ndarray) -> np.ndarray:
        """How strongly each equation, in the order given, holds back `change` (n x k); up to one factor."""
        strength = np.empty((len(self.order), change.shape[1]))
        strength[self.order] = self.factors.solve(self.rows @ change)
        return strength / self.size[:, None]

    def closing(self, gap: Values) -> Values:
        """The smallest change with `equations @ change = gap`, in units of `scale`."""
        right = (gap / self.size)[self.order]
        change = np.zeros(self.rows.shape[1])
        for _ in range(REPETITIONS):
            change = change + self.back @ self.factors.solve(right - self.rows @ change)
        return change


class RoughProjection(Projection):
    """The same in single precision, which halves what is read from memory; `exactly` takes the error away as well."""

    def __init__(self, equations: sp.csr_array, scale: Values) -> None:
        super().__init__(equations, scale)
        self.factors = _factors((self.rows @ self.back).astype(np.float32), "NATURAL", np.float32(ROUGH_RIDGE))
        self.rough_rows, self.rough_back = self.rows.astype(np.float32), self.back.astype(np.float32)

    def of(self, change: np.ndarray) -> np.ndarray:
        """The projection of `change` (n x k, single precision), good to about three digits."""
        return change - self.rough_back @ self.factors.solve(self.rough_rows @ change)

    def exactly(self, change: np.ndarray) -> np.ndarray:
        change = change.astype(np.float64)
        for _ in range(ROUGH_REPETITIONS):
            change -= self.back @ self.factors.solve((self.rows @ change).astype(np.float32))
        return change


def _elimination_order(rows: sp.csr_array) -> Rows:
    return np.argsort(_factors((rows @ rows.T).astype(np.float32), "MMD_AT_PLUS_A", np.float32(ROUGH_RIDGE)).perm_c)


def _factors(square: sp.csr_array, order: str, ridge: float | np.float32) -> SuperLU:
    """Column by column (1, 1): wider panels only cost with factors as sparse as these (measured: 0.9 s against 0.5)."""
    square = (square + ridge * sp.eye_array(square.shape[0], dtype=square.dtype)).tocsc()
    return splu(square, order, 0.0, 1, 1, {"SymmetricMode": True})
