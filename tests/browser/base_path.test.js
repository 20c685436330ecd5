// The inbox under a path: behind a proxy that passes the path on, and behind one that takes it off.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { after, test } from 'node:test';

import { closeBrowser, tab } from './harness/browser.js';
import { atEnd } from './harness/cleanup.js';
import { open, row } from './harness/person.js';
import { confirmation } from './harness/requests.js';
import { serve } from './harness/server.js';

after(closeBrowser);

const BASE = '/some/path';

/** A proxy that knows nothing but the path, with a server behind it; `shorten` makes of a path what is passed on. */
async function proxied(t, shorten) {
  let server;
  const proxy = http.createServer((request, answer) => {
    if (!request.url.startsWith(`${BASE}/`)) return answer.writeHead(418).end();
    const { method, headers } = request;
    const call = http.request(server.url + shorten(request.url), { method, headers }, (answered) => {
      answer.writeHead(answered.statusCode, answered.headers);
      answered.pipe(answer);
    });
    call.on('error', () => answer.destroy());
    answer.on('close', () => call.destroy());
    request.pipe(call);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  atEnd(t, () => {
    proxy.close();
    proxy.closeAllConnections();
  });
  const url = `http://127.0.0.1:${proxy.address().port}${BASE}`;
  server = await serve(t, '--public-url', url);
  return { server, url };
}

for (const [how, shorten] of [
  ['passes the path on', (path) => path],
  ['takes the path off', (path) => path.slice(BASE.length)],
]) {
  test(`behind a proxy that ${how} a person logs in, sees what comes, decides, and tries a rule`, async (t) => {
    const { server, url } = await proxied(t, shorten);
    const agent = server.agent();
    const page = await tab(t);
    const link = await server.approver().call('POST', '/v1/login-links');
    assert.ok(link.url.startsWith(`${url}/login#`));
    await page.goto(link.url);
    await page.waitForURL(`${url}/`);
    await agent.register(confirmation('deploy'));
    await open(page, 'deploy');
    await page.keyboard.press('a');
    await row(page, 'deploy').waitFor({ state: 'detached' });
    assert.equal((await agent.look('deploy')).status, 'approved');
    await page.getByRole('link', { name: 'Rules' }).click();
    await page.getByRole('link', { name: 'New rule' }).click();
    const shown = page.waitForResponse((answer) => answer.url() === `${url}/rules/preview`);
    await page.getByRole('button', { name: 'Show what it would decide' }).click();
    assert.equal((await shown).status(), 200);
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.waitForURL(`${url}/login`);
  });
}
