// The pictures of the documents: the queue as `countersign demo` fills it, light, dark and on a phone.

import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { after, test } from 'node:test';

import { closeBrowser } from './harness/browser.js';
import { atEnd } from './harness/cleanup.js';
import { person } from './harness/person.js';
import { BINARY, ROOT, serve } from './harness/server.js';

after(closeBrowser);

const FOLDER = path.join(ROOT, 'docs', 'images');

const LOOKS = {
  light: { viewport: { width: 1100, height: 1000 } },
  dark: { viewport: { width: 1100, height: 1000 }, colorScheme: 'dark' },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
};

/** Lets made-up agents ask, and waits until all of them have. */
async function demonstrate(t, server) {
  const env = { ...server.env, COUNTERSIGN_URL: server.url, COUNTERSIGN_TOKEN: server.token('build-agent', 'agent') };
  const demo = spawn(BINARY, ['demo'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  atEnd(t, () => demo.kill('SIGKILL'));
  for await (const line of readline.createInterface({ input: demo.stdout })) {
    if (/requests wait for you/.test(line)) return;
  }
  throw new Error('the demonstration ended early');
}

test('the pictures of the queue', async (t) => {
  const server = await serve(t);
  await demonstrate(t, server);
  mkdirSync(FOLDER, { recursive: true });
  for (const [look, options] of Object.entries(LOOKS)) {
    const page = await person(t, server, { name: 'ada', reducedMotion: 'reduce', ...options });
    await page.locator('.row').first().waitFor();
    await page.screenshot({ path: path.join(FOLDER, `queue-${look}.png`) });
  }
});
