// The tasks: a radar over them, and for one task how the scores are spread.

// The rows that a figure compares: what the reader chose, else the best systems and the bounds.
function comparedRows(table, metric, task, limit = 4) {
  const wanted = app.get("rows", "").split("~").filter(Boolean).map(Number);
  const chosen = table.rows.filter((row) => wanted.includes(row.index));
  return chosen.length > 0 ? chosen : [...table.ranked(table.systems, metric, task).slice(0, limit), ...table.bounds.slice(0, 2)];
}

// A menu of the rows that a section can show.
function rowsMenu(table, rows, shown) {
  return menu(t("rows"), rows.map((row) => [row.index, shortTitle(table, row), shown.includes(row)]), (index, on) => {
    const next = rows.filter((row) => (row.index === index ? on : shown.includes(row)));
    app.set({ rows: next.map((row) => row.index).join("~") });
  });
}

// In two lines where the window leaves no room for one.
const narrowTitle = (title) => (window.innerWidth < 500 ? title.replace(/ (?=\S+$)/, "\n") : title);

function radarFigure(table, metric, rows) {
  const description = table.metrics.get(metric);
  const mean = (row, task) => table.summary(row, metric, task)?.mean;
  const best = (task) => Math.max(...rows.map((row) => mean(row, task) ?? 0));
  const option = () => ({
    legend: { data: rows.map((row) => shortTitle(table, row)) },
    radar: {
      center: ["50%", "45%"], radius: "62%",
      indicator: table.tasks.map((task) => ({ name: [taskLetter(task), narrowTitle(taskTitle(task))].filter(Boolean).join("\n"), max: best(task) || 1, min: 0 })),
      axisName: { color: cssColour("soft"), fontSize: 11, lineHeight: 14 },
      splitLine: { lineStyle: { color: cssColour("rule") } },
      splitArea: { show: false }, axisLine: { lineStyle: { color: cssColour("rule") } },
    },
    series: [{
      type: "radar",
      data: rows.map((row, position) => ({
        name: shortTitle(table, row), value: table.tasks.map((task) => mean(row, task) ?? 0),
        symbol: symbolOf(position), symbolSize: 6, itemStyle: { color: colourOf(position) },
        lineStyle: { width: 2, type: row.bound ? "dashed" : "solid", color: colourOf(position) },
        areaStyle: { color: colourOf(position), opacity: 0.04 },
      })),
    }],
  });
  return chartFigure({
    title: t("over tasks", { metric: metricTitle(metric) }),
    caption: t("radar caption"),
    height: 400, option,
    data: {
      columns: [{ title: t("configuration") }, ...table.tasks.map((task) => ({ title: taskTitle(task), number: true }))],
      lines: rows.map((row) => [shortTitle(table, row), ...table.tasks.map((task) => formatMean(mean(row, task), description))]),
    },
  });
}

function distributionFigure(table, metric, task, rows) {
  const bins = 20;
  const shown = rows.map((row) => [row, own(table.profile(row, task)?.distributions, metric)]).filter(([, counts]) => counts);
  if (shown.length === 0) {
    return null;
  }
  // The share of samples that score at least as much as each edge.
  const reaching = (counts) => Array.from({ length: bins + 1 }, (_, i) => sum(counts.slice(i)) / (sum(counts) || 1));
  const ranges = Array.from({ length: bins }, (_, i) => `${i * 5}–${(i + 1) * 5}`);
  const option = () => ({
    legend: { data: shown.map(([row]) => shortTitle(table, row)) },
    grid: { left: 56, right: 18, top: 16, bottom: 48 },
    tooltip: axisTooltip(percent),
    xAxis: axis({ type: "category", name: `${metricTitle(metric)} (%)`, boundaryGap: false, data: Array.from({ length: bins + 1 }, (_, i) => String(i * 5)), axisLabel: { interval: 3 } }),
    yAxis: axis({ type: "value", name: t("samples reaching"), nameGap: 40, min: 0, axisLabel: { formatter: percentLabel } }),
    series: shown.map(([row, counts], position) => lineSeries(position, shortTitle(table, row), reaching(counts), { symbol: "none" })),
  });
  return chartFigure({
    title: t("distribution of", { metric: metricTitle(metric) }), caption: t("distribution caption"), option,
    data: {
      columns: [{ title: `${metricTitle(metric)} (%)` }, ...shown.map(([row]) => ({ title: shortTitle(table, row), number: true }))],
      lines: ranges.map((range, i) => [range, ...shown.map(([, counts]) => String(counts[i]))]),
    },
  });
}

function lengthFigure(table, metric, task, rows) {
  const shown = rows.map((row) => [row, own(table.profile(row, task)?.score_by_length, metric) ?? []]).filter(([, groups]) => groups.length > 1);
  if (shown.length === 0) {
    return null;
  }
  const description = table.metrics.get(metric);
  const option = () => ({
    legend: { data: shown.map(([row]) => shortTitle(table, row)) },
    grid: { left: 56, right: 18, top: 16, bottom: 48 },
    tooltip: { trigger: "item", formatter: ({ seriesName, value }) => `${seriesName}\n${count(value[0])}: ${formatMean(value[1], description)} (n ${value[2]})` },
    xAxis: axis({ type: "value", name: t("length of prediction") }),
    yAxis: scoreAxis(metric, description),
    series: shown.map(([row, groups], position) => lineSeries(position, shortTitle(table, row), groups.map((group) => [group.mean_length_chars, group.mean_score, group.n]))),
  });
  return chartFigure({
    title: t("length and score", { metric: metricTitle(metric) }), caption: t("length caption"), option,
    data: {
      columns: [{ title: t("configuration") }, { title: t("length of prediction"), number: true }, { title: metricTitle(metric), number: true }, { title: "n", number: true }],
      lines: shown.flatMap(([row, groups]) => groups.map((group) => [shortTitle(table, row), count(group.mean_length_chars), formatMean(group.mean_score, description), String(group.n)])),
    },
  });
}

// By the number of gold documents; nothing where all items of the task have the same number.
function goldCountFigure(table, metric, task, rows) {
  const groupsOf = (row) => {
    const retrieval = own(own(row.runs, task)?.metrics, metric)?.by_gold_count ?? {};
    return Object.keys(retrieval).length > 0 ? retrieval : own(table.profile(row, task)?.by_gold_count, metric) ?? {};
  };
  const counts = [...new Set(rows.flatMap((row) => Object.keys(groupsOf(row))))].sort((a, b) => a - b);
  if (counts.length < 2) {
    return null;
  }
  const description = table.metrics.get(metric);
  const option = () => ({
    legend: { data: rows.map((row) => shortTitle(table, row)) },
    grid: { left: 56, right: 18, top: 16, bottom: 48 },
    tooltip: axisTooltip((value) => formatMean(value, description)),
    xAxis: axis({ type: "category", name: t("golds"), data: counts }),
    yAxis: { ...scoreAxis(metric, description), min: 0 },
    series: rows.map((row, position) => ({
      type: "bar", name: shortTitle(table, row), color: colourOf(position), barMaxWidth: 26,
      data: counts.map((number) => own(groupsOf(row), number)?.mean ?? null),
    })),
  });
  return chartFigure({
    title: t("by gold count of", { metric: metricTitle(metric) }), caption: t("gold count caption"), option,
    data: {
      columns: [{ title: t("configuration") }, ...counts.map((number) => ({ title: number, number: true }))],
      lines: rows.map((row) => [shortTitle(table, row), ...counts.map((number) => {
        const group = own(groupsOf(row), number);
        return group ? `${formatMean(group.mean, description)} (n ${group.n})` : "–";
      })]),
    },
  });
}

// By the question type that the data gives its items; nothing where it gives none.
function questionTypeFigure(table, metric, task, rows) {
  const groupsOf = (row) => own(own(row.runs, task)?.metrics, metric)?.by_question_type ?? {};
  const shown = rows.filter((row) => Object.keys(groupsOf(row)).length > 0);
  const types = [...new Set(shown.flatMap((row) => Object.keys(groupsOf(row))))].sort(collator.compare);
  if (types.length === 0) {
    return null;
  }
  const description = table.metrics.get(metric);
  const titleOf = (type) => (type === "" ? t("no question type") : clip(type, 40));
  const option = () => ({
    legend: { data: shown.map((row) => shortTitle(table, row)) },
    grid: { left: 56, right: 18, top: 16, bottom: 48 },
    tooltip: { trigger: "item", formatter: ({ seriesName, value }) => `${seriesName}\n${titleOf(types[value[0]])}: ${formatMean(value[1], description)}` },
    xAxis: axis({ type: "category", name: t("question type"), data: types.map(titleOf) }),
    yAxis: scoreAxis(metric, description),
    series: shown.map((row, position) => whiskerSeries(position, shown.length, shortTitle(table, row), types.map((type, place) => {
      const group = own(groupsOf(row), type);
      return group && [place, group.mean, group.low ?? group.mean, group.high ?? group.mean];
    }).filter(Boolean))),
  });
  return chartFigure({
    title: t("by question type of", { metric: metricTitle(metric) }), caption: t("question type caption"), option,
    data: {
      columns: [{ title: t("question type") }, { title: "n", number: true }, ...shown.map((row) => ({ title: shortTitle(table, row), number: true }))],
      lines: types.map((type) => [titleOf(type), String(Math.max(...shown.map((row) => own(groupsOf(row), type)?.n ?? 0))), ...shown.map((row) => {
        const group = own(groupsOf(row), type);
        return group ? `${formatMean(group.mean, description)}${isNumber(group.low) ? ` [${formatRange(group.low, group.high, description)}]` : ""}` : "–";
      })]),
    },
  });
}

function renderTasks(table) {
  const { metric, task, controls } = figureChoice(table, false);
  const rows = comparedRows(table, metric, task);
  controls.append(rowsMenu(table, table.rows, rows));
  return [
    element("p", { class: "lead-text" }, t("tasks lead")),
    controls,
    element("div", { class: "figures" }, [
      table.tasks.length > 2 ? radarFigure(table, metric, rows) : null,
      distributionFigure(table, metric, task, rows),
      lengthFigure(table, metric, task, rows),
      goldCountFigure(table, metric, task, rows),
      questionTypeFigure(table, metric, task, rows),
    ].filter(Boolean)),
  ];
}
