"""``disent_plugins.measure``: whatever is given, it is taken for what it is, or the argument is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import disent_plugins
from disent_plugins.errors import UsageError

V = np.stack(np.divmod(np.arange(640) % 64, 8), axis=1)
Z = V + 0.1 * np.random.default_rng(0).normal(size=V.shape)


def mig(**arguments):
    return disent_plugins.measure("mig", **{"codes": Z, "factors": V, **arguments})


TENSORS = {
    "plain": lambda z: z,
    "float32": lambda z: z.float(),
    "with gradient": lambda z: z.clone().requires_grad_(),
    "not a leaf": lambda z: z.clone().requires_grad_() * 1,
    "a parameter": torch.nn.Parameter,
    "transposed": lambda z: z.t().contiguous().t(),
    "sparse": lambda z: z.to_sparse(),
    "compressed": lambda z: z.to_sparse_csr(),
    "negated view": lambda z: torch._neg_view(-z),
    "imaginary part": lambda z: torch.complex(0 * z, -z).conj().imag,
}


@pytest.mark.parametrize("case", TENSORS)
@pytest.mark.filterwarnings("ignore:Sparse")
def test_tensors_are_taken(case):
    given = TENSORS[case](torch.from_numpy(Z.copy()))
    assert mig(codes=given, factors=torch.from_numpy(V.copy())).values == mig().values


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_tensors_of_low_precision_are_taken_as_they_are(dtype):
    given = torch.from_numpy(Z).to(dtype)
    assert mig(codes=given).values == mig(codes=given.float().numpy()).values


class Strange:
    """Answers every question with an error."""

    def __array__(self, *arguments, **named):
        raise RuntimeError("no array")

    def __str__(self):
        raise RuntimeError("no text")

    __repr__ = __float__ = __len__ = __iter__ = __bool__ = __str__


MASKED = np.ma.MaskedArray(Z, mask=np.zeros_like(Z, dtype=bool))
ARRAYS = {
    "masked": MASKED,
    "masked rows": list(MASKED),
    "meta": torch.zeros(640, 2, device="meta"),
    "complex": torch.zeros(640, 2, dtype=torch.complex64).conj(),
    "ragged": [[1.0, 2.0], [1.0]],
    "strange": Strange(),
    "text": "codes.npz",
    "a number": 3,
    "a dictionary": {"a": 1},
    "a function": print,
    "dates": np.zeros((640, 2), "datetime64[s]"),
    "records": np.zeros(640, [("a", float), ("b", float)]),
}


@pytest.mark.parametrize("name", ["codes", "labels", "factors", "split", "content", "style", "content_logvar"])
@pytest.mark.parametrize("case", ARRAYS)
def test_what_is_no_array_is_refused_by_name(name, case):
    blocks = {"codes": None, "content": Z, "style": Z} if name in ("content", "style", "content_logvar") else {}
    with pytest.raises(UsageError, match=f"'?{name}'?"):
        mig(**{**blocks, name: ARRAYS[case]})


def test_whole_numbers_beyond_64_bits_are_refused():
    with pytest.raises(UsageError, match="'labels'"):
        mig(labels=np.arange(640, dtype=np.uint64) % 4 + np.uint64(2**63))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("metric", [None, 3, ["mig"], Strange()]),
        ("options", ["bins=3", ["bins"], 3, {3: 4}, Strange()]),
        ("preset", [3, ["dlib"], {}, Strange()]),
        ("out", [3, b"figures", "", "a\0b", ["figures"], Strange()]),
        ("blocks", ["0:1", ("0:1",), 3, {"0:1", "1:2"}, (0, 1), (None, "1:2"), ("0:1", Strange()), Strange()]),
        ("registry", ["mine", {}, Strange()]),
        ("factor_names", [3, {"a", "b"}, ["a", None], "ab", Strange()]),
        ("factor_kinds", [3, [1, 2], {"category"}, "category", ["category", "none"], Strange()]),
        ("content_factor", [3, ["factor0", 1], "none", {"factor0"}, Strange()]),
        ("seed", [None, "1", 1.5, Strange()]),
        ("decode", [3, Z, "decode", Strange()]),
        ("encode", [3, Z, "encode", Strange()]),
        ("images", [3, Z, "images", Strange()]),
    ],
)
def test_an_argument_of_the_wrong_type_is_named(name, values):
    for value in values:
        with pytest.raises(UsageError) as caught:
            disent_plugins.measure(**{"metric": "mig", "codes": Z, "factors": V, name: value})
        assert name.partition("_")[0] in str(caught.value).lower()


@pytest.mark.parametrize("value", [Strange(), None, [1], np.zeros(3), torch.zeros(3), {}, "x" * 10**6, 10**400])
@pytest.mark.parametrize("option", ["bins", "binning", "strange"])
def test_an_option_of_the_wrong_type_is_named(option, value):
    with pytest.raises(UsageError, match=option) as caught:
        mig(options={option: value})
    assert len(str(caught.value)) < 500


# A model as functions

N = 60
LABELS = np.arange(N) % 3
CONTENT = np.eye(3)[LABELS] + 0.1 * np.random.default_rng(0).normal(size=(N, 3))
STYLE = np.random.default_rng(1).normal(size=(N, 2))


def painted(content, style):
    grey = 1 / (1 + np.exp(-np.asarray(content).sum(axis=1) - np.asarray(style).sum(axis=1)))
    return np.repeat(grey, 64).reshape(-1, 8, 8, 1).astype(np.float32)


def reconstruction(**functions):
    given = {"decode": painted, "images": lambda rows: painted(CONTENT[rows], STYLE[rows]), **functions}
    return disent_plugins.measure("reconstruction", content=CONTENT, style=STYLE, labels=LABELS, **given)


RETURNED = {
    "one image for all": (lambda x: x[:1], "float"),
    "an image too few": (lambda x: x[1:], "float"),
    "flat": (lambda x: x.reshape(len(x), -1), "float"),
    "another size": (lambda x: x[:, :4], "float"),
    "bytes": (lambda x: (x * 255).astype(np.uint8), "uint8"),
    "0 to 255": (lambda x: x * 255, "Images lie in"),
    "NaN": (lambda x: x * np.nan, "from nan to nan"),
    "masked": (lambda x: np.ma.MaskedArray(x), "masked"),
    "None": (lambda x: None, "NoneType|object"),
    "text": (lambda x: "image", "dtype|<U5"),
}


@pytest.mark.parametrize("name", ["decode", "images"])
@pytest.mark.parametrize("case", RETURNED)
def test_what_a_function_returns_is_checked(name, case):
    change, words = RETURNED[case]
    plain = {"decode": painted, "images": lambda rows: painted(CONTENT[rows], STYLE[rows])}[name]
    if case == "another size":  # than the other function's
        with pytest.raises(UsageError, match=r"The function (decode|images) does not give"):
            reconstruction(**{name: lambda *given: change(plain(*given))})
        return
    with pytest.raises(UsageError, match=f"The function {name}") as caught:
        reconstruction(**{name: lambda *given: change(plain(*given))})
    assert any(word in str(caught.value) for word in words.split("|"))


def test_a_function_that_fails_is_named():
    with pytest.raises(UsageError, match="The function decode failed") as caught:
        reconstruction(decode=lambda content: content)
    assert caught.value.why.startswith("TypeError: ")
    assert isinstance(caught.value.__cause__, TypeError)


def test_functions_may_give_tensors():
    with_gradient = reconstruction(decode=lambda c, s: torch.from_numpy(painted(c, s)).requires_grad_())
    assert with_gradient.values == reconstruction().values
    assert not list(Path.cwd().glob("disent-*"))


@pytest.mark.parametrize(
    "given",
    [
        None,
        CONTENT,
        (CONTENT,),
        (CONTENT[:1], STYLE[:1]),
        (CONTENT[:, :2], STYLE),
        (CONTENT, STYLE * np.nan),
        (CONTENT, None),
        (LABELS, LABELS),
    ],
)
def test_what_encode_returns_is_checked(given, tmp_path):
    from disent_plugins.measuring.functions import checked
    from disent_plugins.metrics.codes.file import make_codes

    codes = make_codes({"content": CONTENT, "style": STYLE, "labels": LABELS})
    with pytest.raises(UsageError, match="The function encode"):
        checked(codes, decode=None, encode=lambda images: given, images=None)["encode"](np.zeros((N, 8, 8, 1)))
    good = checked(codes, decode=None, encode=lambda images: (CONTENT, STYLE), images=None)
    assert [block.dtype for block in good["encode"](np.zeros((N, 8, 8, 1)))] == [np.float32] * 2
    assert (good["decode"], good["images"]) == (None, None)
