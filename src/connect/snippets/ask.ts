// Asks whether a tool may run, waits for the answer, and claims it. Nothing is allowed but by a person or a rule.
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { randomUUID } from "node:crypto";

const server = @URL@;
const token = readFileSync(@TOKEN@.replace(/^~(?=\/)/, homedir()), "utf8").trim();

type Json = Record<string, any>;

// Repeats a call while the server is away; what it refuses is an error.
async function call(method: string, path: string, body?: Json): Promise<Json> {
  for (;;) {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const response = await fetch(server + path, { method, headers, body: body && JSON.stringify(body) }).catch(() => undefined);
    if (response === undefined || [429, 502, 503, 504].includes(response.status)) {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      continue;
    }
    const answer = (await response.json()) as Json;
    if (!response.ok) throw new Error(answer.error);
    return answer;
  }
}

// The input to act on and a function that reports the outcome. With a request id of its own, a program that was restarted
// finds the answer to the same question again.
export async function allowed(toolName: string, input: Json, requestId?: string) {
  const confirmation = { toolName, input, inputEditsAllowed: true };
  let asked = await call("POST", "/v1/interactions", { requestId, kind: "confirmation", confirmation });
  const path = `/v1/interactions/${encodeURIComponent(asked.requestId)}`;
  while (asked.status === "pending") asked = await call("GET", `${path}?waitMs=25000`);
  if (asked.status !== "approved") throw new Error(`${asked.status}: ${asked.resolution?.comment ?? "nobody allowed it"}`);
  const claim = await call("POST", `${path}/claim`, { claimId: randomUUID() });
  const report = (outcome: "succeeded" | "failed") => call("POST", `${path}/outcome`, { claimId: claim.claimId, outcome });
  return { input: claim.effectiveInput as Json, report };
}

const { input, report } = await allowed("greet", { name: "world" });
console.log(`hello, ${input.name}`);
await report("succeeded");
