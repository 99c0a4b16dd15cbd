"""Lists of labels of labelme, CVAT and COCO."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kqcodec.coding.meaning import Meaning
from kqcodec.errors import ImageError, LabelsError
from kqcodec.labels.files.label_lists import label_list

pytestmark = pytest.mark.compiled


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        (
            "__ignore__\n_background_\ncat\n\n",
            Meaning(names={-1: "__ignore__", 0: "_background_", 1: "cat"}, ignore=(-1,)),
        ),
        ("void\r\nroad\r\n", Meaning(names=["void", "road"])),
        (
            "# label:color_rgb:parts:actions\nbackground:0,0,0::\nroad:128,64,128::\nsky:::\n",
            Meaning(names=["background", "road", "sky"], colors={0: (0, 0, 0), 1: (128, 64, 128)}),
        ),
        (
            '[{"name": "background"}, {"name": "car", "color": "#ff8000", "attributes": []}]',
            Meaning(names=["background", "car"], colors={1: (255, 128, 0)}),
        ),
        (
            '{"version": "5.0", "shapes": [{"label": "dog"}, {"label": "cat"}, {"label": "dog"}]}',
            Meaning(names=["_background_", "cat", "dog"]),
        ),
        (
            '{"categories": [{"id": 7, "name": "road", "color": [1, 2, 3]}]}',
            Meaning(names={7: "road"}, colors={7: (1, 2, 3)}),
        ),
        ('{"-1": "licence plate", "7": "road"}', Meaning(names={-1: "licence plate", 7: "road"})),
        ('["void", "road"]', Meaning(names=["void", "road"])),
        ("\ufeffvoid\nStraße", Meaning(names=["void", "Straße"])),
    ],
)
def test_lists(text, meaning):
    assert label_list(text.encode(), "the list") == meaning


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfe",
        b" \n",
        b"{",
        b"[1]",
        b'{"shapes": [{}]}',
        b'{"shapes": 5}',
        b'{"categories": [{"id": 1}]}',
        b'{"a": "b"}',
        b'[{"name": "a", "color": "red"}]',
        b'[{"name": "a", "color": 5}]',
        b"# label:color_rgb:parts:actions\na:300,0,0::",
        b"# label:color_rgb:parts:actions\na:x::",
        b"[" * 100_000,
    ],
)
def test_what_is_no_list_is_refused(data):
    with pytest.raises(ImageError):
        label_list(data, "the list")


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["shapes", "label", "categories", "id", "name"]), inner
            )
        ),
        max_leaves=6,
    )
)
def test_any_json_is_read_or_refused(value):
    with contextlib.suppress(LabelsError):
        label_list(json.dumps(value).encode() or b"0", "the list")
