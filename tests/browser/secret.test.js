// Giving a secret, or not.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { closeBrowser } from './harness/browser.js';
import { open, person, row } from './harness/person.js';
import { secret } from './harness/requests.js';
import { serve } from './harness/server.js';

after(closeBrowser);

const VALUE = 'hunter2-never-shown';

for (const [delivery, choice] of [['store', /Keep it/], ['transient_send', /Once/]]) {
  test(`a secret is given masked and taken by its agent alone, ${delivery}`, async (t) => {
    const server = await serve(t);
    const agent = server.agent();
    await agent.register(secret('token'));
    const page = await person(t, server);
    const asked = await open(page, 'token');
    const field = asked.getByRole('textbox');
    assert.equal(await field.evaluate((field) => getComputedStyle(field).webkitTextSecurity), 'disc');
    await field.fill(`  ${VALUE}\n`);
    await asked.getByRole('radio', { name: choice }).check();
    await asked.getByRole('button', { name: 'Send secret' }).click();
    assert.equal((await agent.resolved('token')).resolution.delivery, delivery);
    assert.equal((await agent.call('POST', '/v1/interactions/token/secret', {})).value, VALUE);
    await row(page, 'token').waitFor({ state: 'detached' });
    assert.ok(!(await page.content()).includes(VALUE), 'the page forgets it');
  });
}

test('a secret is declined without a value', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  await agent.register(secret('token', { allowOneTimeSend: false }));
  const page = await person(t, server);
  const asked = await open(page, 'token');
  assert.equal(await asked.getByRole('radio').count(), 1, 'handing over once is not offered');
  await asked.getByRole('button', { name: 'Decline' }).click();
  assert.equal((await agent.resolved('token')).status, 'cancelled');
});
