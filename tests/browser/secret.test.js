// Giving a secret, or not.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { closeBrowser } from './harness/browser.js';
import { card, person } from './harness/person.js';
import { secret } from './harness/requests.js';
import { serve } from './harness/server.js';

after(closeBrowser);

const VALUE = 'hunter2-never-shown';

for (const [delivery, choice] of [['store', /Keep it/], ['transient_send', /once/]]) {
  test(`a secret is given masked and taken by its agent alone, ${delivery}`, async (t) => {
    const server = await serve(t);
    const agent = server.agent();
    await agent.register(secret('token'));
    const page = await person(t, server);
    const field = card(page, 'token').getByRole('textbox');
    assert.equal(await field.evaluate((field) => getComputedStyle(field).webkitTextSecurity), 'disc');
    await field.fill(`  ${VALUE}\n`);
    await card(page, 'token').getByRole('radio', { name: choice }).check();
    await card(page, 'token').getByRole('button', { name: 'Give it', exact: true }).click();
    assert.equal((await agent.resolved('token')).resolution.delivery, delivery);
    assert.equal((await agent.call('POST', '/v1/interactions/token/secret', {})).value, VALUE);
    await card(page, 'token').getByText(/given.* by you/i).waitFor();
    assert.ok(!(await page.content()).includes(VALUE), 'the page forgets it');
  });
}

test('a secret is declined without a value', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  await agent.register(secret('token', { allowOneTimeSend: false }));
  const page = await person(t, server);
  assert.equal(await card(page, 'token').getByRole('radio').count(), 1, 'handing over once is not offered');
  await card(page, 'token').getByRole('button', { name: 'Do not give it' }).click();
  assert.equal((await agent.resolved('token')).status, 'cancelled');
});
