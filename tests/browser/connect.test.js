// Connecting an agent: a token that is shown once, what is copied, and the first question.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { LOOKS, assertFits, closeBrowser } from './harness/browser.js';
import { person } from './harness/person.js';
import { confirmation } from './harness/requests.js';
import { serve } from './harness/server.js';

after(closeBrowser);

for (const { name, ...options } of LOOKS) {
  test(`a person connects Claude Code, and sees its first question come, ${name}`, async (t) => {
    const server = await serve(t);
    const permissions = ['clipboard-read', 'clipboard-write'];
    const page = await person(t, server, { name: 'root', role: 'admin', permissions, ...options });
    await page.getByText('Nothing waits for you').getByRole('link', { name: 'Connect an agent' }).click();
    await assertFits(page);
    await page.getByRole('link', { name: 'Claude Code' }).click();
    await assertFits(page);
    const keep = page.getByLabel("Keep the token on the agent's machine");
    assert.match(await keep.innerText(), /THE-TOKEN-OF-THE-AGENT/);
    await page.getByLabel("The agent's name").fill('claude-of-ada');
    await page.getByRole('button', { name: 'Make a token' }).press('Enter');
    await page.getByText('There is no question of claude-of-ada yet').waitFor();
    const [token] = (await keep.innerText()).match(/csgn_[\w-]+/);
    await page.getByRole('button', { name: /^Copy ?: Keep the token/ }).click();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), await keep.textContent());
    assert.ok(!page.url().includes('csgn_'), 'no address has it');
    await assertFits(page);

    await server.agent('another').register(confirmation('another'));
    const asked = { method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' } };
    await fetch(`${server.url}/v1/interactions`, { ...asked, body: JSON.stringify(confirmation('hello')) });
    const arrival = page.getByRole('status').filter({ hasText: 'claude-of-ada is connected' });
    await arrival.waitFor();
    await assertFits(page);

    const before = server.run('token', 'list', '--db', server.db);
    await page.reload();
    await arrival.waitFor();
    assert.ok(!(await page.content()).includes('csgn_'), 'loaded again it shows no token');
    assert.equal(server.run('token', 'list', '--db', server.db), before, 'and makes none');
    await arrival.getByRole('link', { name: 'make deploy' }).click();
    await page.waitForURL(`${server.url}/interactions/hello`);
  });
}
