// One agent run, exported by OpenTelemetry's own exporter for Node.
// usage: node run.js http|proto

const { trace, context, SpanKind, SpanStatusCode } = require("@opentelemetry/api");
const { resourceFromAttributes } = require("@opentelemetry/resources");
const { NodeTracerProvider, BatchSpanProcessor } = require("@opentelemetry/sdk-trace-node");

const { OTLPTraceExporter } = require(
  `@opentelemetry/exporter-trace-otlp-${process.argv[2]}`,
);

const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ "service.name": "node-app" }),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
});
const tracer = provider.getTracer("node-agent", "1.0.0");

const root = tracer.startSpan("invoke_agent Weather", {
  attributes: {
    "gen_ai.operation.name": "invoke_agent",
    "gen_ai.agent.name": "Weather",
  },
});
const inside = trace.setSpan(context.active(), root);

const chat = tracer.startSpan(
  "chat gpt-4o-mini",
  {
    kind: SpanKind.CLIENT,
    attributes: {
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "openai",
      "gen_ai.request.model": "gpt-4o-mini",
      "gen_ai.usage.input_tokens": 113,
      "gen_ai.usage.output_tokens": 17,
      "gen_ai.response.finish_reasons": ["tool_calls"],
    },
  },
  inside,
);
chat.end();

const tool = tracer.startSpan(
  "execute_tool get_weather",
  {
    attributes: {
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.tool.name": "get_weather",
      "gen_ai.tool.call.arguments": JSON.stringify({ city: "Zürich" }),
    },
  },
  inside,
);
tool.recordException(new TypeError("no such city"));
tool.setStatus({ code: SpanStatusCode.ERROR, message: "no such city" });
tool.end();
root.end();

provider.shutdown().then(
  () => console.log(root.spanContext().traceId),
  (error) => {
    console.error(String(error));
    process.exit(1);
  },
);
