// The first page: what must be known before comparing, what was found, and the leaderboard.

function notice(text, strong) {
  return element("p", { class: "notice warn" }, strong ? element("strong", {}, `${strong} `) : null, text);
}

// Rows of one table that differ in something beside the axes.
function comparabilityNotices(table) {
  return table.extra.comparability.map(({ kind, subject, groups }) =>
    element(
      "details",
      { class: "notice warn not-comparable" },
      element("summary", {}, element("strong", {}, `${t("not comparable")} `), t(`differ ${kind}`, { subject: kind === "prompts" || kind === "samples" ? taskTitle(subject) : subject })),
      element("ul", {}, groups.map(({ value, rows }) =>
        element("li", {}, element("code", {}, value.length > 40 ? `${value.slice(0, 16)}…` : value), ": ",
          rows.map((row) => clip(table.rows[row].label || t("configuration"), 200)).join("; ")))),
    ));
}

// One note for the tasks that share a knowledge base.
function chanceNotices(table) {
  const byDocuments = new Map();
  for (const { task, documents, chance_levels: levels } of table.data.chance_warnings) {
    const texts = Object.entries(levels).map(([name, level]) => `${metricTitle(name)} ${percent(level)}`);
    byDocuments.set(documents, [...(byDocuments.get(documents) ?? []), `${texts.join(", ")} (${taskTitle(task)})`]);
  }
  return [...byDocuments].map(([documents, texts]) => notice(t("small knowledge base", { count: documents, levels: texts.join("; ") })));
}

function warnings(table) {
  const total = tally(table.allRuns());
  const notes = comparabilityNotices(table);
  if (app.tables.length > 1) {
    notes.unshift(notice(t("several tables", { count: app.tables.length }), t("not comparable")));
  }
  if (total.failed > 0) {
    notes.push(notice(t("samples failed", { count: total.failed, all: total.samples })));
  }
  if (total.pending > 0) {
    notes.push(notice(t("samples pending", { count: total.pending, all: total.samples })));
  }
  const versions = ["crudbench", "git", "jieba_fingerprint"].filter((path) => (own(table.data.provenance, path) ?? []).length > 1);
  if (versions.length > 0) {
    notes.push(notice(t("several programs", { paths: versions.join(", ") })));
  }
  return notes;
}

function finding(label, value, note) {
  return element("div", { class: "finding" },
    element("p", { class: "finding-label" }, label),
    element("p", { class: "finding-value" }, value),
    element("p", { class: "finding-note" }, note));
}

// The best system by the main metric, and how sure that is.
function bestFinding(table, metric, task) {
  const description = table.metrics.get(metric);
  const best = table.ranked(table.systems, metric, task)[0];
  const summary = best && table.summary(best, metric, task);
  if (!isNumber(summary?.mean)) {
    return null;
  }
  const range = isNumber(summary.low) ? ` [${formatRange(summary.low, summary.high, description)}]` : "";
  const equals = table.systems.filter((row) => table.summary(row, metric, task)?.rank === summary.rank).length - 1;
  const note = !table.tellsApart(metric, task)
    ? t("no difference proven")
    : equals > 0 ? t("not told apart", { count: equals }) : t("told apart from all");
  return finding(t("best by", { metric: metricTitle(metric) }), shortTitle(table, best), `${formatMean(summary.mean, description)}${range} · ${note}`);
}

function headroomFinding(table, metric, task) {
  const shares = table.systems
    .map((row) => [row, own(own(row.headroom, metric), task)])
    .filter(([, share]) => isNumber(share))
    .sort((left, right) => right[1] - left[1]);
  return shares.length === 0
    ? null
    : finding(t("headroom captured"), wholePercent(shares[0][1]), t("headroom note", { row: shortTitle(table, shares[0][0]), metric: metricTitle(metric) }));
}

function retrievalFinding(table) {
  const metric = table.mainMetrics.find((name) => name.startsWith("recall@")) ?? table.mainMetrics.find((name) => name.startsWith("hit@"));
  const task = table.tasks.length > 1 ? "" : table.tasks[0];
  const best = metric && table.ranked(table.systems, metric, task)[0];
  const mean = best && table.summary(best, metric, task)?.mean;
  return isNumber(mean)
    ? finding(t("best by", { metric: metricTitle(metric) }), shortTitle(table, best), `${formatMean(mean, table.metrics.get(metric))} %`)
    : null;
}

function coverageFinding(table) {
  const total = tally(table.allRuns());
  return finding(t("coverage"), percent(total.samples > 0 ? total.ok / total.samples : 0), t("ok samples", { ok: total.ok, count: total.samples }));
}

function tableIdentity(table) {
  const { data } = table;
  return element("p", { class: "identity" },
    `${t("knowledge base")} `, element("strong", {}, data.knowledge_base_mode || t("not recorded")),
    ` · ${t("configurations count", { count: table.rows.length })} · ${t("tasks count", { count: table.tasks.length })} · ${t("corpus")} `,
    element("code", { title: data.corpus_fingerprint }, short(data.corpus_fingerprint)),
    ` · ${t("samples title")} `, element("code", { title: data.samples_fingerprint }, short(data.samples_fingerprint)),
    data.selection ? `, ${data.selection}` : "",
    data.axes.filter((axis) => table.isConstant(axis)).map((axis) => [` · ${table.axisTitle(axis)} `, element("strong", {}, clip(plain(table.distinctValues(axis)[0])))]).flat());
}

function readingGuide() {
  const terms = ["two means", "coverage", "intervals", "rank", "headroom", "chance level", "separate tables"];
  return element("details", { class: "reading" },
    element("summary", {}, t("how to read")),
    element("dl", {}, terms.flatMap((term) => [element("dt", {}, t(`read ${term}`)), element("dd", {}, t(`read ${term} text`))])));
}

function renderResults(table) {
  const task = table.tasks.length > 1 ? "" : table.tasks[0];
  const findings = table.mainMetric
    ? [bestFinding(table, table.mainMetric, task), headroomFinding(table, table.mainMetric, task), retrievalFinding(table), coverageFinding(table)]
    : [coverageFinding(table)];
  return [
    tableIdentity(table),
    ...warnings(table),
    element("div", { class: "findings" }, findings.filter(Boolean)),
    ...renderBoard(table),
    readingGuide(),
  ];
}
