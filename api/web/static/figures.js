// Brings the figures an alert page leaves for later, and draws the charts among them.
async function charts(part) {
  if (!part.querySelector("figure[data-chart]")) return;
  if (!window.echarts) {
    await new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = "/static/vendor/echarts.min.js";
      script.onload = done;
      script.onerror = failed;
      document.head.append(script);
    });
  }
  const { draw } = await import("./chart.js");
  for (const figure of part.querySelectorAll("figure[data-chart]")) draw(figure);
}

async function bring(place) {
  place.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(place.dataset.part, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const holder = document.createElement("template");
    holder.innerHTML = await answer.text();
    for (const part of holder.content.querySelectorAll("[data-slot]")) {
      document.querySelector(`[data-slot-of="${part.dataset.slot}"]`)?.replaceWith(part);
    }
    const parts = [...holder.content.children];
    place.replaceWith(...parts);
    for (const part of parts) await charts(part);
  } finally {
    place.setAttribute("aria-busy", "false");
  }
}

for (const place of document.querySelectorAll("[data-part]")) bring(place);
charts(document);
