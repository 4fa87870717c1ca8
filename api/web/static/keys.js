// Single-letter keys of the desk. Every act here is also a link or a button on the page.
import { openRow, restoreRow, stepRow } from "./rows.js";

const enabled = document.documentElement.dataset.keys !== "off";

function typing(target) {
  return target instanceof HTMLElement
    && (target.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName));
}

function press(key) {
  const control = document.querySelector(`[data-key="${key}"]`);
  if (!control) return false;
  control.click();
  const details = control.closest("details");
  if (details?.open) details.querySelector("select, textarea, input:not([type=hidden])")?.focus();
  return true;
}

function goBack() {
  const open = document.querySelector("details[open]");
  if (open) {
    open.removeAttribute("open");
    open.querySelector("summary").focus();
    return true;
  }
  const back = document.querySelector("[data-back]");
  back?.click();
  return Boolean(back);
}

const acts = {
  j: () => stepRow(1),
  k: () => stepRow(-1),
  Enter: (target) => openRow(target),
  Escape: goBack,
  "/": () => document.getElementById("search")?.focus() ?? true,
  a: () => press("a"),
  d: () => press("d"),
  c: () => press("c"),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (typing(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (!enabled && event.key.length === 1) return;
  if (Object.hasOwn(acts, event.key) && acts[event.key](event.target) !== false) {
    event.preventDefault();
  }
});

restoreRow();
