"""Amounts as Kubernetes and compose write them."""

import pytest

from hms.scenarios.importers import quantities


@pytest.mark.parametrize(
    ("text", "expected"),
    [("200m", 0.2), ("1", 1.0), (2, 2.0), (0.5, 0.5), ("1500m", 1.5), ("0", None), ("x", None),
     (True, None), (None, None), ("-1", None), ("1Mi", None)],
)  # fmt: skip
def test_cores(text, expected):
    assert quantities.cores(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("128Mi", 128.0), ("1Gi", 1024.0), ("1048576", 1.0), (2097152, 2.0), ("512Ki", 0.5),
     ("1M", 0.953674), ("1e6", 0.953674), ("much", None), ("1e999", None)],
)  # fmt: skip
def test_megabytes_are_mebibytes(text, expected):
    assert quantities.megabytes(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("64M", 64.0), ("1g", 1024.0), ("1gb", 1024.0), ("512KB", 0.5), (1048576, 1.0), ("x", None)],
)
def test_compose_counts_in_powers_of_1024(text, expected):
    assert quantities.compose_megabytes(text) == expected
