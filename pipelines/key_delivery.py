"""The edge key on its way from the key holder to a submitter: sealed to the receiver that the submitter alone can open.

The linkage domain has one edge key in every town hall (privacy, hole 1), so it travels as an age file and no other way.
Fingerprints are compared by another way than the files came (telephone, a meeting): the receiver's before sealing, so that
no stranger can open the key, and the key's own before it is used. A public half is enough to seal, so a sealed file does
not say who made it, and tokens under a stranger's key could be guessed by the stranger.
"""

import io
import re
from dataclasses import dataclass
from pathlib import Path

import pyrage

from pipelines.keys import KeyProblem, Recipient, find, keep, write_new

KIND, RECEIVER = "edge", "receiver"
_FORM = re.compile(r"mchdb edge key ([1-9]\d{0,8})\n([0-9a-f]{64})\n")


@dataclass(frozen=True)
class SealedKey:
    """path: the sealed file. version: of the edge key in it. fingerprint: of the receiver who can open it."""

    path: Path
    version: int
    fingerprint: str


def seal_edge_key(directory: Path, receiver: Path, out: Path, version: int | None = None) -> SealedKey:
    """Seals the edge key in `directory` (the newest version unless one is named) to the `.pub` file of a receiver.

    Raises KeyProblem (77): no such key, or a file that is no receiver's public key. An existing file is never overwritten.
    """
    keys = find([KIND], [directory])
    number = keys.version(KIND) if version is None else version
    content = f"mchdb edge key {number}\n{keys.text(KIND, number)}\n".encode()
    to = Recipient(receiver.read_text("ascii", "replace").strip())
    try:
        sealed = pyrage.encrypt(content, [pyrage.x25519.Recipient.from_str(to.text)])
    except pyrage.RecipientError:
        raise KeyProblem(
            f"受け取る提出者の公開鍵({RECEIVER}-<版>.pub)が必要ですが、{receiver.name} は違います。",
            f"the public key of the receiving submitter ({RECEIVER}-<version>.pub) is required; {receiver.name} is none.",
        ) from None
    return SealedKey(write_new(out, sealed, 0o644), number, to.fingerprint)


def unseal_edge_key(sealed: Path, receiver: Path, into: Path) -> Path:
    """Opens a sealed edge key with the identity in the directory `receiver` and keeps it in `into` (0600).

    Raises KeyProblem (77): sealed to somebody else, altered, not an edge key, or a version that is already there.
    """
    identities = find([RECEIVER], [receiver]).texts[RECEIVER].values()
    told = _FORM.fullmatch(_opened(sealed, [pyrage.x25519.Identity.from_str(text) for text in identities]))
    if told is None:
        raise KeyProblem(
            f"{sealed.name} の中身は edge の鍵ではありません。鍵の管理者に確かめてください。",
            f"what {sealed.name} holds is no edge key. Ask the key holder.",
        )
    return keep(KIND, into, int(told[1]), told[2])


def _opened(sealed: Path, identities: list[pyrage.x25519.Identity]) -> str:
    plain = io.BytesIO()
    try:
        with sealed.open("rb") as file:
            pyrage.decrypt_io(file, plain, identities)
    except (pyrage.DecryptError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise KeyProblem(
            f"{sealed.name} はこの受取鍵({RECEIVER})では開けません。別の提出者に宛てたものか、途中で変わっています。何も書きません。",
            f"{sealed.name} does not open with this {RECEIVER} key: it is sealed to another submitter, or was altered. "
            "Nothing is written.",
        ) from None
    return plain.getvalue().decode("ascii", "replace")
