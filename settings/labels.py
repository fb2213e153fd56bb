"""`labels`: set on every resource that supports labels."""

from typing import Annotated

from pydantic import Field

from catalog.purchases import CAPACITY_LABEL

# Labels that the program sets itself. The budget finds the stack's costs by the first.
OWN_LABELS = ("stack", "managed-by", CAPACITY_LABEL)


def cloud_label(key: str) -> str:
    """`costCenter` → `cost-center`: label keys of Google Cloud have no capitals."""
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in key)


def _camel(label: str) -> str:
    first, *others = label.split("-")
    return first + "".join(map(str.capitalize, others))


def distinct_labels(labels: dict[str, str]) -> dict[str, str]:
    keys = [cloud_label(key) for key in labels]
    for key, cloud in zip(labels, keys, strict=True):
        if cloud in OWN_LABELS:
            raise ValueError(f"{key} is set by the program itself; remove it")
        if len(cloud) > 63:
            raise ValueError(
                f"{key} becomes {cloud}, longer than the 63 characters that Google Cloud allows; shorten it"
            )
        if keys.count(cloud) > 1:
            raise ValueError(f"two keys become {cloud}; remove one")
    return labels


LabelKey = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-zA-Z0-9-]{0,40}$",
        description="1 to 41 letters, digits and dashes, the first a lower-case letter",
        examples=["costCenter"],
        json_schema_extra={"not": {"enum": [*sorted({*OWN_LABELS, *map(_camel, OWN_LABELS)})]}},
    ),
]
LabelValue = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?$",
        description="1 to 63 lower-case letters, digits, dashes and underscores, the first and last a letter or digit",
        examples=["ml-platform"],
    ),
]
