// Single-letter keys of the desk. Which key means which act stands in `data-keymap` of the page;
// every act here is also a link or a button. A page offers an act by a control with
// `data-act="NAME"`, or listens for `desk:NAME` on the document and prevents its default.
const root = document.documentElement;
const enabled = root.dataset.keys !== "off";
const keymap = JSON.parse(root.dataset.keymap ?? "{}");
const ALWAYS = new Set(["Enter", "Escape"]);
const WAIT = 1500;
let goingSince = -Infinity;

export function typing(target) {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || /^(SELECT|TEXTAREA)$/.test(target.tagName)) return true;
  return target.tagName === "INPUT" && !/^(checkbox|radio|button|submit)$/.test(target.type);
}

function press(control) {
  if (!control) return false;
  const details = control.closest("details");
  const summary = control.matches("summary");
  if (details && !details.open && !summary) details.open = true;
  control.click();
  if (summary && details.open) {
    details.querySelector("select, textarea, input:not([type=hidden])")?.focus();
  }
  return true;
}

function told(act, target) {
  const event = new CustomEvent(`desk:${act}`, { cancelable: true, detail: { target } });
  return !document.dispatchEvent(event);
}

function goBack() {
  const open = document.querySelector("details[open].me, details[open][name]");
  if (open) {
    open.removeAttribute("open");
    open.querySelector("summary").focus();
    return true;
  }
  return press(document.querySelector("[data-back]"));
}

function help() {
  const overlay = document.getElementById("keys");
  if (!overlay) return false;
  if (overlay.open) overlay.close();
  else overlay.showModal();
  return true;
}

const own = {
  back: goBack,
  help,
  search() {
    const field = document.getElementById("search");
    field?.focus();
    field?.select();
    return Boolean(field);
  },
  go() {
    goingSince = performance.now();
    return true;
  },
};

function perform(act, target) {
  if (told(act, target)) return true;
  if (own[act]?.()) return true;
  return press(document.querySelector(`[data-act="${act}"]:not([disabled])`));
}

function wentTo(letter) {
  const going = performance.now() - goingSince < WAIT;
  goingSince = -Infinity;
  return going && /^[a-z]$/.test(letter) && press(document.querySelector(`[data-go="${letter}"]`));
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.defaultPrevented) return;
  // a dialog has keys of its own; only the overlay is closed by the key that opened it
  const dialog = document.querySelector("dialog[open]");
  if (dialog && !(dialog.id === "keys" && keymap[event.key] === "help")) return;
  if (typing(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (!enabled && !ALWAYS.has(event.key)) return;
  const act = Object.hasOwn(keymap, event.key) ? keymap[event.key] : null;
  if (wentTo(event.key) || (act && perform(act, event.target))) event.preventDefault();
});

for (const button of document.querySelectorAll("[data-help]")) {
  button.addEventListener("click", (event) => {
    if (help()) event.preventDefault();
  });
}
for (const closing of document.querySelectorAll("dialog [data-dismiss]")) {
  closing.addEventListener("click", () => closing.closest("dialog").close());
}
