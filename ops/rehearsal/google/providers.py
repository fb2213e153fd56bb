"""The providers that one process stands in for, and what a change of a provider's own settings does. Pure.

Pulumi starts a process for each provider, or attaches all providers of a package to one that runs. Its requests do not
say which provider of a process they are for; then the settings of all apply together.
"""

import json
from collections.abc import Mapping
from typing import Any

from ops.changes.gcp_inputs import Input
from ops.rehearsal.google.changes import Change, of_map
from ops.rehearsal.google.outputs import Provider
from ops.rehearsal.google.wire import plain

PLACE = ("project", "region", "zone")


class Providers:
    def __init__(self) -> None:
        self._configured: dict[str, Provider] = {}

    def configure(self, urn: str, args: Mapping[str, Any]) -> None:
        """Settings of a provider; those of an earlier version of it end."""
        given = plain(args)
        labels = given.get("defaultLabels", {})
        self._configured[urn] = Provider(
            place={key: given[key] for key in PLACE if given.get(key)},
            # Nested settings of a provider arrive as JSON text.
            labels=json.loads(labels) if isinstance(labels, str) else labels,
        )

    @property
    def settings(self) -> Provider:
        place: dict[str, str] = {}
        labels: dict[str, str] = {}
        for provider in self._configured.values():
            place |= provider.place
            labels |= provider.labels
        return Provider(place=place, labels=labels)


def provider_changes(was: Mapping[str, Any], becomes: Mapping[str, Any]) -> list[Change]:
    """Changed settings of a provider. None of Google's forces a replacement, the project neither."""
    return list(of_map("", Input(kind="map"), was, becomes))
