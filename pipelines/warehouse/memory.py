"""Secrets stay in memory: no core dump holds them when a process dies (privacy, hole 25)."""


def leave_no_core() -> None:
    """Forbids core dumps of this process, where the system knows them."""
    try:
        import resource
    except ImportError:  # Windows writes none by itself
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
