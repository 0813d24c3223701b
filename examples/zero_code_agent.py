"""An agent without any telemetry code, run by OpenTelemetry's own launcher.

pip install infinium-otel openai opentelemetry-distro \
        opentelemetry-instrumentation-genai-openai
OTEL_TRACES_EXPORTER=infinium OTEL_LOGS_EXPORTER=infinium \
        OTEL_METRICS_EXPORTER=none \
        OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=SPAN_ONLY \
        opentelemetry-instrument python examples/zero_code_agent.py
"""

from __future__ import annotations

import openai
from scripted_llm import Reply, ScriptedLlm

SCRIPT = (Reply("Rain: take the tram.", prompt_tokens=31, completion_tokens=7),)


def main() -> None:
    """Send one question to the model."""
    with ScriptedLlm(SCRIPT) as llm:
        client = openai.OpenAI(base_url=llm.base_url, api_key="none-needed")
        reply = client.chat.completions.create(
            model="gpt-4o-mini",
            messages=[{"role": "user", "content": "Rain in Lisbon. Walk or tram?"}],
        )
        print(reply.choices[0].message.content)


if __name__ == "__main__":
    main()
