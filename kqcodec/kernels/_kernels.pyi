from typing_extensions import Buffer

def pack(labels: Buffer, itemsize: int, bits: int, out: Buffer, /) -> None: ...
def unpack(payload: Buffer, itemsize: int, bits: int, out: Buffer, /) -> None: ...
def dense_encode(
    labels: Buffer,
    itemsize: int,
    k: int,
    block: int,
    block_bits: int,
    tail_bits: int,
    out: Buffer,
    /,
) -> None: ...
def dense_decode(
    payload: Buffer,
    itemsize: int,
    k: int,
    block: int,
    block_bits: int,
    tail_bits: int,
    out: Buffer,
    /,
) -> bool: ...
def paint(
    labels: Buffer,
    itemsize: int,
    height: int,
    width: int,
    palette: Buffer,
    channels: int,
    out: Buffer,
    offset: int,
    stride: int,
    /,
) -> None: ...
def nearest(points: Buffer, centers: Buffer, labels: Buffer, distances: Buffer, /) -> None: ...
def accumulate(
    points: Buffer, weights: Buffer, labels: Buffer, sums: Buffer, counts: Buffer, /
) -> None: ...
