// What is undone when a test ends: the last first, whatever the others come to.

const undone = new WeakMap();

/** Does `undo` when the test `t` ends, before everything that was said here earlier. */
export function atEnd(t, undo) {
  if (!undone.has(t)) {
    undone.set(t, []);
    t.after(async () => {
      const failures = [];
      for (const undo of undone.get(t).reverse()) {
        await Promise.resolve().then(undo).catch((failure) => failures.push(failure));
      }
      if (failures.length > 0) throw failures[0];
    });
  }
  undone.get(t).push(undo);
}
