// Retrieval by itself: recall against the cutoff, where the gold documents rank, and whether the
// measures still tell anything.

const cutoffsOf = (table, family) => table.data.metrics
  .map(({ name }) => /^([^@[]+)@(\d+)$/.exec(name))
  .filter((match) => match && match[1] === family)
  .map((match) => Number(match[2]))
  .sort((a, b) => a - b);

const hasRetrieval = (table) => table.data.metrics.some(({ name }) => /@\d+$/.test(name) || name === "mrr");

// Rows that retrieve alike have the same curves: the first of each kind speaks for them.
function distinctRetrievals(table, metric, task) {
  const seen = new Map();
  for (const row of table.systems) {
    const mean = task === "" ? table.meanOverRuns(row, metric) : table.summary(row, metric, task)?.mean;
    const { generator, context, prompts, ...retrieval } = row.cell ?? {};
    const key = JSON.stringify(retrieval);
    if (isNumber(mean) && !seen.has(key)) {
      seen.set(key, row);
    }
  }
  return [...seen.values()];
}

// The retrievals that the figures show: what the reader chose, else the best by `metric`.
function shownRetrievals(table, metric, task) {
  const distinct = distinctRetrievals(table, metric, task);
  const wanted = app.get("rows", "").split("~").filter(Boolean).map(Number);
  const chosen = distinct.filter((row) => wanted.includes(row.index));
  const value = (row) => (task === "" ? table.meanOverRuns(row, metric) : table.summary(row, metric, task)?.mean);
  return { distinct, shown: chosen.length > 0 ? chosen : [...distinct].sort((a, b) => value(b) - value(a)).slice(0, 6) };
}

function curveFigure(table, family, task, rows) {
  const cutoffs = cutoffsOf(table, family);
  const name = (cutoff) => `${family}@${cutoff}`;
  const mean = (row, cutoff) => (task === "" ? table.meanOverRuns(row, name(cutoff)) : own(own(row.runs, task)?.metrics, name(cutoff))?.mean);
  const description = table.metrics.get(name(cutoffs[0]));
  const option = () => ({
    legend: { data: rows.map((row) => shortTitle(table, row)) },
    grid: { left: 56, right: 20, top: 16, bottom: 48 },
    tooltip: axisTooltip((value) => formatMean(value, description)),
    xAxis: axis({ type: "category", name: t("cutoff k"), data: cutoffs.map(String), boundaryGap: false }),
    yAxis: axis({ type: "value", name: `${metricTitle(`${family}@`).replace("@", "@k")} (%)`, nameGap: 40, axisLabel: { formatter: percentLabel } }),
    series: rows.map((row, position) => lineSeries(position, shortTitle(table, row), cutoffs.map((cutoff) => mean(row, cutoff) ?? null))),
  });
  return chartFigure({
    title: t("curve of", { metric: metricTitle(family) }), caption: t("curve caption"), option, height: 340,
    data: {
      columns: [{ title: t("configuration") }, ...cutoffs.map((cutoff) => ({ title: `@${cutoff}`, number: true }))],
      lines: rows.map((row) => [shortTitle(table, row), ...cutoffs.map((cutoff) => formatMean(mean(row, cutoff), description))]),
    },
  });
}

// How many items have their first gold document at each rank, over the tasks chosen.
function goldRanks(table, row, task) {
  const ranks = [];
  let absent = 0;
  for (const name of task === "" ? table.tasks : [task]) {
    const profile = table.profile(row, name);
    absent += profile?.without_gold_hit ?? 0;
    profile?.first_gold_ranks.forEach((number, i) => {
      ranks[i] = (ranks[i] ?? 0) + number;
    });
  }
  return { ranks, absent, total: sum(ranks) + absent };
}

function rankFigure(table, task, rows) {
  const histograms = rows.map((row) => goldRanks(table, row, task));
  const longest = Math.max(0, ...histograms.map(({ ranks }) => ranks.length));
  if (longest === 0) {
    return null;
  }
  const shown = Math.min(longest, 10);
  const groups = [...Array.from({ length: shown }, (_, i) => String(i + 1)), ...(longest > shown ? [`> ${shown}`] : []), t("not found")];
  const counts = ({ ranks, absent }) => [
    ...Array.from({ length: shown }, (_, i) => ranks[i] ?? 0),
    ...(longest > shown ? [sum(ranks.slice(shown))] : []),
    absent,
  ];
  const option = () => ({
    legend: { data: rows.map((row) => shortTitle(table, row)) },
    grid: { left: 56, right: 20, top: 16, bottom: 48 },
    tooltip: axisTooltip(percent),
    xAxis: axis({ type: "category", name: t("rank of first gold"), data: groups }),
    yAxis: axis({ type: "value", name: t("share of samples"), nameGap: 40, min: 0, axisLabel: { formatter: percentLabel } }),
    series: rows.map((row, position) => ({
      type: "bar", name: shortTitle(table, row), color: colourOf(position), barMaxWidth: 18,
      data: counts(histograms[position]).map((number) => number / (histograms[position].total || 1)),
    })),
  });
  return chartFigure({
    title: t("gold ranks"), caption: t("gold ranks caption"), option, height: 340,
    data: {
      columns: [{ title: t("configuration") }, ...groups.map((group) => ({ title: group, number: true }))],
      lines: rows.map((row, position) => [shortTitle(table, row), ...counts(histograms[position]).map(String)]),
    },
  });
}

// Measures that all systems nearly max out say nothing about which is better.
function saturationNotices(table) {
  const saturated = [];
  for (const metric of table.mainMetrics.filter((name) => name.includes("@") || name === "mrr")) {
    for (const task of table.tasks) {
      const means = table.systems.map((row) => table.summary(row, metric, task)?.mean).filter(isNumber);
      if (means.length > 1 && Math.min(...means) >= 0.98) {
        saturated.push(`${metricTitle(metric)} (${taskTitle(task)})`);
      }
    }
  }
  return saturated.length > 0 ? [notice(t("saturated", { metrics: saturated.join(", ") }))] : [];
}

function renderRetrieval(table) {
  const families = ["recall", "hit", "all_gold", "precision", "ndcg", "chunk_recall", "chunk_hit"]
    .filter((family) => cutoffsOf(table, family).length > 1);
  const family = families.includes(app.get("family", "")) ? app.get("family", "") : families[0];
  const tasks = table.taskChoices(true);
  const task = tasks.some(([name]) => name === app.get("task", "")) ? app.get("task", "") : tasks[0][0];
  const cutoffs = family ? cutoffsOf(table, family) : [];
  const { distinct, shown } = shownRetrievals(table, family ? `${family}@${cutoffs[cutoffs.length - 1]}` : "mrr", task);
  return [
    element("p", { class: "lead-text" }, t("retrieval lead")),
    ...chanceNotices(table),
    ...saturationNotices(table),
    element("div", { class: "controls" },
      families.length > 1 ? picker(t("measure"), families.map((name) => [name, metricTitle(name)]), family, (value) => app.set({ family: value })) : null,
      tasks.length > 1 ? picker(t("task"), tasks, task, (value) => app.set({ task: value })) : null,
      rowsMenu(table, distinct, shown)),
    element("div", { class: "figures" }, [family ? curveFigure(table, family, task, shown) : null, rankFigure(table, task, shown)].filter(Boolean)),
  ];
}
