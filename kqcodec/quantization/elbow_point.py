"""What a picture costs in one number of colours."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class ElbowPoint:
    """A picture in so many colours.

    Attributes:
        k: what was asked for.
        colors: what was kept; fewer where the picture has no more.
        inertia: the sum of squared distances, which k-means minimises.
        distance_sum: the sum of distances, which the lesson plots.
        mse, psnr: as in ``Costs``.
        theory_bits: 24·K + N·log2(K), of the colours kept.
        file_bytes: by coder, the whole .kq file.
    """

    k: int
    colors: int
    inertia: int
    distance_sum: float
    mse: float
    psnr: float
    theory_bits: float
    file_bytes: dict[str, int]

    def to_dict(self) -> dict[str, object]:
        """Every figure by name, ready for JSON, which knows no infinity."""
        return asdict(self) | {"psnr": self.psnr if self.inertia else None}
