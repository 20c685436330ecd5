// Headless Chromium, and what no page of ours may ever do in it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { chromium } from 'playwright-core';

import { atEnd } from './cleanup.js';

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
/** How a page is looked at: the name of each look, and its options of the tab. */
export const LOOKS = [
  { name: 'light', colorScheme: 'light' },
  { name: 'dark', colorScheme: 'dark' },
  { name: 'in a narrow window', viewport: { width: 900, height: 700 } },
  { name: 'on a phone', viewport: { width: 360, height: 740 }, hasTouch: true },
];

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What the console says of requests that got no answer. */
const LOST = /net::ERR_/;

let browser;

/** The one browser of a file of tests, with a profile of its own that is gone afterwards. */
async function theBrowser() {
  browser ??= chromium.launch({ executablePath: EXECUTABLE, headless: true, args: ARGS });
  return browser;
}

/** To be called once the file's tests are done. */
export async function closeBrowser() {
  await (await browser)?.close();
}

/**
 * A new tab, as if of another person's browser. When the test `t` ends, it fails if a page said anything on the console
 * that it should not: a violation of its policy, an exception, a resource that is not there.
 * `losesServer` forgives what is said of a server that does not answer, `forgives` what else the test brings about.
 */
export async function tab(t, { losesServer = false, forgives, ...options } = {}) {
  const context = await (await theBrowser()).newContext(options);
  context.setDefaultTimeout(20_000);
  const complaints = [];
  const isForgiven = (text) => (losesServer && LOST.test(text)) || forgives?.test(text);
  const complain = (text) => isForgiven(text) || complaints.push(text);
  context.on('console', (message) => ['error', 'warning'].includes(message.type()) && complain(message.text()));
  context.on('weberror', (error) => complain(String(error.error())));
  context.on('request', (request) => isElsewhere(request.url()) && complain(`it asked for ${request.url()}`));
  atEnd(t, async () => {
    await context.close();
    assert.deepEqual(complaints, []);
  });
  return context.newPage();
}

function isElsewhere(url) {
  const { protocol, hostname } = new URL(url);
  return !['data:', 'blob:', 'about:'].includes(protocol) && hostname !== '127.0.0.1';
}

/** Fails where the page is not accessible, by the rules of WCAG 2.2 AA that a program can check. */
export async function assertAccessible(page) {
  await page.evaluate(AXE);
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
  const { violations } = await page.evaluate((values) => globalThis.axe.run({ runOnly: { type: 'tag', values } }), tags);
  const told = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).join(' ')}`);
  assert.deepEqual(told, []);
  assert.deepEqual(await page.evaluate(faintControls), [], 'controls whose edge stands out less than 3 : 1');
}

/** The controls in sight of which neither the edge nor the surface stands out from what is around them: axe does not look. */
function faintControls() {
  const parts = (color) => color.match(/[\d.]+/g).map(Number);
  const isClear = (color) => color === 'transparent' || parts(color)[3] === 0;
  const luminance = (color) => {
    const [red, green, blue] = parts(color).slice(0, 3).map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const contrast = (one, other) => {
    const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };
  const surface = (part) => {
    for (let at = part; at; at = at.parentElement) {
      const { backgroundColor } = getComputedStyle(at);
      if (!isClear(backgroundColor)) return backgroundColor;
    }
    return 'rgb(255, 255, 255)';
  };
  const controls = document.querySelectorAll('button, summary, textarea, select, input:not([type=hidden], [type=checkbox], [type=radio])');
  const isFaint = (control) => {
    if (!control.checkVisibility({ visibilityProperty: true, opacityProperty: true }) || control.disabled) return false;
    const { borderTopColor, borderTopWidth, backgroundColor } = getComputedStyle(control);
    const around = surface(control.parentElement);
    const stands = (color) => !isClear(color) && contrast(color, around) >= 3;
    // What has neither is text, which axe looks at.
    const isText = borderTopWidth === '0px' && (isClear(backgroundColor) || backgroundColor === around);
    return !isText && !(borderTopWidth !== '0px' && stands(borderTopColor)) && !stands(backgroundColor);
  };
  return [...controls].filter(isFaint).map((control) => control.outerHTML.slice(0, 120));
}

/** Fails where the page, with all of it unfolded, is not accessible, or wider than its screen. */
export async function assertFits(page) {
  await page.evaluate(() => document.querySelectorAll('main details').forEach((fold) => (fold.open = true)));
  await assertAccessible(page);
  const [wide, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(wide <= screen, `${page.url()} is ${wide} wide on a screen of ${screen}`);
}
