// Accessibility: the pages by keyboard alone, on a phone, in the dark, with a screen reader.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { LOOKS, assertAccessible, closeBrowser, tab } from './harness/browser.js';
import { card, open, person, row } from './harness/person.js';
import { confirmation, question, secret } from './harness/requests.js';
import { serve } from './harness/server.js';

after(closeBrowser);

const PHONE = { viewport: { width: 375, height: 667 }, isMobile: true, hasTouch: true };

const DIFF = { filePath: '/repo/a', oldContent: 'one\ntwo\n', newContent: 'one\n2\n', isNewFile: false };

/** One of everything that can be on the queue. */
async function fill(agent) {
  await agent.register(confirmation('plain'));
  await agent.register(confirmation('same'));
  await agent.register(confirmation('danger', { riskLevel: 'high', input: { command: 'rm -r /srv', force: [true, 1] } }));
  await agent.register(confirmation('edit', { riskLevel: 'low', inputEditsAllowed: true, diff: DIFF, input: { path: '/repo/a' } }));
  await agent.register(confirmation('odd', { input: { command: 'g\u0456t push \u202E' }, reason: '<b>\u200B' }));
  await agent.register(confirmation('long', { input: { command: 'word '.repeat(8000) } }));
  await agent.register(secret('secret'));
  await agent.register(question('question'));
  await agent.register(confirmation('over', { input: { command: 'true' } }));
}

for (const { name: look, ...options } of LOOKS) {
  const isNarrow = 'viewport' in options;
  test(`the log-in and the queue are accessible, ${look}`, async (t) => {
    const server = await serve(t);
    const stranger = await tab(t, options);
    await stranger.goto(`${server.url}/login`);
    await assertAccessible(stranger);
    await fill(server.agent());
    const page = await person(t, server, { reducedMotion: 'reduce', ...options });
    await server.approver('bob').confirm('over', 'deny');
    await row(page, 'over').getByText(/rejected by bob/i).waitFor();
    for (const id of ['plain', 'danger', 'edit', 'odd', 'long', 'secret', 'question']) {
      if (isNarrow && id !== 'plain') await page.getByRole('link', { name: 'Back to the queue' }).click();
      await open(page, id);
      await page.evaluate(() => document.querySelectorAll('details').forEach((fold) => (fold.open = true)));
      await assertAccessible(page);
    }
    for (const id of ['edit', 'plain']) {
      if (isNarrow) await page.getByRole('link', { name: 'Back to the queue' }).click();
      await open(page, id);
      await page.keyboard.press(id === 'edit' ? 'e' : 't');
      await page.locator('.sheet:popover-open').waitFor();
      await assertAccessible(page);
      await page.keyboard.press('Escape');
    }
  });
}

test('on a phone nothing is wider than the screen, and what decides is large enough to hit', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  await fill(agent);
  const page = await person(t, server, PHONE);
  const widths = () => page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  const narrow = async (where) => {
    const [content, screen] = await widths();
    assert.ok(content <= screen, `${where}: ${content} px on a screen of ${screen}`);
  };
  await narrow('the rows');
  for (const id of ['danger', 'edit', 'odd', 'long', 'secret', 'question', 'plain']) {
    const asked = await open(page, id);
    await narrow(id);
    const heights = await asked.locator('.actions button:visible').evaluateAll((all) =>
      all.map((it) => [it.textContent, it.getBoundingClientRect().height]));
    assert.ok(id === 'long' || heights.length > 0);
    assert.deepEqual(heights.filter(([, height]) => height < 44), []);
    if (id !== 'plain') await page.getByRole('link', { name: 'Back to the queue' }).tap();
  }
  await page.getByRole('button', { name: 'Approve', exact: true }).tap();
  assert.equal((await agent.resolved('plain')).status, 'approved');
});

test('the keyboard alone suffices, and shows where it is', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  await agent.register(confirmation('plain'));
  await agent.register(secret('secret'));
  await agent.register(question('question'));
  const page = await person(t, server);
  const tabTo = async (what) => {
    for (let presses = 0; presses < 120; presses += 1) {
      await page.keyboard.press('Tab');
      if (await what.evaluate((it) => it === document.activeElement)) break;
    }
    const outline = await what.evaluate((it) => {
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(it);
      return it === document.activeElement && ((outlineStyle !== 'none' && outlineWidth !== '0px') || boxShadow !== 'none');
    });
    assert.ok(outline, `${await what.evaluate((it) => it.outerHTML)} has the focus and shows it`);
  };
  const choose = async (id) => {
    await tabTo(row(page, id).locator('.open'));
    await page.keyboard.press('Enter');
    return card(page, id);
  };
  const asked = await choose('secret');
  await tabTo(asked.getByRole('textbox'));
  await page.keyboard.type('a value');
  await tabTo(asked.getByRole('button', { name: 'Send secret' }));
  await page.keyboard.press('Enter');
  assert.equal((await agent.resolved('secret')).status, 'answered');
  await choose('question');
  await tabTo(card(page, 'question').getByRole('radio').first());
  await page.keyboard.press('Space');
  await tabTo(card(page, 'question').getByRole('textbox'));
  await page.keyboard.type('because');
  await tabTo(card(page, 'question').getByRole('button', { name: 'Answer' }));
  await page.keyboard.press('Enter');
  assert.equal((await agent.resolved('question')).status, 'answered');
  await choose('plain');
  await tabTo(card(page, 'plain').getByRole('button', { name: 'Approve' }));
  await page.keyboard.press('Enter');
  assert.equal((await agent.resolved('plain')).status, 'approved');
});

test('the keys are explained at ?', async (t) => {
  const server = await serve(t);
  const page = await person(t, server);
  await page.keyboard.press('?');
  const help = page.getByRole('dialog', { name: 'Keys' });
  await help.waitFor();
  await assertAccessible(page);
  await page.keyboard.press('Escape');
  await help.waitFor({ state: 'hidden' });
});

test('an edge that hardly stands out is found', async (t) => {
  const server = await serve(t);
  const page = await person(t, server);
  await page.evaluate(() => document.documentElement.style.setProperty('--edge', '#d0d7de'));
  await assert.rejects(assertAccessible(page), /3 : 1/);
});
