"""A burst of 5,000 spans against a healthy server: how many arrive."""

from __future__ import annotations

import time

from opentelemetry.sdk.trace import TracerProvider
from sink import sink
from workload import SPANS, config, run

from infinium_otel import InfiniumSpanProcessor

BURST = 5_000


def main() -> bool:
    with sink() as address:
        processor = InfiniumSpanProcessor(config(address))
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(processor)
        tracer = provider.get_tracer("bench")
        began = time.monotonic()
        for number in range(BURST // SPANS):
            run(tracer, number)
        made_s = time.monotonic() - began
        flushed = provider.force_flush(30_000)
        took_s = time.monotonic() - began
        delivered = processor.stats.delivered
        provider.shutdown()
    print(
        f"burst: {BURST} spans in {made_s:.1f} s, {delivered} delivered after "
        f"{took_s:.1f} s, flush said {flushed}"
    )
    return flushed and delivered == BURST


if __name__ == "__main__":
    main()
