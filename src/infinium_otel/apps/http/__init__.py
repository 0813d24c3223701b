"""OTLP over HTTP, and what else the servers of `gateway` and `serve` share."""
