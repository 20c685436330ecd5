// Who gets in, and from where something can be decided.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { after, test } from 'node:test';

import { closeBrowser, tab } from './harness/browser.js';
import { atEnd } from './harness/cleanup.js';
import { logIn, open, person, row } from './harness/person.js';
import { confirmation } from './harness/requests.js';
import { serve } from './harness/server.js';

after(closeBrowser);

const REFUSED = /status of 4\d\d/;

test('without a log-in there is only the log-in, and a token is one', async (t) => {
  const server = await serve(t);
  const page = await tab(t, { forgives: REFUSED });
  await page.goto(server.url);
  assert.equal(new URL(page.url()).pathname, '/login');
  const field = page.getByRole('textbox').or(page.locator('#credential'));
  await field.first().fill(server.agent().token);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('alert').filter({ hasText: 'agent' }).waitFor();
  await page.locator('#credential').fill(server.approver().token);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('heading', { name: /Queue/ }).waitFor();
  const [cookie] = await page.context().cookies();
  assert.deepEqual([cookie.httpOnly, cookie.sameSite], [true, 'Strict']);
});

test('a link works once, and logging out ends the session', async (t) => {
  const server = await serve(t);
  const ada = server.approver();
  const page = await tab(t, { forgives: REFUSED });
  const { code } = await ada.call('POST', '/v1/login-links');
  await page.goto(`${server.url}/login#${code}`);
  await page.waitForURL(`${server.url}/`);
  assert.ok(!page.url().includes(code), 'the code is gone from the address');
  const stolen = await page.context().cookies();
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.waitForURL(`${server.url}/login`);
  await page.context().addCookies(stolen);
  await page.goto(server.url);
  assert.equal(new URL(page.url()).pathname, '/login', 'the cookie is worth nothing any more');
  await page.goto(`${server.url}/login#${code}`);
  await page.getByRole('alert').filter({ hasText: 'used' }).waitFor();
});

test('a form without the word of its session, or from a page of another origin, decides nothing', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  await agent.register(confirmation('deploy'));
  const page = await person(t, server);
  const csrf = await (await open(page, 'deploy')).locator('.decide [name=csrf]').inputValue();
  const target = `${server.url}/interactions/deploy/decide`;
  const send = async (form, origin) =>
    (await page.request.post(target, { form: { decision: 'allow', ...form }, headers: { origin } })).status();
  assert.equal(await send({}, server.url), 403);
  assert.equal(await send({ csrf: csrf.replace(/^./, (c) => (c === '0' ? '1' : '0')) }, server.url), 403);
  assert.equal(await send({ csrf }, 'http://evil.example'), 403);
  assert.equal(await send({ csrf }, 'null'), 403);
  assert.equal((await agent.look('deploy')).status, 'pending');
});

test('a page of another server on this machine decides nothing, though the browser sends it the cookie', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  await agent.register(confirmation('deploy'));
  const page = await person(t, server, { forgives: REFUSED });
  const csrf = await (await open(page, 'deploy')).locator('.decide [name=csrf]').inputValue();
  const form = `<form method="post" action="${server.url}/interactions/deploy/decide"><input name="csrf" value="${csrf}">
    <input name="decision" value="allow"><button>Win a prize</button></form>`;
  const evil = http.createServer((_, answer) => answer.setHeader('content-type', 'text/html').end(`<!doctype html>${form}`));
  evil.listen(0, '127.0.0.1');
  await once(evil, 'listening');
  atEnd(t, () => evil.close());
  await page.goto(`http://127.0.0.1:${evil.address().port}/`);
  const refused = page.waitForResponse((answer) => answer.url().endsWith('/decide'));
  await page.getByRole('button').click();
  assert.equal((await refused).status(), 403);
  assert.equal((await agent.look('deploy')).status, 'pending');
});

test('a person who is logged out meanwhile is told so, and nothing is decided', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  await agent.register(confirmation('deploy'));
  const page = await person(t, server, { forgives: REFUSED });
  await (await open(page, 'deploy')).getByRole('button', { name: 'Approve' }).click();
  server.run('token', 'revoke', '--db', server.db, '--name', 'ada');
  await page.getByRole('dialog', { name: 'You are logged out' }).waitFor();
  assert.equal(await page.getByText('does not answer').count(), 0, 'a log-out is no outage');
  assert.equal((await agent.look('deploy')).status, 'pending');
  await logIn(page, server, server.approver('bob'));
  await row(page, 'deploy').waitFor();
});

/** Logs the person out in another tab, and in again there; the page goes on. */
async function logOutAndIn(page, server) {
  const other = await page.context().newPage();
  await other.goto(server.url);
  await other.getByRole('button', { name: 'Log out' }).click();
  const dialog = page.getByRole('dialog', { name: 'You are logged out' });
  await dialog.waitFor();
  await logIn(other, server, server.approver());
  await dialog.getByRole('button', { name: 'Go on' }).click();
  await dialog.waitFor({ state: 'hidden' });
}

test('what was typed stays through a log-out, and goes on after the next log-in', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  await agent.register(confirmation('deploy'));
  const page = await person(t, server, { forgives: REFUSED });
  const asked = await open(page, 'deploy');
  await page.keyboard.press('r');
  await page.keyboard.type('not on a Friday');
  await logOutAndIn(page, server);
  assert.equal(await asked.locator('[name=comment]').inputValue(), 'not on a Friday');
  await asked.getByRole('button', { name: 'Reject with this reason' }).click();
  const { resolution } = await agent.resolved('deploy');
  assert.deepEqual([resolution.comment, resolution.resolvedBy.principal], ['not on a Friday', 'ada']);
});

test('what was fetched before a log-out is decided after the next log-in', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  for (const id of ['one', 'two']) await agent.register(confirmation(id, { input: { command: `make ${id}` } }));
  const page = await person(t, server, { forgives: REFUSED });
  await open(page, 'one');
  await page.waitForFunction(() => ahead.has('two'));
  await logOutAndIn(page, server);
  await page.waitForFunction(() => !ahead.has('two'));
  await (await open(page, 'two')).getByRole('button', { name: 'Approve' }).click();
  assert.equal((await agent.resolved('two')).resolution.resolvedBy.principal, 'ada');
});

test('a link survives the log-in, by a token and by a code', async (t) => {
  const server = await serve(t);
  await server.agent().register(confirmation('deploy'));
  const page = await tab(t, { forgives: REFUSED });
  await page.goto(`${server.url}/interactions/deploy`);
  await page.locator('#credential').fill(server.approver().token);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.waitForURL(`${server.url}/interactions/deploy`);
});
