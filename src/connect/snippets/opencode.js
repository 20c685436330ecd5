// Written by `countersign connect opencode`; `--remove` takes it away.
// OpenCode asks countersign before every tool. Whatever fails here throws, and what throws does not run.
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { randomUUID } from "node:crypto";

const server = @URL@;
const token = () => readFileSync(@TOKEN@.replace(/^~(?=\/)/, homedir()), "utf8").trim();

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// Repeats a call while the server is away; what it refuses is final.
async function call(method, path, body) {
  for (let wait = 250; ; wait = Math.min(wait * 2, 5000)) {
    let response;
    try {
      response = await fetch(server + path, {
        method,
        headers: { authorization: `Bearer ${token()}`, "content-type": "application/json" },
        body: body && JSON.stringify(body),
      });
    } catch {
      await pause(wait);
      continue;
    }
    if ([429, 502, 503, 504].includes(response.status)) {
      await pause(wait);
      continue;
    }
    const answer = await response.json();
    if (!response.ok) throw new Error(`countersign: ${answer.error ?? response.status}`);
    return answer;
  }
}

function denied({ status, resolution, requestId }) {
  if (status === "rejected") return `A person said no${resolution?.comment ? `: ${resolution.comment}` : "."}`;
  return `Nobody allowed this (${status}); this is not a no. It was asked as ${requestId}.`;
}

export const Countersign = async ({ directory }) => {
  const claims = new Map();
  return {
    "tool.execute.before": async ({ tool, sessionID, callID }, output) => {
      let asked = await call("POST", "/v1/interactions", {
        kind: "confirmation",
        conversationId: sessionID,
        origin: { client: "opencode", sessionId: sessionID, workingDir: directory },
        confirmation: {
          toolName: tool,
          input: output.args,
          toolUseId: callID,
          workingDir: directory,
          inputEditsAllowed: true,
        },
      });
      const path = `/v1/interactions/${encodeURIComponent(asked.requestId)}`;
      while (asked.status === "pending") asked = await call("GET", `${path}?waitMs=25000`);
      if (asked.status !== "approved") throw new Error(denied(asked));
      const claim = await call("POST", `${path}/claim`, { claimId: randomUUID() });
      // OpenCode goes on with the very object that it has handed over.
      for (const name of Object.keys(output.args)) delete output.args[name];
      Object.assign(output.args, claim.effectiveInput);
      claims.set(callID, { path, claimId: claim.claimId });
    },
    "tool.execute.after": async ({ callID }) => {
      const claim = claims.get(callID);
      claims.delete(callID);
      if (claim) await call("POST", `${claim.path}/outcome`, { claimId: claim.claimId, outcome: "succeeded" });
    },
  };
};
