"""The one bridging period in which rows carry tokens of two versions (privacy, hole 20).

Both versions forever would be a lasting crosswalk. So it is declared at every sending by the version that is left behind:
a command that stays in a script stops at the next rotation, where the key of that version is no longer in the directory.
"""

from pipelines.edge.canon import FORMS
from pipelines.edge.problem import EdgeProblem
from pipelines.edge.pseudonymize import EdgeKey
from pipelines.keys import Keys
from pipelines.records.linkage import LinkageVersion


def former_key(keys: Keys, former: LinkageVersion) -> EdgeKey:
    """The key of the version that is left behind. Raises KeyProblem (77) where it is not there, EdgeProblem (2) where it is
    not an earlier one, or its canonical forms are not known."""
    newest = LinkageVersion(keys.version("edge"))
    if former == newest or former.key > newest.key or former.canon > newest.canon or former.canon not in FORMS:
        raise EdgeProblem(
            f"--bridge-from には前の版が必要です。送る版は {newest} ですが、{former} が指定されました。何も送りません。",
            f"--bridge-from takes an earlier version; {newest} is sent, and {former} was named. Nothing is sent.",
        )
    return EdgeKey(keys.text("edge", former.key), former)
