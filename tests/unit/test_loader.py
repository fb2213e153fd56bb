"""The loader of any data: all errors of shape at once, with what could be read of the rest."""

from typing import Annotated, Any

import pytest
from pydantic import Field

from reading import loader
from reading.errors import Error
from reading.frozen import Frozen
from reading.shape import HowToSet


class Owner(Frozen):
    id: Annotated[int, Field(ge=1), HowToSet("`who` prints it")]


class Data(Frozen):
    account: Annotated[str, Field(pattern="^[a-z]+$", examples=["ours"]), HowToSet("run `log in`", "login:account")]
    owners: tuple[Owner, ...] = ()
    kind: str = "plain"


GOOD: dict[str, Any] = {"account": "ours", "owners": [{"id": 1}], "kind": "plain"}


@pytest.mark.parametrize(
    ("changes", "errors", "left_out"),
    [
        ({}, [], set[str]()),
        ({"account": None}, [Error("login:account", "is required, such as ours; run `log in`")], {"login:account"}),
        ({"account": "OURS"}, [Error("login:account", '"OURS" is not of the form that it must have, such as ours')],
         {"login:account"}),
        ({"owners": [{}], "kidn": 1}, [Error("kidn", "is not a key here; allowed: account, owners, kind"),
         Error("owners[0].id", "is required; `who` prints it")], {"owners[0].id"}),
    ],
)  # fmt: skip
def test_all_errors_at_once_and_what_could_be_read(
    changes: dict[str, Any], errors: list[Error], left_out: set[str]
) -> None:
    raw = {key: value for key, value in {**GOOD, **changes}.items() if value is not None}
    reading = loader.read(Data, raw, {"account": "standin"})
    assert sorted(reading.errors) == errors
    assert reading.left_out == left_out
    assert reading.result
    assert len(reading.result.owners) == (0 if "owners" in changes else 1)
    assert reading.result.account == ("standin" if "account" in changes else "ours")


def test_what_cannot_be_cut_gives_no_result() -> None:
    reading = loader.read(Data, {}, {})
    assert [error.path for error in reading.errors] == ["login:account"]
    assert reading.result is None
