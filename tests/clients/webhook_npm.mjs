// Has the verifier of Standard Webhooks look at a notice that comes on standard input.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { Webhook, WebhookVerificationError } = createRequire(`${process.argv[2]}/`)("standardwebhooks");
const { secret, headers, body } = JSON.parse(readFileSync(0, "utf8"));
const verifier = new Webhook(secret);
assert.equal(verifier.verify(body, headers).type, "interaction.pending");
assert.throws(() => verifier.verify(body.replace("confirmation", "confirmatiom"), headers), WebhookVerificationError);
assert.throws(() => verifier.verify(body, { ...headers, "webhook-timestamp": "1600000000" }), WebhookVerificationError);
