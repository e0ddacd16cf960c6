// What a row of the leaderboard unfolds into: its runs, retrieval by number of golds, variances,
// configuration.

function detailTable(title, titles, lines) {
  return [
    element("h3", {}, title),
    element(
      "table",
      {},
      element("thead", {}, element("tr", {}, titles.map((text) => element("th", { scope: "col" }, breakable(text))))),
      element("tbody", {}, lines.map(([head, ...cells]) =>
        element("tr", {}, element("th", { scope: "row" }, breakable(head)), cells.map((content) => element("td", {}, content))))),
    ),
  ];
}

function runLine(table, row, task) {
  const run = own(row.runs, task);
  if (!run) {
    return [taskTitle(task), t("not run"), "", "", "", "", ""];
  }
  const failures = Object.entries(run.failures).map(([name, number]) => `${name}: ${number}`).join(", ");
  const excluded = isNumber(run.excluded) ? `${run.excluded}${isNumber(run.records) ? ` / ${run.records}` : ""}` : "–";
  const metricProblems = Object.entries(run.metrics)
    .filter(([, metric]) => metric.n_failed > run.failed || metric.n_missing > 0)
    .map(([name, metric]) => t("metric problems", { name, failed: metric.n_failed, missing: metric.n_missing }))
    .join("; ");
  return [
    taskTitle(task),
    element("code", { title: run.fingerprint }, `${run.run_id}\u00a0(${short(run.fingerprint)})`),
    [t("ok count", { count: run.ok }), run.failed && t("failed count", { count: run.failed }), run.pending && t("pending count", { count: run.pending })].filter(Boolean).join(", "),
    failures || t("none"), metricProblems || t("none"), excluded,
    element("span", { class: "time" }, run.created_at.replace("T", " ")),
  ];
}

// The cutoff of the main metrics, for tables that have room for one.
function mainCutoff(table) {
  const main = table.data.main_metrics.map((name) => /@(\d+)/.exec(name)).find(Boolean);
  return main ? Number(main[1]) : undefined;
}

function goldCountTable(table, row) {
  const runs = table.tasks.map((task) => [task, own(row.runs, task)]).filter(([, run]) => run);
  const names = table.data.metrics.map(({ name }) => name).filter((name) => {
    const cutoff = /@(\d+)/.exec(name);
    return !name.startsWith("chunk_") && (!cutoff || mainCutoff(table) === Number(cutoff[1]))
      && runs.some(([, run]) => Object.keys(own(run.metrics, name)?.by_gold_count ?? {}).length > 0);
  });
  const lines = [];
  const golds = new Set();
  for (const [task, run] of runs) {
    const groups = names.map((name) => own(run.metrics, name)?.by_gold_count ?? {});
    for (const gold of [...new Set(groups.flatMap((group) => Object.keys(group)))].sort((a, b) => a - b)) {
      golds.add(gold);
      const means = groups.map((group, position) => estimateText(own(group, gold), table.metrics.get(names[position])));
      lines.push([taskTitle(task), gold, String(Math.max(...groups.map((group) => own(group, gold)?.n ?? 0))), ...means]);
    }
  }
  return golds.size > 1 ? detailTable(t("by gold count"), [t("task"), t("golds"), "n", ...names.map(metricTitle)], lines) : [];
}

function estimateText(estimate, metric) {
  const fragment = document.createDocumentFragment();
  fragment.append(estimate ? formatMean(estimate.mean, metric) : "–");
  if (isNumber(estimate?.low)) {
    fragment.append(element("span", { class: "range" }, formatRange(estimate.low, estimate.high, metric)));
  }
  return fragment;
}

// How the values vary between samples and between repeats, of the main metrics.
function varianceTable(table, row) {
  const lines = [];
  for (const task of table.tasks) {
    const run = own(row.runs, task);
    for (const name of run ? table.mainMetrics : []) {
      const variance = own(run.metrics, name)?.variance;
      if (variance) {
        const metric = table.metrics.get(name);
        const correlation = variance.intraclass_correlation;
        lines.push([
          taskTitle(task), metricTitle(name), String(run.repeats), formatMean(Math.sqrt(variance.between_samples), metric),
          formatMean(Math.sqrt(variance.between_repeats), metric), isNumber(correlation) ? correlation.toFixed(3) : "–",
        ]);
      }
    }
  }
  const titles = [t("task"), t("metric"), t("repeats"), t("between samples"), t("between repeats"), t("intraclass correlation")];
  return lines.length > 0 ? detailTable(t("variances"), titles, lines) : [];
}

function detailRow(table, row, width) {
  const titles = [t("task"), t("run"), t("samples title"), t("failed by class"), t("failed metrics"), t("excluded records"), t("started")];
  return element("tr", { class: "detail" }, element("td", { colspan: String(width) }, element(
    "div",
    { class: "detail-box" },
    element("p", { class: "row-links" }, app.samples.any ? element("a", { href: app.link("samples", { a: String(row.index) }) }, t("look at samples")) : null),
    detailTable(t("runs"), titles, table.tasks.map((task) => runLine(table, row, task))),
    goldCountTable(table, row),
    varianceTable(table, row),
    element("h3", {}, t("configuration")),
    element("pre", {}, JSON.stringify(row.cell, null, 2)),
  )));
}
