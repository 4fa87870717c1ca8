// Acts on the rows of the queue: on those that are picked, else on the current one. They are sent
// to the address the forms of the page use; the answer holds the rows as they are now, which take
// the place of the old ones, so that nothing moves.
import { currentRow, focusRow, step } from "./rows.js";
import { showToast } from "./toast.js";

const SECONDED = 4;
const ENDS = new Set(["close", "escalate"]);
const form = document.getElementById("picked");
const picks = () => [...(form?.querySelectorAll("[data-pick]") ?? [])];
const byId = (id) => document.querySelector(`[data-rows] [data-id="${CSS.escape(id)}"]`);
let meant = [];

function targets() {
  const picked = picks().filter((box) => box.checked).map((box) => box.closest("[data-id]"));
  return picked.length ? picked : [currentRow()].filter(Boolean);
}

function count() {
  const n = picks().filter((box) => box.checked).length;
  const shown = form?.querySelector("[data-count]");
  if (shown) shown.textContent = n ? shown.dataset.many.replace("{n}", n) : "";
  form?.classList.toggle("picking", n > 0);
  const every = form?.querySelector("[data-pick-all]");
  if (every) every.checked = n > 0 && n === picks().length;
}

function replaceRows(part) {
  const current = currentRow()?.dataset.id;
  for (const row of part.querySelectorAll("tr[data-id]")) byId(row.dataset.id)?.replaceWith(row);
  count();
  if (current && !document.querySelector("dialog[open]")) focusRow(byId(current));
}

async function send(fields, tokens) {
  const body = new URLSearchParams(fields);
  for (const token of tokens) body.append("alert", token);
  const headers = { "X-Desk": "part", Accept: "text/html" };
  const answer = await fetch("/queue/act", { method: "POST", body, headers });
  if (answer.redirected || !answer.headers.get("content-type")?.startsWith("text/html")) {
    location.reload(); // nobody is signed in any more
    return null;
  }
  const part = new DOMParser().parseFromString(await answer.text(), "text/html");
  replaceRows(part);
  return { ok: answer.ok, status: answer.status, part };
}

const tokensOf = (ids) => ids.map((id) => byId(id)?.dataset.token).filter(Boolean);

function complain(part, place) {
  const notice = part.querySelector("[data-refused]");
  if (notice) place.replaceChildren(notice);
}

async function act(action, ids, fields = {}, dialog = null) {
  const last = byId(ids.at(-1));
  const said = await send({ ...fields, action }, tokensOf(ids)).catch(() => null);
  if (!said) return;
  // beside the list, where it moves nothing; only what holds for the whole page stands above it
  const place = dialog?.querySelector("[data-told]") ?? document.getElementById("toasts");
  if (!said.ok) {
    complain(said.part, said.status === 503 ? document.getElementById("told") : place);
    if (said.status === 503) dialog?.close();
    return;
  }
  dialog?.close("done");
  document.getElementById("told").replaceChildren();
  for (const box of picks()) box.checked = false;
  count();
  const toast = said.part.querySelector("[data-toast]");
  if (toast) showToast(toast, (undo) => act("undo", undo));
  const at = byId(last?.dataset.id ?? ids[0]);
  if (ENDS.has(action) && ids.length === 1) step(1, at);
  else if (at) focusRow(at);
}

function needsSecond(dialog) {
  const severe = meant.some((id) => Number(byId(id)?.dataset.severity) >= SECONDED);
  const reason = dialog.querySelector("[name=reason]:checked")?.value;
  dialog.classList.toggle("seconded", severe && Boolean(reason) && reason !== "confirmed");
}

function ask(action) {
  const rows = targets();
  const dialog = document.getElementById(`ask-${action}`);
  if (!rows.length || !dialog) return false;
  meant = rows.map((row) => row.dataset.id);
  const about = dialog.querySelector("[data-about]");
  const [one] = rows;
  about.textContent = rows.length === 1 ? `${one.dataset.id}  ${one.dataset.name}`
    : about.dataset.many.replace("{n}", rows.length);
  dialog.querySelector("form").reset();
  dialog.querySelector("[data-told]").replaceChildren();
  needsSecond(dialog);
  dialog.returnValue = "";
  dialog.showModal();
  dialog.querySelector("input:not([type=hidden]), textarea, select")?.focus();
  return true;
}

function send1(action) {
  const rows = targets();
  if (rows.length) act(action, rows.map((row) => row.dataset.id));
  return rows.length > 0;
}

for (const [name, perform] of Object.entries({
  acknowledge: () => send1("acknowledge"),
  close: () => ask("close"),
  escalate: () => ask("escalate"),
  comment: () => ask("comment"),
})) {
  document.addEventListener(`desk:${name}`, (event) => {
    if (form && perform()) event.preventDefault();
  });
}

for (const [name, places] of Object.entries({
  filters: [".filters select"],
  views: [".views a[aria-current]", ".views a"],
})) {
  document.addEventListener(`desk:${name}`, (event) => {
    places.map((place) => document.querySelector(place)).find(Boolean)?.focus();
    event.preventDefault();
  });
}

document.querySelector("[data-copy]")?.addEventListener("click", async ({ currentTarget }) => {
  const address = new URL(currentTarget.dataset.copy, location.href).href;
  await navigator.clipboard?.writeText(address).catch(() => null);
  currentTarget.textContent = navigator.clipboard ? currentTarget.dataset.copied : address;
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  const row = byId(button?.closest("[data-of]")?.dataset.of ?? "");
  if (!row) return;
  for (const box of picks()) box.checked = false;
  count();
  focusRow(row);
  if (!ask(button.dataset.do)) send1(button.dataset.do);
});

form?.addEventListener("change", count);
form?.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (button?.matches("[data-leads]")) return;
  event.preventDefault();
  if (button?.dataset.asks) ask(button.dataset.asks);
  else if (button) send1(button.value);
});
form?.querySelector("[data-pick-all]")?.addEventListener("change", (event) => {
  for (const box of picks()) box.checked = event.target.checked;
});
form?.querySelector("[data-pick-none]")?.addEventListener("click", () => {
  for (const box of picks()) box.checked = false;
  count();
});

for (const dialog of document.querySelectorAll("dialog[id^=ask-]")) {
  const asking = dialog.querySelector("form");
  asking.addEventListener("change", () => needsSecond(dialog));
  dialog.addEventListener("close", () => {
    // after an act the next row is current already
    if (dialog.returnValue !== "done" && byId(meant[0])) focusRow(byId(meant[0]));
  });
  dialog.addEventListener("keydown", (event) => {
    const writing = event.target.matches("textarea, input:not([type=radio])");
    const reasons = [...dialog.querySelectorAll("[name=reason]")];
    if (!writing && reasons[Number(event.key) - 1]) {
      reasons[Number(event.key) - 1].click();
      dialog.querySelector("textarea").focus();
      event.preventDefault();
    } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing
      && event.target.matches("textarea")) {
      asking.requestSubmit();
      event.preventDefault();
    }
  });
  asking.addEventListener("submit", (event) => {
    event.preventDefault();
    const fields = Object.fromEntries(new FormData(asking));
    const action = event.submitter?.matches("[data-as-comment]") ? "comment" : fields.action;
    act(action, meant, fields, dialog);
  });
}

count();
