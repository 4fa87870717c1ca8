// Beside the list: what weighs most in the current row, where there is room for it; and above it,
// what has come in since the list was made. Neither moves the list.
import { currentRow, remember } from "./rows.js";

const beside = document.getElementById("beside");
const news = document.getElementById("news");
const room = matchMedia("(min-width: 1280px)");
const PAUSE = 150;
const EVERY = 30_000;
let waiting = 0;
let asking = null;

async function show(row) {
  asking?.abort();
  asking = new AbortController();
  const { signal } = asking;
  const late = setTimeout(() => beside.setAttribute("aria-busy", "true"), 300);
  try {
    const answer = await fetch(`${row.dataset.href}/preview`, { signal });
    if (answer.ok && !answer.redirected) {
      const part = new DOMParser().parseFromString(await answer.text(), "text/html");
      beside.replaceChildren(...part.body.children);
      beside.dataset.shows = row.dataset.token;
    }
  } catch {
    // another row became current, or nobody answers: what stands there stays
  } finally {
    clearTimeout(late);
    beside.removeAttribute("aria-busy");
  }
}

function consider() {
  const row = currentRow();
  if (!row || !room.matches || beside.dataset.shows === row.dataset.token) return;
  clearTimeout(waiting);
  waiting = setTimeout(() => show(row), PAUSE);
}

async function look() {
  if (document.hidden) return;
  const asked = new URLSearchParams(news.dataset.query);
  asked.set("since", news.dataset.since);
  const answer = await fetch(`/queue/news?${asked}`).catch(() => null);
  if (answer?.status !== 200 || answer.redirected) return;
  const part = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (part.body.textContent.trim() !== news.textContent.trim()) {
    news.replaceChildren(...part.body.children);
  }
}

if (beside) {
  document.addEventListener("focusin", consider);
  room.addEventListener("change", consider);
  const first = document.querySelector("[data-rows] [data-id]");
  if (room.matches && first && !currentRow()) show(first);
}
if (news) {
  setInterval(look, EVERY);
  document.addEventListener("visibilitychange", look);
  document.addEventListener("desk:look", look);
  news.addEventListener("click", (event) => {
    if (event.target.closest("a")) remember(currentRow());
  });
}
