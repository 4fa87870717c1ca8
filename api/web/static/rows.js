// The rows of the queue: one of them is current, and being current is having the focus.
const LAST = "desk.last-row";
const rows = [...document.querySelectorAll("[data-rows] [data-href]")];

function makeCurrent(row) {
  for (const one of rows) one.tabIndex = one === row ? 0 : -1;
}

function go(row) {
  sessionStorage.setItem(LAST, row.dataset.id);
  location.assign(row.dataset.href);
}

export function stepRow(by) {
  if (!rows.length) return false;
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const next = at < 0 ? (by > 0 ? 0 : rows.length - 1) : at + by;
  const row = rows[Math.min(rows.length - 1, Math.max(0, next))];
  makeCurrent(row);
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
  return true;
}

export function openRow(target) {
  const row = rows.find((one) => one === target);
  if (!row) return false;
  go(row);
  return true;
}

export function restoreRow() {
  if (!rows.length) return;
  const last = rows.find((row) => row.dataset.id === sessionStorage.getItem(LAST));
  sessionStorage.removeItem(LAST);
  makeCurrent(last ?? rows[0]);
  last?.focus();
}

for (const row of rows) {
  row.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (link) sessionStorage.setItem(LAST, row.dataset.id);
    else if (!String(document.getSelection())) go(row);
  });
}
