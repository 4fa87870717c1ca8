// A list of rows (`data-rows`, rows with `data-id` and `data-href`): one row is current, and being
// current is having the focus. A row may hold a checkbox `data-pick`.
import { typing } from "./keys.js";

const LAST = "desk.last-row";
const ROW = "[data-rows] [data-id]";
const all = () => [...document.querySelectorAll(ROW)];

export const rowOf = (target) => target?.closest?.(ROW) ?? null;
export const currentRow = () => rowOf(document.activeElement)
  ?? document.querySelector(`${ROW}[tabindex="0"][data-current]`);

export function focusRow(row) {
  for (const one of all()) {
    one.tabIndex = one === row ? 0 : -1;
    one.toggleAttribute("data-current", one === row);
  }
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

export function step(by, from = currentRow()) {
  const rows = all();
  if (!rows.length) return false;
  const at = rows.indexOf(from);
  const next = at < 0 ? (by > 0 ? 0 : rows.length - 1) : at + by;
  if (next >= rows.length) {
    document.querySelector(".after a[rel=next]")?.focus();
    return true;
  }
  focusRow(rows[Math.max(0, next)]);
  return true;
}

export function remember(row) {
  if (row) sessionStorage.setItem(LAST, row.dataset.id);
}

function go(row) {
  remember(row);
  location.assign(row.dataset.href);
}

function pick(row, on) {
  const box = row?.querySelector("[data-pick]");
  if (!box) return false;
  box.checked = on ?? !box.checked;
  box.dispatchEvent(new Event("change", { bubbles: true }));
  return true;
}

const acts = {
  next: () => step(1),
  previous: () => step(-1),
  select: () => pick(currentRow()),
  extend: () => pick(currentRow(), true) && step(1),
  extend_up: () => pick(currentRow(), true) && step(-1),
  open(target) {
    // Enter on a link or a button inside a row is that link's
    const row = target?.matches?.(ROW) ? target : null;
    if (row?.dataset.href) go(row);
    return Boolean(row);
  },
};

for (const [act, perform] of Object.entries(acts)) {
  document.addEventListener(`desk:${act}`, (event) => {
    if (perform(event.detail.target)) event.preventDefault();
  });
}

document.addEventListener("click", (event) => {
  const row = rowOf(event.target);
  if (!row || event.target.closest("input, button, label, summary")) return;
  if (event.target.closest("a")) remember(row);
  else if (row.dataset.href && !String(document.getSelection())) go(row);
});

document.addEventListener("focusin", (event) => {
  const row = rowOf(event.target);
  if (!row || typing(event.target)) return;
  for (const one of all()) {
    one.tabIndex = one === row ? 0 : -1;
    one.toggleAttribute("data-current", one === row);
  }
});

const last = all().find((row) => row.dataset.id === sessionStorage.getItem(LAST));
if (last) {
  sessionStorage.removeItem(LAST);
  focusRow(last);
} else if (all().length) {
  all()[0].tabIndex = 0;
}
