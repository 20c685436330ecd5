// The pages beside the queue: rules and their editor, the history, and the story of one interaction.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { LOOKS, assertAccessible, assertFits, closeBrowser, tab } from './harness/browser.js';
import { confirmation, question, secret } from './harness/requests.js';
import { serve } from './harness/server.js';

after(closeBrowser);

/** A server with a history, and a page in which ada has logged in. */
async function stage(t, options) {
  const server = await serve(t);
  const [agent, ada] = [server.agent(), server.approver('ada')];
  for (const [id, decision] of [['yes', 'allow'], ['no', 'deny']]) {
    await agent.register(confirmation(id));
    await ada.confirm(id, decision);
  }
  await agent.register(confirmation('waits', { input: { command: 'make release <b>\u202e' } }));
  await agent.register(confirmation('waits-too'));
  await agent.register(secret('secret'));
  await agent.register(question('question'));
  const page = await tab(t, options);
  await page.goto(`${server.url}/login`);
  await page.getByLabel('token').fill(ada.token);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.waitForURL(`${server.url}/`);
  return { server, agent, ada, page };
}

for (const { name, ...options } of LOOKS) {
  test(`rules, history, numbers, agents, settings and stories are accessible, ${name}`, async (t) => {
    const { server, ada, page } = await stage(t, { ...options, forgives: /status of 400/ });
    const rule = { toolName: 'shell', pattern: 'make *', scope: 'everywhere', decision: 'ask' };
    const { trustRule } = await ada.call('POST', '/v1/trust-rules', rule);
    const stories = ['yes', 'no', 'waits', 'secret', 'question'].map((id) => `/interactions/${id}`);
    const refused = '/history?status=done';
    const pages = ['/rules', `/rules/${trustRule.ruleId}`, '/rules/new?requestId=no', '/history', '/numbers', '/agents', '/settings', ...stories];
    for (const path of [...pages, refused]) {
      await page.goto(server.url + path);
      await assertFits(page);
      if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/${name}${path.replace(/\W/g, '-')}.png`, fullPage: true });
    }
  });
}

test('a rule is written with the keyboard, shows what it would decide, is made, and is taken back', async (t) => {
  const { server, agent, page } = await stage(t);
  const type = (text) => page.keyboard.type(text);
  const preview = page.locator('#preview');
  await page.goto(`${server.url}/rules/new`);
  await page.getByLabel('Tool').focus();
  await type('shell');
  await page.keyboard.press('Tab');
  await type('make *');
  await preview.getByText('People had rejected these: 1').waitFor();
  await preview.getByText('Waiting now: 1').waitFor();
  assert.equal(new URL(page.url()).pathname, '/rules/new', 'it was shown without leaving the page');
  await page.keyboard.press('Backspace');
  await preview.getByText('would have approved 0').waitFor();
  await type('*');
  await preview.getByText('would have approved 2').waitFor();
  // Enter in a field shows, and makes nothing.
  await page.getByLabel('Scope').press('Enter');
  assert.equal(await page.getByLabel('Pattern').inputValue(), 'make *');
  assert.equal((await agent.look('waits-too')).status, 'pending');
  await page.getByLabel('Decide what is waiting now, too').press('Space');
  await page.getByRole('button', { name: 'Make this rule' }).press('Enter');
  await page.getByRole('heading', { name: 'Rule', exact: true }).waitFor();
  assert.equal((await agent.look('waits-too')).status, 'approved');
  assert.equal((await agent.register(confirmation('next'))).status, 'approved');
  await page.getByText('Revoke…').press('Enter');
  await page.getByRole('button', { name: 'Revoke this rule' }).press('Enter');
  await page.getByText('revoked', { exact: true }).waitFor();
  assert.equal((await agent.register(confirmation('last'))).status, 'pending');
});

test('what an answer is not there for is said under the editor, and typing goes on', async (t) => {
  const { server, page } = await stage(t, { losesServer: true });
  await page.goto(`${server.url}/rules/new`);
  await page.getByLabel('Tool').fill('shell');
  await server.kill();
  await page.getByLabel('Pattern').fill('make *');
  await page.locator('#preview').getByText('The server cannot be reached.').waitFor();
  await server.restart();
  await page.getByLabel('Pattern').fill('make deploy');
  await page.locator('#preview').getByText('would have approved 2').waitFor();
  assert.match(await page.getByRole('status').textContent(), /would have approved 2/, 'it is read aloud');
});

test('the SQL of a page is copied to the letter', async (t) => {
  const { server, page } = await stage(t, { permissions: ['clipboard-read', 'clipboard-write'] });
  await page.goto(`${server.url}/history?toolName=${encodeURIComponent("it's\u202e")}`);
  await page.getByRole('button', { name: 'Copy the SQL' }).click();
  await page.getByText('Copied.').waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(copied, await page.locator('#sql').innerText());
  assert.match(copied, /WHERE tool_name = 'it''s' \|\| char\(8238\)\n/);
});

test('times and days are those of the browser, and UTC is said beside them', async (t) => {
  const { server, page } = await stage(t, { timezoneId: 'Asia/Kolkata', locale: 'en-GB' });
  await page.goto(`${server.url}/history`);
  const time = page.locator('.row[data-request-id="yes"] time');
  const { title, text, at } = await time.evaluate((it) => ({ title: it.title, text: it.textContent, at: it.dateTime }));
  assert.equal(title, `${at.slice(0, 10)} ${at.slice(11, 19)} UTC`);
  const options = { month: 'short', day: 'numeric', hour: 'numeric', minute: '2-digit', timeZone: 'Asia/Kolkata' };
  assert.equal(text, new Intl.DateTimeFormat('en-GB', options).format(new Date(at)));
  await page.getByRole('link', { name: 'Numbers of the last 14 days' }).click();
  await page.getByText('midnight UTC+05:30').waitFor();
  await page.getByRole('img', { name: /6 questions in 14 days/ }).waitFor();
  await page.getByText('As a table: Questions by day').press('Enter');
  await page.getByRole('table').getByRole('row').nth(14).getByRole('cell', { name: '6', exact: true }).waitFor();
});

test('the other filters are folded until one of them is used', async (t) => {
  const { server, page } = await stage(t);
  await page.goto(`${server.url}/history`);
  assert.equal(await page.getByLabel('Tool').isVisible(), false);
  await page.getByRole('searchbox').fill('make is:decided');
  await page.getByRole('searchbox').press('Enter');
  await page.waitForURL(/q=make/);
  assert.deepEqual(await page.locator('.row').evaluateAll((rows) => rows.map((row) => row.dataset.requestId)), ['no', 'yes']);
  assert.equal(await page.getByLabel('Tool').isVisible(), false);
  await page.getByText('More filters').press('Enter');
  await page.getByLabel('Tool').fill('shell');
  await page.getByRole('button', { name: 'Filter' }).press('Enter');
  await page.waitForURL(/toolName=shell/);
  assert.equal(await page.getByLabel('Tool').isVisible(), true);
});

test('keys lead from page to page, and not while one types', async (t) => {
  const { server, agent, page } = await stage(t);
  const go = async (keys, path) => {
    for (const key of keys) await page.keyboard.press(key);
    await page.waitForURL(server.url + path);
  };
  await page.locator('.row').first().locator('.open').click();
  await go('ga', '/agents');
  assert.equal((await agent.look('waits')).status, 'pending', 'the second key decided nothing');
  await go('gh', '/history');
  await page.keyboard.press('?');
  const help = page.getByRole('dialog', { name: 'Keys' });
  await help.waitFor();
  await assertAccessible(page);
  await page.keyboard.press('Escape');
  await help.waitFor({ state: 'hidden' });
  await page.keyboard.press('/');
  await page.keyboard.type('gr?');
  assert.equal(await page.getByRole('searchbox').inputValue(), 'gr?');
  await page.getByRole('heading', { name: 'History' }).click();
  await go('gr', '/rules');
  await go('gxgq', '/');
});

test('one comes from a story to its card, and from a card to the editor', async (t) => {
  const { server, page } = await stage(t);
  await page.goto(`${server.url}/history?status=pending`);
  await page.getByRole('link', { name: 'make deploy' }).click();
  await page.getByRole('link', { name: 'In the queue' }).click();
  await page.waitForURL(`${server.url}/?open=waits-too`);
  await page.goto(`${server.url}/interactions/waits-too`);
  await page.getByRole('link', { name: 'Make a rule for requests like this' }).click();
  assert.equal(await page.getByLabel('Pattern').inputValue(), 'make deploy');
  assert.equal(await page.getByLabel('Scope').inputValue(), '/repo');
});
