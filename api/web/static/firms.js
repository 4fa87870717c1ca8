// The page of firms: `/` goes to its own search, and the list is remembered so that Esc in a
// dossier leads back to it as it was.
const field = document.querySelector("[data-search]");
document.addEventListener("desk:search", (event) => {
  if (!field) return;
  field.focus();
  field.select();
  event.preventDefault();
});
sessionStorage.setItem("desk.firms", location.pathname + location.search);
