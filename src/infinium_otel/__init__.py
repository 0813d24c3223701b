"""Delivers the agent runs your OpenTelemetry spans already describe to Infinium."""
