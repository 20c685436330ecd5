// HumanLayer's SDK for Node: a function behind `requireApproval`. The first argument is the folder of its package.
import { appendFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const { HumanLayer } = createRequire(join(process.argv[2], 'package.json'))('humanlayer');
const call = JSON.parse(process.argv[process.argv.indexOf('--call') + 1]);

const hl = new HumanLayer({
  runId: 'run 1',
  apiKey: call.token,
  apiBaseUrl: `${call.url}/humanlayer/v1`,
  genid: prefix => `${prefix}-${call.call_id}`,
  sleep: ms => new Promise(resolve => setTimeout(resolve, ms / 30)),
});

const make = hl.requireApproval()(async function make({ line }) {
  appendFileSync(call.made, `${line}\n`);
  return `made ${line}`;
});

let text;
try {
  text = await make(call.input);
} catch (error) {
  text = `the SDK threw ${error}`;
}
console.log(JSON.stringify({ text: String(text) }));
