"""Documents that clients name instead of sending: trusted ones from a folder, and those that were sent once before."""

import hashlib
import re
from pathlib import Path

import orjson

from api.requests import Operation, RequestRefused, malformed
from api.settings import Settings
from domain.base.kept import Kept
from schema.base.errors import TopLevelCode

ID_PREFIX = "sha256:"

_DIGEST = re.compile(r"[0-9a-fA-F]{64}")

_PERSISTED_CHARACTERS_MAX = 1_000_000
"""Characters of documents that clients sent with their hash: some thousand documents."""


class DocumentsUnfit(Exception):  # noqa: N818  reads as what it is
    """The folder of trusted documents cannot be used; the message says why."""


def hash_of(text: str) -> str:
    """Return what names a document: the SHA-256 of its text."""
    return hashlib.sha256(text.encode()).hexdigest()


def read_trusted_documents(folder: Path | None) -> dict[str, str]:
    """Return the documents of a folder by their hashes; raises `DocumentsUnfit`.

    A file `.graphql` is one document. A file `.json` holds many as client tools write them: an object of ids and texts.
    """
    if folder is None:
        return {}
    if not folder.is_dir():
        message = f"There is no folder {folder} with trusted documents: make it, or leave SPORTELLO_DOCUMENTS out."
        raise DocumentsUnfit(message)
    found = {}
    for path in sorted(folder.rglob("*.graphql")):
        text = _read(path)
        found[hash_of(text)] = text
    for path in sorted(folder.rglob("*.json")):
        found |= _manifest(path)
    return found


def _manifest(path: Path) -> dict[str, str]:
    try:
        texts = orjson.loads(_read(path))
    except orjson.JSONDecodeError:
        texts = None
    if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
        message = f"{path} is no JSON object of ids and documents."
        raise DocumentsUnfit(message)
    for name, text in texts.items():
        if str(name).removeprefix(ID_PREFIX).lower() != hash_of(text):
            message = f"{path}: {name} is not the SHA-256 of its document. Write the file anew with the client's tool."
            raise DocumentsUnfit(message)
    return {hash_of(text): text for text in texts.values()}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path} cannot be read as UTF-8 text ({error})."
        raise DocumentsUnfit(message) from None


class Texts:
    """Finds the text of the document that a client means, however it names it."""

    def __init__(self, settings: Settings) -> None:
        """Read the trusted documents. Raises `DocumentsUnfit`."""
        self._trusted = read_trusted_documents(Path(settings.documents) if settings.documents is not None else None)
        self._is_trusted_only = settings.documents_only
        self._persisted: Kept[str] = Kept(_PERSISTED_CHARACTERS_MAX)

    def find(self, operation: Operation) -> str:
        """Return the text; raises `RequestRefused` where there is none, or none that may be run."""
        if operation.document_id is not None:
            return self._by_id(operation.document_id)
        digest = _digest(operation)
        text = operation.query
        if text is not None and text.strip():
            if digest is not None and digest != hash_of(text):
                message = "The hash in extensions.persistedQuery is not the SHA-256 of the document in query."
                raise malformed(message)
            return self._allowed(text)
        if digest is None:
            message = "The field query must hold the GraphQL document."
            raise malformed(message)
        return self._by_hash(digest)

    def keep(self, operation: Operation, text: str) -> None:
        """Keep a sound document that was sent with its hash: next time the hash will do."""
        if operation.query is not None and _digest(operation) is not None and not self._is_trusted_only:
            self._persisted.put(hash_of(text), text, weight=len(text))

    def _by_id(self, document_id: str) -> str:
        text = self._trusted.get(document_id.removeprefix(ID_PREFIX).lower())
        if text is None:
            message = "There is no trusted document with this documentId; it is sha256: and the hash of its text."
            raise malformed(message)
        return text

    def _by_hash(self, digest: str) -> str:
        text = self._trusted.get(digest)
        if text is not None:
            return text
        # Apollo's clients look for these words, in an answer that came through: they then send the text as well.
        if self._is_trusted_only:
            raise RequestRefused(200, TopLevelCode.PERSISTED_QUERY_NOT_SUPPORTED, "PersistedQueryNotSupported")
        text = self._persisted.get(digest)
        if text is None:
            raise RequestRefused(200, TopLevelCode.PERSISTED_QUERY_NOT_FOUND, "PersistedQueryNotFound")
        return text

    def _allowed(self, text: str) -> str:
        if self._is_trusted_only and hash_of(text) not in self._trusted:
            message = "Only trusted documents are run here: send the documentId of one."
            raise RequestRefused(403, TopLevelCode.FORBIDDEN, message)
        return text


def _digest(operation: Operation) -> str | None:
    """Return the hash by which Apollo's clients name a document, None where they do not."""
    persisted = (operation.extensions or {}).get("persistedQuery")
    if persisted is None:
        return None
    digest = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest) or persisted.get("version") != 1:
        message = "extensions.persistedQuery must be {version: 1, sha256Hash: <the SHA-256 of the document, in hex>}."
        raise malformed(message)
    return digest.lower()
