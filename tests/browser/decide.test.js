// Approving, rejecting, editing: one at a time and many at once.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { closeBrowser } from './harness/browser.js';
import { card, goTo, person } from './harness/person.js';
import { confirmation } from './harness/requests.js';
import { serve } from './harness/server.js';

after(closeBrowser);

test('approved by key: the card is chosen, then it is one key', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  await agent.register(confirmation('deploy'));
  const page = await person(t, server);
  assert.equal(await page.evaluate(() => document.activeElement.closest('form')), null, 'nothing to press has the focus');
  await page.keyboard.press('j');
  await page.keyboard.press('a');
  const { status, resolution } = await agent.resolved('deploy');
  assert.deepEqual([status, resolution.resolvedBy], ['approved', { principal: 'ada' }]);
  await card(page, 'deploy').getByText(/approved by/i).waitFor();
});

test('a key without a card that was chosen decides nothing', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  await agent.register(confirmation('deploy'));
  const page = await person(t, server);
  await page.keyboard.press('a');
  await page.waitForFunction(() => document.activeElement.id === 'card-deploy');
  assert.equal((await agent.look('deploy')).status, 'pending');
});

test('rejected with a reason, which the agent reads', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  await agent.register(confirmation('deploy'));
  const page = await person(t, server);
  await goTo(page, 'deploy');
  await page.keyboard.press('r');
  await page.keyboard.type('not on a Friday, ask again on Monday');
  await page.keyboard.press('Control+Enter');
  const { status, resolution } = await agent.resolved('deploy');
  assert.deepEqual([status, resolution.comment], ['rejected', 'not on a Friday, ask again on Monday']);
});

test('high risk needs a second, acknowledged step', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  await agent.register(confirmation('danger', { riskLevel: 'high', input: { command: 'rm -r /srv/shop' } }));
  const page = await person(t, server);
  await goTo(page, 'danger');
  await page.keyboard.press('a');
  await page.getByRole('status').filter({ hasText: 'Check first' }).waitFor();
  await card(page, 'danger').getByRole('button', { name: 'Approve once' }).click();
  assert.equal((await agent.look('danger')).status, 'pending');
  await card(page, 'danger').locator('[name=acknowledged]').check();
  await page.keyboard.press('a');
  assert.equal((await agent.resolved('danger')).status, 'approved');
});

test('approved with an edited input, and the agent gets that one', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  await agent.register(confirmation('mail', { input: { command: 'mail -s draft', lines: 1 }, inputEditsAllowed: true }));
  const page = await person(t, server);
  await goTo(page, 'mail');
  await page.keyboard.press('e');
  const edit = card(page, 'mail').locator('.edit');
  assert.match(await edit.locator('pre').innerText(), /mail -s draft/);
  const field = edit.getByRole('textbox');
  await field.fill((await field.inputValue()).replace('draft', 'final'));
  await edit.getByRole('button', { name: /edited/ }).click();
  const { resolution } = await agent.resolved('mail');
  assert.deepEqual(resolution.effectiveInput, { command: 'mail -s final', lines: 1 });
  const { effectiveInput } = await agent.call('POST', '/v1/interactions/mail/claim', {});
  assert.equal(effectiveInput.command, 'mail -s final');
});

test('an input that is no JSON after the edit is refused, and nothing that was typed is lost', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  await agent.register(confirmation('mail', { inputEditsAllowed: true }));
  const page = await person(t, server, { forgives: /status of 4\d\d/ });
  await goTo(page, 'mail');
  await page.keyboard.press('e');
  const field = card(page, 'mail').locator('.edit').getByRole('textbox');
  await field.fill('{"command": "make');
  await card(page, 'mail').getByRole('button', { name: /edited/ }).click();
  await card(page, 'mail').getByRole('alert').waitFor();
  assert.equal(await field.inputValue(), '{"command": "make');
  assert.equal((await agent.look('mail')).status, 'pending');
});

test('many of the same are approved together, different ones only rejected', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  for (const id of ['one', 'two', 'three']) await agent.register(confirmation(id));
  await agent.register(confirmation('other', { input: { command: 'make clean' } }));
  const page = await person(t, server);
  const pick = (id) => card(page, id).getByRole('checkbox', { name: 'Select' });
  await pick('one').check();
  await pick('other').check();
  const approve = page.getByRole('button', { name: 'Approve selected' });
  assert.ok(await approve.isDisabled(), 'different ones cannot be approved together');
  await page.getByRole('button', { name: 'Reject selected' }).click();
  assert.deepEqual([(await agent.resolved('one')).status, (await agent.resolved('other')).status], ['rejected', 'rejected']);
  await pick('two').check();
  await pick('three').check();
  await page.getByRole('checkbox', { name: /I have read each/ }).check();
  await approve.click();
  assert.deepEqual([(await agent.resolved('two')).status, (await agent.resolved('three')).status], ['approved', 'approved']);
});

test('two people race for one card: one decides, and both see who', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  const bobs = /status of 404/;
  const [ada, bob] = [await person(t, server, { forgives: bobs }), await person(t, server, { name: 'bob', forgives: bobs })];
  for (const round of ['one', 'two', 'three']) {
    await agent.register(confirmation(round));
    await Promise.all([card(ada, round).focus(), card(bob, round).focus()]);
    await card(bob, round).locator('.reject summary').click();
    const reject = card(bob, round).getByRole('button', { name: 'Reject', exact: true });
    // Where the machine is slow, Bob's page may have heard of it before he comes to press.
    const late = () => card(bob, round).getByText(/approved by ada/i).waitFor();
    await Promise.all([card(ada, round).press('a'), reject.click().catch(late)]);
    const { status, resolution } = await agent.resolved(round);
    const said = new RegExp(`${status} by (you|${resolution.resolvedBy.principal})`, 'i');
    await Promise.all([ada, bob].map((page) => card(page, round).getByText(said).waitFor()));
  }
});

test('a rule is made with the approval, and the next request passes by itself', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  await agent.register(confirmation('deploy'));
  const page = await person(t, server);
  await goTo(page, 'deploy');
  await page.keyboard.press('t');
  const fold = card(page, 'deploy').locator('.rule');
  await fold.getByRole('radio', { name: /any make/ }).check();
  await fold.getByRole('radio', { name: 'here: /repo' }).check();
  await fold.getByRole('button', { name: /make the rule/ }).click();
  assert.equal((await agent.resolved('deploy')).status, 'approved');
  const next = await agent.register(confirmation('test', { input: { command: 'make test' } }));
  assert.equal(next.status, 'approved');
  assert.ok(next.resolution.resolvedBy.trustRule);
  const elsewhere = await agent.register(confirmation('elsewhere', { workingDir: '/other' }));
  assert.equal(elsewhere.status, 'pending');
});
