// What waits, and how it comes and goes by itself.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { closeBrowser } from './harness/browser.js';
import { card, person } from './harness/person.js';
import { confirmation } from './harness/requests.js';
import { serve } from './harness/server.js';

after(closeBrowser);

const titled = (page, title) => page.waitForFunction((title) => document.title === title, title);

test('a card arrives by itself, complete, and the title counts it', async (t) => {
  const server = await serve(t);
  const page = await person(t, server);
  await page.getByText('Nothing waits for you').waitFor();
  assert.equal(await page.title(), 'countersign');
  const { confirmation: asked } = await server.agent().register(confirmation('deploy'));
  await titled(page, '(1) countersign');
  const text = await card(page, 'deploy').innerText();
  for (const part of ['build-agent', 'shell', 'medium', 'make deploy', '/repo', 'the tests are green', asked.inputDigest]) {
    assert.ok(text.includes(part), `${part} is not in: ${text}`);
  }
  assert.match(text, /claims/);
  assert.equal(await page.locator('[aria-live]').filter({ hasText: 'build-agent' }).count(), 1);
});

test('the oldest deadline comes first, whenever it was asked', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  await agent.register({ ...confirmation('late', { input: { command: 'late' } }), expiresInMs: 7_200_000 });
  const page = await person(t, server);
  await agent.register({ ...confirmation('early', { input: { command: 'early' } }), expiresInMs: 3_600_000 });
  await agent.register({ ...confirmation('last', { input: { command: 'last' } }), expiresInMs: 9_000_000 });
  await titled(page, '(3) countersign');
  const ids = () => page.getByRole('article').evaluateAll((cards) => cards.map((card) => card.dataset.id));
  assert.deepEqual(await ids(), ['early', 'late', 'last']);
  await page.reload();
  assert.deepEqual(await ids(), ['early', 'late', 'last']);
});

test('identical requests stand together', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  await agent.register(confirmation('first'));
  const page = await person(t, server);
  await agent.register(confirmation('second'));
  await agent.register(confirmation('other', { input: { command: 'make clean' } }));
  await titled(page, '(3) countersign');
  const group = page.locator('.group', { has: card(page, 'first') });
  assert.equal(await group.getByRole('article').count(), 2);
  assert.match(await group.innerText(), /2 identical requests/);
});

test('what is resolved elsewhere says so in its place, and what expires too', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  await agent.register(confirmation('elsewhere'));
  await agent.register({ ...confirmation('expiring', { input: { command: 'true' } }), expiresInMs: 4_000 });
  const page = await person(t, server);
  await server.approver('bob').confirm('elsewhere', 'deny');
  await card(page, 'elsewhere').getByText(/rejected by bob/i).waitFor();
  await card(page, 'expiring').getByText(/expired/i).waitFor();
  await titled(page, 'countersign');
  assert.equal(await card(page, 'elsewhere').getByRole('button', { name: /approve/i }).count(), 0);
});

test('the page says when the server is lost, and goes on when it is back', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  await agent.register(confirmation('before'));
  const page = await person(t, server, { losesServer: true });
  await server.kill();
  await page.getByRole('alert').filter({ hasText: 'does not answer' }).waitFor();
  await server.restart();
  await agent.register(confirmation('afterwards', { input: { command: 'make afterwards' } }));
  await card(page, 'afterwards').waitFor();
  await page.getByRole('alert').filter({ hasText: 'does not answer' }).waitFor({ state: 'hidden' });
  await card(page, 'before').focus();
  await page.keyboard.press('a');
  assert.equal((await agent.resolved('before')).resolution.resolvedBy.principal, 'ada');
});

test('an auditor sees everything and decides nothing', async (t) => {
  const server = await serve(t);
  await server.agent().register(confirmation('deploy'));
  const page = await person(t, server, { name: 'carol', role: 'auditor' });
  await card(page, 'deploy').waitFor();
  assert.equal(await card(page, 'deploy').getByRole('button').count(), 0);
});
