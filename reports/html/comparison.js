// Two systems side by side: `crudbench report --compare A B`. A is the first row of the table, B the
// second.

const isSignificant = (line) => line.p_value_holm < 0.05;
const pValue = (value) => (value < 0.001 ? "<0.001" : value.toFixed(3));
const withSign = (value, text) => `${value > 0 ? "+" : ""}${text}`;

function signedMean(difference, description) {
  return withSign(difference, formatMean(difference, description));
}

// All lines of the comparison: task by task, metric by metric.
const comparedLines = ({ tasks }) => tasks.flatMap(({ task, comparison }) => comparison.comparisons.map((line) => ({ task, ...line })));

function signedRange(line, description) {
  const digits = (value) => (description.is_share ? (value * 100).toFixed(2) : value.toFixed(3));
  return isNumber(line.low) ? `${withSign(line.low, digits(line.low))} … ${withSign(line.high, digits(line.high))}` : "–";
}

function comparisonTable(table, comparison) {
  const number = true;
  const columns = [
    { title: t("task") }, { title: t("metric") }, { title: "A", number }, { title: "B", number }, { title: "B − A", number }, { title: t("interval"), number },
    { title: "p", number, hint: t("p hint") }, { title: t("p corrected"), number, hint: t("p corrected hint") }, { title: t("effect size"), number, hint: t("effect size hint") },
    { title: t("detectable"), number, hint: t("detectable hint") }, { title: "n", number },
  ];
  return plainTable(columns, comparedLines(comparison).map((line) => {
    const description = table.metrics.get(line.metric);
    const strong = (text) => (isSignificant(line) ? element("b", {}, text) : text);
    return [
      taskTitle(line.task), element("span", { title: line.metric }, metricTitle(line.metric)),
      formatMean(line.baseline_mean, description), formatMean(line.mean, description), strong(signedMean(line.difference, description)),
      signedRange(line, description), pValue(line.p_value), strong(pValue(line.p_value_holm)),
      isNumber(line.effect_size) ? line.effect_size.toFixed(2) : "–", isNumber(line.smallest_detectable) ? formatMean(line.smallest_detectable, description) : "–", String(line.n_common),
    ];
  }), t("section comparison"));
}

// A point with its whisker for each line, on a scale of differences with 0 in it.
function differenceFigure(table, comparison, metric) {
  const description = table.metrics.get(metric);
  const lines = comparedLines(comparison).filter((line) => line.metric === metric);
  const names = lines.map(({ task }) => taskTitle(task));
  const option = () => ({
    grid: { left: 178, right: 24, top: 12, bottom: 48 },
    legend: null,
    tooltip: { formatter: ({ dataIndex }) => `${names[dataIndex]}\n${signedMean(lines[dataIndex].difference, description)} [${signedRange(lines[dataIndex], description)}]` },
    xAxis: axis({ type: "value", name: `B − A: ${metricTitle(metric)}${description.is_share ? " (%)" : ""}`, scale: false, axisLabel: description.is_share ? { formatter: percentLabel } : {} }),
    yAxis: axis({ type: "category", data: names, inverse: true, axisLabel: { width: 168, overflow: "truncate" } }),
    series: [{
      type: "custom", encode: { x: [0, 2, 3], y: 1 },
      data: lines.map((line, i) => [line.difference, i, line.low ?? line.difference, line.high ?? line.difference]),
      renderItem: (params, api) => {
        const colour = cssColour(isSignificant(lines[params.dataIndex]) ? "accent" : "soft");
        const at = (value) => api.coord([value, api.value(1)]);
        const [[x, y], [low], [high]] = [at(api.value(0)), at(api.value(2)), at(api.value(3))];
        const line = (x1, y1, x2, y2, style) => ({ type: "line", shape: { x1, y1, x2, y2 }, style });
        return {
          type: "group",
          children: [
            line(low, y, high, y, { stroke: colour, lineWidth: 2 }), line(low, y - 4, low, y + 4, { stroke: colour, lineWidth: 2 }), line(high, y - 4, high, y + 4, { stroke: colour, lineWidth: 2 }),
            { type: "circle", shape: { cx: x, cy: y, r: 4.5 }, style: { fill: colour } },
          ],
        };
      },
      markLine: { silent: true, symbol: "none", label: { show: false }, lineStyle: { color: cssColour("rule-strong"), width: 1, type: "solid" }, data: [{ xAxis: 0 }] },
    }],
  });
  return chartFigure({
    title: t("difference of", { metric: metricTitle(metric) }), caption: t("difference caption"), option, height: 110 + 34 * lines.length,
    data: {
      columns: [{ title: t("task") }, { title: "B − A", number: true }, { title: t("interval"), number: true }],
      lines: lines.map((line, i) => [names[i], signedMean(line.difference, description), signedRange(line, description)]),
    },
  });
}

// On how many samples each is ahead.
function tallyFigure(comparison) {
  const { tasks } = comparison;
  const parts = [["a ahead", "n_a_better"], ["equal", "n_equal"], ["b ahead", "n_b_better"]].map(([name, key]) => [t(name), tasks.map((task) => task[key])]);
  const names = tasks.map(({ task }) => taskTitle(task));
  const option = () => ({
    grid: { left: 178, right: 24, top: 12, bottom: 34 },
    legend: { data: parts.map(([name]) => name) },
    tooltip: axisTooltip(count),
    xAxis: axis({ type: "value", name: t("samples title"), scale: false }),
    yAxis: axis({ type: "category", data: names, inverse: true, axisLabel: { width: 168, overflow: "truncate" } }),
    series: parts.map(([name, counts], i) => ({ type: "bar", stack: "all", name, data: counts, barMaxWidth: 22, color: [colourOf(0), cssColour("rule"), colourOf(1)][i] })),
  });
  return chartFigure({
    title: t("who is ahead"), caption: t("who is ahead caption", { metric: [...new Set(tasks.map(({ sample_metric: name }) => metricTitle(name)))].join(", ") }), option, height: 130 + 34 * tasks.length,
    data: { columns: [{ title: t("task") }, ...parts.map(([title]) => ({ title, number: true }))], lines: names.map((name, i) => [name, ...parts.map(([, counts]) => String(counts[i]))]) },
  });
}

// The samples where one beats the other most, each a link to all about it.
function furthestSamples(table, { task, sample_metric: metric, a_better: ofA, b_better: ofB }) {
  const description = table.metrics.get(metric);
  const link = (id) => (app.samples.any ? element("a", { href: app.link("samples", { task, a: "0", b: "1", metric, id }) }, clip(id, 60)) : clip(id, 60));
  const list = (title, samples) => element("div", {},
    element("h4", {}, title),
    samples.length === 0 ? element("p", { class: "table-note" }, t("none")) : plainTable([{ title: t("sample") }, { title: "A", number: true }, { title: "B", number: true }],
      samples.map(({ sample_id: id, a, b }) => [link(id), formatMean(a, description), formatMean(b, description)]), title));
  return [element("h3", {}, taskTitle(task)), element("div", { class: "beside" }, list(t("a furthest"), ofA), list(t("b furthest"), ofB))];
}

function renderComparison(table) {
  const { comparison } = app.overview;
  const metrics = [...new Set(comparedLines(comparison).map(({ metric }) => metric))];
  const name = (letter, { label }) => element("p", { class: "system-name" }, element("span", { class: `side-name ${letter}` }, letter), ` ${clip(label || t("configuration"), 400)}`);
  const value = (option) => (option === null ? "–" : plain(option));
  return [
    name("A", comparison.a), name("B", comparison.b),
    ...warnings(table),
    element("h2", {}, t("options that differ")),
    plainTable([{ title: t("option") }, { title: "A" }, { title: "B" }], comparison.options.map(({ path, a, b }) => [clip(path, 200), clip(value(a), 200), clip(value(b), 200)]), t("options that differ")),
    element("h2", {}, t("section comparison")),
    comparisonTable(table, comparison),
    element("p", { class: "table-note" }, t("comparison note")),
    element("div", { class: "figures" }, metrics.filter((metric) => table.mainMetrics.includes(metric)).slice(0, 4).map((metric) => differenceFigure(table, comparison, metric)), tallyFigure(comparison)),
    element("h2", {}, t("furthest apart")),
    comparison.tasks.flatMap((task) => furthestSamples(table, task)),
  ].flat();
}
