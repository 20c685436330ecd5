// What people keep in order themselves: the tokens of agents, their own sessions, and what a browser keeps.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { LOOKS, assertFits, closeBrowser } from './harness/browser.js';
import { logIn, person, row } from './harness/person.js';
import { confirmation } from './harness/requests.js';
import { serve } from './harness/server.js';

after(closeBrowser);

for (const { name, ...options } of LOOKS) {
  test(`an admin makes an agent a token and revokes it, ${name}`, async (t) => {
    const server = await serve(t);
    const permissions = ['clipboard-read', 'clipboard-write'];
    const page = await person(t, server, { ...options, permissions, name: 'root', role: 'admin' });
    await page.goto(`${server.url}/agents`);
    await page.getByLabel("The agent's name").fill('builder');
    await page.getByRole('button', { name: 'Make a token' }).press('Enter');
    await page.getByText('It is shown this once').waitFor();
    await assertFits(page);
    await page.getByRole('button', { name: 'Copy the token' }).click();
    await page.getByText('Copied.').waitFor();
    const token = await page.evaluate(() => navigator.clipboard.readText());
    const ask = () => fetch(`${server.url}/v1/status`, { headers: { authorization: `Bearer ${token}` } });
    assert.equal((await ask()).status, 200);
    const agent = page.getByRole('row', { name: /builder/ });
    await agent.getByText('Revoke…').press('Enter');
    await assertFits(page);
    await agent.getByRole('button', { name: 'Revoke this token' }).press('Enter');
    await agent.getByText('none').waitFor();
    assert.equal((await ask()).status, 401);
  });

  test(`a person ends the session of a lost phone, ${name}`, async (t) => {
    const server = await serve(t);
    const lost = await person(t, server);
    const page = await person(t, server, options);
    await page.getByRole('link', { name: 'ada' }).click();
    await page.getByRole('heading', { name: 'Settings' }).waitFor();
    await assertFits(page);
    await page.getByRole('button', { name: /^End the session/ }).click();
    await page.getByRole('button', { name: 'End all others' }).waitFor({ state: 'hidden' });
    await lost.goto(`${server.url}/rules`);
    await lost.waitForURL(/login/);
    await logIn(lost, server, server.client('ada', 'approver'));
    await page.reload();
    await page.getByRole('button', { name: 'End all others' }).click();
    await page.getByRole('button', { name: 'End all others' }).waitFor({ state: 'hidden' });
    await page.getByRole('button', { name: 'Log out here' }).click();
    await page.waitForURL(/login/);
  });
}

test('how long a decision can be undone is set for this browser', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  await agent.register(confirmation('one'));
  const page = await person(t, server, { timezoneId: 'Europe/Berlin' });
  await page.goto(`${server.url}/settings`);
  await page.getByText('the time zone of this browser, Europe/Berlin').waitFor();
  const grace = page.getByLabel('Undo a decision for');
  assert.equal(await grace.inputValue(), '3');
  await grace.fill('11');
  await grace.press('Tab');
  assert.equal(await page.evaluate(() => localStorage.getItem('countersign-grace')), null);
  await grace.fill('0');
  await grace.press('Tab');
  await page.getByText('Kept in this browser.').waitFor();
  await page.reload();
  assert.equal(await grace.inputValue(), '0');
  await page.goto(server.url);
  // Time stands still: what is held would never be sent.
  await page.clock.install();
  await row(page, 'one').locator('.open').click();
  await page.keyboard.press('a');
  assert.equal((await agent.resolved('one')).status, 'approved');
});
