"""What a command of the shell says where it cannot be carried out."""


class Refused(Exception):
    """The message says why, for a person. The command exits with 1."""
