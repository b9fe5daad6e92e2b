"""The version of the service, as logs and documents name it."""

VERSION = "0.1.0"
