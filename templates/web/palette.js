// The palette: every command of the page, every page and view by its name, with the key that does the same.

{
  const palette = document.getElementById("palette");
  const wanted = palette.querySelector("input");
  const commands = palette.querySelector("[role=listbox]");

  /** Keys whose name is longer than what stands on them. */
  const NAMES = { Esc: "Escape" };

  /** What a link is called: not by what stands there for the eye alone, and one of a person by where it leads. */
  function nameOf(link) {
    const copy = link.cloneNode(true);
    copy.querySelectorAll("[aria-hidden=true]").forEach((part) => part.remove());
    return link.title || copy.textContent.replace(/\s+/g, " ").trim();
  }

  /** What can be done here: the keys that the page's help has, and where its links of pages and views lead. */
  function allCommands() {
    const keys = [...document.querySelectorAll("dialog dt")].filter((term) => term.children.length === 1);
    const pressed = keys.map((term) => ({
      label: term.nextElementSibling.textContent,
      key: term.textContent,
      run: () => document.body.dispatchEvent(new KeyboardEvent("keydown", { key: NAMES[term.textContent] ?? term.textContent, bubbles: true, cancelable: true })),
    }));
    const links = [...document.querySelectorAll("[aria-label=Pages] a, .who a, .views-of a, .views nav a")];
    const places = links.map((link) => ({
      label: `Go to ${nameOf(link)}`,
      key: Object.entries(PLACES).filter(([, path]) => link.getAttribute("href") === base + path).map(([key]) => `g ${key}`)[0] ?? "",
      run: () => link.click(),
    }));
    return [...pressed, ...places];
  }

  let offered = [];
  let chosen = 0;

  function offer() {
    const words = wanted.value.toLowerCase().split(/\s+/);
    offered = allCommands().filter(({ label }) => words.every((word) => label.toLowerCase().includes(word)));
    commands.replaceChildren(...offered.map(({ label, key }, at) => {
      const item = document.createElement("li");
      item.id = `command-${at}`;
      item.setAttribute("role", "option");
      item.append(label);
      if (key) item.append(" ", Object.assign(document.createElement("kbd"), { textContent: key }));
      item.addEventListener("click", () => run(at));
      return item;
    }));
    palette.querySelector(".hint").hidden = offered.length > 0;
    choose(0);
  }

  function choose(at) {
    chosen = Math.min(offered.length - 1, Math.max(0, at));
    [...commands.children].forEach((item, place) => item.setAttribute("aria-selected", String(place === chosen)));
    const item = commands.children[chosen];
    if (!item) return wanted.removeAttribute("aria-activedescendant");
    wanted.setAttribute("aria-activedescendant", item.id);
    item.scrollIntoView({ block: "nearest" });
  }

  /** Does it as its key or its link would, from where the focus was. */
  function run(at) {
    const command = offered[at];
    if (!command) return;
    palette.close();
    command.run();
  }

  wanted.addEventListener("input", offer);
  palette.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
    if (by) choose(chosen + by);
    else if (event.key === "Enter") run(chosen);
    else return;
    event.preventDefault();
  });
  document.addEventListener("keydown", (event) => {
    const isCalled = (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k";
    if (!isCalled) return;
    event.preventDefault();
    // What is typed next is meant for no sheet.
    document.querySelectorAll(":popover-open").forEach((sheet) => sheet.hidePopover());
    document.querySelectorAll("#help[open], #places[open]").forEach((keys) => keys.close());
    if (document.querySelector("dialog[open]")) return;
    wanted.value = "";
    palette.showModal();
    offer();
  });
}
