// The palette: what can be done, by its name.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { assertAccessible, assertFits, closeBrowser } from './harness/browser.js';
import { card, open, person } from './harness/person.js';
import { confirmation } from './harness/requests.js';
import { serve } from './harness/server.js';

after(closeBrowser);

const options = (page) => page.getByRole('dialog', { name: 'Commands' }).getByRole('option');
const chosen = (page) => page.locator('#commands [aria-selected=true]').innerText();

test('a command is found by its name and does what its key does', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  await agent.register(confirmation('deploy'));
  await agent.register(confirmation('other', { input: { command: 'make clean' } }));
  const page = await person(t, server);
  await open(page, 'deploy');
  await page.keyboard.press('Control+k');
  const field = page.getByRole('combobox', { name: 'Find a command, a page or a view' });
  assert.ok(await field.evaluate((field) => field === document.activeElement));
  const all = await options(page).allInnerTexts();
  for (const named of [/^approve; .*\ba$/s, /^reject.*\br$/s, /^undo.*\bz$/s, /^Go to History\s+g h$/, /^Go to High risk/, /^Go to .*build-agent/s]) {
    assert.ok(all.some((text) => named.test(text)), `${named} is not in ${all.join(' | ')}`);
  }
  await assertFits(page);
  await assertAccessible(page);
  await page.keyboard.type('reject');
  assert.match(await chosen(page), /^reject/);
  await page.keyboard.press('Escape');
  await field.waitFor({ state: 'hidden' });
  assert.ok(await card(page, 'deploy').evaluate((card) => card === document.activeElement), 'the focus is back');

  await page.keyboard.press('Control+k');
  await page.keyboard.type('approve');
  assert.match(await chosen(page), /^approve;/);
  await page.keyboard.press('ArrowDown');
  assert.match(await chosen(page), /^approve, and always/);
  const active = await field.getAttribute('aria-activedescendant');
  assert.equal(await page.locator(`#${active}`).innerText(), await chosen(page));
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Undo' }).waitFor();
  assert.equal((await agent.look('deploy')).status, 'pending', 'it can be taken back, as after a key');
  await page.getByRole('button', { name: 'Undo' }).click();

  await page.keyboard.press('Control+k');
  await page.keyboard.type('no such command');
  await page.getByText('Nothing here is called so.').waitFor();
  await page.keyboard.press('Enter');
  assert.ok(await field.isVisible(), 'nothing is done');
});

test('it leads from any page to any other, and from a field too', async (t) => {
  const server = await serve(t);
  const page = await person(t, server);
  await page.goto(`${server.url}/rules`);
  await page.locator('#q').focus();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('go settings');
  await page.keyboard.press('Escape');
  assert.ok(await page.locator('#q').evaluate((field) => field === document.activeElement));
  await page.keyboard.press('Meta+k');
  await page.keyboard.type('history');
  await options(page).first().click();
  await page.waitForURL(/\/history/);
});
