"""URLs taken apart and put together."""

import pytest

from kqcodec.storage.urls import (
    base_name,
    is_shared,
    is_url,
    is_writable,
    joined,
    protocols,
    split_member,
)


def test_which_names_are_urls(tmp_path):
    assert is_url("s3://bucket/a.kq")
    assert is_url("zip://a.kq::https://host/b.zip")
    assert is_url("zip::b.zip")
    assert not is_url("C:/pictures/a.kq")
    assert not is_url(str(tmp_path))
    assert not is_url(tmp_path)


@pytest.mark.parametrize(
    ("url", "relative", "expected"),
    [
        ("s3://bucket", "a.kq", "s3://bucket/a.kq"),
        ("s3://bucket/in/", "b/a.kq", "s3://bucket/in/b/a.kq"),
        ("s3://bucket/in", "", "s3://bucket/in"),
        ("zip://::b.zip", "a.kq", "zip://a.kq::b.zip"),
        ("zip::b.zip", "a.kq", "zip://a.kq::b.zip"),
        ("tar://in::https://host/b.tar", "a.kq", "tar://in/a.kq::https://host/b.tar"),
    ],
)
def test_what_lies_below_a_url(url, relative, expected):
    assert joined(url, relative) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("zip://in/a.kq::https://host/b.zip", ("zip", "in/a.kq", "https://host/b.zip")),
        ("TAR://::b.tar", ("tar", "", "b.tar")),
        ("zip://a.zip::tar://b.tar::c.tar", ("zip", "a.zip", "tar://b.tar::c.tar")),
        ("simplecache::https://host/a.kq", None),
        ("zip://a.kq", None),
    ],
)
def test_members_of_archives(url, expected):
    assert split_member(url) == expected


def test_what_a_url_says_of_its_place():
    url = "zip://in/a.kq::https://host/b.zip"
    assert protocols(url) == ["zip", "https"]
    assert base_name(url) == "a.kq"
    assert base_name("s3://bucket/in/") == "in"
    assert not is_writable(url)
    assert is_writable("s3://bucket/a.kq")
    assert is_shared(url)
    assert not is_shared("zip://a.kq::memory://b.zip")
