// Approving, rejecting, editing: one at a time and many at once.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { closeBrowser, tab } from './harness/browser.js';
import { card, open, person, row } from './harness/person.js';
import { confirmation } from './harness/requests.js';
import { serve } from './harness/server.js';

after(closeBrowser);

test('approved by key: a request is chosen, then it is one key', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  await agent.register(confirmation('deploy'));
  const page = await person(t, server);
  assert.equal(await page.evaluate(() => document.activeElement.closest('form')), null, 'nothing to press has the focus');
  await page.keyboard.press('j');
  await page.keyboard.press('a');
  const { status, resolution } = await agent.resolved('deploy');
  assert.deepEqual([status, resolution.resolvedBy], ['approved', { principal: 'ada' }]);
  await row(page, 'deploy').waitFor({ state: 'detached' });
});

test('a key without a request that was chosen decides nothing', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  await agent.register(confirmation('deploy'));
  const page = await person(t, server);
  await page.keyboard.press('a');
  await page.getByRole('status').filter({ hasText: 'Press again' }).waitFor();
  assert.equal((await agent.look('deploy')).status, 'pending');
});

test('rejected with a reason, which the agent reads', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  await agent.register(confirmation('deploy'));
  const page = await person(t, server);
  await open(page, 'deploy');
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
  await open(page, 'danger');
  await page.keyboard.press('a');
  await page.getByRole('status').filter({ hasText: /Press y: .*high risk/ }).waitFor();
  await card(page, 'danger').getByRole('button', { name: 'Approve' }).click();
  assert.equal((await agent.look('danger')).status, 'pending');
  await page.keyboard.press('y');
  assert.equal((await agent.resolved('danger')).status, 'approved');
});

test('approved with an edited input, and the agent gets that one', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  await agent.register(confirmation('mail', { input: { command: 'mail -s draft', lines: 1 }, inputEditsAllowed: true }));
  const page = await person(t, server);
  await open(page, 'mail');
  await page.keyboard.press('e');
  const edit = card(page, 'mail').locator('.sheet.edit');
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
  await open(page, 'mail');
  await page.keyboard.press('e');
  const field = card(page, 'mail').locator('.sheet.edit').getByRole('textbox');
  // What only the server knows to be wrong comes back after the time to undo, with all that was typed.
  for (const typed of ['{"command": "make', '["make"]']) {
    await field.fill(typed);
    await card(page, 'mail').getByRole('button', { name: /edited/ }).click();
    await card(page, 'mail').getByRole('alert').waitFor();
    await page.keyboard.press('e');
    assert.equal(await field.inputValue(), typed);
  }
  await field.fill('{"command": "make');
  assert.equal(await field.inputValue(), '{"command": "make');
  assert.equal((await agent.look('mail')).status, 'pending');
});

test('many of the same are approved together, and what has to be known first is not approved with others', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  for (const id of ['one', 'two']) await agent.register(confirmation(id));
  await agent.register(confirmation('third', { input: { command: 'make check' }, riskLevel: 'high' }));
  await agent.register(confirmation('other', { input: { command: 'make clean' } }));
  const page = await person(t, server);
  const pick = (id) => row(page, id).getByRole('checkbox', { name: 'Select' });
  await pick('third').check();
  await pick('other').check();
  const approve = page.getByRole('button', { name: 'Approve selected' });
  assert.ok(await approve.isDisabled(), 'different ones cannot be approved together');
  await page.getByRole('button', { name: 'Reject selected' }).click();
  assert.deepEqual([(await agent.resolved('third')).status, (await agent.resolved('other')).status], ['rejected', 'rejected']);
  await pick('one').check();
  await pick('two').check();
  await page.getByRole('checkbox', { name: /I have read each/ }).check();
  await approve.click();
  assert.deepEqual([(await agent.resolved('one')).status, (await agent.resolved('two')).status], ['approved', 'approved']);
});

test('two people race for one card: one decides, and both see who', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  const bobs = /status of 404/;
  const [ada, bob] = [await person(t, server, { forgives: bobs }), await person(t, server, { name: 'bob', forgives: bobs })];
  for (const round of ['one', 'two', 'three']) {
    await agent.register(confirmation(round));
    await Promise.all([open(ada, round), open(bob, round)]);
    await Promise.all([ada.keyboard.press('a'), card(bob, round).getByRole('button', { name: 'Reject' }).click()]);
    const { status, resolution } = await agent.resolved(round);
    const [winner, loser] = resolution.resolvedBy.principal === 'ada' ? [ada, bob] : [bob, ada];
    await row(winner, round).waitFor({ state: 'detached' });
    await row(loser, round).getByText(new RegExp(`${status} by ${resolution.resolvedBy.principal}`, 'i')).waitFor();
  }
});

test('a rule is made with the approval, and the next request passes by itself', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  await agent.register(confirmation('deploy'));
  const page = await person(t, server);
  await open(page, 'deploy');
  await page.keyboard.press('t');
  const fold = card(page, 'deploy').locator('.sheet.rule');
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

test('a decision is held for a moment, and taken back by a key or a button', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  for (const id of ['one', 'two']) await agent.register(confirmation(id, { input: { command: `make ${id}` } }));
  const page = await person(t, server);
  await page.clock.install();
  const asked = await open(page, 'one');
  await asked.getByRole('button', { name: 'Approve' }).click();
  const undo = page.getByRole('status').getByRole('button', { name: 'Undo' });
  await undo.waitFor();
  assert.equal(await page.title(), '(1) countersign', 'what is decided waits no more');
  assert.ok(await row(page, 'one').isHidden());
  await undo.click();
  assert.ok(await row(page, 'one').isVisible());
  await page.clock.runFor(20_000);
  assert.equal((await agent.look('one')).status, 'pending', 'nothing was sent');
  await open(page, 'one');
  await page.keyboard.press('a');
  await page.keyboard.press('z');
  await page.clock.runFor(20_000);
  assert.equal((await agent.look('one')).status, 'pending');
  await open(page, 'one');
  await page.keyboard.press('a');
  await page.clock.runFor(3_100);
  assert.equal((await agent.resolved('one')).status, 'approved');
  await page.keyboard.press('z');
  await page.getByRole('status').filter({ hasText: 'nothing to undo' }).waitFor();
});

test('what is held is sent when the page is left, or the person logs out', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  for (const id of ['one', 'two']) await agent.register(confirmation(id, { input: { command: `make ${id}` } }));
  const page = await person(t, server);
  await page.clock.install();
  await open(page, 'one');
  await page.keyboard.press('a');
  await page.goto(`${server.url}/history`);
  assert.equal((await agent.resolved('one')).status, 'approved');
  await page.goto(server.url);
  await open(page, 'two');
  await page.keyboard.press('a');
  await page.getByRole('button', { name: 'Log out' }).click();
  assert.equal((await agent.resolved('two')).status, 'approved');
});

test('thirty mixed requests are cleared by keyboard in forty-five keys, and the focus is never lost', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  const options = [{ optionId: 'red', label: 'Red' }, { optionId: 'blue', label: 'Blue' }];
  for (let number = 0; number < 30; number += 1) {
    const content = { input: { command: `make ${number}` } };
    const asked = number % 6 === 4 ? confirmation(`c-${number}`, { ...content, riskLevel: 'high' })
      : number % 6 === 5 ? { requestId: `c-${number}`, kind: 'question', question: { entries: [{ questionId: 'q', text: `Which, ${number}?`, options }] } }
      : confirmation(`c-${number}`, content);
    await agent.register(asked);
  }
  const page = await person(t, server);
  let keys = 0;
  const press = async (key) => {
    await page.keyboard.press(key);
    keys += 1;
    assert.notEqual(await page.evaluate(() => document.activeElement.tagName), 'BODY', `after ${key}`);
  };
  await press('j');
  for (let number = 0; number < 30; number += 1) {
    const id = `c-${number}`;
    await card(page, id).waitFor();
    // As long as a person takes to look.
    await page.waitForFunction((id) => performance.now() - movedOn.at > 350 && current === id, id);
    const sequence = number % 6 === 4 ? ['a', 'y'] : number % 6 === 5 ? ['1', 'Enter'] : ['a'];
    for (const key of sequence) await press(key);
  }
  await page.getByText('Nothing waits for you').waitFor();
  assert.ok(keys <= 45, `${keys} keys`);
  for (let number = 0; number < 30; number += 1) assert.notEqual((await agent.resolved(`c-${number}`)).status, 'pending');
});

test('without a script a request is opened, decided and told', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  for (const id of ['one', 'two']) await agent.register(confirmation(id, { input: { command: `make ${id}` } }));
  const page = await tab(t, { javaScriptEnabled: false });
  await page.goto(`${server.url}/login`);
  await page.locator('#credential').fill(server.approver().token);
  await page.getByRole('button', { name: 'Log in' }).click();
  await row(page, 'two').locator('.open').click();
  await card(page, 'two').getByRole('button', { name: 'Reject' }).click();
  await page.getByRole('status').filter({ hasText: 'Rejected.' }).waitFor();
  assert.equal((await agent.look('two')).status, 'rejected');
  await row(page, 'one').locator('.open').click();
  await card(page, 'one').getByRole('button', { name: 'Always' }).click();
  await card(page, 'one').getByRole('radio', { name: /any make/ }).check();
  await card(page, 'one').getByRole('button', { name: 'Approve and make the rule' }).click();
  assert.equal((await agent.look('one')).status, 'approved');
});

test('different plain requests are approved together once each was read to the end', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  for (let number = 0; number < 12; number += 1) await agent.register(confirmation(`c-${number}`, { input: { command: `make ${number}` } }));
  await server.agent('other').register(confirmation('elsewhere', { input: { command: 'make other' } }));
  const page = await person(t, server);
  await page.getByRole('searchbox').fill('agent:build-agent');
  await page.keyboard.press('Enter');
  await row(page, 'c-3').getByRole('checkbox').check();
  await page.getByRole('button', { name: 'Select all shown' }).click();
  await page.getByRole('button', { name: 'Approve selected' }).click();
  const dialog = page.getByRole('dialog', { name: 'Approve these together' });
  const read = dialog.getByRole('checkbox', { name: /I have read all 12/ });
  await read.waitFor();
  assert.ok(await read.isDisabled(), 'the end was not on the screen');
  await read.scrollIntoViewIfNeeded();
  await read.check();
  await dialog.getByRole('button', { name: 'Approve these 12' }).click();
  for (let number = 0; number < 12; number += 1) assert.equal((await agent.resolved(`c-${number}`)).status, 'approved');
  assert.equal((await server.approver('bob').look('elsewhere')).status, 'pending');
});

test('what cannot be sent comes back without taking anything from under the hands', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  for (const id of ['one', 'two']) await agent.register(confirmation(id, { input: { command: `make ${id}` } }));
  const page = await person(t, server, { losesServer: true });
  await page.route('**/interactions/one/decide', (route) => route.abort());
  await open(page, 'one');
  await card(page, 'one').getByRole('button', { name: 'Reject' }).click();
  await card(page, 'two').getByRole('button', { name: 'Reason…' }).click();
  await card(page, 'two').getByRole('textbox').fill('a man, a plan');
  await page.getByRole('status').filter({ hasText: 'Not sent: shell make one' }).waitFor();
  assert.ok(await row(page, 'one').isVisible());
  assert.equal(await card(page, 'two').getByRole('textbox').inputValue(), 'a man, a plan');
  assert.equal(await page.evaluate(() => document.activeElement.tagName), 'TEXTAREA');
  await page.keyboard.type('a');
  assert.deepEqual([(await agent.look('one')).status, (await agent.look('two')).status], ['pending', 'pending']);
});

test('what was written into a request is there when it is opened again, but no secret', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  for (const id of ['one', 'two']) await agent.register(confirmation(id, { input: { command: `make ${id}` } }));
  await agent.register({ requestId: 'token', kind: 'secret', secret: { service: 'forge', field: 'token', label: 'The token' } });
  const page = await person(t, server);
  await open(page, 'token');
  await card(page, 'token').getByRole('textbox').fill('hunter2');
  await open(page, 'one');
  await page.keyboard.press('r');
  await page.keyboard.type('because');
  await page.keyboard.press('Escape');
  await open(page, 'token');
  assert.equal(await card(page, 'token').getByRole('textbox').inputValue(), '');
  await open(page, 'one');
  assert.equal(await card(page, 'one').locator('[name=comment]').inputValue(), 'because');
  await page.keyboard.press('a');
  await card(page, 'one').getByRole('alert').filter({ hasText: 'a reason to reject it' }).waitFor();
  assert.equal((await agent.look('one')).status, 'pending');
});

test('after many were decided what is opened still waits, and the rest comes up', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  for (let number = 0; number < 60; number += 1) await agent.register(confirmation(`c-${number}`, { input: { command: `make ${number}` } }));
  const page = await person(t, server);
  await open(page, 'c-49');
  for (const id of ['c-48', 'c-49']) await row(page, id).getByRole('checkbox').check();
  await page.getByRole('button', { name: 'Reject selected' }).click();
  await card(page, 'c-47').waitFor();
  assert.notEqual(await page.evaluate(() => document.activeElement.tagName), 'BODY');
  await agent.resolved('c-49');
  await row(page, 'c-0').getByRole('checkbox').check();
  await page.getByRole('button', { name: 'Select all shown' }).click();
  await page.getByRole('button', { name: 'Reject selected' }).click();
  await row(page, 'c-59').waitFor();
  await page.waitForFunction(() => document.title === `(${document.querySelectorAll('#queue .row.pending').length}) countersign`);
});

test('a key decides nothing that is not on the screen, and nothing behind a sheet', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  await agent.register(confirmation('one', { input: { command: `echo ${'z'.repeat(700)}; rm -rf /srv` } }));
  const page = await person(t, server, { viewport: { width: 900, height: 700 } });
  await page.keyboard.press('a');
  await page.getByRole('status').filter({ hasText: 'Read it first' }).waitFor();
  assert.ok(await card(page, 'one').isVisible());
  await page.keyboard.press('t');
  await page.locator('.sheet.rule:popover-open').waitFor();
  await page.keyboard.press('a');
  await page.keyboard.press('Escape');
  await page.getByRole('link', { name: 'Back to the queue' }).click();
  await page.keyboard.press('a');
  assert.equal(await page.getByRole('button', { name: 'Undo' }).count(), 0, 'nothing is decided');
  await page.keyboard.press('a');
  assert.equal((await agent.resolved('one')).status, 'approved');
});
