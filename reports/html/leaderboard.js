// The leaderboard: findings, controls, and the table of rows.

// What the reader chose, from the address; lists are joined with "~".
function boardState(table) {
  const view = app.get("view", table.tasks.length > 1 ? "tasks" : "metrics");
  const metric = table.metrics.has(app.get("metric", "")) ? app.get("metric", "") : table.mainMetric;
  const task = table.tasks.includes(app.get("task", "")) ? app.get("task", "") : table.tasks.length === 1 ? table.tasks[0] : "";
  const hidden = new Set(app.get("hide", "").split("~").filter(Boolean));
  const filters = new Map(
    table.data.axes.map((axis) => [axis, new Set(app.get(`not ${axis}`, "").split("~").filter(Boolean))]),
  );
  return {
    view, metric, task, hidden, filters,
    mean: app.get("mean", "mean"),
    allMetrics: app.get("all", "0") === "1",
    ranges: app.get("ranges", window.matchMedia("(min-width: 641px)").matches ? "1" : "0") === "1",
    sort: app.get("sort", ""),
    descending: app.get("descending", "1") === "1",
  };
}

// A column: key, title, unit, kind ("text" or "number"), value(row) to sort by, and text(row) or
// fill(cell, row).
function axisColumns(table) {
  return table.data.axes.filter((axis, position) => position === 0 || !table.isConstant(axis)).map((axis) => ({
    key: `axis ${axis}`,
    title: table.axisTitle(axis),
    hint: axis,
    kind: "text",
    value: (row) => own(row.axes, axis),
  }));
}

function meanColumn(table, state, { key, title, unit, metric, task, group }) {
  const description = table.metrics.get(metric);
  const read = (row) => table.summary(row, metric, task);
  return {
    key, title, unit, group, kind: "number", metric: description, task,
    hint: metric,
    higherIsBetter: description.higher_is_better,
    summary: read,
    value: (row) => read(row)?.[state.mean] ?? undefined,
    isBest: (row) => table.isBest(row, metric, task),
    fill: (cell, row) => fillMean(cell, read(row), description, state, table.tellsApart(metric, task)),
  };
}

const metricUnit = (metric) =>
  [metric.is_share ? "%" : "", metric.higher_is_better ? "" : t("lower is better")].filter(Boolean).join(", ");

function scoreColumns(table, state) {
  if (state.view === "metrics") {
    const names = state.allMetrics && state.task !== "" ? table.data.metrics.map(({ name }) => name) : table.mainMetrics;
    return names.map((metric) => meanColumn(table, state, {
      key: `metric ${metric}`, title: metricTitle(metric), unit: metricUnit(table.metrics.get(metric)), metric, task: state.task,
    }));
  }
  if (state.view === "all") {
    return table.tasks.flatMap((task) => table.mainMetrics.map((metric) => meanColumn(table, state, {
      key: `both ${task} ${metric}`, title: metricTitle(metric), unit: metricUnit(table.metrics.get(metric)), metric, task, group: taskTitle(task),
    })));
  }
  const columns = table.tasks.map((task) => meanColumn(table, state, {
    key: `task ${task}`, title: taskTitle(task), unit: taskLetter(task), metric: state.metric, task,
  }));
  if (table.tasks.length > 1 && table.mainMetrics.includes(state.metric)) {
    const column = meanColumn(table, state, {
      key: "average", title: t("average"), unit: t("tasks count", { count: table.tasks.length }), metric: state.metric, task: "",
    });
    columns.push(column, intervalColumn(table, column));
  }
  return columns;
}

// Dot and whiskers of the average on one scale for all rows.
function intervalColumn(table, column) {
  const summaries = table.rows.map(column.summary).filter((summary) => isNumber(summary?.low));
  const low = Math.min(...summaries.map((summary) => summary.low));
  const high = Math.max(...summaries.map((summary) => summary.high));
  const width = 124;
  const place = (value) => 6 + ((value - low) / (high - low || 1)) * (width - 12);
  return {
    key: "interval", title: t("interval"), kind: "plot", absent: summaries.length === 0,
    unit: summaries.length > 0 ? `${formatMean(low, column.metric)} – ${formatMean(high, column.metric)}` : "",
    value: column.value,
    fill: (cell, row) => {
      const summary = column.summary(row);
      if (!isNumber(summary?.low)) {
        return;
      }
      const best = column.isBest(row);
      cell.append(drawing(
        "svg",
        { class: `whisker ${best ? "best" : ""} ${row.bound ? "bound" : ""}`, width, height: 14, viewBox: `0 0 ${width} 14`, "aria-hidden": "true" },
        drawing("line", { class: "track", x1: 0, x2: width, y1: 7, y2: 7 }),
        drawing("line", { class: "reach", x1: place(summary.low), x2: place(summary.high), y1: 7, y2: 7 }),
        drawing("circle", { cx: place(summary.mean), cy: 7, r: 3.6 }),
      ));
    },
  };
}

function fillMean(cell, summary, metric, state, telling) {
  const value = summary?.[state.mean];
  if (!isNumber(value)) {
    cell.append(element("span", { class: "absent" }, "–"));
    return;
  }
  cell.append(element("span", { class: "value" }, formatMean(value, metric)));
  if (telling && isNumber(summary.rank)) {
    cell.append(element("sup", { class: "rank" }, String(summary.rank)));
  }
  cell.title = [
    String(value),
    isNumber(summary.n_valid)
      ? t("counts", { valid: summary.n_valid, failed: summary.n_failed, undefined: summary.n_undefined, missing: summary.n_missing })
      : "",
    isNumber(summary.rank) ? t("rank of", { rank: String(summary.rank) }) : "",
    isNumber(summary.chance_level) ? t("chance of", { level: formatMean(summary.chance_level, metric) }) : "",
  ].filter(Boolean).join("\n");
  if (state.ranges && state.mean === "mean" && isNumber(summary.low)) {
    cell.append(element("span", { class: "range" }, formatRange(summary.low, summary.high, metric)));
  }
}

// What share of what retrieval can add a row's retrieval adds.
function headroomColumns(table, state) {
  if (state.view === "all") {
    return [];
  }
  const metric = state.view === "tasks" ? state.metric : table.mainMetric;
  const task = state.view === "metrics" || table.tasks.length === 1 ? state.task : "";
  const value = (row) => own(own(row.headroom, metric), task);
  return [{
    key: "headroom", title: t("headroom"), unit: t("share captured"), kind: "number", higherIsBetter: true, hint: metric, value,
    text: (row) => wholePercent(value(row)),
    absent: !table.rows.some((row) => isNumber(value(row))),
  }];
}

function coverageColumn(table, task) {
  return {
    key: "coverage", title: t("coverage"), unit: t("ok of all"), kind: "number", higherIsBetter: true,
    value: (row) => {
      const total = tally(table.runs(row, task));
      return total.samples > 0 ? total.ok / total.samples : undefined;
    },
    fill: (cell, row) => {
      const runs = table.runs(row, task);
      const total = tally(runs);
      if (total.samples === 0) {
        cell.append(element("span", { class: "absent" }, "–"));
        return;
      }
      const reasons = [...total.failures].map(([name, number]) => `${name}: ${number}`);
      cell.title = [t("ok samples", { ok: total.ok, count: total.samples }), ...reasons].join("\n");
      cell.append(element("span", { class: total.ok === total.samples ? "value" : "value incomplete" }, percent(total.ok / total.samples)));
      const note = (text, plainNote) => cell.append(element("span", { class: plainNote ? "note plain" : "note" }, text));
      if (total.failed > 0) {
        note(t("failed count", { count: total.failed }));
      }
      if (total.pending > 0) {
        note(t("pending count", { count: total.pending }));
      }
      const repeats = Math.max(...runs.map((run) => run.repeats));
      if (repeats > 1) {
        note(t("repeats count", { count: repeats }), true);
      }
      if (task === "" && runs.length < table.tasks.length) {
        note(t("tasks of", { count: runs.length, all: table.tasks.length }));
      }
    },
  };
}

// What a row costs: time, tokens, lengths, format faults; columns that no row has are left out.
function costColumns(table, state) {
  const columns = [];
  const add = (key, title, unit, read, text) => {
    const value = (row) => {
      const runs = table.runs(row, state.view === "metrics" ? state.task : "");
      return runs.length > 0 ? read(runs, row, sum(runs.map((run) => run.ok + run.failed))) : undefined;
    };
    columns.push({
      key, title, unit, kind: "number", value, text: (row) => text(value(row)),
      absent: !table.rows.some((row) => isNumber(value(row))),
    });
  };
  const total = (runs, name) => {
    const values = runs.map((run) => run[name]).filter(isNumber);
    return values.length > 0 ? sum(values) : undefined;
  };
  const perSample = (name) => (runs, row, finished) => {
    const value = total(runs, name);
    return isNumber(value) && finished > 0 && value > 0 ? value / finished : undefined;
  };
  const task = state.view === "metrics" ? state.task : "";
  add("length", t("length ratio"), t("of the reference"), (runs, row) => table.meanOverRuns(row, "length_ratio", task), (ratio) => ratio?.toFixed(2) ?? "–");
  add("format", t("no tag"), t("replies"), (runs) => total(runs, "format_failures") || undefined, (value) => (isNumber(value) ? count(value) : "–"));
  add("retrieval", t("retrieval"), t("per sample"), perSample("retrieval_seconds"), formatSeconds);
  add("generation", t("generation"), t("per sample"), perSample("generation_seconds"), formatSeconds);
  add("prompt tokens", t("tokens in"), t("per sample"), perSample("prompt_tokens"), (value) => (isNumber(value) ? count(value) : "–"));
  add("completion tokens", t("tokens out"), t("per sample"), perSample("completion_tokens"), (value) => (isNumber(value) ? count(value) : "–"));
  const sumOf = (name) => (runs) => total(runs.filter((run) => run[name] > 0), name);
  const currency = [...new Set(table.allRuns().map((run) => run.currency).filter(Boolean))].join(", ");
  add("cost", t("spent"), currency, sumOf("cost"), moneyText);
  add("saved", t("saved by cache"), currency, sumOf("saved"), moneyText);
  add("speed", t("tokens per second"), t("per request"), (runs) => {
    const tokens = total(runs, "completion_tokens");
    const seconds = total(runs, "generation_seconds");
    const cached = sum(runs.map((run) => run.cached));
    return tokens > 0 && seconds > 0 && cached === 0 ? tokens / seconds : undefined;
  }, (value) => (isNumber(value) ? value.toFixed(1) : "–"));
  return columns;
}

function boardColumns(table, state) {
  const task = state.view === "metrics" ? state.task : "";
  return [...axisColumns(table), ...scoreColumns(table, state), ...headroomColumns(table, state), coverageColumn(table, task), ...costColumns(table, state)]
    .filter((column) => !column.absent);
}

function sortedRows(rows, column, descending) {
  if (!column) {
    return rows;
  }
  const direction = descending ? -1 : 1;
  return rows
    .map((row, position) => ({ row, position, value: column.value(row) }))
    .sort((left, right) => {
      const missing = (left.value === undefined) - (right.value === undefined);
      if (missing !== 0) {
        return missing;
      }
      let order = 0;
      if (isNumber(left.value) && isNumber(right.value)) {
        order = left.value - right.value;
      } else if (left.value !== undefined) {
        order = collator.compare(plain(left.value), plain(right.value));
      }
      return direction * order || left.position - right.position;
    })
    .map(({ row }) => row);
}

// The column that rows are sorted by before the reader chose one: the score of the view.
function defaultSort(columns) {
  const scores = columns.filter((column) => column.summary);
  return scores.find((column) => column.key === "average") ?? scores.find((column) => column.key === "metric rouge_l") ?? scores[0];
}

function boardHeader(columns, sorted, descending) {
  const row = element("tr");
  columns.forEach((column, position) => {
    const isSorted = column === sorted;
    const bestFirst = column.higherIsBetter ?? false;
    row.append(element(
      "th",
      {
        scope: "col", title: column.hint,
        class: [column.kind, position === 0 ? "lead" : "", column.first ? "first-number" : ""].filter(Boolean).join(" "),
        "aria-sort": isSorted ? (descending ? "descending" : "ascending") : undefined,
      },
      element(
        "button",
        {
          type: "button", "data-key": column.key, "data-focus": `sort ${column.key}`,
          onclick: () => app.set({ sort: column.key, descending: (isSorted ? !descending : bestFirst) ? "1" : "0" }),
        },
        breakable(column.title.replaceAll("-", "\u2011")), // "ROUGE-L" stays in one line.
        element("span", { class: "mark", "aria-hidden": "true" }, isSorted ? (descending ? "\u2060↓" : "\u2060↑") : ""),
      ),
      column.unit ? element("span", { class: "unit" }, column.unit) : null,
    ));
  });
  const groups = columns.some((column) => column.group) ? groupHeader(columns) : null;
  return element("thead", { class: groups ? "two-lines" : "" }, groups, row);
}

// The line above the titles: the tasks, each over its metrics.
function groupHeader(columns) {
  const line = element("tr", { class: "groups" });
  for (let begin = 0; begin < columns.length;) {
    let end = begin + 1;
    while (end < columns.length && columns[end].group === columns[begin].group) {
      ++end;
    }
    const group = columns[begin].group;
    line.append(element(group ? "th" : "td", group ? { colspan: String(end - begin), scope: "colgroup" } : { colspan: String(end - begin) }, group ?? ""));
    begin = end;
  }
  return line;
}

function boardRow(table, row, columns) {
  const isOpen = app.open.has(row.index);
  const line = element("tr", { class: row.bound ? "row bound" : "row", "data-row": String(row.index) });
  columns.forEach((column, position) => {
    const cell = element(position === 0 ? "th" : "td", { class: column.kind });
    cell.classList.toggle("first-number", Boolean(column.first));
    const value = column.value(row);
    if (position === 0) {
      cell.classList.add("lead");
      cell.scope = "row";
      const text = value === undefined ? row.label || t("configuration") : plain(value);
      cell.append(
        element("button", {
          type: "button", class: "opener", "aria-expanded": String(isOpen), title: row.label, "data-focus": `row ${row.index}`,
          onclick: () => {
            app.open[isOpen ? "delete" : "add"](row.index);
            app.render();
          },
        }, clip(text, 200)),
        row.bound ? element("span", { class: "tag" }, t(`bound ${row.bound}`)) : "",
      );
    } else if (column.fill) {
      column.fill(cell, row);
      cell.classList.toggle("best", Boolean(column.isBest?.(row)));
    } else if (value === undefined) {
      cell.append(element("span", { class: "absent" }, "–"));
    } else {
      const text = column.text ? column.text(row) : plain(value);
      cell.append(clip(text, 200));
      cell.title = text;
    }
    line.append(cell);
  });
  return isOpen ? [line, detailRow(table, row, columns.length)] : [line];
}

function boardControls(table, state, columns) {
  const controls = [];
  if (table.tasks.length > 1) {
    controls.push(segments(t("columns are"), [["tasks", t("view tasks")], ["metrics", t("view metrics")], ["all", t("view all")]], state.view, (view) => app.set({ view, sort: "", descending: "1" })));
  }
  if (state.view === "tasks" && table.data.metrics.length > 0) {
    controls.push(picker(t("metric"), table.metricChoices(() => true, true), state.metric, (metric) => app.set({ metric, sort: "", descending: "1" })));
  }
  if (state.view === "metrics" && table.tasks.length > 1) {
    controls.push(picker(t("task"), table.taskChoices(true), state.task, (task) => app.set({ task, sort: "", descending: "1" })));
  }
  if (table.rows.some((row) => table.runs(row).some((run) => run.failed > 0))) {
    controls.push(segments(t("mean over"), [["mean", t("valid samples"), t("valid samples hint")], ["mean_failures_as_zero", t("failures as 0"), t("failures as 0 hint")]], state.mean, (mean) => app.set({ mean })));
  }
  for (const axis of table.data.axes) {
    const values = table.distinctValues(axis);
    if (values.length > 1 && values.length <= 40) {
      const off = state.filters.get(axis);
      const choose = (value, on) => {
        const next = new Set(off);
        next[on ? "delete" : "add"](value);
        app.set({ [`not ${axis}`]: [...next].join("~") });
      };
      controls.push(menu(table.axisTitle(axis), values.map((value) => [plain(value), clip(plain(value)), !off.has(plain(value))]), choose));
    }
  }
  const hideable = columns.slice(1);
  controls.push(menu(t("columns"), hideable.map((column) => [column.key, [column.group, column.title].filter(Boolean).join(" · "), !state.hidden.has(column.key)]), (key, on) => {
    const next = new Set(state.hidden);
    next[on ? "delete" : "add"](key);
    app.set({ hide: [...next].join("~") });
  }));
  if (state.mean === "mean") {
    controls.push(checkbox(t("intervals"), state.ranges, (on) => app.set({ ranges: on ? "1" : "0" })));
  }
  if (state.view === "metrics" && state.task !== "" && table.data.metrics.length > table.mainMetrics.length) {
    controls.push(checkbox(t("all metrics"), state.allMetrics, (on) => app.set({ all: on ? "1" : "0" })));
  }
  return element("div", { class: "controls" }, controls);
}

function renderBoard(table) {
  const state = boardState(table);
  const all = boardColumns(table, state);
  const columns = all.filter((column, position) => position === 0 || !state.hidden.has(column.key));
  columns.forEach((column, position) => {
    column.first = position > 0 && column.kind !== "text" && columns[position - 1].kind === "text";
  });
  const sorted = columns.find((column) => column.key === state.sort) ?? defaultSort(columns);
  const isDefault = sorted?.key !== state.sort;
  const descending = isDefault ? sorted?.higherIsBetter ?? true : state.descending;
  const isKept = (row) => table.data.axes.every((axis) => !state.filters.get(axis).has(plain(own(row.axes, axis) ?? "")));
  const body = element("tbody");
  for (const row of sortedRows(table.systems.filter(isKept), sorted, descending)) {
    body.append(...boardRow(table, row, columns));
  }
  const bounds = element("tbody", { class: "bounds" });
  for (const row of sortedRows(table.bounds, sorted, descending)) {
    bounds.append(...boardRow(table, row, columns));
  }
  return [
    boardControls(table, state, all),
    element("div", { class: "scroll board", tabindex: "0", role: "region", "aria-label": t("section results") },
      element("table", { class: "leaderboard" }, boardHeader(columns, sorted, descending), body, table.bounds.length > 0 ? bounds : null)),
    element("p", { class: "table-note" }, t("board note")),
  ];
}
