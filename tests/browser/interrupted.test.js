// What comes between a person and a decision: others who are faster, a network that fails, a session that ends. What is typed is
// never lost, and never decides anything else.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { closeBrowser } from './harness/browser.js';
import { card, logIn, open, person, row } from './harness/person.js';
import { confirmation, question, secret } from './harness/requests.js';
import { serve } from './harness/server.js';

after(closeBrowser);

const command = (command) => ({ input: { command } });

/** A server with two requests, and a page in which the first is opened. */
async function stage(t, options) {
  const server = await serve(t);
  const agent = server.agent();
  await agent.register(confirmation('one', command('make one')));
  await agent.register(confirmation('two', command('make two')));
  const page = await person(t, server, options);
  await open(page, 'one');
  return { server, agent, page };
}

const undo = (page) => page.getByRole('button', { name: 'Undo' });
const said = (page, text) => page.locator('#toasts').getByText(text).waitFor();

/** Opens the sheet for a reason and begins to write. */
async function write(page, text) {
  await page.keyboard.press('r');
  await page.locator('.sheet.reject:popover-open').waitFor();
  await page.keyboard.type(text);
}

/** Ends the session elsewhere in this browser. */
const logOut = (page) => page.evaluate(() => {
  const form = document.querySelector('form.who');
  return fetch(form.action, { method: 'POST', body: new URLSearchParams(new FormData(form)) });
});

/** Logs in in another tab, as this person, and goes on. */
async function comeBack(page, server, name) {
  const tab = await page.context().newPage();
  await logIn(tab, server, server.approver(name));
  await tab.close();
  const out = page.getByRole('dialog', { name: 'You are logged out' });
  if (await out.isVisible()) await out.getByRole('button', { name: 'Go on' }).click();
}

for (const [how, end] of [
  ['rejects it', ({ server }) => server.approver('bob').confirm('one', 'deny')],
  ['cancels it', ({ agent }) => agent.call('POST', '/v1/interactions/one/cancel')],
]) {
  test(`who goes on typing while another ${how} decides nothing else`, async (t) => {
    const staged = await stage(t);
    const { agent, page } = staged;
    await write(page, 'build a fat ');
    await end(staged);
    await card(page, 'one').getByText('You had written').waitFor();
    await page.keyboard.type('jar of it first');
    await page.keyboard.press('Enter');
    await said(page, 'what you type now is sent nowhere');
    assert.equal(await card(page, 'one').locator('.left-over textarea').inputValue(), 'build a fat jar of it first\n');
    assert.equal(await undo(page).count(), 0);
    await page.reload();
    assert.equal((await agent.look('two')).status, 'pending');
  });
}

test('a secret that is typed while its request is cancelled is shown nowhere', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  await agent.register(secret('key'));
  await agent.register(confirmation('two', command('make two')));
  const page = await person(t, server);
  await open(page, 'key');
  await card(page, 'key').getByRole('textbox').focus();
  await page.keyboard.type('hunter');
  await agent.call('POST', '/v1/interactions/key/cancel');
  const field = card(page, 'key').locator('.left-over textarea');
  await field.waitFor();
  await page.keyboard.type('jay');
  assert.deepEqual([await field.inputValue(), await field.evaluate((field) => field.className)], ['jay', 'masked']);
  assert.ok(!(await page.content()).includes('hunter'));
  assert.equal((await agent.look('two')).status, 'pending');
});

test('what cannot be fetched leaves nothing else to decide in its place, and is fetched later', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  await agent.register(confirmation('one', command('make one')));
  await agent.register(confirmation('two', command('make two')));
  const page = await person(t, server, { losesServer: true });
  await page.route('**/interactions/two/card*', (route) => route.abort());
  await page.reload();
  await open(page, 'one');
  await row(page, 'two').locator('.open').click();
  await page.getByText('could not be fetched').waitFor();
  await page.keyboard.press('a');
  await said(page, 'It could not be fetched');
  assert.equal(await undo(page).count(), 0);
  await page.unroute('**/interactions/two/card*');
  await card(page, 'two').waitFor();
  await page.keyboard.press('a');
  await undo(page).waitFor();
  assert.match(await page.locator('.undoable').innerText(), /make two/);
});

test('what could not be shown once is shown later by itself', async (t) => {
  const { server, agent, page } = await stage(t, { losesServer: true });
  let failures = 0;
  await page.route('**/rows?ids=*', (route) => (route.request().url().endsWith('ids=') || failures++ > 0 ? route.continue() : route.abort()));
  await agent.register(confirmation('late', command('make late')));
  await row(page, 'late').waitFor();
  failures = 0;
  await server.approver('bob').confirm('two', 'deny');
  await row(page, 'two').getByText(/rejected by bob/).waitFor();
  assert.equal(failures > 1, true);
});

test('what was held when the session ended is said not to be sent, and the log-in is a link', async (t) => {
  const { server, agent, page } = await stage(t, { forgives: /status of 401/ });
  await page.keyboard.press('a');
  await undo(page).waitFor();
  await logOut(page);
  const dialog = page.getByRole('dialog', { name: 'You are logged out' });
  await dialog.waitFor();
  await page.keyboard.press('Space');
  await page.locator('#toasts').getByText('Not sent: shell make one').waitFor({ state: 'attached' });
  const [tab] = await Promise.all([page.waitForEvent('popup'), dialog.getByRole('link', { name: 'Log in…' }).click()]);
  await logIn(tab, server, server.approver('ada'));
  await tab.close();
  if (await dialog.isVisible()) await dialog.getByRole('button', { name: 'Go on' }).click();
  await page.locator('#toasts').getByRole('button', { name: 'Open it' }).click();
  await card(page, 'one').getByText('You were logged out before it was').waitFor();
  await page.keyboard.press('a');
  await undo(page).waitFor();
  assert.equal(await page.getByText('Not sent').count(), 0);
  await page.reload();
  assert.equal((await agent.resolved('one')).status, 'approved');
});

test('a page of one person decides nothing as another', async (t) => {
  const { server, agent, page } = await stage(t, { forgives: /status of 40[13]/ });
  await write(page, 'of ada');
  await logOut(page);
  const out = page.getByRole('dialog', { name: 'You are logged out' });
  await out.waitFor();
  await comeBack(page, server, 'cleo');
  await page.getByRole('dialog', { name: 'cleo approver is logged in now' }).getByRole('button', { name: 'Go on' }).click();
  await page.getByRole('link', { name: 'cleo approver' }).waitFor();
  assert.equal(await card(page, 'one').locator('[name=comment]').inputValue(), '', 'what ada wrote is for nobody else');
  assert.equal((await agent.look('one')).status, 'pending');
});

test('a reason that came too late is kept with the request', async (t) => {
  const { server, page } = await stage(t, { forgives: /status of 40[49]/ });
  await write(page, 'far too broad');
  await page.keyboard.press('Enter');
  await undo(page).waitFor();
  await server.approver('bob').confirm('one', 'allow');
  await said(page, 'What you had written is with it');
  await page.getByRole('button', { name: 'Open it' }).click();
  assert.equal(await card(page, 'one').locator('.left-over textarea').inputValue(), 'far too broad');
});

test('what is undone of many comes back with the selection and the reason', async (t) => {
  const { page } = await stage(t);
  for (const id of ['one', 'two']) await row(page, id).locator('.pick').check();
  const reason = page.locator('#many [name=comment]');
  await reason.fill('not on a Friday');
  await reason.press('Enter');
  await said(page, 'Enter decides nothing here');
  await page.getByRole('button', { name: 'Reject selected' }).click();
  await undo(page).click();
  assert.equal(await reason.inputValue(), 'not on a Friday');
  assert.equal(await page.locator('.pick:checked').count(), 2);
});

test('what was written is there on the next page, and after a log-out it is gone', async (t) => {
  const { page } = await stage(t);
  const reason = () => card(page, 'one').locator('[name=comment]').inputValue();
  await write(page, 'a draft');
  await page.keyboard.press('Escape');
  await page.getByRole('link', { name: 'High risk' }).click();
  await page.getByRole('link', { name: 'All', exact: true }).click();
  await open(page, 'one');
  assert.equal(await reason(), 'a draft');
  await page.reload();
  assert.equal(await reason(), 'a draft');
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.waitForURL(/login/);
  assert.doesNotMatch(await page.evaluate(() => JSON.stringify(sessionStorage)), /a draft/);
});

test('after an interruption the sheet and the words are where they were', async (t) => {
  const { server, page } = await stage(t, { forgives: /status of 401/ });
  await write(page, 'because ');
  await logOut(page);
  const out = page.getByRole('dialog', { name: 'You are logged out' });
  await out.waitFor();
  await page.keyboard.type('of it', { delay: 5 });
  await comeBack(page, server, 'ada');
  await page.locator('.sheet.reject:popover-open').waitFor();
  await page.keyboard.type('the price');
  assert.equal(await card(page, 'one').locator('[name=comment]').inputValue(), 'because the price');
});

test('Enter in the sheet of a rule makes the rule that is chosen, and no other', async (t) => {
  const { agent, page, server } = await stage(t);
  await page.keyboard.press('t');
  await page.locator('.sheet.rule:popover-open').waitFor();
  await page.keyboard.press('Enter');
  // What the agent offers is not chosen beforehand.
  await card(page, 'one').getByText('Choose what the rule is to cover').waitFor();
  await page.locator('.sheet.rule').getByRole('radio').first().check();
  await page.locator('.sheet.rule').getByRole('radio').first().press('Enter');
  await said(page, 'Approved, and a rule made');
  await Promise.all([page.waitForResponse((answer) => answer.url().endsWith('/interactions/one/decide')), page.keyboard.press('a')]);
  assert.equal((await agent.resolved('one')).status, 'approved');
  const { trustRules } = await server.approver('bob').call('GET', '/v1/trust-rules');
  assert.deepEqual(trustRules.map(({ pattern }) => pattern), ['make *'], 'what the agent had offered');
});

test('however long a question is, who asks it is seen', async (t) => {
  for (const viewport of [{ width: 1440, height: 900 }, { width: 900, height: 700 }, { width: 390, height: 844 }]) {
    const server = await serve(t);
    const asked = question('long');
    asked.question.entries[0].text = 'a line\n'.repeat(60);
    await server.agent().register(asked);
    const page = await person(t, server, { viewport });
    const chip = (await open(page, 'long')).locator('h2 .agent');
    const isOnTop = await chip.evaluate((chip) => {
      const { left, top } = chip.getBoundingClientRect();
      return chip.contains(document.elementFromPoint(left + 2, top + 2));
    });
    assert.ok(isOnTop, `${viewport.width} wide`);
    const answer = card(page, 'long').getByRole('button', { name: 'Answer' });
    await answer.scrollIntoViewIfNeeded();
    assert.ok(await answer.isVisible());
  }
});

test('who writes a reason for many goes on writing when others decide them', async (t) => {
  const { server, agent, page } = await stage(t);
  await agent.register(confirmation('three', command('make three')));
  await row(page, 'three').waitFor();
  for (const id of ['one', 'two']) await row(page, id).locator('.pick').check();
  const reason = page.locator('#many [name=comment]');
  await reason.focus();
  await page.keyboard.type('say this ma');
  for (const id of ['one', 'two']) await server.approver('bob').confirm(id, 'allow');
  await page.waitForFunction(() => document.querySelectorAll('.pick:checked').length === 0);
  await page.keyboard.type('jor jar is bad');
  await page.keyboard.press('Enter');
  assert.equal(await reason.inputValue(), 'say this major jar is bad');
  assert.equal(await undo(page).count(), 0);
  await page.reload();
  assert.equal((await agent.look('three')).status, 'pending');
});

test('what was decided when the page was left and was not taken is said, with the words', async (t) => {
  const { server, page } = await stage(t, { losesServer: true, forgives: /status of 40[49]/ });
  await write(page, 'far too broad');
  await page.keyboard.press('Enter');
  await undo(page).waitFor();
  const deaf = await server.deaf('/interactions/one/decide');
  await assert.rejects(page.goto(`${server.url}/rules`));
  await deaf.heard;
  await deaf.end();
  await server.restart();
  await page.goto(server.url);
  await isThereAgain(page);
});

test('what was sent and not answered when the page was left is said, with the words', async (t) => {
  const { page } = await stage(t);
  const sent = new Promise((done) => page.route('**/interactions/one/decide', done));
  await write(page, 'far too broad');
  await page.keyboard.press('Enter');
  await sent;
  await page.getByRole('link', { name: 'High risk' }).click();
  await isThereAgain(page);
});

/** The request was not decided: that is said, and what was written is in it. */
async function isThereAgain(page) {
  await said(page, 'Not sent: shell make one');
  await page.getByRole('button', { name: 'Open it' }).click();
  assert.equal(await card(page, 'one').locator('[name=comment]').inputValue(), 'far too broad');
}

test('what another decided meanwhile is said on the next page, with the words', async (t) => {
  const { server, page } = await stage(t, { forgives: /status of 40[49]/ });
  await write(page, 'far too broad');
  await page.keyboard.press('Enter');
  await undo(page).waitFor();
  await page.evaluate(() => source.close());
  await server.approver('bob').confirm('one', 'allow');
  await page.reload();
  await said(page, 'approved by bob');
  await page.getByRole('button', { name: 'Open it' }).click();
  assert.equal(await card(page, 'one').locator('.left-over textarea').inputValue(), 'far too broad');
});

test('the newest words win, whichever way a page is come to', async (t) => {
  const { page } = await stage(t);
  await write(page, 'old');
  await page.keyboard.press('Escape');
  await page.getByRole('link', { name: 'High risk' }).click();
  await page.getByRole('link', { name: 'All', exact: true }).click();
  await open(page, 'one');
  await write(page, ' and new');
  await page.keyboard.press('Escape');
  await page.goBack();
  await page.getByRole('link', { name: 'All', exact: true }).click();
  await open(page, 'one');
  assert.match(await card(page, 'one').locator('[name=comment]').inputValue(), /and new/);
});

test('the palette takes the place of a sheet', async (t) => {
  const { agent, page } = await stage(t);
  for (const key of ['t', 'r', 's']) {
    await page.keyboard.press(key);
    await page.locator('.sheet:popover-open').waitFor();
    await page.keyboard.press('Control+k');
    await page.getByRole('dialog', { name: 'Commands' }).waitFor();
    await page.keyboard.type('no such command');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Escape');
    assert.equal(await page.locator('.sheet:popover-open').count(), 0);
    assert.equal(await undo(page).count(), 0);
  }
  assert.equal((await agent.look('one')).status, 'pending');
});

test('an answer that is not the server\'s own is not believed', async (t) => {
  const { agent, page } = await stage(t);
  await page.route('**/interactions/one/decide', (route) => route.fulfill({ status: 200, contentType: 'text/html', body: '<p>Welcome' }));
  await write(page, 'far too broad');
  await page.keyboard.press('Enter');
  await said(page, 'Something else than the server answered');
  await page.getByRole('button', { name: 'Open it' }).click();
  assert.equal(await card(page, 'one').locator('[name=comment]').inputValue(), 'far too broad');
  assert.equal((await agent.look('one')).status, 'pending');
});
