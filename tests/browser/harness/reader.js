// A person who hears the page: what has the focus, what is said without being asked for, and where the keys lead.

import assert from 'node:assert/strict';

import { named } from './outline.js';

/** What can be operated. */
const CONTROLS = ['link', 'button', 'checkbox', 'radio', 'textbox', 'searchbox', 'combobox', 'spinbutton', 'DisclosureTriangle'];
/** What holds things that stand beside each other. */
const HOLDERS = ['listitem', 'row', 'group', 'radiogroup', 'form', 'search', 'region', 'navigation', 'article', 'banner', 'main', 'dialog',
  'RootWebArea', 'list', 'figure', 'paragraph', 'term', 'definition', 'cell', 'rowheader'];
const LANDMARKS = ['banner', 'navigation', 'main'];

/** The nodes of the browser's own accessibility tree, in its order, each with `parent`; what it ignores is left out. */
export async function tree(page) {
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send('Accessibility.getFullAXTree');
  await session.detach();
  const byId = new Map(nodes.map((node) => [node.nodeId, node]));
  const flat = [];
  const visit = (node, parent) => {
    const properties = Object.fromEntries((node.properties ?? []).map(({ name, value }) => [name, value.value]));
    const told = { role: node.role?.value, name: (node.name?.value ?? '').replace(/\s+/g, ' ').trim(), value: node.value?.value, properties, parent };
    // A form without a name is no landmark; some versions of the browser call it a form all the same.
    if (told.role === 'form' && !told.name) told.role = 'generic';
    if (!node.ignored) flat.push(told);
    for (const id of node.childIds ?? []) if (byId.has(id)) visit(byId.get(id), node.ignored ? parent : told);
  };
  visit(nodes.find((node) => node.parentId === undefined));
  return flat;
}

/** What has the focus: its role and its name. */
export async function focused(page) {
  const { role, name } = (await tree(page)).filter(({ properties }) => properties.focused).at(-1) ?? {};
  return named(`${role} "${name}"`);
}

/** Notes from now on what live regions say in `page`, and in what it goes to. */
export async function listen(page) {
  await page.addInitScript(noteWhatIsSaid);
  await page.evaluate(noteWhatIsSaid);
}

/** What has been said since this was last asked. */
export async function said(page) {
  const sentences = await page.evaluate(() => globalThis.saidAloud.splice(0));
  return sentences.map(named);
}

/** In the page: notes what a live region says, by the rules of ARIA, as one sentence for each change. */
function noteWhatIsSaid() {
  if (globalThis.saidAloud) return;
  globalThis.saidAloud = [];
  const LIVE = '[aria-live], [role=status], [role=alert]';
  const textOf = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return node.data;
    if (node.nodeType !== Node.ELEMENT_NODE || node.matches('[aria-hidden=true]') || !node.checkVisibility()) return '';
    return [...node.childNodes].map(textOf).join(' ');
  };
  const isOff = (region) => region.getAttribute('aria-live') === 'off';
  const isAtomic = (region) => (region.getAttribute('aria-atomic') ?? String(region.matches('[role=status], [role=alert]'))) === 'true';
  const note = (changes) => {
    const heard = new Map();
    const hear = (region, node) => {
      if (!region || isOff(region) || !region.isConnected || !region.checkVisibility()) return;
      const nodes = heard.get(region) ?? new Set();
      nodes.add(isAtomic(region) ? region : node);
      heard.set(region, nodes);
    };
    for (const { type, target, addedNodes } of changes) {
      const element = target.nodeType === Node.ELEMENT_NODE ? target : target.parentElement;
      if (type === 'attributes') {
        // It is there again: what it says is new.
        if (!target.hidden && target.matches(LIVE)) hear(target, target);
        continue;
      }
      const region = element?.closest(LIVE);
      if (type === 'characterData') hear(region, target);
      for (const node of addedNodes) {
        if (region) hear(region, node);
        else if (node.nodeType === Node.ELEMENT_NODE) [node, ...node.querySelectorAll('*')].filter((it) => it.matches(LIVE)).forEach((it) => hear(it, it));
      }
    }
    for (const nodes of heard.values()) {
      const outermost = [...nodes].filter((node) => node.isConnected && ![...nodes].some((other) => other !== node && other.contains(node)));
      const sentence = outermost.map(textOf).join(' ').replace(/\s+/g, ' ').trim();
      if (sentence) globalThis.saidAloud.push(sentence);
    }
  };
  const options = { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ['hidden'] };
  new MutationObserver(note).observe(document, options);
}

/** Fails where a page is not one that can be read by ear: its headings, its landmarks, its controls, what is left out of its tree. */
export async function assertReads(page, { landmarks = LANDMARKS } = {}) {
  const nodes = await tree(page);
  assertHeadings(nodes);
  const roles = nodes.map(({ role }) => role);
  for (const landmark of landmarks) assert.ok(roles.includes(landmark), `it has no ${landmark}`);
  assert.equal(roles.filter((role) => role === 'main').length, 1, 'it has one main part');
  assertNamed(nodes);
  await assertAllIsTold(page, nodes);
}

function assertHeadings(nodes) {
  const levels = nodes.filter(({ role }) => role === 'heading').map(({ name, properties: { level } }) => ({ name, level }));
  assert.deepEqual(levels.filter(({ level }) => level === 1).length, 1, `it has one first heading: ${JSON.stringify(levels)}`);
  assert.ok(levels.every(({ name }) => name), 'each heading says something');
  levels.reduce((last, { level, name }) => {
    assert.ok(level <= last + 1, `"${name}" leaves out a level`);
    return level;
  }, 0);
}

/** Each control has a name, and no other one beside it has the same. */
function assertNamed(nodes) {
  const seen = new Map();
  for (const node of nodes.filter(({ role }) => CONTROLS.includes(role))) {
    assert.ok(node.name, `a ${node.role} has no name`);
    let holder = node.parent;
    while (holder.parent && !HOLDERS.includes(holder.role)) holder = holder.parent;
    const names = seen.get(holder) ?? new Set();
    const name = `${node.role} "${node.name}"`;
    assert.ok(!names.has(name), `two beside each other are ${name}`);
    seen.set(holder, names.add(name));
  }
  for (const { role, name } of nodes) {
    if (['list', 'table'].includes(role)) continue;
    if (['navigation', 'region', 'form', 'search', 'dialog', 'article', 'figure', 'image'].includes(role)) assert.ok(name, `a ${role} has no name`);
  }
}

/** All text that is seen is in the tree. Only what repeats for the eye what is said in words beside it is not. */
async function assertAllIsTold(page, nodes) {
  const bare = (text) => text.replace(/\s+/g, '');
  // What stands beside a box to be ticked is its name, and in the tree nowhere else.
  const told = bare(nodes.filter(({ role }) => ['StaticText', 'image', ...CONTROLS].includes(role)).map(({ name }) => name).join(' '));
  const seen = await page.evaluate(() => {
    const modal = document.querySelector('dialog:modal');
    const walker = document.createTreeWalker(modal ?? document.body, NodeFilter.SHOW_TEXT);
    const texts = [];
    while (walker.nextNode()) {
      const element = walker.currentNode.parentElement;
      const isForTheEye = element.closest('kbd[aria-hidden], .initials, .sign > [aria-hidden], .risk > [aria-hidden], svg, option, script, textarea');
      if (!isForTheEye && walker.currentNode.data.trim() && element.checkVisibility({ visibilityProperty: true })) texts.push(walker.currentNode.data);
    }
    return texts;
  });
  const missing = seen.map(bare).filter((text) => !told.includes(text));
  assert.deepEqual(missing, [], 'it is seen and not told');
}

/**
 * Goes through the page by Tab, from its beginning to its end: what has the focus on the way is seen, and comes in the order in which
 * it is seen. The stops, each by its role and name.
 */
export async function assertTabsInOrder(page) {
  await page.evaluate(() => {
    document.activeElement.blur();
    getSelection().removeAllRanges();
    scrollTo(0, 0);
    document.querySelector('.skip')?.focus();
  });
  const stops = [];
  for (let presses = 0; presses < 150; presses += 1) {
    await page.keyboard.press('Tab');
    const stop = await page.evaluate(lookAtFocus, presses === 0);
    if (stop === null) break;
    assert.ok(stop.isSeen, `the focus is where nothing is seen: ${stop.html}`);
    stops.push(stop);
  }
  assert.ok(stops.length > 0 && stops.length < 150, `${stops.length} stops`);
  for (const [at, stop] of stops.entries()) {
    const before = stops[at - 1];
    if (!before || before.column !== stop.column) continue;
    const isAbove = stop.bottom <= before.top + 1;
    const isLeft = stop.top < before.bottom - 1 && before.top < stop.bottom - 1 && stop.right <= before.left + 1;
    assert.ok(!isAbove && !isLeft, `the focus goes back from ${before.html} to ${stop.html}`);
  }
  return stops;
}

/** In the page: the element that has the focus, or null where all of them have had it. Boxes are those of what scrolls along. */
function lookAtFocus(isFirst) {
  if (isFirst) globalThis.hadFocus = new Set();
  const element = document.activeElement;
  if (element === document.body || globalThis.hadFocus.has(element)) return null;
  globalThis.hadFocus.add(element);
  const { left, right, top, bottom } = element.getBoundingClientRect();
  const holder = element.closest('header.top, .views-of, .bar, .rows, .list, .decide, .pane, dialog, .chart, .page, main');
  const scrolls = element.closest('.list, .pane') ?? document.scrollingElement;
  const down = scrolls.scrollTop + (scrolls === document.scrollingElement ? 0 : document.scrollingElement.scrollTop);
  globalThis.holders ??= [];
  if (!globalThis.holders.includes(holder)) globalThis.holders.push(holder);
  return {
    html: element.outerHTML.slice(0, 160),
    column: globalThis.holders.indexOf(holder),
    isSeen: right - left > 1 && bottom - top > 1 && right > 0 && bottom > 0 && left < innerWidth && top < innerHeight
      && element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && !element.closest('[aria-hidden=true], [inert]'),
    left, right, top: top + down, bottom: bottom + down,
  };
}

/** Fails where Tab leaves a dialog that is open. */
export async function assertHoldsFocus(page, dialog) {
  const count = await dialog.locator('a[href], button, input, textarea, select').count();
  for (let presses = 0; presses < 2 * count + 3; presses += 1) {
    await page.keyboard.press('Tab');
    // Between its last and its first the focus is at the browser's own bars, of which a page sees nothing.
    const isIn = await dialog.evaluate((it) => document.activeElement === document.body || it.contains(document.activeElement));
    assert.ok(isIn, 'the focus left the dialog');
  }
}
