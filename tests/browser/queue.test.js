// What waits, and how it comes and goes by itself.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { closeBrowser, tab } from './harness/browser.js';
import { card, open, person, row } from './harness/person.js';
import { confirmation, question } from './harness/requests.js';
import { serve } from './harness/server.js';

after(closeBrowser);

const titled = (page, title) => page.waitForFunction((title) => document.title === title, title);

const ids = (page) => page.locator('#queue .row').evaluateAll((rows) => rows.map((row) => row.dataset.requestId));

const command = (command) => ({ input: { command } });

test('a row arrives by itself, its card has all of it, and the title counts it', async (t) => {
  const server = await serve(t);
  const page = await person(t, server);
  await page.getByText('Nothing waits for you').waitFor();
  assert.equal(await page.title(), 'countersign');
  const { confirmation: asked } = await server.agent().register(confirmation('deploy'));
  await titled(page, '(1) countersign');
  assert.match(await row(page, 'deploy').innerText(), /build-agent[^]*shell make deploy/);
  const { agent, risk } = await row(page, 'deploy').evaluate((row) => row.dataset);
  assert.deepEqual([agent, risk], ['build-agent', 'medium']);
  const text = await (await open(page, 'deploy')).evaluate((card) => card.textContent);
  for (const part of ['build-agent', 'shell', 'medium', 'make deploy', '/repo', 'the tests are green', asked.inputDigest]) {
    assert.ok(text.includes(part), `${part} is not in: ${text}`);
  }
  assert.match(text, /claims/);
  assert.equal(await page.locator('[aria-live]').filter({ hasText: 'build-agent' }).count(), 1);
});

test('the oldest deadline comes first, whenever it was asked', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  await agent.register({ ...confirmation('late', command('late')), expiresInMs: 7_200_000 });
  const page = await person(t, server);
  await agent.register({ ...confirmation('early', command('early')), expiresInMs: 3_600_000 });
  await agent.register({ ...confirmation('last', command('last')), expiresInMs: 9_000_000 });
  await titled(page, '(3) countersign');
  assert.deepEqual(await ids(page), ['early', 'late', 'last']);
  await page.reload();
  assert.deepEqual(await ids(page), ['early', 'late', 'last']);
});

test('many identical requests are one row that opens', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  await agent.register(confirmation('first'));
  const page = await person(t, server);
  await agent.register(confirmation('second'));
  await agent.register(confirmation('other', command('make clean')));
  await titled(page, '(3) countersign');
  assert.deepEqual(await ids(page), ['first', 'second', 'other'], 'those that ask the same stand together');
  assert.ok(await row(page, 'second').isVisible(), 'two are no crowd');
  await agent.register(confirmation('third'));
  const times = page.getByRole('button', { name: '3 identical requests' });
  await times.waitFor();
  assert.deepEqual([await row(page, 'second').isVisible(), await row(page, 'other').isVisible()], [false, true]);
  await times.click();
  assert.ok(await row(page, 'third').isVisible());
  await times.click();
  // To select the one row is to select all of them.
  await row(page, 'first').getByRole('checkbox').check();
  assert.equal(await page.locator('#selected').innerText(), '3 selected');
});

test('what is resolved elsewhere says so in its place, and what expires too', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  await agent.register(confirmation('elsewhere'));
  await agent.register({ ...confirmation('expiring', command('true')), expiresInMs: 4_000 });
  const page = await person(t, server);
  await open(page, 'elsewhere');
  await server.approver('bob').confirm('elsewhere', 'deny');
  await row(page, 'elsewhere').getByText(/rejected by bob/i).waitFor();
  await card(page, 'elsewhere').getByText(/rejected by bob/i).waitFor();
  assert.equal(await card(page, 'elsewhere').getByRole('button', { name: /approve/i }).count(), 0);
  await row(page, 'expiring').getByText(/expired/i).waitFor();
  await titled(page, 'countersign');
});

test('what was being typed is still there when somebody else was faster', async (t) => {
  const server = await serve(t);
  await server.agent().register(confirmation('deploy'));
  const page = await person(t, server);
  await open(page, 'deploy');
  await page.keyboard.press('r');
  await page.keyboard.type('not on a Friday');
  await server.approver('bob').confirm('deploy', 'deny');
  await card(page, 'deploy').getByText('You had written:').waitFor();
  assert.equal(await card(page, 'deploy').getByLabel('You had written').inputValue(), 'not on a Friday');
});

test('the page says when the server is lost, and goes on when it is back', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  await agent.register(confirmation('before'));
  const page = await person(t, server, { losesServer: true });
  await server.kill();
  await page.getByRole('alert').filter({ hasText: 'does not answer' }).waitFor();
  await server.restart();
  await agent.register(confirmation('afterwards', command('make afterwards')));
  await row(page, 'afterwards').waitFor();
  await page.getByRole('alert').filter({ hasText: 'does not answer' }).waitFor({ state: 'hidden' });
  await open(page, 'before');
  await page.keyboard.press('a');
  assert.equal((await agent.resolved('before')).resolution.resolvedBy.principal, 'ada');
});

test('an auditor sees everything and decides nothing', async (t) => {
  const server = await serve(t);
  await server.agent().register(confirmation('deploy'));
  const page = await person(t, server, { name: 'carol', role: 'auditor' });
  const asked = await open(page, 'deploy');
  assert.equal(await asked.getByRole('button').count(), 0);
  assert.equal(await row(page, 'deploy').getByRole('checkbox').count(), 0);
});

test('no request pushes another off the page, whatever its size', async (t) => {
  const server = await serve(t);
  const [hostile, agent] = [server.agent('hostile'), server.agent()];
  await hostile.register({ ...confirmation('huge', command('x\n'.repeat(65_000))), expiresInMs: 60_000 });
  for (let number = 0; number < 32; number += 1) await agent.register(confirmation(`small-${number}`, command(`make ${number}`)));
  const page = await person(t, server);
  assert.equal(await page.locator('#queue .row:visible').count(), 33);
  const answer = await page.request.get(server.url);
  assert.ok((await answer.body()).length <= 60 * 1024, `${(await answer.body()).length} bytes`);
});

test('a laptop shows eighteen rows and a phone eight without scrolling', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  for (let number = 0; number < 30; number += 1) await agent.register(confirmation(`c-${number}`, command(`make ${number}`)));
  for (const [width, height, least] of [[1440, 900, 18], [390, 844, 8]]) {
    const page = await person(t, server, { viewport: { width, height }, hasTouch: width < 400, isMobile: width < 400 });
    const seen = await page.locator('#queue .row').evaluateAll((rows) =>
      rows.map((row) => row.getBoundingClientRect()).filter((box) => box.top >= 0 && box.bottom <= innerHeight).length);
    assert.ok(seen >= least, `${seen} of ${least} at ${width}`);
  }
});

test('what waits on later pages comes by itself as one decides, and can be shown at once', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  for (let number = 0; number < 70; number += 1) await agent.register(confirmation(`c-${number}`, command(`make ${number}`)));
  const page = await person(t, server);
  await titled(page, '(70) countersign');
  assert.equal(await page.locator('#queue .row').count(), 50);
  await page.getByRole('link', { name: 'Show more' }).click();
  await page.waitForFunction(() => document.querySelectorAll('#queue .row').length === 70);
  assert.ok(await page.getByText('more wait behind these').isHidden());
});

test('without a notification to be had the queue goes on, as on phones', async (t) => {
  const server = await serve(t);
  const page = await tab(t);
  await page.addInitScript(() => {
    globalThis.Notification = class { static permission = 'granted'; constructor() { throw new TypeError('Illegal constructor'); } };
    Object.defineProperty(document, 'hidden', { get: () => true });
  });
  const { code } = await server.approver().call('POST', '/v1/login-links');
  await page.goto(`${server.url}/login#${code}`);
  await page.waitForURL(`${server.url}/`);
  const agent = server.agent();
  for (const id of ['one', 'two', 'three']) await agent.register(confirmation(id, command(`make ${id}`)));
  await titled(page, '(3) countersign');
  assert.equal(await page.locator('#queue .row').count(), 3);
});

test('a question has no part in what is selected, and keys that do nothing say so', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  await agent.register(question('one'));
  await agent.register(question('two'));
  const page = await person(t, server);
  assert.equal(await page.locator('#queue').getByRole('checkbox').count(), 0);
  await open(page, 'one');
  for (const [key, said] of [['x', /by itself/], ['e', /may not be edited/], ['t', /No rule/], ['y', /a asks for it/], ['9', /no such answer/]]) {
    await page.keyboard.press(key);
    await page.getByRole('status').filter({ hasText: said }).waitFor();
  }
  assert.notEqual(await page.evaluate(() => document.activeElement.tagName), 'BODY');
});

test('text of right-to-left scripts reads as it is written, and code keeps its order', async (t) => {
  const server = await serve(t);
  const text = 'مرحبا بالعالم';
  await server.agent().register(confirmation('mail', { toolName: 'send_message', input: { to: 'a@example.com', body: text, code: text } }));
  const page = await person(t, server);
  const asked = await open(page, 'mail');
  const style = (name) => asked.locator('.member', { has: page.locator(`.name:text-is("${name}")`) }).locator('pre')
    .evaluate((pre) => [getComputedStyle(pre).direction, getComputedStyle(pre).unicodeBidi]);
  assert.deepEqual(await style('body'), ['rtl', 'isolate']);
  assert.deepEqual(await style('code'), ['ltr', 'bidi-override']);
  assert.equal(await asked.locator('.care').count(), 0, 'nothing hides in it');
});

test('a long difference has every change, with counts that are right', async (t) => {
  const server = await serve(t);
  const lines = Array.from({ length: 3600 }, (_, number) => `line ${number}`);
  const changed = lines.map((line, number) => (number % 9 === 0 ? `${line} changed` : line));
  const diff = { filePath: '/repo/a', oldContent: `${lines.join('\n')}\n`, newContent: `${changed.join('\n')}\n`, isNewFile: false };
  await server.agent().register(confirmation('edit', { toolName: 'Edit', input: { file_path: '/repo/a' }, diff }));
  const page = await person(t, server);
  const asked = await open(page, 'edit');
  assert.match(await asked.locator('.diff > .name').first().innerText(), /\+400 −400/);
  assert.match(await asked.locator('.diff > .name').first().innerText(), /\d+ of 400 changes shown/);
  await asked.getByRole('link', { name: 'Show all of it' }).click();
  await page.waitForFunction(() => document.querySelectorAll('#pane tr.come').length === 400);
});

test('what is put off leaves the rows, and can be brought back', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  for (const id of ['one', 'two']) await agent.register(confirmation(id, command(`make ${id}`)));
  const page = await person(t, server);
  await open(page, 'one');
  await page.keyboard.press('s');
  await card(page, 'one').getByRole('button', { name: 'An hour' }).click();
  await row(page, 'one').waitFor({ state: 'detached' });
  await card(page, 'two').waitFor();
  await titled(page, '(1) countersign');
  await page.getByText('1 put off').click();
  await page.getByRole('button', { name: 'Bring back' }).click();
  await row(page, 'one').waitFor();
  assert.equal((await agent.look('one')).status, 'pending');
});
