// Asks whether a tool may run, waits for the answer, and claims it. Nothing is allowed but by a person or a rule.
//
// `callId` is the program's own name of one call, such as the ids of a run and of the call in it: a program that was restarted
// finds the answer to the same call again.
import { createHash, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { pathToFileURL } from "node:url";

const server = @URL@;
const token = readFileSync(@TOKEN@.replace(/^~(?=\/)/, homedir()), "utf8").trim();

// How long the server may be away.
const patienceMs = 60_000;

type Json = Record<string, any>;

/** What was not approved, or may not be used any more. */
export class NotAllowed extends Error {}

/** Sends a request again and again while the server is away; what it refuses is an error. */
async function send(method: string, path: string, body?: Json): Promise<Json> {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const request = { method, headers, body: body && JSON.stringify(body) };
  for (let awaySince: number | undefined; ; ) {
    try {
      const response = await fetch(server + path, request);
      if (![429, 502, 503, 504, 507].includes(response.status)) {
        const said = (await response.json()) as Json;
        if (response.ok) return said;
        throw response.status === 409 ? new NotAllowed(said.error) : new Error(said.error);
      }
    } catch (error) {
      // What fetch throws is a TypeError: the server is away.
      if (!(error instanceof TypeError)) throw error;
    }
    awaySince ??= Date.now();
    if (Date.now() - awaySince > patienceMs) {
      throw new Error("countersign cannot be reached; nothing was decided: try again later");
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

const requestId = (callId: string) => createHash("sha256").update(callId).digest("hex");
const pathOf = (callId: string) => `/v1/interactions/${requestId(callId)}`;

/** Puts a call into the inbox, or finds it there. */
export function ask(callId: string, toolName: string, input: Json): Promise<Json> {
  const confirmation = { toolName, input, inputEditsAllowed: true };
  return send("POST", "/v1/interactions", { requestId: requestId(callId), kind: "confirmation", confirmation });
}

/** Asks, waits, and returns the input that was approved; throws NotAllowed where it was not. */
export async function answer(callId: string, toolName: string, input: Json): Promise<Json> {
  let asked = await ask(callId, toolName, input);
  while (asked.status === "pending") asked = await send("GET", `${pathOf(callId)}?waitMs=25000`);
  if (asked.status === "rejected") throw new NotAllowed(`rejected: ${asked.resolution?.comment ?? "without a reason"}`);
  if (asked.status !== "approved") throw new NotAllowed(`${asked.status}: nobody decided, which is not a no`);
  return asked.resolution.effectiveInput;
}

/** Claims the right to act, which exists once, acts on the input that was approved, and reports how it went. */
export async function claimed<T>(callId: string, act: (input: any) => T | Promise<T>): Promise<T> {
  const claimId = randomUUID();
  const { effectiveInput } = await send("POST", `${pathOf(callId)}/claim`, { claimId });
  const report = (outcome: string) => send("POST", `${pathOf(callId)}/outcome`, { claimId, outcome });
  let done: T;
  try {
    done = await act(effectiveInput);
  } catch (error) {
    await report("failed");
    throw error;
  }
  await report("succeeded");
  return done;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const run = randomUUID();
  await answer(run, "greet", { name: "world" });
  await claimed(run, ({ name }) => console.log(`hello, ${name}`));
}
