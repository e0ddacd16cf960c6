// What quality costs: the rows that no other row beats in both.

// Seconds with as few digits as a tick of an axis needs.
const secondsTick = (seconds) => (seconds >= 1 ? `${+seconds.toFixed(2)} s` : seconds >= 1e-3 ? `${+(seconds * 1e3).toFixed(2)} ms` : `${+(seconds * 1e6).toFixed(2)} µs`);

// What a row's answers took, a sample: {x}, with {low, high} where there is an interval. `total(name)`
// is the sum of a number over the row's runs.
const perSample = (read) => (runs) => {
  const finished = sum(runs.map((run) => run.ok + run.failed));
  const value = read((name) => sum(runs.map((run) => run[name] ?? 0)));
  return finished > 0 && value > 0 ? { x: value / finished } : undefined;
};

// The engine's speed over several tasks: all tokens over all seconds. The tasks' samples are drawn
// independently, so the reaches of their intervals add up as squares.
function engineSpeed(runs) {
  const engines = runs.map((run) => run.engine);
  const busy = sum(engines.map((engine) => engine?.busy_seconds ?? 0));
  if (busy <= 0 || engines.some((engine) => !engine)) {
    return undefined;
  }
  const part = (engine) => engine.busy_seconds / busy;
  const x = sum(engines.map((engine) => part(engine) * engine.tokens_per_second));
  const reach = (name) => Math.sqrt(sum(engines.map((engine) => (part(engine) * (engine[name] - engine.tokens_per_second)) ** 2)));
  return engines.every(({ low }) => isNumber(low)) ? { x, low: x - reach("low"), high: x + reach("high") } : { x };
}

function engineMemory(runs) {
  const bytes = Math.max(0, ...runs.map((run) => run.engine?.peak_memory_bytes ?? 0));
  return bytes > 0 ? { x: bytes / 2 ** 30 } : undefined;
}

// An amount with as many decimals as it takes to see it.
const moneyText = (amount) => (isNumber(amount) ? (amount === 0 ? "0" : Math.abs(amount) >= 1 ? amount.toFixed(2) : String(+amount.toPrecision(3))) : "–");

// What 1,000 answers would cost with an empty cache; unknown where a sample does not tell.
function moneyCost(runs) {
  const finished = sum(runs.map((run) => run.ok + run.failed));
  const currencies = new Set(runs.map(({ currency }) => currency));
  if (finished === 0 || currencies.size !== 1 || runs.some((run) => !isNumber(run.cost) || run.n_cost_unknown > 0)) {
    return undefined;
  }
  const total = sum(runs.map((run) => run.cost + (run.saved ?? 0)));
  return total > 0 ? { x: total / finished * 1000, unit: [...currencies][0] } : undefined;
}

const secondsCost = (read) => ({ read: perSample(read), text: formatSeconds, tick: secondsTick });
const costs = {
  seconds: secondsCost((total) => total("retrieval_seconds") + total("generation_seconds")),
  retrieval: secondsCost((total) => total("retrieval_seconds")),
  tokens: { read: perSample((total) => total("prompt_tokens") + total("completion_tokens")), text: count, tick: count },
  money: { read: moneyCost, text: moneyText, tick: moneyText },
  speed: { read: engineSpeed, text: (rate) => rate.toFixed(2), tick: (rate) => String(+rate.toPrecision(4)), moreIsBetter: true },
  memory: { read: engineMemory, text: (gibibytes) => bytesText(gibibytes * 2 ** 30), tick: (gibibytes) => String(+gibibytes.toPrecision(3)) },
};

// What a row costs on a task, or (task "") on all; undefined where it is not known.
const costOf = (table, row, task, kind) => costs[kind].read(table.runs(row, task));

// Points {row, x, y} that none is better than: cheaper and at least as good, or better and no dearer.
function paretoFront(points, higherIsBetter, moreIsBetter = false) {
  const [sign, direction] = [higherIsBetter ? 1 : -1, moreIsBetter ? -1 : 1];
  const front = [];
  for (const point of [...points].sort((a, b) => direction * (a.x - b.x) || sign * (b.y - a.y))) {
    if (front.length === 0 || sign * point.y > sign * front[front.length - 1].y) {
      front.push(point);
    }
  }
  return front;
}

// Whiskers of the intervals of points in both directions.
function crossSeries(points) {
  const drawn = points.filter((point) => isNumber(point.low) || isNumber(point.summary.low));
  return {
    type: "custom", silent: true, z: 1, clip: true, encode: { x: [0, 2, 3], y: [1, 4, 5] }, // So that the axes hold them.
    data: drawn.map((point) => [point.x, point.y, point.low ?? NaN, point.high ?? NaN, point.summary.low ?? NaN, point.summary.high ?? NaN]),
    renderItem: (params, api) => {
      const value = (place) => api.value(place);
      const line = (from, to) => {
        const [[x1, y1], [x2, y2]] = [api.coord(from), api.coord(to)];
        return { type: "line", shape: { x1, y1, x2, y2 }, style: { stroke: cssColour("soft"), lineWidth: 1, opacity: 0.7 } };
      };
      return {
        type: "group",
        children: [
          Number.isNaN(value(2)) ? null : line([value(2), value(1)], [value(3), value(1)]),
          Number.isNaN(value(4)) ? null : line([value(0), value(4)], [value(0), value(5)]),
        ].filter(Boolean),
      };
    },
  };
}

function paretoFigure(table, metric, task, kind, wide = true) {
  const description = table.metrics.get(metric);
  const points = table.rows
    .map((row) => ({ row, ...costOf(table, row, task, kind), y: table.summary(row, metric, task)?.mean, summary: table.summary(row, metric, task) }))
    .filter(({ x, y }) => isNumber(x) && isNumber(y));
  const candidates = points.filter(({ row }) => row.bound !== "oracle");
  const front = paretoFront(candidates, description.higher_is_better, costs[kind].moreIsBetter);
  const xs = points.map(({ x }) => x);
  const isWide = Math.max(...xs) / Math.min(...xs) > 20;
  const scale = isWide ? Math.log : (x) => x;
  const middle = (scale(Math.max(...xs)) + scale(Math.min(...xs))) / 2;
  const name = (point) => shortTitle(table, point.row);
  const range = (low, high, text) => (isNumber(low) ? `${text(low)} – ${text(high)}` : "");
  const costRange = (point) => range(point.low, point.high, costs[kind].text);
  const meanRange = ({ summary }) => (isNumber(summary.low) ? formatRange(summary.low, summary.high, description) : "");
  const withRange = (text, limits) => (limits ? `${text} [${limits}]` : text);
  const option = () => ({
    grid: { left: 60, right: 30, top: 24, bottom: 56 },
    legend: null,
    tooltip: {
      trigger: "item",
      formatter: ({ data: { point } }) => (point ? [name(point), withRange(costs[kind].text(point.x), costRange(point)), withRange(formatMean(point.y, description), meanRange(point))].join("\n") : ""),
    },
    xAxis: { ...axis({ type: isWide ? "log" : "value", name: points[0]?.unit ? `${t(`cost ${kind}`)} (${points[0].unit})` : t(`cost ${kind}`), axisLabel: { formatter: (value) => costs[kind].tick(value) } }), splitLine: { show: false } },
    yAxis: scoreAxis(metric, description),
    series: [
      { type: "line", name: t("pareto front"), step: "end", symbol: "none", silent: true, color: cssColour("accent"), lineStyle: { width: 1.5, type: "dashed" }, data: front.map(({ x, y }) => [x, y]) },
      crossSeries(points),
      {
        type: "scatter", name: t("rows"), symbolSize: 11, z: 3,
        data: points.map((point) => ({
          value: [point.x, point.y], point,
          symbol: point.row.bound ? "diamond" : "circle",
          itemStyle: { color: front.includes(point) ? cssColour("accent") : cssColour("soft"), opacity: front.includes(point) ? 1 : 0.55 },
          label: { show: front.includes(point) || points.length <= 8, formatter: name(point), position: scale(point.x) > middle ? "left" : "right", fontSize: 11, color: cssColour("ink"), textBorderColor: cssColour("paper"), textBorderWidth: 3 },
        })),
        labelLayout: { hideOverlap: true, dy: -9 },
      },
    ],
  });
  return chartFigure({
    title: t("quality and cost", { metric: metricTitle(metric), cost: t(`cost ${kind}`).replace(/^\p{Lu}/u, (letter) => letter.toLowerCase()) }),
    caption: [t(`pareto caption ${["money", "speed", "memory"].includes(kind) ? kind : "requests"}`), t("pareto marks")].join(" "),
    height: wide ? 420 : 340, wide, option,
    data: {
      columns: [{ title: t("configuration") }, { title: t(`cost ${kind}`), number: true }, { title: t("interval"), number: true }, { title: metricTitle(metric), number: true }, { title: t("interval"), number: true }, { title: t("pareto front") }],
      lines: points.map((point) => [name(point), costs[kind].text(point.x), costRange(point) || "–", formatMean(point.y, description), meanRange(point) || "–", front.includes(point) ? t("yes") : ""]),
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

// What rows have cost and what the cache saved, and what the experiment spent.
function moneySection(table, task) {
  const rows = table.rows.filter((row) => table.runs(row, task).some((run) => isNumber(run.cost)));
  const { spending } = app.overview;
  if (rows.length === 0 && spending.length === 0) {
    return [];
  }
  const number = true;
  const total = (row, name) => {
    const amounts = table.runs(row, task).map((run) => run[name]).filter(isNumber);
    return amounts.length > 0 ? moneyText(sum(amounts)) : "–";
  };
  const currencies = (row) => [...new Set(table.runs(row, task).map(({ currency }) => currency).filter(Boolean))].join(", ");
  return [
    element("h2", {}, t("money")),
    element("p", { class: "table-note" }, t("money note")),
    rows.length > 0 ? plainTable(
      [{ title: t("configuration") }, { title: t("spent"), number }, { title: t("saved by cache"), number }, { title: t("cost money"), number }, { title: t("currency") }, { title: t("unpriced"), number }],
      rows.map((row) => [shortTitle(table, row), total(row, "cost"), total(row, "saved"), moneyText(costOf(table, row, task, "money")?.x), currencies(row), String(sum(table.runs(row, task).map((run) => run.n_cost_unknown)))]), t("money")) : null,
    spending.length > 0 ? element("h3", {}, t("spending")) : null,
    spending.length > 0 ? plainTable(
      [{ title: t("model") }, { title: t("purpose") }, { title: t("requests"), number }, { title: t("tokens in"), number }, { title: t("tokens out"), number }, { title: t("spent"), number }, { title: t("currency") }],
      spending.map((line) => [clip(line.model), t(`purpose ${line.purpose}`), count(line.requests), count(line.prompt_tokens), count(line.completion_tokens), line.currency === "" ? "–" : moneyText(line.cost), line.currency]), t("spending")) : null,
  ].filter(Boolean);
}

function renderCost(table) {
  const { metric, task, controls } = figureChoice(table, true, ({ needs_answer: needsAnswer }) => needsAnswer);
  const kinds = Object.keys(costs).filter((kind) => table.rows.some((row) => costOf(table, row, task, kind) !== undefined));
  if (kinds.length === 0 || metric === undefined) {
    return [element("p", { class: "notice" }, t("no costs"))];
  }
  const kind = kinds.includes(app.get("cost", "")) ? app.get("cost", "") : kinds[0];
  controls.append(picker(t("cost"), kinds.map((name) => [name, t(`cost ${name}`)]), kind, (value) => app.set({ cost: value })));
  return [element("p", { class: "lead-text" }, t("cost lead")), controls, element("div", { class: "figures" }, paretoFigure(table, metric, task, kind)), ...moneySection(table, task), ...latencyTable(table, task)];
}
