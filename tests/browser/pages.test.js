// The pages beside the queue: rules and their editor, the history, and the story of one interaction.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { assertAccessible, closeBrowser, tab } from './harness/browser.js';
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

const LOOKS = [
  { name: 'light', colorScheme: 'light' },
  { name: 'dark', colorScheme: 'dark' },
  { name: 'on a phone', viewport: { width: 360, height: 740 }, hasTouch: true },
];

for (const { name, ...options } of LOOKS) {
  test(`rules, history and stories are accessible, ${name}`, async (t) => {
    const { server, ada, page } = await stage(t, { ...options, forgives: /status of 400/ });
    const rule = { toolName: 'shell', pattern: 'make *', scope: 'everywhere', decision: 'ask' };
    const { trustRule } = await ada.call('POST', '/v1/trust-rules', rule);
    const stories = ['yes', 'no', 'waits', 'secret', 'question'].map((id) => `/interactions/${id}`);
    const refused = '/history?status=done';
    const pages = ['/rules', `/rules/${trustRule.ruleId}`, '/rules/new?requestId=no', '/history', ...stories];
    for (const path of [...pages, refused]) {
      await page.goto(server.url + path);
      if (path === '/rules') await page.getByText('Revoke…').click();
      await assertAccessible(page);
      const [wide, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(wide <= screen, `${path} is ${wide} wide on a screen of ${screen}`);
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
