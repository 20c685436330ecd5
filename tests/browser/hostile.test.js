// What an agent writes is shown, never obeyed, and all of it is there.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { closeBrowser } from './harness/browser.js';
import { card, open, person, row } from './harness/person.js';
import { confirmation, secret } from './harness/requests.js';
import { serve } from './harness/server.js';

after(closeBrowser);

const MARKUP = `<script>globalThis.hacked = 1</script><img src=x onerror="hacked=1">"'><svg/onload=hacked=1>&lt;b&gt;`;
const UNSEEN = 'a\u202Egnp.exe\u202C \u001B[2J\u0007 zero\u200Bwidth \uFEFF';

/** What a person is to see of the characters that they would not see. */
const named = (text) => text.replace(/[\u202E\u202C\u001B\u0007\u200B\uFEFF]/g, (c) =>
  `U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}`);

test('markup, escape sequences and direction marks stay text wherever an agent can write', async (t) => {
  const server = await serve(t);
  const text = `${MARKUP} ${UNSEEN}`;
  const offered = { allowlistOptions: [{ label: text, description: text, pattern: 'ls' }], scopeOptions: [{ label: text, scope: text }] };
  const diff = { filePath: text, oldContent: `${text}\n1\n`, newContent: `${text}\n2\n`, isNewFile: false };
  const content = { input: { command: text, [`${MARKUP}`]: [text] }, workingDir: text, reason: text, diff, inputEditsAllowed: true, ...offered };
  const agent = server.agent();
  await agent.register(confirmation('hostile', { ...content, toolName: MARKUP }));
  await agent.register(secret('secret', { label: text, description: text, purpose: text, placeholder: text }));
  const entry = { questionId: 'q', text, options: [{ optionId: 'o', label: text, description: text }] };
  await agent.register({ requestId: 'question', kind: 'question', question: { entries: [entry] } });
  const page = await person(t, server);
  for (const id of ['hostile', 'secret', 'question']) {
    const seen = await (await open(page, id)).evaluate((card) => card.textContent);
    assert.ok(seen.includes(named(text)), `${id} shows all of it, with what is unseen by its name`);
    assert.doesNotMatch(seen, /[\u202E\u202C\u001B\u0007\u200B\uFEFF]/);
  }
  assert.equal(await page.locator(':is(#queue, #pane) :is(script, img, svg, iframe, object)').count(), 0);
  assert.equal(await page.evaluate(() => globalThis.hacked), undefined);
});

test('200 KB are all there, down to the dangerous end, and can be scrolled to', async (t) => {
  const server = await serve(t);
  const lines = Array.from({ length: 7500 }, (_, number) => `echo "harmless, line ${number}"`);
  const command = `${lines.join('\n')}\nrm -rf /srv/shop`;
  assert.ok(command.length > 200_000);
  await server.agent().register(confirmation('long', { input: { command }, subject: 'echo' }));
  const page = await person(t, server);
  // It takes no more room than any other, and beside the rows its beginning is shown until all of it is wanted.
  assert.equal((await row(page, 'long').boundingBox()).height, 44);
  const beginning = await open(page, 'long');
  assert.equal(await beginning.getByRole('button', { name: 'Approve' }).count(), 0, 'nothing is decided unread');
  await beginning.getByRole('link', { name: 'Show all of it' }).click();
  await beginning.getByRole('button', { name: 'Approve' }).waitFor();
  const input = page.locator('pre', { hasText: 'rm -rf /srv/shop' }).first();
  assert.equal(await input.evaluate((pre) => pre.textContent), command);
  const reach = await input.evaluate((pre) => {
    pre.scrollTop = pre.scrollHeight;
    const end = document.createRange();
    end.setStart(pre.lastChild, pre.lastChild.length - 1);
    end.setEnd(pre.lastChild, pre.lastChild.length);
    const [text, box] = [end.getBoundingClientRect(), pre.getBoundingClientRect()];
    return { isInside: text.bottom <= box.bottom && text.top >= box.top, boxes: box.height, all: pre.scrollHeight };
  });
  assert.ok(reach.isInside, 'the end comes into the window of the text');
  assert.ok(reach.boxes < 2000 && reach.all > 20_000, 'a long text scrolls inside its card');
});

test('colours change no character of a command, and signs stand beside the claimed risk', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  const plain = `curl -s "https://example.com/$x" | sudo tee /etc/hosts # <b>é\n\tcd a && rm -rf 'b c'`;
  await agent.register(confirmation('plain', { input: { command: plain, list: [plain, 1.50, true, { a: null }] } }));
  await agent.register(confirmation('hostile', { input: { command: `rm '</span>' ${UNSEEN} 'x' # g\u0456t` } }));
  const page = await person(t, server);
  const opened = await open(page, 'plain');
  const value = opened.locator('.member pre');
  assert.ok((await value.first().locator('span').count()) > 5, 'it has colours');
  assert.equal(await value.first().evaluate((pre) => pre.textContent), plain);
  assert.deepEqual(JSON.parse(await value.nth(1).evaluate((pre) => pre.textContent)), [plain, 1.5, true, { a: null }]);
  const signs = opened.getByRole('list', { name: 'Seen in it' }).getByRole('listitem');
  assert.deepEqual(await signs.allTextContents(), [
    'deletes or discards', 'writes outside its directory: /etc/hosts', 'reaches example.com', 'runs as another user',
  ]);
  const hostile = (await open(page, 'hostile')).locator('.member pre').first();
  assert.equal(await hostile.evaluate((pre) => pre.textContent), named(`rm '</span>' ${UNSEEN} 'x' # g\u0456t`));
  assert.equal(await hostile.locator('span mark').count(), 0, 'what is marked is in no colour');
  assert.ok((await hostile.locator('mark').count()) > 5);
});

test('each colour of code can be read on each paper, light and dark', async (t) => {
  const server = await serve(t);
  const command = `A=1 curl -s "https://example.com/$x" | cat # é`;
  await server.agent().register(confirmation('c', { input: { command, list: [command, 1, true] } }));
  for (const colorScheme of ['light', 'dark']) {
    const page = await person(t, server, { colorScheme });
    const opened = await open(page, 'c');
    const contrasts = await opened.evaluate((card) => {
      const luminance = (colour) => {
        const [r, g, b] = colour.match(/[\d.]+/g).map((part) => part / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const root = getComputedStyle(document.documentElement);
      const probe = card.appendChild(document.createElement('i'));
      const papers = ['--paper', '--surface'].map((name) => {
        probe.style.color = root.getPropertyValue(name);
        return luminance(getComputedStyle(probe).color);
      });
      probe.remove();
      const parts = [...card.querySelectorAll('.member pre span')];
      return parts.map((part) => {
        const own = luminance(getComputedStyle(part).color);
        const worst = papers.map((paper) => (Math.max(own, paper) + 0.05) / (Math.min(own, paper) + 0.05));
        return [part.className, Math.min(...worst)];
      });
    });
    const classes = new Set(contrasts.map(([name]) => name));
    assert.equal(classes.size, 8, `${[...classes]}`);
    for (const [name, contrast] of contrasts) assert.ok(contrast >= 4.5, `${colorScheme} ${name}: ${contrast}`);
  }
});
