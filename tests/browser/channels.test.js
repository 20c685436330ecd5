// Channels: made by a form, and what a browser shows when it is pushed to.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { LOOKS, assertFits, closeBrowser } from './harness/browser.js';
import { person } from './harness/person.js';
import { serve } from './harness/server.js';

after(closeBrowser);

for (const { name, ...options } of LOOKS) {
  test(`a person makes a channel and removes it, ${name}`, async (t) => {
    const server = await serve(t);
    const page = await person(t, server, { ...options, timezoneId: 'Europe/Berlin', forgives: /status of 400/ });
    // On a phone the menu has no room for it.
    await page.getByRole('link', { name: 'ada' }).click();
    await page.getByRole('main').getByRole('link', { name: 'Channels' }).click();
    await assertFits(page);
    await page.getByLabel('What takes the notices').selectOption('webhook');
    await page.getByLabel('What it is called').fill('hook');
    await page.getByLabel('Its URL or address').fill('http://10.0.0.1/');
    await page.getByRole('button', { name: 'Make this channel' }).press('Enter');
    await page.getByText('10.0.0.1 is no public address').waitFor();
    await assertFits(page);
    await page.getByLabel('Its URL or address').fill('https://hooks.example.org/x');
    await page.getByRole('button', { name: 'Make this channel' }).press('Enter');
    await page.getByText('It is shown this once').waitFor();
    await assertFits(page);
    await page.getByText('Change hook…').press('Enter');
    const form = page.getByRole('form', { name: 'Change hook' });
    await assertFits(page);
    await form.getByLabel('Quiet hours').fill('22-7');
    await form.getByRole('button', { name: 'Save hook' }).press('Enter');
    await form.getByText('is no time of the day').waitFor();
    await assertFits(page);
    await form.getByLabel('Quiet hours').fill('22:00-07:00');
    await form.getByRole('button', { name: 'Save hook' }).press('Enter');
    await page.getByText('quiet 22:00-07:00 Europe/Berlin').waitFor();
    await page.getByRole('button', { name: 'Remove hook' }).press('Enter');
    await page.getByText('No channels.').waitFor();
  });
}

test('a push is shown, with its link, though no page of the inbox is looked at', async (t) => {
  const server = await serve(t);
  const page = await person(t, server, { permissions: ['notifications'] });
  await page.goto(`${server.url}/channels`);
  await page.getByRole('button', { name: 'Send pushes here' }).waitFor();
  const session = await page.context().newCDPSession(page);
  const registered = new Promise((resolve) => {
    session.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
      const [found] = registrations;
      if (found) resolve(found.registrationId);
    });
  });
  await session.send('ServiceWorker.enable');
  await page.evaluate(async () => {
    await navigator.serviceWorker.register('/push.js', { scope: '/' });
    await navigator.serviceWorker.ready;
  });
  const registrationId = await registered;
  const said = { title: 'builder asks: may it use shell?', body: 'Until noon.', tag: 'deploy', url: `${server.url}/interactions/deploy` };
  await session.send('ServiceWorker.deliverPushMessage', { origin: server.url, registrationId, data: JSON.stringify(said) });
  const shown = await page.waitForFunction(async () => {
    const registration = await navigator.serviceWorker.ready;
    const [notification] = await registration.getNotifications();
    return notification && { title: notification.title, tag: notification.tag, url: notification.data.url };
  });
  assert.deepEqual(await shown.jsonValue(), { title: said.title, tag: said.tag, url: said.url });
});
