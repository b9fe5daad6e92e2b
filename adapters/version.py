"""The version of Growthrings. The wheel, the CLI, logs, health, metrics and the OpenAPI document take it from here."""

VERSION = "0.2.0"
