// Corrections in the quarantine: how many rows differ, said on the button before they are sent.
const form = document.querySelector("[data-corrections]");
const button = document.querySelector("button[data-some]");

if (form && button) {
  const plain = button.textContent;
  const differs = (field) => field.value.trim() !== field.dataset.filed.trim();
  const tell = () => {
    const rows = new Set();
    for (const field of form.querySelectorAll("[data-filed]")) {
      field.classList.toggle("changed", differs(field));
      if (differs(field)) rows.add(field.closest("tbody"));
    }
    button.textContent = rows.size ? button.dataset.some.replace("#", rows.size) : plain;
  };
  form.addEventListener("input", tell);
  tell();
}
