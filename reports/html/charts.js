// Charts: ECharts on a canvas, with the page's colours, a caption, its data as a table, and the plot
// as PNG and SVG. Labels are drawn, never parsed as HTML.

// Okabe and Ito's palette: told apart with every kind of colour blindness, and by symbol besides.
const seriesColours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a6c00", "#882255"];
const darkSeriesColours = ["#56a8e0", "#f0883e", "#2fbf95", "#e59ac4", "#f0b840", "#8fd0f5", "#c9b84a", "#d5659a"];
const seriesSymbols = ["circle", "rect", "triangle", "diamond", "emptyCircle", "emptyRect", "emptyTriangle", "emptyDiamond"];
const seriesDashes = ["solid", "dashed", "dotted"];

// Cividis, which reads the same with every kind of colour blindness.
const heatRamp = ["#00224e", "#35456c", "#666970", "#948e77", "#c8b866", "#fee838"];

const charts = { library: null, drawn: new Set() };

// The library is unpacked into a script of its own when the first chart is wanted.
function chartLibrary() {
  charts.library ??= packedText("charts").then((text) => {
    const script = document.createElement("script");
    script.textContent = text;
    document.head.append(script);
    return window.echarts;
  });
  return charts.library;
}

const cssColour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const isDark = () => cssColour("scheme") === "dark";
const colourOf = (position) => {
  const colours = isDark() ? darkSeriesColours : seriesColours;
  return colours[position % colours.length];
};
const symbolOf = (position) => seriesSymbols[position % seriesSymbols.length];
const dashOf = (position) => seriesDashes[Math.floor(position / seriesColours.length) % seriesDashes.length];

const chartFont = "Inter, system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans CJK SC', sans-serif";

// An axis with the page's look.
function axis(options) {
  return {
    nameLocation: "middle",
    nameGap: options.type === "category" ? 30 : 34,
    nameTextStyle: { color: cssColour("soft"), fontSize: 12 },
    axisLine: { show: options.type === "category", lineStyle: { color: cssColour("rule-strong") } },
    axisTick: { show: false },
    axisLabel: { color: cssColour("soft"), fontSize: 11, hideOverlap: true, ...options.axisLabel },
    splitLine: { show: options.type !== "category", lineStyle: { color: cssColour("rule") } },
    scale: true,
    ...Object.fromEntries(Object.entries(options).filter(([name]) => name !== "axisLabel")),
  };
}

// Shares as per cent on an axis; as many decimals as its range needs.
const percentLabel = (value) => `${+(value * 100).toFixed(1)}`;

// How many lines a legend takes, by a guess at the width of its texts; Chinese letters are wide.
function legendLines(names, width) {
  const widthOf = (name) => 24 + sum([...name].map((letter) => (letter > "\u2e80" ? 12 : 6.4)));
  let lines = 1;
  let used = 0;
  for (const name of names) {
    const needed = widthOf(name);
    lines += used > 0 && used + needed > width ? 1 : 0;
    used = used > 0 && used + needed <= width ? used + needed : needed;
  }
  return lines;
}

function baseOption(option, width) {
  const grid = { left: 52, right: 18, top: 16, bottom: 48, ...option.grid };
  const lines = option.legend?.data ? legendLines(option.legend.data, width - 16) : 0;
  const fits = lines <= 4;
  return {
    animation: false,
    aria: { enabled: true },
    textStyle: { fontFamily: chartFont, color: cssColour("ink") },
    backgroundColor: "transparent",
    ...option,
    grid: { ...grid, bottom: grid.bottom + (lines > 0 ? 16 + 18 * (fits ? lines : 1) : 0) },
    legend: option.legend === null ? undefined : {
      type: fits ? "plain" : "scroll", bottom: 0, icon: "circle", itemWidth: 9, itemHeight: 9, itemGap: 12,
      textStyle: { color: cssColour("ink"), fontSize: 11.5 },
      pageTextStyle: { color: cssColour("soft") }, pageIconColor: cssColour("accent"),
      ...option.legend,
    },
    tooltip: {
      renderMode: "richText", confine: true, backgroundColor: cssColour("raised"), borderColor: cssColour("rule-strong"),
      textStyle: { color: cssColour("ink"), fontSize: 12, fontFamily: chartFont },
      ...option.tooltip,
    },
  };
}

// A line with symbols, dashed in a second round of colours.
function lineSeries(position, name, data, extra = {}) {
  return {
    type: "line", name, data, symbol: symbolOf(position), symbolSize: 7, color: colourOf(position),
    lineStyle: { width: 2, type: dashOf(position) }, emphasis: { focus: "series" }, ...extra,
  };
}

// The band between `lows` and `highs`, as two invisible stacked lines and the area between them.
function bandSeries(position, name, lows, highs) {
  const base = {
    type: "line", name, stack: `band ${position}`, symbol: "none", silent: true, lineStyle: { opacity: 0 },
    color: colourOf(position), stackStrategy: "all",
  };
  return [
    { ...base, id: `band low ${position}`, data: lows },
    { ...base, id: `band high ${position}`, data: highs.map((high, i) => (isNumber(high) ? high - lows[i] : null)), areaStyle: { color: colourOf(position), opacity: 0.14 } },
  ];
}

// Points with whiskers over the values of a category, side by side with those of the other series:
// `data` is [place, mean, low, high].
function whiskerSeries(position, all, name, data) {
  const shift = (position - (all - 1) / 2) * Math.min(16, 90 / all);
  return {
    type: "custom", name, data, color: colourOf(position), encode: { x: 0, y: [1, 2, 3] },
    renderItem: (params, api) => {
      const at = (value) => api.coord([api.value(0), value]).map((place, i) => (i === 0 ? place + shift : place));
      const stroke = api.visual("color");
      const line = ([x1, y1], [x2, y2]) => ({ type: "line", shape: { x1, y1, x2, y2 }, style: { stroke, lineWidth: 1.5 } });
      const [x, y] = at(api.value(1));
      const point = { type: "circle", shape: { cx: x, cy: y, r: 4 }, style: { fill: stroke } };
      if (!isNumber(api.value(2)) || Number.isNaN(api.value(2))) {
        return point;
      }
      const [low, high] = [at(api.value(2)), at(api.value(3))];
      const cap = ([left, top]) => line([left - 4, top], [left + 4, top]);
      return { type: "group", children: [line(low, high), cap(low), cap(high), point] };
    },
  };
}

// What the tooltip of an axis says: the place, and each line's value; bands have no say.
function axisTooltip(format) {
  return {
    trigger: "axis",
    formatter: (entries) => {
      const lines = entries.filter(({ seriesId }) => !seriesId.startsWith("band")).map(({ seriesName, value }) =>
        [seriesName, Array.isArray(value) ? value[1] : value]).map(([name, number]) => `${name}: ${isNumber(number) ? format(number) : "–"}`);
      return [entries[0]?.name, ...lines].join("\n");
    },
  };
}

function saveBlob(blob, name) {
  const link = element("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

function fileName(title, ending) {
  return `${title.normalize("NFKC").replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "").slice(0, 80) || "figure"}.${ending}`;
}

async function saveSvg(figure) {
  const echarts = await chartLibrary();
  const { clientWidth: width, clientHeight: height } = figure.box;
  const plot = echarts.init(null, null, { renderer: "svg", ssr: true, width, height });
  plot.setOption(baseOption(figure.option(), width));
  saveBlob(new Blob([plot.renderToSVGString()], { type: "image/svg+xml" }), fileName(figure.title, "svg"));
  plot.dispose();
}

async function savePng(figure) {
  const image = await fetchless(figure.plot.getDataURL({ pixelRatio: 3, backgroundColor: cssColour("paper") }));
  saveBlob(image, fileName(figure.title, "png"));
}

// The bytes of a data: address, without a request.
async function fetchless(address) {
  const binary = atob(address.slice(address.indexOf(",") + 1));
  return new Blob([Uint8Array.from(binary, (byte) => byte.charCodeAt(0))], { type: "image/png" });
}

function draw(figure, echarts) {
  if (!figure.box.isConnected) {
    return;
  }
  figure.plot?.dispose();
  figure.plot = echarts.init(figure.box, null, { renderer: "canvas", devicePixelRatio: Math.max(2, window.devicePixelRatio) });
  figure.plot.setOption(baseOption(figure.option(), figure.box.clientWidth));
  figure.box.dataset.drawn = "true";
  charts.drawn.add(figure);
}

// A figure: `option()` makes the chart in the colours of the moment; `data` is {columns, lines}.
function chartFigure({ title, caption, height = 300, option, data, wide = false }) {
  const box = element("div", { class: "plot-box", role: "img", "aria-label": title });
  box.style.height = `${height}px`;
  const figure = { title, box, option, plot: null };
  const node = element(
    "figure",
    { class: wide ? "chart wide" : "chart" },
    element("figcaption", {}, element("strong", {}, title), caption ? element("span", {}, caption) : null),
    box,
    element("div", { class: "chart-tools" },
      data ? element("details", {}, element("summary", {}, t("data table")), plainTable(data.columns, data.lines, title)) : null,
      element("button", { type: "button", onclick: () => savePng(figure) }, "PNG"),
      element("button", { type: "button", onclick: () => saveSvg(figure) }, "SVG")),
  );
  chartLibrary().then(
    (echarts) => draw(figure, echarts),
    () => box.replaceChildren(element("p", { class: "notice warn" }, t("no charts"))),
  );
  return node;
}

// Charts of a page that was left, and charts whose size or colours changed.
function forgetCharts() {
  for (const figure of charts.drawn) {
    figure.plot.dispose();
  }
  charts.drawn.clear();
}

async function redrawCharts() {
  if (charts.drawn.size === 0) {
    return;
  }
  const echarts = await chartLibrary();
  for (const figure of [...charts.drawn]) {
    draw(figure, echarts);
  }
}

window.addEventListener("resize", () => {
  for (const figure of charts.drawn) {
    figure.plot.resize();
    figure.plot.setOption(baseOption(figure.option(), figure.box.clientWidth));
  }
});
