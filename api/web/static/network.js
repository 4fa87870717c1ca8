// Draws the network of a firm: places come with the page, so it looks the same every time. The
// table below the drawing is the content; this only shows it.
/* global cytoscape */

const NAMES = ["accent", "peer", "ink", "text", "surface", "line-2"];
const CLOSE = new Set(["owns", "same_group", "acquires"]);
const SHARED = new Set(["shared_officers", "shared_recipients"]);

function colours() {
  const probe = document.body.appendChild(document.createElement("i"));
  const found = Object.fromEntries(NAMES.map((name) => {
    probe.style.color = `var(--${name})`;
    return [name, getComputedStyle(probe).color];
  }));
  probe.remove();
  return found;
}

function looks(t, many) {
  return [
    { selector: "node", style: { width: 16, height: 16, "background-color": t.surface,
      "border-width": 1.5, "border-color": t.peer, label: "data(name)", color: t.text,
      "font-family": getComputedStyle(document.body).fontFamily, "font-size": 12,
      "text-valign": "bottom", "text-margin-y": 4, "text-wrap": "wrap", "text-max-width": 96,
      "text-background-color": t.surface, "text-background-opacity": 0.9,
      "text-background-padding": 1 } },
    { selector: "node[?alerts]", style: { "border-width": 4, "border-color": t.ink } },
    { selector: "node[?subject]", style: { width: 22, height: 22, "background-color": t.accent,
      "border-color": t.accent, "font-weight": 600 } },
    { selector: "edge", style: { width: 1.2, "line-color": t["line-2"], "curve-style": "bezier",
      opacity: many ? 0.45 : 1,
      "target-arrow-color": t["line-2"], "arrow-scale": 0.8 } },
    { selector: "edge[?directed]", style: { "target-arrow-shape": "triangle" } },
    { selector: "edge[?close]", style: { width: 2.5, "line-color": t.ink,
      "target-arrow-color": t.ink } },
    { selector: "edge[?shared]", style: { "line-style": "dashed" } },
  ];
}

function elements(spec) {
  const nodes = spec.nodes.map(({ x, y, ...data }) => ({ data, position: { x, y } }));
  const edges = spec.edges.map((edge, at) => ({ data: { id: `link-${at}`, source: edge.a,
    target: edge.b, directed: edge.directed, close: CLOSE.has(edge.kind),
    shared: SHARED.has(edge.kind) } }));
  return [...nodes, ...edges];
}

export function drawNetwork(figure) {
  if (figure.querySelector(".drawing")) return;
  const spec = JSON.parse(figure.dataset.network);
  const place = document.createElement("div");
  place.className = "drawing";
  place.setAttribute("role", "img");
  place.setAttribute("aria-label", spec.label);
  place.style.width = `${spec.width}px`;
  place.style.height = `${spec.height}px`;
  figure.prepend(place);
  const graph = cytoscape({ container: place, elements: elements(spec), style: looks(colours(), spec.many),
    layout: { name: "preset", fit: false }, userZoomingEnabled: false, userPanningEnabled: false,
    boxSelectionEnabled: false, autoungrabify: true, pixelRatio: Math.max(2, devicePixelRatio) });
  const fit = () => {
    // smaller than this nobody reads a name: then the drawing is scrolled
    const scale = Math.max(0.75, Math.min(1, (figure.clientWidth - 32) / spec.width));
    place.style.width = `${spec.width * scale}px`;
    place.style.height = `${spec.height * scale}px`;
    graph.resize();
    graph.zoom(scale);
    graph.pan({ x: 0, y: 0 });
  };
  fit();
  new ResizeObserver(fit).observe(figure);
  graph.on("tap", "node", (event) => location.assign(event.target.data("href")));
  matchMedia("(prefers-color-scheme: dark)")
    .addEventListener("change", () => graph.style(looks(colours(), spec.many)));
}
