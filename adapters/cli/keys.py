"""`growthrings keys`: replaces the key that signs tokens."""

import argparse
import time

from adapters.auth import keys
from adapters.auth.own_keys import LOOK, key_folder
from adapters.errors import CommandFailed
from adapters.settings import VARIABLES, Settings
from adapters.system.terminal import print_line


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action", choices=["rotate"], help="Sign with a new key; the old key still verifies the tokens it has signed."
    )
    parser.add_argument(
        "--now", action="store_true", help="Invalidate all tokens of the old keys at once, as after a theft."
    )


def run(settings: Settings, parsed: argparse.Namespace) -> int:
    if settings.private_key is not None:
        raise CommandFailed(f"the key is set by {VARIABLES['private_key']}: change that setting and restart")
    folder = key_folder(settings, parsed.data)
    try:
        kid = keys.rotate(folder, ends_others=parsed.now)
    except OSError as error:
        raise CommandFailed(f"{folder} has no keys to rotate: {error.strerror}") from error
    if parsed.now:
        time.sleep(2 * LOOK)  # by then every process has looked at the folder
        print_line(f"Key {kid} signs from now on. The old keys are deleted: everybody has to log in again.")
    else:
        print_line(f"Key {kid} signs from now on; the old key verifies its tokens until they expire.")
    return 0
