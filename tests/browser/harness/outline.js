// A page as a screen reader tells it, as text that is kept in a file and compared to the letter.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { ROOT } from './server.js';

/** Where the files are. */
const KEPT = path.join(ROOT, 'tests/browser/screen_reader');

/** Whether the files are written anew rather than compared. */
const IS_WRITTEN_ANEW = process.env.SCREEN_READER_UPDATE === 'always';

/** What is another one each time, and the name that stands for it. */
const NAMES = [
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, '‹id›'],
  [/\b[0-9a-f]{64}\b/g, '‹digest›'],
  [/\b\d{1,2} \w{3,4} \d{4}, \d\d:\d\d:\d\d/g, '‹time›'],
  [/\b\d{1,2} \w{3,4}, \d{1,2}:\d\d/g, '‹time›'],
  // The days and the times beside the charts.
  [/^(\s*- img "[^"]*"): .*$/gm, '$1: ‹scale›'],
  [/\b\d{4}-\d\d-\d\d\b/g, '‹day›'],
  [/\bin \d+[dhms](?: \d+[hms])?\b|\b\d+[dhms](?: \d+[hms])? ago\b|\bnow(?=")|(?<=time: )now$/gm, '‹when›'],
  // How long a decision took.
  [/(?<=^ *- '?(?:link|row|cell|definition|text|img)\b.*)\b\d+(?:ms|s)\b/gm, '‹span›'],
];

/** The tree of what is in `locator`, each thing by its role and name. */
export async function outline(locator) {
  return named(await locator.ariaSnapshot());
}

/** `text` with names in the place of what is another one each time. */
export function named(text) {
  return NAMES.reduce((text, [pattern, name]) => text.replace(pattern, name), text);
}

/** Fails where `text` is not what is kept under `name`. */
export function assertKept(name, text) {
  const file = path.join(KEPT, `${name}.txt`);
  const whole = `${text.trimEnd()}\n`;
  if (IS_WRITTEN_ANEW) {
    mkdirSync(KEPT, { recursive: true });
    return writeFileSync(file, whole);
  }
  assert.ok(existsSync(file), `there is no ${file}: SCREEN_READER_UPDATE=always writes it`);
  const [is, was] = [whole.split('\n'), readFileSync(file, 'utf8').split('\n')];
  const at = is.findIndex((line, number) => line !== was[number]);
  const line = at === -1 ? is.length : at;
  const told = `${name}.txt, line ${line + 1}; SCREEN_READER_UPDATE=always writes it anew\nkept: ${was[line]}\nis:   ${is[line]}`;
  assert.ok(whole === was.join('\n'), told);
}
