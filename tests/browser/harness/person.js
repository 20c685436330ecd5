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

/** The row of an interaction. */
export function row(page, requestId) {
  return page.locator(`.row[data-request-id="${requestId}"]`);
}

/** The card of an interaction, where it is opened. */
export function card(page, requestId) {
  return page.locator(`[id="card-${requestId}"]`);
}

/** Opens an interaction by its row; its card. */
export async function open(page, requestId) {
  await row(page, requestId).locator('.open').click();
  await card(page, requestId).waitFor();
  return card(page, requestId);
}
