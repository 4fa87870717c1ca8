// The dossier: the way back, and what parts that are fetched later need once they are there.
const back = document.querySelector("[data-back]");
const from = sessionStorage.getItem("desk.firms");
if (back && from) back.setAttribute("href", from);
