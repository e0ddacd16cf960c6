// What each axis does: a line with its band for every axis of the sweep, a heat map for pairs of axes.

const isNumeric = (values) => values.every((value) => isNumber(value));

// The axes that a figure can be drawn over, the most telling ones first: those with most values.
function ablationAxes(table) {
  return table.data.axes
    .map((name) => ({ name, title: table.axisTitle(name), values: table.distinctValues(name) }))
    .filter(({ values }) => values.length > 1 && values.length <= 24)
    .sort((left, right) => isNumeric(right.values) - isNumeric(left.values) || right.values.length - left.values.length);
}

// Pairs of axes whose combinations are mostly there: a grid with holes in half its fields shows the
// holes, not the effect.
function usefulPairs(table, axes) {
  const pairs = [];
  for (const [position, first] of axes.entries()) {
    for (const second of axes.slice(position + 1)) {
      const cells = new Set(table.systems
        .filter((row) => own(row.axes, first.name) !== undefined && own(row.axes, second.name) !== undefined)
        .map((row) => JSON.stringify([own(row.axes, first.name), own(row.axes, second.name)])));
      const size = first.values.length * second.values.length;
      const both = isNumeric(first.values) + isNumeric(second.values);
      if (cells.size >= 0.7 * size && size >= 4) {
        pairs.push({ first, second, score: both * 100 + size });
      }
    }
  }
  return pairs.sort((left, right) => right.score - left.score).slice(0, 4);
}

const sameValue = (left, right) => JSON.stringify(left) === JSON.stringify(right);

// The mean over rows, with the mean of their intervals.
function meanOfRows(table, rows, metric, task) {
  const summaries = rows.map((row) => table.summary(row, metric, task)).filter((summary) => isNumber(summary?.mean));
  const of = (name) => average(summaries.map((summary) => summary[name]).filter(isNumber));
  return { n: summaries.length, mean: of("mean"), low: of("low"), high: of("high") };
}

// The axis whose values make the lines: the one beside `axis` that parts the scores most.
function lineAxis(table, axes, axis, metric, task) {
  const spread = (candidate) => {
    const means = candidate.values
      .map((value) => meanOfRows(table, table.systems.filter((row) => sameValue(own(row.axes, candidate.name), value)), metric, task).mean)
      .filter(isNumber);
    return Math.max(...means) - Math.min(...means);
  };
  const others = axes.filter((other) => other !== axis && other.values.length <= 8);
  return others.sort((left, right) => spread(right) - spread(left))[0];
}

function axisFigure(table, axes, axis, metric, task) {
  const lines = lineAxis(table, axes, axis, metric, task);
  const description = table.metrics.get(metric);
  const groups = (lines ? lines.values : [undefined]).map((value) => ({
    name: value === undefined ? t("all systems") : clip(plain(value), 40),
    points: axis.values.map((x) => meanOfRows(table, table.systems.filter((row) =>
      sameValue(own(row.axes, axis.name), x) && (value === undefined || sameValue(own(row.axes, lines.name), value))), metric, task)),
  })).filter(({ points }) => points.some(({ mean }) => isNumber(mean)));
  const averaged = groups.some(({ points }) => points.some(({ n }) => n > 1));
  const option = () => ({
    grid: { left: 56, right: 20, top: 16, bottom: 48 },
    legend: { data: groups.map(({ name }) => name) },
    tooltip: axisTooltip((value) => formatMean(value, description)),
    xAxis: valueAxis(axis),
    yAxis: scoreAxis(metric, description),
    series: groups.flatMap(({ name, points }, position) => (!isNumeric(axis.values) ? [
      whiskerSeries(position, groups.length, name, points.map(({ mean, low, high }, i) => [i, mean, low, high]).filter(([, mean]) => isNumber(mean))),
    ] : [
      ...(points.every(({ low }) => isNumber(low)) ? bandSeries(position, name, points.map(({ low }) => low), points.map(({ high }) => high)) : []),
      lineSeries(position, name, points.map(({ mean }) => mean ?? null)),
    ])),
  });
  return chartFigure({
    title: t("effect of", { axis: axis.title, metric: metricTitle(metric) }),
    caption: [lines ? t("lines are", { axis: lines.title }) : "", averaged ? t("averaged band") : t("band")].filter(Boolean).join(" "),
    option,
    data: {
      columns: [{ title: lines?.title ?? "" }, { title: axis.title }, { title: metricTitle(metric), number: true }, { title: t("interval"), number: true }, { title: t("rows"), number: true }],
      lines: groups.flatMap(({ name, points }) => points.map(({ n, mean, low, high }, i) => [
        name, clip(plain(axis.values[i])), formatMean(mean, description), isNumber(low) ? formatRange(low, high, description) : "–", String(n),
      ])),
    },
  });
}

const valueAxis = ({ title, values }) => axis({ type: "category", name: title, data: values.map((value) => clip(plain(value), 30)), boundaryGap: values.length < 3 || !isNumeric(values) });

function scoreAxis(metric, description) {
  return axis({
    type: "value", name: `${metricTitle(metric)}${description.is_share ? " (%)" : ""}`, nameGap: 40,
    axisLabel: description.is_share ? { formatter: percentLabel } : {},
  });
}

function pairFigure(table, { first, second }, metric, task) {
  const description = table.metrics.get(metric);
  const cells = first.values.flatMap((x, i) => second.values.map((y, j) => {
    const rows = table.systems.filter((row) => sameValue(own(row.axes, first.name), x) && sameValue(own(row.axes, second.name), y));
    return { i, j, ...meanOfRows(table, rows, metric, task) };
  })).filter(({ mean }) => isNumber(mean));
  const means = cells.map(({ mean }) => mean);
  const [low, high] = [Math.min(...means), Math.max(...means)];
  const option = () => ({
    grid: { left: 90, right: 24, top: 12, bottom: 52 },
    legend: null,
    tooltip: { formatter: ({ value }) => `${clip(plain(first.values[value[0]]))} × ${clip(plain(second.values[value[1]]))}: ${formatMean(value[2], description)}` },
    xAxis: axis({ type: "category", name: first.title, data: first.values.map((value) => clip(plain(value), 30)) }),
    yAxis: axis({ type: "category", name: second.title, nameGap: 66, data: second.values.map((value) => clip(plain(value), 14)) }),
    visualMap: { show: false, min: low, max: high === low ? low + 1e-9 : high, dimension: 2, inRange: { color: heatRamp } },
    series: [{
      type: "heatmap", itemStyle: { borderColor: cssColour("paper"), borderWidth: 2 },
      data: cells.map(({ i, j, mean }) => ({
        value: [i, j, mean], label: { show: true, formatter: formatMean(mean, description), color: mean > low + 0.46 * (high - low) ? "#14161a" : "#ffffff" },
      })),
    }],
  });
  return chartFigure({
    title: `${first.title} × ${second.title}: ${metricTitle(metric)}`,
    caption: t("heat map caption"),
    option,
    height: Math.max(220, 90 + 44 * second.values.length),
    data: {
      columns: [{ title: first.title }, { title: second.title }, { title: metricTitle(metric), number: true }, { title: t("rows"), number: true }],
      lines: cells.map(({ i, j, mean, n }) => [clip(plain(first.values[i])), clip(plain(second.values[j])), formatMean(mean, description), String(n)]),
    },
  });
}

// What figures show: the reader's metric and task.
function figureChoice(table, withAverage = true, keep = () => true) {
  const metrics = table.metricChoices(keep);
  const tasks = table.taskChoices(withAverage);
  const chosen = (name, choices, fallback) => (choices.some(([value]) => value === app.get(name, "\u0000")) ? app.get(name, "") : fallback);
  const metric = chosen("metric", metrics, metrics.some(([name]) => name === table.mainMetric) ? table.mainMetric : metrics[0]?.[0]);
  const task = chosen("task", tasks, tasks[0][0]);
  const controls = element("div", { class: "controls" },
    picker(t("metric"), metrics, metric, (value) => app.set({ metric: value })),
    tasks.length > 1 ? picker(t("task"), tasks, task, (value) => app.set({ task: value })) : null);
  return { metric, task, controls };
}

function renderAblation(table) {
  const { metric, task, controls } = figureChoice(table);
  const axes = ablationAxes(table);
  const pairs = usefulPairs(table, axes);
  return [
    element("p", { class: "lead-text" }, t("ablation lead")),
    controls,
    element("div", { class: "figures" },
      axes.map((axisEntry) => axisFigure(table, axes, axisEntry, metric, task)),
      pairs.map((pair) => pairFigure(table, pair, metric, task))),
  ];
}
