"""How many files, and so connections, a process may have open."""

import resource

MANY = 65_536


def raise_limit() -> None:
    """Raise the limit as far as the system lets: one client with a thousand connections must not be all that fits."""
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= allowed < MANY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (MANY if most < 0 else min(MANY, most), most))
