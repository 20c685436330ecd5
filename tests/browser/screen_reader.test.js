// A screen reader's way through the pages. What it tells of each is kept in the files of `screen_reader`, role by role and name by
// name, and compared to the letter; ids, times and what else is another one each time have names there. Where a page is meant to
// read otherwise, `SCREEN_READER_UPDATE=always scripts/browser screen_reader` writes the files anew: read what has changed in them.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { closeBrowser, tab } from './harness/browser.js';
import { assertKept, outline } from './harness/outline.js';
import { card, person, row } from './harness/person.js';
import { assertHoldsFocus, assertReads, assertTabsInOrder, focused, listen, said, tree } from './harness/reader.js';
import { confirmation, question, secret } from './harness/requests.js';
import { serve } from './harness/server.js';

after(closeBrowser);

const HERE = { locale: 'en-GB', timezoneId: 'UTC' };
const DESKTOP = { ...HERE, name: 'desktop', viewport: { width: 1440, height: 900 } };
const PHONE = { ...HERE, name: 'phone', viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const LOOKS = [DESKTOP, PHONE];

const DIFF = { filePath: '/repo/a', oldContent: 'one\ntwo\n', newContent: 'one\n2\n', isNewFile: false };

const command = (command) => ({ input: { command } });

/** What a person finds in the queue: a plain request, one of high risk, an edit, a secret, a question, and three that ask the same. */
async function fill(agent) {
  await agent.register(confirmation('plain'));
  await agent.register(confirmation('danger', { riskLevel: 'high', input: { command: 'rm -r /srv', force: true } }));
  await agent.register(confirmation('edit', { riskLevel: 'low', inputEditsAllowed: true, diff: DIFF, input: { path: '/repo/a' } }));
  await agent.register(secret('secret'));
  await agent.register(question('question'));
  for (const id of ['same-1', 'same-2', 'same-3']) await agent.register(confirmation(id, command('make clean')));
}

/** The page of a person with these rows, and what is said on it. */
async function reader(t, server, { name, ...options }) {
  const page = await person(t, server, { ...options, name: 'ada' });
  await listen(page);
  return page;
}

/** Opens a request as who hears the page does: by the link of its row. */
async function choose(page, id) {
  await row(page, id).locator('.open').press('Enter');
  await card(page, id).waitFor();
  await page.waitForFunction((id) => document.activeElement.id === `card-${id}`, id);
  return card(page, id);
}

const backToRows = (page) => page.getByRole('link', { name: 'Back to the queue' }).press('Enter');

for (const look of LOOKS) {
  test(`the queue and each kind of request, ${look.name}`, async (t) => {
    const server = await serve(t);
    await fill(server.agent());
    const page = await reader(t, server, look);
    assertKept(`queue.${look.name}`, await outline(page.locator('body')));
    await assertReads(page);
    await assertTabsInOrder(page);
    for (const id of ['plain', 'danger', 'edit', 'secret', 'question']) {
      const asked = await choose(page, id);
      assert.match(await focused(page), /^article "build-agent /, 'the request is read by its heading');
      await asked.locator('details').evaluateAll((folds) => folds.forEach((fold) => (fold.open = true)));
      assertKept(`card_${id}.${look.name}`, await outline(asked));
      await assertReads(page);
      await assertTabsInOrder(page);
      if (id === 'edit') {
        await asked.getByRole('button', { name: 'Edit', exact: true }).press('Enter');
        const sheet = asked.locator('.sheet.edit');
        await sheet.getByRole('textbox').and(page.locator(':focus')).waitFor();
        assertKept(`sheet_edit.${look.name}`, await outline(sheet));
        await page.keyboard.press('Escape');
        assert.equal(await focused(page), 'button "Edit"', 'back to what opened it');
      }
      if (look === PHONE) {
        await backToRows(page);
        assert.ok(await row(page, id).locator('.open').evaluate((it) => it === document.activeElement), 'back where one came from');
      }
    }
    assert.deepEqual(await said(page), [], 'what one reads oneself is not said beside it');
  });
}

test('a row says who asks for what, at which risk and since when, and is one of a list that says what it is', async (t) => {
  const server = await serve(t);
  await fill(server.agent());
  const page = await reader(t, server, DESKTOP);
  const rows = (await tree(page)).filter(({ role, parent }) => role === 'link' && parent.role === 'listitem');
  assert.deepEqual(rows.map(({ parent }) => parent.parent.name), Array(6).fill('What waits'));
  const wanted = [/medium risk/, /high risk/, /low risk/, /^secret/, /^question/, /medium risk/];
  for (const [at, { name }] of rows.entries()) {
    assert.match(name, wanted[at]);
    assert.match(name, /build-agent (shell|secret|question) .+ (now|\d+s ago)$/);
  }
  const [tick] = (await tree(page)).filter(({ role }) => role === 'checkbox');
  assert.match(tick.name, /^Select .*build-agent shell make deploy/);
});

test('the seconds of a deadline count for the eye alone', async (t) => {
  const server = await serve(t);
  await server.agent().register({ ...confirmation('plain'), expiresInMs: 50_000 });
  const page = await reader(t, server, DESKTOP);
  const name = async () => (await tree(page)).find(({ role, parent }) => role === 'link' && parent.role === 'listitem').name;
  const seen = () => row(page, 'plain').locator('.deadline').textContent();
  const [first, before] = [await name(), await seen()];
  assert.match(first, /in less than a minute/);
  await page.waitForFunction((before) => document.querySelector('.row .deadline').textContent !== before, before);
  assert.equal(await name(), first, 'a row that has the focus is not said again each second');
});

test('what arrives is told once, by itself, and many at once in one sentence', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  await fill(agent);
  const page = await reader(t, server, DESKTOP);
  await choose(page, 'plain');
  await agent.register(confirmation('new', command('make new')));
  await row(page, 'new').waitFor();
  assert.deepEqual(await said(page), ['New: build-agent: shell make new']);
  assert.equal(await focused(page), 'article "build-agent wants to use shell the agent says medium risk"', 'the focus stays');
  // As when the server was away for a while.
  await page.evaluate(() => source.close());
  for (const id of ['x', 'y', 'z']) await agent.register(confirmation(id, command(`make ${id}`)));
  await page.evaluate(() => schedule());
  await row(page, 'z').waitFor();
  assert.deepEqual(await said(page), ['3 new, the last: build-agent: shell make z']);
});

test('of several decisions each is told once, and not again as those before it are sent', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  for (const id of ['one', 'two', 'three']) await agent.register(confirmation(id, command(`make ${id}`)));
  const page = await reader(t, server, DESKTOP);
  await page.evaluate(() => localStorage.setItem('countersign-grace', '10'));
  await choose(page, 'one');
  for (const id of ['one', 'two']) {
    await page.waitForFunction((id) => opened()?.dataset.requestId === id && performance.now() - movedOn.at > KEY_SETTLES, id);
    await page.keyboard.press('a');
  }
  await page.getByRole('status').filter({ hasText: 'Approved: shell make two (and 1 before)' }).waitFor();
  assert.deepEqual(await said(page), ['Approved: shell make one Undo', 'Approved: shell make two (and 1 before) Undo']);
  await page.waitForFunction(() => opened()?.dataset.requestId === 'three' && performance.now() - movedOn.at > KEY_SETTLES);
  await page.keyboard.press('e');
  assert.deepEqual(await said(page), ['The input of this one may not be edited.'], 'without what stands beside it');
  await page.evaluate(() => send(held[0]));
  assert.equal((await agent.resolved('one')).status, 'approved');
  assert.equal(await page.getByText('and 1 before').count(), 0);
  assert.deepEqual(await said(page), []);
});

for (const look of LOOKS) {
  test(`the way of a decision, ${look.name}`, async (t) => {
    const server = await serve(t);
    const agent = server.agent();
    await agent.register(confirmation('plain'));
    await agent.register(confirmation('second', command('make second')));
    await agent.register(confirmation('danger', { ...command('rm -r /srv'), riskLevel: 'high' }));
    await agent.register(confirmation('always', command('make always')));
    await agent.register(question('question'));
    await agent.register(secret('secret'));
    const page = await reader(t, server, look);
    await page.evaluate(() => localStorage.setItem('countersign-grace', '10'));
    const way = [];
    /** Does one thing, and writes down what was said, what has the focus then, and what is to be read in `part`. */
    const step = async (title, act, part) => {
      // What is pressed while the next request comes is not meant for it.
      await page.waitForFunction(() => performance.now() - movedOn.at > POINTER_SETTLES);
      await act();
      const heard = await said(page);
      const lines = [`== ${title}`, ...heard.map((sentence) => `said: ${sentence}`), `focus: ${await focused(page)}`];
      if (part) lines.push(await outline(part));
      way.push(lines.join('\n'));
      return heard;
    };
    /** Sends what is held; who decided hears no more of it. */
    const sent = async (id) => {
      await page.evaluate(() => flush(false));
      const { status } = await agent.resolved(id);
      assert.deepEqual(await said(page), [], 'it is not said twice');
      return status;
    };
    const toasts = page.locator('#toasts');
    const pressed = async (id, name) => card(page, id).getByRole('button', { name, exact: true }).press('Enter');
    /** Opens a sheet by its button; the focus is in it then. */
    const unfolded = async (id, name, which) => {
      await pressed(id, name);
      await page.waitForFunction((which) => document.activeElement.closest(`.sheet.${which}`), which);
    };
    const isNext = (id) => page.waitForFunction(([id, isPhone]) => {
      const part = isPhone ? document.getElementById(`card-${id}`) : document.querySelector(`.row[data-request-id="${id}"] .open`);
      return document.activeElement === part && document.getElementById(`card-${id}`);
    }, [id, look === PHONE]);

    await step('a plain request is opened', () => choose(page, 'plain'));
    await step('it could be put off', () => unfolded('plain', 'Later', 'later'), card(page, 'plain').locator('.sheet.later'));
    await step('but is not', () => page.keyboard.press('Escape'));
    await step('and approved: the next one has the focus', async () => {
      // As where it has not been fetched ahead.
      await page.waitForFunction(() => ahead.size > 0);
      await page.evaluate(() => ahead.clear());
      await pressed('plain', 'Approve');
      await isNext('second');
    }, toasts);
    assert.equal(await sent('plain'), 'approved');

    await step('the next is approved', async () => {
      await pressed('second', 'Approve');
      await isNext('danger');
    });
    await step('and taken back: it has the focus again', async () => {
      await toasts.getByRole('button', { name: 'Undo' }).press('Enter');
      await isNext('second');
    });
    await step('its sheet for a reason is opened', () => unfolded('second', 'Reason…', 'reject'), card(page, 'second').locator('.sheet.reject'));
    await step('and sent', async () => {
      await page.keyboard.type('not today');
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      await isNext('danger');
    });
    assert.equal(await sent('second'), 'rejected');

    await step('of high risk it is not approved without saying that one knows it', () => pressed('danger', 'Approve'));
    await step('but with it', async () => {
      await page.keyboard.press('Space');
      await pressed('danger', 'Approve');
      await isNext('always');
    });
    assert.equal(await sent('danger'), 'approved');

    const sheet = card(page, 'always').locator('.sheet.rule');
    await step('the sheet for a rule', () => unfolded('always', 'Always', 'rule'), sheet);
    await step('Escape leads back to what opened it', async () => {
      await page.keyboard.press('Escape');
      await sheet.waitFor({ state: 'hidden' });
    });
    await step('and the rule is made', async () => {
      await page.keyboard.press('Enter');
      await sheet.getByRole('radio', { name: /any make/ }).press('Space');
      await sheet.getByRole('button', { name: 'Approve and make the rule' }).press('Enter');
      await isNext('question');
    });
    await page.evaluate(() => flush(false));
    assert.equal((await agent.resolved('always')).status, 'approved');
    await said(page);

    await step('a question without all answers says what it lacks', () => pressed('question', 'Answer'), card(page, 'question').locator('.problem'));
    await step('and with them it is answered', async () => {
      await card(page, 'question').getByRole('radio', { name: 'Red' }).press('Space');
      await card(page, 'question').getByRole('textbox').fill('because');
      await pressed('question', 'Answer');
      await isNext('secret');
    });
    assert.equal(await sent('question'), 'answered');

    const heard = await step('a secret is sent, and nothing waits any more', async () => {
      await card(page, 'secret').getByRole('textbox').fill('hunter2');
      await pressed('secret', 'Send secret');
      await page.getByText('Nothing waits for you').waitFor();
    }, page.getByRole('main'));
    assert.ok(!heard.join().includes('hunter2'));
    await assertReads(page);
    await assertTabsInOrder(page);
    assertKept(`decision.${look.name}`, way.join('\n\n'));
  });
}

test('an empty queue, the log-in page, and the word that one is logged out', async (t) => {
  const server = await serve(t);
  const stranger = await tab(t, HERE);
  await stranger.goto(`${server.url}/login`);
  assert.match(await focused(stranger), /^textbox "The code of a log-in link, or a token"$/);
  assertKept('login', await outline(stranger.locator('body')));
  await assertReads(stranger, { landmarks: ['main'] });
  const page = await reader(t, server, { ...DESKTOP, forgives: /status of 401/ });
  assertKept('empty', await outline(page.locator('body')));
  await assertReads(page);
  await assertTabsInOrder(page);
  await page.getByRole('searchbox').focus();
  // The session ends elsewhere, as that of a phone that is lost.
  await page.context().clearCookies();
  await page.evaluate(() => ask(`${base}/rows?ids=`));
  const ended = page.getByRole('dialog', { name: 'You are logged out' });
  await ended.waitFor();
  assertKept('logged_out', `focus: ${await focused(page)}\n${await outline(ended)}`);
  await assertHoldsFocus(page, ended);
});

test('a dialog holds the focus and gives it back', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  for (const id of ['one', 'two']) await agent.register(confirmation(id, command(`make ${id}`)));
  const page = await reader(t, server, DESKTOP);
  const keys = page.getByRole('button', { name: 'Keys' });
  const isBack = (locator) => locator.evaluate((it) => it === document.activeElement);
  await keys.press('Enter');
  const help = page.getByRole('dialog', { name: 'Keys' });
  await help.waitFor();
  await assertHoldsFocus(page, help);
  await page.keyboard.press('Escape');
  await help.waitFor({ state: 'hidden' });
  assert.ok(await isBack(keys), 'from the keys');
  await page.keyboard.press('Control+k');
  const palette = page.getByRole('dialog', { name: 'Commands' });
  await palette.waitFor();
  assert.equal(await focused(page), 'combobox "Find a command, a page or a view"');
  assertKept('palette', await outline(palette));
  await page.keyboard.type('nothing');
  assert.deepEqual(await said(page), ['Nothing here is called so.']);
  await assertHoldsFocus(page, palette);
  await page.keyboard.press('Escape');
  await palette.waitFor({ state: 'hidden' });
  assert.ok(await isBack(keys), 'from the commands');
  for (const id of ['one', 'two']) await row(page, id).getByRole('checkbox').check();
  assert.deepEqual(await said(page), ['1 selected', '2 selected'], 'how many are selected is said');
  const approve = page.getByRole('button', { name: 'Approve selected' });
  await approve.press('Enter');
  const together = page.getByRole('dialog', { name: 'Approve these together' });
  await together.waitFor();
  assertKept('together', await outline(together));
  await assertHoldsFocus(page, together);
  await together.getByRole('link', { name: 'Back to the queue' }).press('Enter');
  await together.waitFor({ state: 'hidden' });
  assert.ok(await isBack(approve), 'from those that are approved together');
});

test('the pages beside the queue', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  const ada = server.approver('ada');
  for (const [id, decision] of [['yes', 'allow'], ['no', 'deny']]) {
    await agent.register(confirmation(id));
    await ada.confirm(id, decision);
  }
  await fill(agent);
  const rule = { toolName: 'shell', pattern: 'make clean', scope: '/elsewhere', decision: 'allow' };
  await ada.call('POST', '/v1/trust-rules', rule);
  for (const look of LOOKS) {
    const page = await person(t, server, { ...look, name: 'root', role: 'admin' });
    for (const place of ['rules', 'history', 'agents', 'settings', 'numbers', 'channels']) {
      await page.goto(`${server.url}/${place}`);
      await page.evaluate(() => document.querySelectorAll('main details').forEach((fold) => (fold.open = true)));
      if (look === DESKTOP) assertKept(place, await outline(page.locator('body')));
      await assertReads(page);
      await assertTabsInOrder(page);
    }
  }
});
