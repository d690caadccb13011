"""A zoo in a repository of the Hugging Face Hub: everything that belongs together is one commit of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from publishing.stores.interface import Content
from publishing.stores.remote import RemoteStore


class HubStore(RemoteStore):
    """The store below ``root`` of an HfFileSystem. The token comes from where the Hub's own tools keep it."""

    def commit(self, add: Mapping[str, Content], remove: Sequence[str] = ()) -> None:
        """Make one commit. The Hub itself knows by their digests which large files it has already."""
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        with self._as_publish_errors("committing"):
            place = self._system.resolve_path(self._root)
            published = self._all() if remove else {}
            above = f"{place.path_in_repo}/" if place.path_in_repo else ""
            operations: list[Any] = [
                CommitOperationAdd(f"{above}{path}", _source(content)) for path, content in add.items()
            ]
            operations += [CommitOperationDelete(f"{above}{path}") for path in remove if path in published]
            if operations:
                self._system._api.create_commit(
                    place.repo_id,
                    operations,
                    commit_message=_message(add, remove),
                    repo_type=place.repo_type,
                    revision=place.revision,
                )


def _source(content: Content) -> bytes | str:
    return content.data if isinstance(content.data, bytes) else str(content.data)


def _message(add: Mapping[str, Content], remove: Sequence[str]) -> str:
    """A line that says what changed: the models, where there are some."""
    models = [Path(path).stem for path in (*add, *remove) if path.endswith(".onnx")]
    verb = "Publish" if add else "Withdraw"
    return f"{verb} {', '.join(models)}" if models else "Announce what is published"
