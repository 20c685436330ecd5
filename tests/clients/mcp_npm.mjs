// The protocol's SDK for Node: a program that does what `request_approval` allows. The first argument is the folder of its package,
// the second the transport.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [, , folder, transport] = process.argv;
const call = JSON.parse(process.argv[process.argv.indexOf('--call') + 1]);
const sdk = name => import(pathToFileURL(join(folder, 'node_modules/@modelcontextprotocol/sdk/dist/esm/client', name)));
const { Client } = await sdk('index.js');

async function connected() {
  const client = new Client({ name: 'trial', version: '1' });
  if (transport === 'http') {
    const { StreamableHTTPClientTransport } = await sdk('streamableHttp.js');
    const requestInit = { headers: { authorization: `Bearer ${call.token}` } };
    await client.connect(new StreamableHTTPClientTransport(new URL(`${call.url}/mcp`), { requestInit }));
  } else {
    const { StdioClientTransport } = await sdk('stdio.js');
    const { command, args } = JSON.parse(readFileSync('.mcp.json', 'utf8')).mcpServers.countersign;
    await client.connect(new StdioClientTransport({ command, args, env: { ...process.env }, stderr: 'inherit' }));
  }
  return client;
}

// What the agent may do is what the answer names.
function act(text) {
  const [, allowed] = text.match(/Do exactly this, once: (.*)$/s) ?? [];
  if (allowed === undefined) return text;
  const { line } = JSON.parse(allowed).input;
  appendFileSync(call.made, `${line}\n`);
  return `made ${line}`;
}

async function ask(line, request_id) {
  const given = { action: 'add a line', input: { line }, ...(request_id && { request_id }) };
  const answer = await client.callTool({ name: 'request_approval', arguments: given }, undefined, { timeout: 120_000 });
  return act(answer.content.map(part => part.text).join('\n'));
}

const texts = [];
let client;
try {
  client = await connected();
  for (let turn = 0; turn < call.tries; turn += 1) {
    while (turn > 0 && call.holds && !existsSync(join(call.made, '../../go'))) {
      await new Promise(resolve => setTimeout(resolve, 50));
    }
    // Without an id of its own, the same call is told by what it asks.
    const said = await Promise.all(call.lines.map(line => ask(line)));
    texts.push(...said);
    said.forEach(text => appendFileSync(join(call.made, '../../told'), `${JSON.stringify(text)}\n`));
  }
} catch (error) {
  texts.push(`the SDK threw ${error}`);
}
console.log(JSON.stringify({ texts }));
process.exit(0);
