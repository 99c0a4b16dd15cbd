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
def code_bits(bits: Buffer, probabilities: Buffer, out: Buffer, /) -> int: ...
def decode_bits(payload: Buffer, probabilities: Buffer, out: Buffer, /) -> bool: ...
def encode_palette(plain: Buffer, k: int, ascending: bool, out: Buffer, /) -> int: ...
def decode_palette(payload: Buffer, k: int, out: Buffer, /) -> bool: ...
def nearest(points: Buffer, centers: Buffer, labels: Buffer, distances: Buffer, /) -> None: ...
def nearest_two(
    points: Buffer,
    centers: Buffer,
    labels: Buffer,
    distances: Buffer,
    second_labels: Buffer,
    second_distances: Buffer,
    /,
) -> None: ...
def reassign(
    points: Buffer,
    weights: Buffer,
    centers: Buffer,
    labels: Buffer,
    sums: Buffer,
    counts: Buffer,
    /,
) -> tuple[int, int]: ...
def lloyd(
    points: Buffer,
    weights: Buffer,
    centers: Buffer,
    labels: Buffer,
    sums: Buffer,
    counts: Buffer,
    relax: int,
    tolerance_bits: int,
    costs: Buffer,
    /,
) -> int: ...
def search_round(
    points: Buffer,
    weights: Buffer,
    labels: Buffer,
    centers: Buffer,
    sums: Buffer,
    counts: Buffer,
    failed: Buffer,
    changed: Buffer,
    number: int,
    width: int,
    least_ratio: float,
    reach: int,
    trials: int,
    iterations: int,
    relax: int,
    tolerance_bits: int,
    /,
) -> tuple[int, int, int]: ...
def settle_kinds(
    points: Buffer,
    weights: Buffer,
    centers: Buffer,
    labels: Buffer,
    distances: Buffer,
    opaque_points: int,
    opaque: int,
    movable: int,
    iterations: int,
    tolerance_bits: int,
    /,
) -> tuple[int, int]: ...
def merge_and_split(
    points: Buffer,
    weights: Buffer,
    labels: Buffer,
    distances: Buffer,
    centers: Buffer,
    sums: Buffer,
    counts: Buffer,
    pairs: Buffer,
    halves: Buffer,
    outcomes: Buffer,
    touched: Buffer,
    reach: int,
    trials: int,
    iterations: int,
    relax: int,
    tolerance_bits: int,
    /,
) -> int: ...
def diffuse(
    points: Buffer,
    mask: Buffer,
    width: int,
    centers: Buffer,
    errors: Buffer,
    labels: Buffer,
    strength: int,
    backwards: bool,
    /,
) -> None: ...
def near(centers: Buffer, some: Buffer, count: int, found: Buffer, /) -> None: ...
def nudge(
    points: Buffer,
    weights: Buffer,
    centers: Buffer,
    labels: Buffer,
    distances: Buffer,
    neighbors: Buffer,
    active: Buffer,
    step: int,
    /,
) -> tuple[int, int]: ...
def accumulate(
    points: Buffer, weights: Buffer, labels: Buffer, sums: Buffer, counts: Buffer, /
) -> None: ...
def plus_plus(points: Buffer, weights: Buffer, randoms: Buffer, chosen: Buffer, /) -> None: ...
def variance_cuts(points: Buffer, weights: Buffer, centers: Buffer, /) -> int: ...
def split_gains(
    points: Buffer, weights: Buffer, labels: Buffer, gains: Buffer, halves: Buffer, /
) -> None: ...
def count_colors(pixels: Buffer, keys: Buffer, counts: Buffer, /) -> int: ...
def merge_colors(
    keys_a: Buffer,
    counts_a: Buffer,
    keys_b: Buffer,
    counts_b: Buffer,
    keys: Buffer,
    counts: Buffer,
    /,
) -> int: ...
def merge_cells(
    points: Buffer,
    weights: Buffer,
    keys: Buffer,
    mask: int,
    means: Buffer,
    totals: Buffer,
    firsts: Buffer,
    /,
) -> int: ...
def morton_order(keys: Buffer, order: Buffer, /) -> None: ...
def fill_table(keys: Buffer, labels: Buffer, itemsize: int, table: Buffer, /) -> None: ...
def look_up(pixels: Buffer, table: Buffer, itemsize: int, out: Buffer, /) -> None: ...
def tree_order(colors: Buffer, order: Buffer, /) -> None: ...
def context_encode(
    labels: Buffer,
    itemsize: int,
    width: int,
    order: Buffer,
    colors: Buffer,
    setting: int,
    out: Buffer,
    /,
) -> int: ...
def context_decode(
    payload: Buffer,
    itemsize: int,
    width: int,
    order: Buffer,
    colors: Buffer,
    setting: int,
    out: Buffer,
    /,
) -> bool: ...
