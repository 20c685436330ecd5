// Answering a question.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { closeBrowser } from './harness/browser.js';
import { open, person } from './harness/person.js';
import { question } from './harness/requests.js';
import { serve } from './harness/server.js';

after(closeBrowser);

test('a question is answered with an option and in own words', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  await agent.register(question('paint'));
  const page = await person(t, server);
  const asked = await open(page, 'paint');
  await asked.getByRole('radio', { name: /Blue/ }).check();
  await asked.getByRole('textbox').fill('It is the colour of the sea.');
  await asked.getByRole('button', { name: 'Answer' }).click();
  assert.deepEqual((await agent.resolved('paint')).resolution.responses, [
    { questionId: 'colour', optionId: 'blue' },
    { questionId: 'why', text: 'It is the colour of the sea.' },
  ]);
});

test('a question with options takes two keys', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  const options = [{ optionId: 'red', label: 'Red' }, { optionId: 'blue', label: 'Blue' }];
  const entries = [{ questionId: 'colour', text: 'Which colour?', options }];
  await agent.register({ requestId: 'paint', kind: 'question', question: { entries } });
  const page = await person(t, server);
  await open(page, 'paint');
  await page.keyboard.press('2');
  await page.keyboard.press('Enter');
  assert.deepEqual((await agent.resolved('paint')).resolution.responses, [{ questionId: 'colour', optionId: 'blue' }]);
});

test('an entry may be passed over', async (t) => {
  const server = await serve(t);
  const agent = server.agent();
  await agent.register(question('paint'));
  const page = await person(t, server);
  const asked = await open(page, 'paint');
  for (const entry of ['Which colour?', 'And why?']) {
    await asked.getByRole('group', { name: entry }).getByRole('radio', { name: 'Skip' }).check();
  }
  await asked.getByRole('button', { name: 'Answer' }).click();
  assert.deepEqual((await agent.resolved('paint')).resolution.responses, [
    { questionId: 'colour', skipped: true },
    { questionId: 'why', skipped: true },
  ]);
});
