// Answering a question.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { closeBrowser } from './harness/browser.js';
import { card, person } from './harness/person.js';
import { question } from './harness/requests.js';
import { serve } from './harness/server.js';

after(closeBrowser);

test('a question is answered with an option and in own words', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  await agent.register(question('paint'));
  const page = await person(t, server);
  const asked = card(page, 'paint');
  await asked.getByRole('radio', { name: /Blue/ }).check();
  await asked.getByRole('textbox').fill('It is the colour of the sea.');
  await asked.getByRole('button', { name: 'Answer' }).click();
  assert.deepEqual((await agent.resolved('paint')).resolution.responses, [
    { questionId: 'colour', optionId: 'blue' },
    { questionId: 'why', text: 'It is the colour of the sea.' },
  ]);
});

test('an entry may be passed over', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  await agent.register(question('paint'));
  const page = await person(t, server);
  for (const entry of ['Which colour?', 'And why?']) {
    await card(page, 'paint').getByRole('group', { name: entry }).getByRole('radio', { name: /rather not say/ }).check();
  }
  await card(page, 'paint').getByRole('button', { name: 'Answer' }).click();
  assert.deepEqual((await agent.resolved('paint')).resolution.responses, [
    { questionId: 'colour', skipped: true },
    { questionId: 'why', skipped: true },
  ]);
});
