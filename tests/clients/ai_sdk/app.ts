// What the recipe for Vercel's AI SDK imports of its program: a model that calls one tool, and the function that is called.
import { appendFileSync } from "node:fs";
import { MockLanguageModelV3 } from "ai/test";

export const call = JSON.parse(process.argv[process.argv.indexOf("--call") + 1]);

export const model = new MockLanguageModelV3({
  doGenerate: async ({ prompt }) => {
    const isDone = prompt.at(-1)?.role === "tool";
    const input = JSON.stringify(call.input);
    return {
      content: isDone
        ? [{ type: "text", text: "done" }]
        : [{ type: "tool-call", toolCallId: call.call_id, toolName: "publish", input }],
      finishReason: isDone ? { unified: "stop", raw: "stop" } : { unified: "tool-calls", raw: "tool_calls" },
      usage: {
        inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
        outputTokens: { total: 1, text: 1, reasoning: 0 },
      },
      warnings: [],
    };
  },
});

export function publish({ line }: { line: string }): string {
  appendFileSync(call.made, `${line}\n`);
  return `made ${line}`;
}
