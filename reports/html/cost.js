// What quality costs: the rows that no other row beats in both.

// Seconds with as few digits as a tick of an axis needs.
const secondsTick = (seconds) => (seconds >= 1 ? `${+seconds.toFixed(2)} s` : seconds >= 1e-3 ? `${+(seconds * 1e3).toFixed(2)} ms` : `${+(seconds * 1e6).toFixed(2)} µs`);

const costs = {
  seconds: { read: (total) => total("retrieval_seconds") + total("generation_seconds"), text: formatSeconds, tick: secondsTick },
  retrieval: { read: (total) => total("retrieval_seconds"), text: formatSeconds, tick: secondsTick },
  tokens: { read: (total) => total("prompt_tokens") + total("completion_tokens"), text: count, tick: count },
};

// The cost of a row a sample; undefined where it is not known.
function costOf(table, row, task, kind) {
  const runs = table.runs(row, task);
  const finished = sum(runs.map((run) => run.ok + run.failed));
  const value = costs[kind].read((name) => sum(runs.map((run) => run[name] ?? 0)));
  return finished > 0 && value > 0 ? value / finished : undefined;
}

// Points {row, x, y} that none is better than: cheaper and at least as good, or better and no dearer.
function paretoFront(points, higherIsBetter) {
  const sign = higherIsBetter ? 1 : -1;
  const front = [];
  for (const point of [...points].sort((a, b) => a.x - b.x || sign * (b.y - a.y))) {
    if (front.length === 0 || sign * point.y > sign * front[front.length - 1].y) {
      front.push(point);
    }
  }
  return front;
}

function paretoFigure(table, metric, task, kind) {
  const description = table.metrics.get(metric);
  const points = table.rows
    .map((row) => ({ row, x: costOf(table, row, task, kind), y: table.summary(row, metric, task)?.mean, summary: table.summary(row, metric, task) }))
    .filter(({ x, y }) => isNumber(x) && isNumber(y));
  const candidates = points.filter(({ row }) => row.bound !== "oracle");
  const front = paretoFront(candidates, description.higher_is_better);
  const xs = points.map(({ x }) => x);
  const isWide = Math.max(...xs) / Math.min(...xs) > 20;
  const name = (point) => shortTitle(table, point.row);
  const option = () => ({
    grid: { left: 60, right: 30, top: 24, bottom: 56 },
    legend: null,
    tooltip: { trigger: "item", formatter: ({ data }) => (data.point ? `${name(data.point)}\n${costs[kind].text(data.point.x)}\n${formatMean(data.point.y, description)}` : "") },
    xAxis: { ...axis({ type: isWide ? "log" : "value", name: t(`cost ${kind}`), axisLabel: { formatter: (value) => costs[kind].tick(value) } }), splitLine: { show: false } },
    yAxis: scoreAxis(metric, description),
    series: [
      { type: "line", name: t("pareto front"), step: "end", symbol: "none", silent: true, color: cssColour("accent"), lineStyle: { width: 1.5, type: "dashed" }, data: front.map(({ x, y }) => [x, y]) },
      {
        type: "scatter", name: t("rows"), symbolSize: 11,
        data: points.map((point) => ({
          value: [point.x, point.y], point,
          symbol: point.row.bound ? "diamond" : "circle",
          itemStyle: { color: front.includes(point) ? cssColour("accent") : cssColour("soft"), opacity: front.includes(point) ? 1 : 0.55 },
          label: { show: front.includes(point) || points.length <= 8, formatter: name(point), position: "top", fontSize: 11, color: cssColour("ink") },
        })),
        labelLayout: { hideOverlap: true },
      },
    ],
  });
  return chartFigure({
    title: t("quality and cost", { metric: metricTitle(metric), cost: t(`cost ${kind}`).toLowerCase() }), caption: t("pareto caption"),
    height: 420, wide: true, option,
    data: {
      columns: [{ title: t("configuration") }, { title: t(`cost ${kind}`), number: true }, { title: metricTitle(metric), number: true }, { title: t("pareto front") }],
      lines: points.map((point) => [name(point), costs[kind].text(point.x), formatMean(point.y, description), front.includes(point) ? t("yes") : ""]),
    },
  });
}

// The times of the samples themselves: what waits behind a mean.
function latencyTable(table, task) {
  const tasks = task === "" ? table.tasks : [task];
  const quantile = (row, kind, name) => {
    const values = tasks.map((one) => table.profile(row, one)?.[kind]?.[name]).filter(isNumber);
    return values.length > 0 ? formatSeconds(Math.max(...values)) : "–";
  };
  const kinds = ["retrieval_seconds", "generation_seconds"];
  const titles = ["retrieval", "generation"].flatMap((title) => ["p50", "p95"].map((name) => ({ title: `${t(title)} ${name}`, number: true })));
  return [
    element("h2", {}, t("latency")),
    element("p", { class: "table-note" }, t("latency note")),
    plainTable([{ title: t("configuration") }, ...titles], table.rows.map((row) =>
      [shortTitle(table, row), ...kinds.flatMap((kind) => ["p50", "p95"].map((name) => quantile(row, kind, name)))]), t("latency")),
  ];
}

function renderCost(table) {
  const { metric, task, controls } = figureChoice(table, true, ({ needs_answer: needsAnswer }) => needsAnswer);
  const kinds = Object.keys(costs).filter((kind) => table.rows.some((row) => isNumber(costOf(table, row, task, kind))));
  if (kinds.length === 0 || metric === undefined) {
    return [element("p", { class: "notice" }, t("no costs"))];
  }
  const kind = kinds.includes(app.get("cost", "")) ? app.get("cost", "") : kinds[0];
  controls.append(picker(t("cost"), kinds.map((name) => [name, t(`cost ${name}`)]), kind, (value) => app.set({ cost: value })));
  return [element("p", { class: "lead-text" }, t("cost lead")), controls, element("div", { class: "figures" }, paretoFigure(table, metric, task, kind)), ...latencyTable(table, task)];
}
