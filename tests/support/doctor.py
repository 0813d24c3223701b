"""What the doctor is tested with: packages by name and version, and its findings."""

CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
GENAI = {"opentelemetry-instrumentation-genai-openai": "1.3b0"}
OPENAI_V2 = {"opentelemetry-instrumentation-openai-v2": "2.4b0"}
OPENINFERENCE = {"openinference-instrumentation-openai": "0.1.66"}


def level_and_fix(findings):
    """The level and the fix of each finding."""
    return [(finding.level, finding.fix) for finding in findings]
