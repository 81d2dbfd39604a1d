"""Keys: who holds what (privacy, table of parties). One kind in one directory, so that no theft of one opens all.

`<kind>-<version>.key` is readable by its owner alone; `.pub` stands beside it where there is a public half. A
submitter's directory also pins the centre's recipients (`recipients.json`): a parcel can be sealed to no other.
"""

import hashlib
import json
import os
import re
import secrets
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

EXIT_KEY = 77
RECIPIENT_KINDS = ("linkage", "load")
PINS = "recipients.json"
SECRET_BYTES = 32
_NAME = re.compile(r"^(?P<kind>[a-z]+)-(?P<version>[1-9]\d*)\.(?P<half>key|pub)$")


class KeyProblem(Exception):
    """A key is missing, of the wrong kind, readable by others or does not fit; the sentence never holds key text."""

    exit_code = EXIT_KEY

    def __init__(self, sentence_ja: str, sentence_en: str) -> None:
        super().__init__(f"{sentence_ja} / {sentence_en}")
        self.sentence_ja = sentence_ja
        self.sentence_en = sentence_en

    def __reduce__(self) -> tuple[type["KeyProblem"], tuple[str, str]]:
        return KeyProblem, (self.sentence_ja, self.sentence_en)


@dataclass(frozen=True)
class Recipient:
    """An age recipient and its fingerprint: SHA-256 of the recipient's text, hex."""

    text: str

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True, repr=False)
class Keys:
    """The keys a command was given: kind -> version -> text of the `.key` file; shown nowhere."""

    texts: dict[str, dict[int, str]]
    directories: dict[str, Path]

    def version(self, kind: str) -> int:
        """The newest version of a kind."""
        return max(self.texts[kind])

    def text(self, kind: str, version: int | None = None) -> str:
        """Text of a key, the newest version unless one is named; KeyProblem where that version is not there."""
        held = self.texts[kind]
        wanted = self.version(kind) if version is None else version
        if wanted not in held:
            raise KeyProblem(
                f"{kind} の鍵の版 {wanted} が必要ですが、フォルダにありません。",
                f"version {wanted} of the {kind} key is required, but is not in its directory.",
            )
        return held[wanted]

    def recipients(self) -> dict[str, Recipient]:
        """The pinned recipients (`load`, `linkage`) of a submitter; KeyProblem where a pin does not hold."""
        pinned = dict(line.split(" ", 1) for line in self.text("submitter").splitlines()[1:])
        return {kind: _held_to_pin(kind, said, pinned) for kind, said in _pins(self.directories["submitter"]).items()}


def create(kind: str, directory: Path, version: int = 1, recipients: Sequence[Path] = ()) -> list[Path]:
    """Writes a new key of `kind` into `directory` and returns the files; never overwrites.

    `receiver` opens the sealed edge key. `submitter` needs the `.pub` files of the centre's linkage and load keys. Raises KeyProblem (exit 77).
    """
    if kind not in _MAKERS:
        raise KeyProblem(
            f"鍵の種類は {'、'.join(_MAKERS)} のいずれかです。", f"the kind of a key is one of {', '.join(_MAKERS)}."
        )
    _refuse_other_kinds(kind, directory)
    given = _recipients(recipients) if kind == "submitter" else {}
    secret, public = _MAKERS[kind]()
    written = [keep(kind, directory, version, "\n".join([secret, *_pin_lines(given)]))]
    try:
        if public:
            written.append(write_new(directory / f"{kind}-{version}.pub", f"{public}\n".encode(), 0o644))
        if given and not (directory / PINS).exists():
            told = {k: {"fingerprint": r.fingerprint, "recipient": r.text} for k, r in sorted(given.items())}
            written.append(write_new(directory / PINS, f"{json.dumps(told, indent=1)}\n".encode(), 0o644))
    except (OSError, KeyProblem):  # half of a key could be neither used nor made again
        for path in written:
            path.unlink()
        raise
    return written


def keep(kind: str, directory: Path, version: int, text: str) -> Path:
    """Writes the text of a key of this kind into its directory, readable by its owner alone; never overwrites."""
    _refuse_other_kinds(kind, directory)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return write_new(directory / f"{kind}-{version}.key", f"{text}\n".encode(), 0o600)


def find(kinds: Sequence[str], directories: Sequence[Path]) -> Keys:
    """The keys of exactly these kinds, one directory each: a missing kind or a kind too many is a KeyProblem."""
    texts: dict[str, dict[int, str]] = {}
    places: dict[str, Path] = {}
    for directory in directories:
        kind = _kind_of(directory)
        if kind not in kinds or kind in places:
            raise KeyProblem(
                f"この処理が受け取る鍵は {'、'.join(kinds)} の各1フォルダだけです。{kind} の余分なフォルダを外してください。",
                f"this command takes one directory each of {', '.join(kinds)}; leave out the extra one of {kind}.",
            )
        places[kind] = directory
        texts[kind] = {v: _read_private(p) for v, p in _files(directory, "key").get(kind, {}).items()}
    if missing := [k for k in kinds if k not in places]:
        raise KeyProblem(
            f"鍵 {'、'.join(missing)} のフォルダを --keys で指定してください。",
            f"name the directory of the {', '.join(missing)} key with --keys.",
        )
    return Keys(texts, places)


def fingerprints(directories: Sequence[Path]) -> dict[str, str]:
    """`<kind>-<version>` -> 16 hex digits that tell keys apart in a log and give none away; unreadable ones are left out.

    A key holds 256 random bits: its hash cannot be guessed back, and is of no use as a key.
    """
    found = {}
    for path in (p for d in directories for versions in _files(d, "key").values() for p in versions.values()):
        try:
            secret = path.read_text("ascii", "replace").splitlines()[0]
        except (OSError, IndexError):
            continue
        found[path.stem] = hashlib.sha256(f"mchdb key {path.stem}\x1f{secret}".encode()).hexdigest()[:16]
    return found


def _hex_secret() -> tuple[str, str]:
    return secrets.token_hex(SECRET_BYTES), ""


def _signing_pair() -> tuple[str, str]:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    return key.private_bytes_raw().hex(), key.public_key().public_bytes_raw().hex()


def _age_pair() -> tuple[str, str]:
    from pyrage import x25519

    identity = x25519.Identity.generate()
    return str(identity), str(identity.to_public())


_MAKERS: dict[str, Callable[[], tuple[str, str]]] = {
    "edge": _hex_secret,
    "local": _hex_secret,
    "submitter": _signing_pair,
    "receiver": _age_pair,
    "linkage": _age_pair,
    "centre": _hex_secret,
    "load": _age_pair,
    "warehouse": _hex_secret,
}


def _files(directory: Path, half: str) -> dict[str, dict[int, Path]]:
    """kind -> version -> file of the wanted half."""
    found: dict[str, dict[int, Path]] = {}
    for path in sorted(directory.iterdir()) if directory.is_dir() else ():
        if (name := _NAME.match(path.name)) and name["half"] == half:
            found.setdefault(name["kind"], {})[int(name["version"])] = path
    return found


def _refuse_other_kinds(kind: str, directory: Path) -> None:
    if others := sorted({*_files(directory, "key"), *_files(directory, "pub")} - {kind}):
        raise KeyProblem(
            f"1つのフォルダに置ける鍵は1種類です。ここには {others[0]} の鍵があります。別のフォルダを指定してください。",
            f"a directory holds one kind of key; this one holds {others[0]}. Name another directory.",
        )


def _kind_of(directory: Path) -> str:
    kinds = sorted(_files(directory, "key"))
    if len(kinds) != 1:
        raise KeyProblem(
            f"鍵のフォルダには1種類の .key が必要ですが、{len(kinds)} 種類あります: {directory}",
            f"a key directory holds exactly one kind of .key file, this one holds {len(kinds)}: {directory}",
        )
    return kinds[0]


def _read_private(path: Path) -> str:
    if sys.platform != "win32" and path.stat().st_mode & 0o077:
        raise KeyProblem(
            f"鍵ファイルは所有者だけが読めること(0600)が必要です: {path.name} の権限を直してください。",
            f"a key file must be readable by its owner alone (0600): correct the permissions of {path.name}.",
        )
    if not (text := path.read_text("ascii", "replace").strip()):
        raise KeyProblem(f"鍵ファイルが空です: {path.name}", f"the key file is empty: {path.name}")
    return text


def write_new(path: Path, content: bytes, mode: int) -> Path:
    """Writes a file that is not there yet, whole and synced, or not at all. Raises KeyProblem where it is, OSError."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    except FileExistsError:
        raise KeyProblem(
            f"鍵は上書きしません: {path.name} があります。別の版かフォルダを指定してください。",
            f"a key is never overwritten: {path.name} is there. Name another version or directory.",
        ) from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink()
        raise
    return path


def _recipients(paths: Sequence[Path]) -> dict[str, Recipient]:
    """The centre's recipients from their `.pub` files, told apart by name."""
    found = {name["kind"]: p for p in paths if (name := _NAME.match(p.name)) and name["half"] == "pub"}
    if set(found) != set(RECIPIENT_KINDS) or len(paths) != len(RECIPIENT_KINDS):
        raise KeyProblem(
            "提出者の鍵には、中央の linkage と load の公開鍵(.pub)をちょうど1つずつ指定してください。",
            "a submitter's key needs exactly one .pub file of the centre's linkage key and one of its load key.",
        )
    return {kind: Recipient(path.read_text("ascii", "replace").strip()) for kind, path in found.items()}


def _pin_lines(recipients: dict[str, Recipient]) -> list[str]:
    return [f"{kind} {recipient.fingerprint}" for kind, recipient in sorted(recipients.items())]


def _pins(directory: Path) -> dict[str, dict[str, str]]:
    try:
        told = json.loads((directory / PINS).read_text("utf-8"))
        return {
            kind: {"fingerprint": told[kind]["fingerprint"], "recipient": told[kind]["recipient"]}
            for kind in RECIPIENT_KINDS
        }
    except (OSError, ValueError, KeyError, TypeError):
        raise KeyProblem(
            f"提出者の鍵フォルダに、中央の受取人を定めた {PINS} が必要です。読めないか、形が違います。",
            f"the submitter's key directory needs {PINS}, which pins the centre's recipients; it cannot be read as such.",
        ) from None


def _held_to_pin(kind: str, said: dict[str, str], pinned: dict[str, str]) -> Recipient:
    """The recipient, where its text, its fingerprint and the pin made with the signing key are one and the same."""
    recipient = Recipient(said["recipient"])
    if not recipient.fingerprint == said["fingerprint"] == pinned.get(kind):
        raise KeyProblem(
            f"{PINS} の {kind} の受取人が、署名鍵の作成時に定めた指紋と違います。何も送りません。中央に確かめてください。",
            f"the {kind} recipient in {PINS} is not the one pinned when the signing key was made; "
            "nothing is sent. Ask the centre.",
        )
    return recipient
