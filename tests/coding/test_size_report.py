"""The size report of label maps; those of pictures are tested by `kq verify`."""

import math

import numpy as np
import pytest
import samples

import kqcodec

pytestmark = pytest.mark.compiled


@pytest.mark.parametrize("coder", samples.CODERS)
@pytest.mark.parametrize("name", samples.LABEL_MAPS)
def test_the_parts_of_a_label_map_add_up(name, coder):
    values = samples.LABEL_MAPS[name]
    ids, counts = np.unique(values, return_counts=True)
    data = kqcodec.encode_labels(values, coder=coder, tile=16, names={1: "road"})
    with kqcodec.open(data) as file:
        report = file.size_report()
    assert report.proven
    assert report.dtype == values.dtype.name
    assert report.k == report.colors_used == len(ids)
    assert report.raw_bits == 8 * values.nbytes
    table = 8 * report.palette_bytes
    assert report.theory_bits == table + values.size * math.log2(len(ids))
    entropy = -(counts * np.log2(counts / values.size)).sum()
    assert report.entropy_bits == pytest.approx(table + entropy)
    assert [row.name for row in report.rows()][:2] == [
        f"raw {8 * values.itemsize}·N",
        "theory ids + N·log2 K",
    ]
