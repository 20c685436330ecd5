// The description of the interface, as a browser shows it.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { assertAccessible, closeBrowser, tab } from './harness/browser.js';
import { serve } from './harness/server.js';

after(closeBrowser);

for (const colorScheme of ['light', 'dark']) {
  test(`the description of the API keeps to its policy and is accessible, ${colorScheme}`, async (t) => {
    const server = await serve(t);
    const page = await tab(t, { colorScheme });
    await page.goto(`${server.url}/docs`);
    await page.locator('details', { hasText: 'POST /v1/confirm' }).locator('summary').click();
    assert.match(await page.locator('details[open]').innerText(), /requestId|Confirm/);
    await assertAccessible(page);
  });
}
