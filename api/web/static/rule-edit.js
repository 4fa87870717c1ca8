// The live parts of the rule editor: form and text kept together by the server, lint and examples
// beside what is typed, completion of names, and limits moved by a slider. Without it every part
// is a button of the page.
import { draw } from "/static/chart.js";

const WAIT = 400;
const SLIDE = 120;
const LINE = 18;
const MOST = 8;
const editor = document.getElementById("editor");
const text = document.getElementById("text");
const formPart = document.getElementById("form-part");
const lint = document.getElementById("lint");
const cases = document.getElementById("cases");
const gutter = document.querySelector(".gutter");
const list = document.getElementById("complete");
const said = document.getElementById("complete-said");
document.documentElement.classList.add("scripted");

function later(wait, act) {
  let timer = 0;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => act(...given), wait);
  };
}

// ---- line numbers

let marked = {};
for (const link of lint.querySelectorAll("li a[data-line]")) {
  const kind = link.closest("li").className;
  if (marked[link.dataset.line] !== "error") marked[link.dataset.line] = kind;
}

function number() {
  const lines = text.value.split("\n").length;
  while (gutter.childElementCount > lines) gutter.lastElementChild.remove();
  while (gutter.childElementCount < lines) {
    gutter.append(document.createElement("i"));
    gutter.lastElementChild.textContent = gutter.childElementCount;
  }
  [...gutter.children].forEach((one, at) => { one.className = marked[at + 1] ?? ""; });
  fit();
}

function fit() {
  gutter.scrollTop = text.scrollTop;
}

text.addEventListener("scroll", fit);
new ResizeObserver(fit).observe(text);

function goTo(line, column) {
  const lines = text.value.split("\n");
  const start = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  const at = start + Math.max(0, column - 1);
  text.focus();
  text.setSelectionRange(at, at);
  text.scrollTop = Math.max(0, (line - 6) * LINE);
  return at;
}

// ---- form and text, lint and examples

let asked = 0;

function body() {
  const fields = new FormData(editor);
  for (const name of ["do", "note", "revision"]) fields.delete(name);
  return new URLSearchParams(fields);
}

function settle() {
  // what the form shows now is what the text says: nothing in it counts as changed
  for (const was of formPart.querySelectorAll('input[name^="o."]')) {
    const field = editor.elements[`f.${was.name.slice(2)}`];
    if (field) was.value = field.value;
  }
}

async function check(byForm) {
  const mine = ++asked;
  const answer = await fetch(editor.dataset.check, { method: "POST", body: body() });
  if (mine !== asked || !answer.ok) return;
  const found = await answer.json();
  if (byForm) {
    text.value = found.text;
    settle();
  } else if (!formPart.contains(document.activeElement)) {
    formPart.innerHTML = found.form;
    offer();
  }
  if (!lint.contains(document.activeElement)) lint.innerHTML = found.lint;
  cases.innerHTML = found.cases;
  shown(found);
  editor.dataset.grain = found.grain || editor.dataset.grain;
  marked = found.lines;
  number();
}

function shown(found) {
  const submit = document.querySelector('button[value="submit"]');
  submit.disabled = true;  // until the text is saved
  const step = document.getElementById("step-checks");
  step.className = found.ready ? "past" : "";
  document.getElementById("step-checks-note").textContent = found.found;
  const mark = step.querySelector("b > span");
  mark.className = found.ready ? "" : "wrong";
  mark.textContent = found.ready ? "✓" : "!";
}

const checkText = later(WAIT, () => check(false));
const checkForm = later(WAIT, () => check(true));

let dirty = false;
editor.addEventListener("input", (event) => {
  dirty = true;
  if (event.target === text) {
    number();
    suggest();
    checkText();
  } else if (formPart.contains(event.target)) checkForm();
});
editor.addEventListener("submit", () => { dirty = false; });
window.addEventListener("beforeunload", (event) => { if (dirty) event.preventDefault(); });

document.addEventListener("click", (event) => {
  const place = event.target.closest("[data-line]");
  if (!place) return;
  event.preventDefault();
  const at = goTo(Number(place.dataset.line), Number(place.dataset.column));
  if (!place.dataset.fix) return;
  const word = /^[\w-]+/.exec(text.value.slice(at));
  if (word) {
    text.setRangeText(place.dataset.fix, at, at + word[0].length, "end");
    check(false);
  }
});

document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey)) return;
  const act = { s: "save", Enter: "check" }[event.key];
  if (!act) return;
  event.preventDefault();
  editor.requestSubmit(editor.querySelector(`button[value="${act}"]`));
});

// ---- completion

const known = new Map();

async function words() {
  const grain = editor.dataset.grain;
  if (!grain) return [];
  if (!known.has(grain)) {
    const answer = await fetch(`${editor.dataset.words}?grain=${encodeURIComponent(grain)}`);
    known.set(grain, answer.ok ? (await answer.json()).items : []);
  }
  return known.get(grain);
}

async function offer() {
  const names = document.getElementById("grain-words");
  if (!names) return;
  const found = await words();
  names.replaceChildren(...found.filter((one) => one.kind !== "function").map((one) => {
    const option = document.createElement("option");
    option.value = one.name;
    option.label = about(one);
    return option;
  }));
}

function about(one) {
  const lang = document.documentElement.lang.startsWith("zh") ? "zh" : "en";
  const range = one.range ? one.range.map((end) => end ?? "…").join("–") : "";
  const least = one.min_n ? `n ≥ ${one.min_n}` : "";
  return [one.title[lang] ?? one.title.en ?? one.kind, one.unit, range, least]
    .filter(Boolean).join(", ");
}

function parameters() {
  const block = /^parameters:\n((?:[ \t]+.*\n?)*)/m.exec(text.value);
  if (!block) return [];
  return [...block[1].matchAll(/^ {2}([a-z]\w*): *(.*)$/gm)].map((found) => ({
    name: found[1], kind: "parameter", title: { en: found[2].slice(0, 60) }, unit: "", range: null,
    min_n: 0,
  }));
}

let offered = [];
let chosen = 0;

function close() {
  list.hidden = true;
  text.removeAttribute("aria-activedescendant");
}

function typed() {
  const before = text.value.slice(0, text.selectionStart);
  return /(:?)([A-Za-z_]\w*)$|(:)$/.exec(before);
}

async function suggest() {
  const found = typed();
  if (!found) return close();
  const colon = Boolean(found[1] || found[3]);
  const part = (found[2] ?? "").toLowerCase();
  if (!colon && part.length < 2) return close();
  const all = colon ? parameters() : await words();
  const near = (one) => one.name.toLowerCase().startsWith(part);
  const inside = (one) => !near(one) && one.name.toLowerCase().includes(part);
  offered = [...all.filter(near), ...all.filter(inside)].slice(0, MOST);
  if (!offered.length || (offered.length === 1 && offered[0].name === found[2])) return close();
  chosen = 0;
  show();
}

function show() {
  list.replaceChildren(...offered.map((one, at) => {
    const row = document.createElement("li");
    row.id = `word-${at}`;
    row.setAttribute("role", "option");
    row.setAttribute("aria-selected", String(at === chosen));
    const name = document.createElement("span");
    name.className = "mono";
    name.textContent = one.name;
    const told = document.createElement("span");
    told.textContent = about(one);
    row.append(name, told);
    row.addEventListener("mousedown", (event) => {
      event.preventDefault();
      take(at);
    });
    return row;
  }));
  const line = text.value.slice(0, text.selectionStart).split("\n").length;
  const column = text.selectionStart - text.value.lastIndexOf("\n", text.selectionStart - 1) - 1;
  list.style.top = `${8 + line * LINE - text.scrollTop}px`;
  list.style.left = `${Math.min(52 + column * 7.2, Math.max(44, text.offsetWidth - 420))}px`;
  list.hidden = false;
  text.setAttribute("aria-activedescendant", `word-${chosen}`);
  said.textContent = `${offered[chosen].name}: ${about(offered[chosen])}`;
}

function take(at) {
  const found = typed();
  const end = text.selectionStart;
  const start = end - (found?.[2]?.length ?? 0);
  text.setRangeText(offered[at].name, start, end, "end");
  close();
  number();
  checkText();
}

text.setAttribute("aria-autocomplete", "list");
text.setAttribute("aria-controls", "complete");
text.addEventListener("blur", close);
text.addEventListener("keydown", (event) => {
  if (list.hidden) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    chosen = (chosen + step + offered.length) % offered.length;
    show();
  } else if ((event.key === "Enter" || event.key === "Tab") && !event.shiftKey) take(chosen);
  else if (event.key === "Escape") close();
  else return;
  event.preventDefault();
  event.stopPropagation();
});

// ---- limits moved

const moving = document.getElementById("moving");
let moves = 0;

async function move() {
  const mine = ++moves;
  const place = document.getElementById("moved");
  const wanted = new URLSearchParams(new FormData(moving));
  const busy = setTimeout(() => place.setAttribute("aria-busy", "true"), 300);
  try {
    const answer = await fetch(`${moving.dataset.moved}?${wanted}`);
    if (mine !== moves || !answer.ok) return;
    place.innerHTML = await answer.text();
    for (const figure of place.querySelectorAll("figure[data-chart]")) draw(figure);
    history.replaceState(null, "", `?${wanted}#backtest`);
  } finally {
    clearTimeout(busy);
    place.removeAttribute("aria-busy");
  }
}

if (moving) {
  const soon = later(SLIDE, move);
  moving.addEventListener("input", (event) => {
    const field = event.target;
    const box = field.closest(".slider");
    if (field.type === "range") document.getElementById(field.dataset.for).value = field.value;
    if (field.type === "number") box.querySelector("input[type=range]").value = field.value;
    if (field.type !== "radio") box.querySelector("input[type=radio]").checked = true;
    soon();
  });
  moving.addEventListener("submit", (event) => {
    event.preventDefault();
    move();
  });
  document.getElementById("take").addEventListener("click", () => {
    for (const field of moving.querySelectorAll("input[type=number]")) {
      const own = editor.elements[`f.parameters.${field.name.slice(2)}`];
      if (own) own.value = field.value;
    }
    dirty = true;
    check(true).then(() => text.focus());
  });
}

// ---- a backtest that runs

const study = document.getElementById("backtest");

async function wait() {
  const answer = await fetch(location.pathname);
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const now = page.getElementById("backtest").dataset.state;
  if (now === "running") setTimeout(wait, 1000);
  else if (!dirty) location.reload();
}

if (study.dataset.state === "running") setTimeout(wait, 700);

number();
offer();
