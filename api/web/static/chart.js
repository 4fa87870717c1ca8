// Charts of the desk, drawn by ECharts from what the page says in `data-chart`; without script the
// table beside each holds the same numbers. <figure class="chart" data-chart='{...}'> with
//   kind "lines": x [text], series [{name, values [number|null], role, step, dashed}], y0
//        (axis from zero), band {name, low, high}, limit {value, text}, events [{x, text}],
//        now {x, text}, small (one of many beside each other: no names at the ends of lines)
//   kind "dots": rows [{name, value, low, high, text, subject}], reference {value, text}
//   kind "slope": rows [{name, before, after, subject}], ends [text, text]
// and in all: label (one sentence for who cannot see it), unit, digits, height (px).
// Roles: subject (blue), peer, ink, severe. `digits` are significant ones.
/* global echarts */

function tokens() {
  const probe = document.body.appendChild(document.createElement("i"));
  const colour = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const names = ["accent", "accent-2", "peer", "band", "ink", "text", "text-2", "text-3", "line",
    "line-2", "sev5", "surface"];
  const found = Object.fromEntries(names.map((name) => [name, colour(name)]));
  probe.remove();
  return found;
}

const FONT = () => getComputedStyle(document.body).fontFamily;

function shown(value, spec) {
  if (value === null || value === undefined) return "–";
  const digits = spec.digits ?? 3;
  const text = Math.abs(value).toLocaleString("en", { maximumSignificantDigits: digits });
  return `${value < 0 ? "−" : ""}${text}${spec.unit ? ` ${spec.unit}` : ""}`;
}

const colourOf = (role, t) => ({ subject: t.accent, ink: t.ink, severe: t.sev5 })[role] ?? t.peer;

function axis(t, more = {}) {
  return {
    axisLine: { lineStyle: { color: t["line-2"] } },
    axisTick: { show: false },
    axisLabel: { color: t["text-3"], fontSize: 12, hideOverlap: true },
    splitLine: { show: false },
    ...more,
  };
}

function valueAxis(spec, t) {
  return axis(t, {
    type: "value",
    scale: !spec.y0,
    min: spec.y0 ? 0 : undefined,
    axisLine: { show: false },
    splitNumber: spec.small ? 2 : 4,
    splitLine: { lineStyle: { color: t.line } },
    axisLabel: { color: t["text-3"], fontSize: 12, formatter: (value) => shown(value, spec) },
  });
}

function bandSeries(band, t) {
  const at = (values) => values.map((value) => value ?? "-");
  const height = band.low.map((low, i) => (low === null ? "-" : band.high[i] - low));
  const base = { type: "line", stack: "band", stackStrategy: "all", symbol: "none", silent: true,
    lineStyle: { opacity: 0 }, tooltip: { show: false }, z: 1 };
  return [
    { ...base, name: "band-low", data: at(band.low) },
    { ...base, name: "band", data: height, areaStyle: { color: t.band, opacity: 1 } },
  ];
}

function marks(spec, t) {
  const data = [];
  const label = (text, position) => ({ formatter: text, color: t["text-2"], fontSize: 12, position });
  if (spec.limit) {
    data.push({ yAxis: spec.limit.value, lineStyle: { type: "dashed", color: t.ink, width: 1.5 },
      label: label(spec.limit.text, "insideStartTop") });
  }
  for (const event of spec.events ?? []) {
    data.push({ xAxis: event.x, lineStyle: { type: "dotted", color: t["line-2"], width: 1.5 },
      // beside each other there is no room for words: the caption says them
      label: spec.small ? { show: false } : label(event.text, "insideEndTop") });
  }
  return { silent: true, symbol: "none", animation: false, data };
}

function lines(spec, t) {
  const series = spec.series.map((one) => ({
    type: "line", name: one.name, data: one.values.map((value) => value ?? "-"),
    step: one.step ? "end" : false, connectNulls: false,
    symbol: "circle", symbolSize: one.role === "subject" ? 6 : 4,
    showSymbol: one.role === "subject" && one.values.length < 40,
    color: colourOf(one.role, t), z: one.role === "subject" ? 5 : 3,
    lineStyle: { width: one.role === "subject" ? 2.5 : 1.5, type: one.dashed ? "dashed" : "solid" },
    endLabel: { show: !spec.small && (spec.series.length > 1 || Boolean(spec.band)),
      formatter: "{a}", fontSize: 12,
      color: one.role === "subject" ? t["accent-2"] : t["text-2"] },
    labelLayout: { moveOverlap: "shiftY" },
  }));
  if (series.length) series[0].markLine = marks(spec, t);
  const named = spec.small ? 1 : Math.max(0, ...spec.series.map((one) => one.name.length));
  return {
    grid: { left: spec.small ? 20 : 8, right: 16 + Math.min(160, named * 7), top: spec.small ? 12 : 24, bottom: 8, containLabel: true },
    xAxis: axis(t, { type: "category", data: spec.x, boundaryGap: false }),
    yAxis: valueAxis(spec, t),
    series: [...(spec.band ? bandSeries(spec.band, t) : []), ...series],
    tooltip: { trigger: "axis", renderMode: "richText", confine: true,
      backgroundColor: t.surface, borderColor: t["line-2"],
      textStyle: { color: t.text, fontSize: 12 }, formatter: (points) => spoken(points, spec) },
  };
}

function spoken(points, spec) {
  const at = points[0].dataIndex;
  const own = spec.series.map((one) => `${one.name}: ${shown(one.values[at], spec)}`);
  const band = spec.band && spec.band.low[at] !== null
    ? [`${spec.band.name}: ${shown(spec.band.low[at], spec)} to ${shown(spec.band.high[at], spec)}`]
    : [];
  return [spec.x[at], ...own, ...band].join("\n");
}

function dots(spec, t) {
  const names = spec.rows.map((row) => row.name);
  const whisker = (params, api) => {
    const [low, at] = api.coord([api.value(0), api.value(2)]);
    const [high] = api.coord([api.value(1), api.value(2)]);
    return { type: "line", shape: { x1: low, y1: at, x2: high, y2: at },
      style: { stroke: t.peer, lineWidth: 2 } };
  };
  const held = spec.rows.map((row, i) => [row.low, row.high, i]).filter((one) => one[0] !== null);
  const reference = spec.reference
    ? { silent: true, symbol: "none", data: [{ xAxis: spec.reference.value,
      lineStyle: { type: "dashed", color: t.ink },
      label: { formatter: spec.reference.text, color: t["text-2"], fontSize: 12 } }] }
    : undefined;
  return {
    grid: { left: 8, right: 120, top: 24, bottom: 8, containLabel: true },
    xAxis: { ...valueAxis({ ...spec, y0: spec.y0 ?? true }, t) },
    yAxis: axis(t, { type: "category", data: names, inverse: true,
      axisLabel: { color: t["text-2"], fontSize: 12, width: 220, overflow: "break" } }),
    series: [
      { type: "custom", renderItem: whisker, data: held, silent: true, z: 2,
        encode: { x: [0, 1], y: 2 } },
      { type: "scatter", z: 3, symbolSize: 9, markLine: reference,
        data: spec.rows.map((row) => ({ value: [row.value ?? "-", row.name],
          itemStyle: { color: row.subject ? t.accent : t.ink } })),
        label: { show: true, position: "right", distance: 12, fontSize: 12, color: t["text-2"],
          formatter: (point) => spec.rows[point.dataIndex].text ?? "" } },
    ],
  };
}

function slope(spec, t) {
  const series = spec.rows.map((row) => ({
    type: "line", name: row.name, color: row.subject ? t.accent : t.peer, z: row.subject ? 5 : 2,
    lineStyle: { width: row.subject ? 2.5 : 1, opacity: row.subject ? 1 : 0.6 },
    data: [
      { value: row.before, symbol: "emptyCircle", symbolSize: row.subject ? 9 : 4 },
      { value: row.after, symbol: "circle", symbolSize: row.subject ? 9 : 4 },
    ],
    // a few others are named, too; of many only the subject
    endLabel: { show: Boolean(row.subject) || spec.rows.length < 6, formatter: "{a}", fontSize: 12,
      color: row.subject ? t["accent-2"] : t["text-2"] },
    labelLayout: { moveOverlap: "shiftY" },
  }));
  if (series.length) series[0].markLine = marks(spec, t);
  return {
    grid: { left: 8, right: 150, top: 24, bottom: 8, containLabel: true },
    xAxis: axis(t, { type: "category", data: spec.ends, boundaryGap: false }),
    yAxis: valueAxis(spec, t),
    series,
  };
}

const KINDS = { lines, dots, slope };
const drawn = [];

export function draw(figure, spec = JSON.parse(figure.dataset.chart)) {
  let place = figure.querySelector(".drawing");
  if (!place) {
    place = document.createElement("div");
    place.className = "drawing";
    const caption = figure.querySelector("figcaption");
    if (caption) caption.after(place);
    else figure.prepend(place);
  }
  place.style.height = `${spec.height ?? (spec.kind === "dots" ? 48 + 28 * spec.rows.length : 220)}px`;
  place.setAttribute("role", "img");
  place.setAttribute("aria-label", spec.label ?? "");
  const chart = echarts.getInstanceByDom(place) ?? echarts.init(place, null, { renderer: "canvas" });
  chart.setOption({ animation: false, textStyle: { fontFamily: FONT(), fontSize: 12 },
    ...KINDS[spec.kind](spec, tokens()) }, true);
  if (!drawn.some((one) => one.chart === chart)) {
    drawn.push({ chart, figure });
    new ResizeObserver(() => chart.resize()).observe(place);
  }
  return chart;
}

function drawAll() {
  for (const figure of document.querySelectorAll("figure[data-chart]")) draw(figure);
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
drawAll();
