// What was just done, with a way back: ten seconds, which stand still while the pointer or the
// focus is on it. The same way back stays in the list of one's own acts.
const SECONDS = 10;
const place = document.getElementById("toasts");
let ticking = 0;

export function showToast(toast, undo) {
  clearInterval(ticking);
  place.replaceChildren(toast);
  let left = SECONDS;
  const shown = toast.querySelector("[data-left]");
  const held = () => toast.matches(":hover") || toast.contains(document.activeElement);
  const away = () => {
    clearInterval(ticking);
    toast.remove();
  };
  ticking = setInterval(() => {
    if (held() || document.hidden) return;
    left -= 1;
    if (shown) shown.textContent = left;
    if (left <= 0) away();
  }, 1000);
  toast.querySelector("[data-shut]")?.addEventListener("click", away);
  const form = toast.querySelector("form");
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    const tokens = new FormData(form).getAll("alert");
    away();
    undo(tokens.map((token) => token.slice(0, token.lastIndexOf(":"))));
  });
}
