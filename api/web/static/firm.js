// The dossier: the way back to the list it was opened from, and parts fetched as one comes to them.
// Without script every part is a page of its own, behind the link that stands in its place.
/* global cytoscape */
const back = document.querySelector("[data-back]:not([data-back=dossier])");
const from = sessionStorage.getItem("desk.firms");
if (back && from) back.setAttribute("href", from);

async function drawn(root) {
  const figures = root.querySelectorAll("figure[data-chart]");
  if (figures.length) {
    const { draw } = await import("./chart.js");
    for (const figure of figures) draw(figure);
  }
  const graphs = root.querySelectorAll("figure[data-network]");
  if (graphs.length && typeof cytoscape !== "undefined") {
    const { drawNetwork } = await import("./network.js");
    for (const figure of graphs) drawNetwork(figure);
  }
}

// a refusal is a page for people; in place of a part it would be a page inside a page
document.addEventListener("htmx:before:response", (event) => {
  const { response, sourceElement } = event.detail.ctx;
  if (response.headers.get("X-Part")) return;
  event.preventDefault();
  sourceElement.querySelector("[data-failed]")?.removeAttribute("hidden");
});
document.addEventListener("htmx:after:swap", () => drawn(document));
drawn(document);
