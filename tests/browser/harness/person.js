// A person at the inbox.

import { tab } from './browser.js';

/** A person who has logged in by a link, and their tab; `name` is their principal, the rest are options of the tab. */
export async function person(t, server, { name = 'ada', role = 'approver', ...options } = {}) {
  const page = await tab(t, options);
  await logIn(page, server, server.client(name, role));
  return page;
}

/** Goes where a log-in link leads, which ends at the queue. */
export async function logIn(page, server, client) {
  const { code } = await client.call('POST', '/v1/login-links');
  await page.goto(`${server.url}/login#${code}`);
  await page.waitForURL(`${server.url}/`);
  await page.getByRole('heading', { name: /Queue/ }).waitFor();
}

/** The card of an interaction. */
export function card(page, requestId) {
  return page.locator(`[id="card-${requestId}"]`);
}

/** Puts the focus on a card, as the key `j` does. */
export async function goTo(page, requestId) {
  await card(page, requestId).waitFor();
  await page.waitForFunction((id) => {
    if (document.activeElement.id === id) return true;
    const key = { key: 'j', bubbles: true };
    document.activeElement.dispatchEvent(new KeyboardEvent('keydown', key));
    return document.activeElement.id === id;
  }, `card-${requestId}`);
}
