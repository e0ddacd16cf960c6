"use strict";

// Builds the page from the JSON beside it (format: reports/README.md). Every text of the store
// reaches the page through textContent or a text node, never as markup.
(() => {
  const board = JSON.parse(document.getElementById("leaderboard").textContent);
  const crudLetters = {
    continuing_writing: "Create",
    questanswer_1doc: "Read",
    questanswer_2docs: "Read",
    questanswer_3docs: "Read",
    hallu_modified: "Update",
    event_summary: "Delete",
  };
  const collator = new Intl.Collator("en", { numeric: true });

  function element(tag, options = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(options)) {
      if (name === "class") {
        node.className = value;
      } else if (name === "click") {
        node.addEventListener("click", value);
      } else if (value !== undefined) {
        node.setAttribute(name, value);
      }
    }
    for (const child of children) {
      if (child !== undefined && child !== null) {
        node.append(child);
      }
    }
    return node;
  }

  // Objects of the JSON have keys from the store: "__proto__" among them must stay a plain key.
  const own = (object, key) => (Object.hasOwn(object, key) ? object[key] : undefined);

  const isNumber = (value) => typeof value === "number";
  const plain = (value) => (typeof value === "string" ? value : JSON.stringify(value));
  const short = (fingerprint) => (fingerprint ? fingerprint.slice(0, 10) : "not recorded");
  const plural = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  const percent = (share) => {
    const text = (share * 100).toFixed(1);
    return `${text === "100.0" ? (share === 1 ? "100" : "99.9") : text} %`;
  };

  function formatMean(value, metric) {
    if (metric.is_share) {
      return (value * 100).toFixed(2);
    }
    return Math.abs(value) >= 100 ? value.toFixed(1) : value.toFixed(3);
  }

  function formatSeconds(seconds) {
    if (seconds < 0.001) {
      return `${(seconds * 1e6).toFixed(0)} µs`;
    }
    return seconds < 1 ? `${(seconds * 1e3).toFixed(1)} ms` : `${seconds.toFixed(2)} s`;
  }

  // A text that may break after "_" and "/", and before the label of a metric.
  function breakable(text) {
    const fragment = document.createDocumentFragment();
    text.split(/(?<=[_/])|(?=\[)/).forEach((part, position) => {
      fragment.append(...(position > 0 ? [document.createElement("wbr")] : []), part);
    });
    return fragment;
  }

  // What a set of runs came to, together.
  function tally(runs) {
    const failures = new Map();
    for (const run of runs) {
      for (const [name, count] of Object.entries(run.failures)) {
        failures.set(name, (failures.get(name) ?? 0) + count);
      }
    }
    return {
      samples: sum(runs.map((run) => run.samples)),
      ok: sum(runs.map((run) => run.ok)),
      failed: sum(runs.map((run) => run.failed)),
      pending: sum(runs.map((run) => run.pending)),
      failures,
    };
  }

  class Board {
    constructor(table) {
      this.table = table;
      this.metrics = new Map(table.metrics.map((metric) => [metric.name, metric]));
      const firstMetric = table.main_metrics[0] ?? table.metrics[0]?.name;
      this.state = {
        task: table.tasks.length > 1 ? null : table.tasks[0],
        metric: firstMetric,
        mean: "mean",
        ranges: window.matchMedia("(min-width: 641px)").matches,
        allMetrics: false,
        sort: null,
        descending: false,
        open: new Set(),
      };
      this.controls = element("div", { class: "controls" });
      this.scroll = element("div", { class: "scroll", tabindex: "0", role: "region" });
    }

    build() {
      const { table } = this;
      const mode = table.knowledge_base_mode || "not recorded";
      const section = element(
        "section",
        { class: "board" },
        element("h2", {}, `Knowledge base: ${mode}`),
        element(
          "p",
          { class: "identity" },
          `${plural(table.rows.length, "configuration")} · ${plural(table.tasks.length, "task")} · corpus `,
          element("code", { title: table.corpus_fingerprint }, short(table.corpus_fingerprint)),
          " · samples ",
          element("code", { title: table.samples_fingerprint }, short(table.samples_fingerprint)),
          table.selection ? `, ${table.selection}` : "",
        ),
        ...this.warnings(),
        this.controls,
        this.scroll,
        this.facts(),
      );
      this.scroll.setAttribute("aria-label", `Results, knowledge base ${mode}`);
      this.update();
      return section;
    }

    runs() {
      return this.table.rows.flatMap((row) => Object.values(row.runs));
    }

    warnings() {
      const notes = [];
      const total = tally(this.runs());
      if (total.failed > 0) {
        notes.push(`${plural(total.failed, "sample")} of ${total.samples.toLocaleString("en")} failed. Rows that failed on different samples are compared on different samples: look at coverage, and at the means with failures as 0.`);
      }
      if (total.pending > 0) {
        notes.push(`${plural(total.pending, "sample")} of ${total.samples.toLocaleString("en")} have no result yet: a run was interrupted or goes on. "crudbench run" continues it.`);
      }
      notes.push(...this.chanceNotes());
      const versions = ["crudbench", "git", "jieba_fingerprint"].filter(
        (path) => (own(this.table.provenance, path) ?? []).length > 1,
      );
      if (versions.length > 0) {
        notes.push(`The rows were not all made by the same program: ${versions.join(", ")} differ (see Provenance).`);
      }
      return notes.map((note) => element("p", { class: "notice warn" }, note));
    }

    // One note for the tasks that share a knowledge base.
    chanceNotes() {
      const byDocuments = new Map();
      for (const { task, documents, chance_levels: levels } of this.table.chance_warnings) {
        const texts = Object.entries(levels).map(([name, level]) => `${name} ${percent(level)}`);
        byDocuments.set(documents, [...(byDocuments.get(documents) ?? []), `${texts.join(", ")} (${task})`]);
      }
      return [...byDocuments].map(
        ([documents, texts]) => `Small knowledge base: a random ranking of its ${plural(documents, "document")} is expected to reach ${texts.join("; ")}. A metric says little near its chance level.`,
      );
    }

    set(change) {
      Object.assign(this.state, change);
      this.update();
    }

    segments(label, choices, current, choose, extraClass = "") {
      return element(
        "div",
        { class: `segments ${extraClass}`, role: "group", "aria-label": label },
        extraClass ? null : element("span", { class: "legend" }, label),
        ...choices.map(([value, text, title]) =>
          element(
            "button",
            { type: "button", title, "aria-pressed": String(value === current), click: () => choose(value) },
            text,
          ),
        ),
      );
    }

    updateControls() {
      const { table, state } = this;
      const focused = [...this.controls.querySelectorAll("button, select, input")].indexOf(document.activeElement);
      const parts = [];
      if (table.tasks.length > 1) {
        const choices = [[null, "All tasks"], ...table.tasks.map((task) => [task, task, own(crudLetters, task)])];
        parts.push(
          this.segments("Task", choices, state.task, (task) => this.set({ task, sort: null }), "tasks"),
        );
      }
      if (state.task === null && table.metrics.length > 0) {
        const select = element("select", { "aria-label": "Metric" });
        for (const { name } of table.metrics) {
          select.append(element("option", { value: name }, name));
        }
        select.value = state.metric;
        select.addEventListener("change", () => this.set({ metric: select.value, sort: null }));
        parts.push(element("label", { class: "field" }, element("span", {}, "Metric"), select));
      }
      const means = [
        ["mean", "valid samples", "Mean over valid samples, as CRUD-RAG's own code has it"],
        ["mean_failures_as_zero", "failures as 0", "Mean with every failed sample counted as 0"],
      ];
      parts.push(this.segments("Mean over", means, state.mean, (mean) => this.set({ mean })));
      const toggle = (text, key) => {
        const box = element("input", { type: "checkbox" });
        box.checked = state[key];
        box.addEventListener("change", () => this.set({ [key]: box.checked }));
        return element("label", { class: "field" }, box, text);
      };
      if (state.mean === "mean" && this.hasRanges()) {
        parts.push(toggle("95 % intervals", "ranges"));
      }
      if (state.task !== null && table.metrics.length > table.main_metrics.length) {
        parts.push(toggle("all metrics", "allMetrics"));
      }
      this.controls.replaceChildren(...parts);
      this.controls.querySelectorAll("button, select, input")[focused]?.focus();
    }

    hasRanges() {
      return this.runs().some((run) => Object.values(run.metrics).some((metric) => isNumber(metric.low)));
    }

    // A column: title, unit, kind ("text" or "number"), value(row) to sort by, and either
    // text(row) or a cell(row) of its own.
    columns() {
      const { table, state } = this;
      const columns = table.axes.map((axis) => ({
        key: `axis ${axis}`,
        title: own(table.axis_titles, axis),
        hint: axis,
        kind: "text",
        value: (row) => own(row.axes, axis),
      }));
      columns.push(...(state.task === null ? this.taskColumns() : this.metricColumns(state.task)));
      const runsOf = (row) => (state.task === null ? Object.values(row.runs) : [own(row.runs, state.task)].filter(Boolean));
      columns.push(this.coverageColumn(runsOf));
      if (state.task !== null) {
        columns.push(...this.costColumns(state.task));
      }
      return columns;
    }

    meanColumn(key, title, unit, metric, read) {
      return {
        key,
        title,
        unit,
        kind: "number",
        ranked: metric,
        value: (row) => read(row)?.[this.state.mean] ?? undefined,
        rank: (row) => read(row)?.rank ?? undefined,
        fill: (cell, row) => this.fillMean(cell, read(row), metric),
      };
    }

    taskColumns() {
      const { table } = this;
      const metric = this.metrics.get(this.state.metric);
      if (!metric) {
        return [];
      }
      const columns = table.tasks.map((task) =>
        this.meanColumn(`task ${task}`, task, own(crudLetters, task), metric, (row) => {
          const run = own(row.runs, task);
          return run && own(run.metrics, metric.name);
        }),
      );
      if (table.main_metrics.includes(metric.name)) {
        columns.push(
          this.meanColumn("average", "Average", `${table.tasks.length} tasks`, metric, (row) => own(row.averages, metric.name)),
        );
      }
      return columns;
    }

    metricColumns(task) {
      const names = this.state.allMetrics || this.table.main_metrics.length === 0
        ? this.table.metrics.map((metric) => metric.name)
        : this.table.main_metrics;
      return names.map((name) => {
        const metric = this.metrics.get(name);
        const unit = [metric.is_share ? "%" : "", metric.higher_is_better ? "" : "lower is better"].filter(Boolean).join(", ");
        return this.meanColumn(`metric ${name}`, name, unit, metric, (row) => {
          const run = own(row.runs, task);
          return run && own(run.metrics, name);
        });
      });
    }

    coverageColumn(runsOf) {
      return {
        key: "coverage",
        title: "Coverage",
        unit: "ok / all",
        kind: "number",
        value: (row) => {
          const total = tally(runsOf(row));
          return total.samples > 0 ? total.ok / total.samples : undefined;
        },
        fill: (cell, row) => {
          const runs = runsOf(row);
          const total = tally(runs);
          if (runs.length === 0 || total.samples === 0) {
            cell.append(element("span", { class: "absent" }, "–"));
            return;
          }
          const complete = total.ok === total.samples;
          const reasons = [...total.failures].map(([name, count]) => `${name}: ${count}`);
          if (total.pending > 0) {
            reasons.push(`no result yet: ${total.pending}`);
          }
          cell.title = [`${total.ok} of ${total.samples} ok`, ...reasons].join("\n");
          cell.append(element("span", { class: complete ? "value" : "value incomplete" }, percent(total.ok / total.samples)));
          if (total.failed > 0) {
            cell.append(element("span", { class: "note" }, `${total.failed} failed`));
          }
          if (total.pending > 0) {
            cell.append(element("span", { class: "note" }, `${total.pending} pending`));
          }
          const repeats = Math.max(...runs.map((run) => run.repeats));
          if (repeats > 1) {
            cell.append(element("span", { class: "note plain" }, `${repeats} repeats`));
          }
          if (this.state.task === null && runs.length < this.table.tasks.length) {
            cell.append(element("span", { class: "note" }, `${runs.length} of ${this.table.tasks.length} tasks`));
          }
        },
      };
    }

    costColumns(task) {
      const columns = [];
      const add = (key, title, unit, read, text) => {
        const value = (row) => {
          const run = own(row.runs, task);
          return run ? read(run, run.ok + run.failed) : undefined;
        };
        if (this.table.rows.some((row) => isNumber(value(row)))) {
          columns.push({ key, title, unit, kind: "number", value, text: (row) => text(value(row)) });
        }
      };
      const count = (value) => Math.round(value).toLocaleString("en");
      add("format", "No tag", "replies", (run) => run.format_failures ?? undefined, count);
      const seconds = (part) => (run, finished) => (finished > 0 ? run[part] / finished : undefined);
      add("retrieval", "Retrieval", "per sample", seconds("retrieval_seconds"), formatSeconds);
      add("generation", "Generation", "per sample", seconds("generation_seconds"), formatSeconds);
      add("prompt tokens", "Tokens in", "sum", (run) => run.prompt_tokens ?? undefined, count);
      add("completion tokens", "Tokens out", "sum", (run) => run.completion_tokens ?? undefined, count);
      return columns;
    }

    fillMean(cell, summary, metric) {
      const value = summary?.[this.state.mean];
      if (!isNumber(value)) {
        cell.append(element("span", { class: "absent" }, "–"));
        return;
      }
      cell.append(element("span", { class: "value" }, formatMean(value, metric)));
      if (isNumber(summary.n_valid)) {
        const parts = [`${summary.n_valid} valid`, `${summary.n_failed} failed`, `${summary.n_undefined} undefined`];
        if (summary.n_missing > 0) {
          parts.push(`${summary.n_missing} not scored`);
        }
        const lines = [String(value), parts.join(", ")];
        if (isNumber(summary.rank)) {
          lines.push(`rank ${summary.rank} by significance`);
        }
        if (isNumber(summary.chance_level)) {
          lines.push(`chance level ${formatMean(summary.chance_level, metric)}`);
        }
        cell.title = lines.join("\n");
      }
      if (this.state.ranges && this.state.mean === "mean") {
        cell.append(this.range(summary, metric) ?? "");
      }
    }

    sortedRows(column) {
      const rows = [...this.table.rows];
      if (!column) {
        return rows;
      }
      const direction = this.state.descending ? -1 : 1;
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

    // Whether the samples tell any two rows of a column apart.
    tellsApart(column) {
      return Boolean(column.rank) && this.table.rows.some((row) => column.rank(row) > 1);
    }

    sortBy(column) {
      if (this.state.sort === column.key) {
        this.set({ descending: !this.state.descending });
      } else {
        const bestFirst = column.ranked ? column.ranked.higher_is_better : column.key === "coverage";
        this.set({ sort: column.key, descending: bestFirst });
      }
    }

    header(columns) {
      const firstNumber = columns.findIndex((column) => column.kind === "number");
      const row = element("tr");
      columns.forEach((column, position) => {
        const sorted = column.key === this.state.sort;
        const direction = this.state.descending ? "descending" : "ascending";
        const classes = [column.kind, position === 0 ? "lead" : "", position === firstNumber ? "first-number" : ""];
        row.append(
          element(
            "th",
            { scope: "col", class: classes.filter(Boolean).join(" "), "aria-sort": sorted ? direction : undefined, title: column.hint },
            element(
              "button",
              { type: "button", "data-key": column.key, click: () => this.sortBy(column) },
              breakable(column.title),
              element("span", { class: "mark", "aria-hidden": "true" }, sorted ? (this.state.descending ? "\u2060↓" : "\u2060↑") : ""),
            ),
            column.unit ? element("span", { class: "unit" }, column.unit) : null,
          ),
        );
      });
      return element("thead", {}, row);
    }

    bodyRow(row, columns, telling) {
      const open = this.state.open.has(row);
      const firstNumber = columns.findIndex((column) => column.kind === "number");
      const line = element("tr", { class: "row" });
      columns.forEach((column, position) => {
        const cell = element(position === 0 ? "th" : "td", { class: column.kind });
        cell.classList.toggle("first-number", position === firstNumber);
        const value = column.value(row);
        if (position === 0) {
          cell.classList.add("lead");
          cell.scope = "row";
          const text = value === undefined ? row.label || "configuration" : plain(value);
          cell.append(
            element(
              "button",
              {
                type: "button", class: "opener", "aria-expanded": String(open), title: text,
                "data-row": String(this.table.rows.indexOf(row)),
                click: () => {
                  this.state.open[open ? "delete" : "add"](row);
                  this.update();
                },
              },
              text,
            ),
          );
        } else if (column.fill) {
          column.fill(cell, row);
          cell.classList.toggle("best", telling[position] && column.rank(row) === 1);
        } else if (value === undefined) {
          cell.append(element("span", { class: "absent" }, "–"));
        } else {
          const text = column.text ? column.text(row) : plain(value);
          cell.append(text);
          cell.title = text;
        }
        line.append(cell);
      });
      return open ? [line, this.detailRow(row, columns.length)] : [line];
    }

    // A small table of a row's details: titles, and lines of texts.
    detailTable(title, titles, lines) {
      return [
        element("h3", {}, title),
        element(
          "table",
          {},
          element("thead", {}, element("tr", {}, ...titles.map((text) => element("th", { scope: "col" }, breakable(text))))),
          element(
            "tbody",
            {},
            ...lines.map(([head, ...cells]) =>
              element("tr", {}, element("th", { scope: "row" }, breakable(head)), ...cells.map((text) => element("td", {}, text))),
            ),
          ),
        ),
      ];
    }

    // The runs of a row with their tasks, in the order of the table.
    runsByTask(row) {
      return this.table.tasks.map((task) => [task, own(row.runs, task)]).filter(([, run]) => run);
    }

    // Retrieval by number of gold documents, where there are several numbers.
    goldCounts(row) {
      const names = this.table.metrics.map(({ name }) => name).filter((name) => {
        const cutoff = /@(\d+)/.exec(name);
        return !name.startsWith("chunk_") && (!cutoff || this.goldCutoff() === Number(cutoff[1]))
          && this.runsByTask(row).some(([, run]) => Object.keys(own(run.metrics, name)?.by_gold_count ?? {}).length > 0);
      });
      const lines = [];
      const golds = new Set();
      for (const [task, run] of this.runsByTask(row)) {
        const groups = names.map((name) => own(run.metrics, name)?.by_gold_count ?? {});
        for (const gold of [...new Set(groups.flatMap((group) => Object.keys(group)))].sort((a, b) => a - b)) {
          golds.add(gold);
          const counts = groups.map((group) => own(group, gold)?.n ?? 0);
          const means = groups.map((group, position) => this.estimateText(own(group, gold), this.metrics.get(names[position])));
          lines.push([task, gold, String(Math.max(...counts)), ...means]);
        }
      }
      return golds.size > 1 ? this.detailTable("Retrieval by number of gold documents", ["Task", "Golds", "n", ...names], lines) : [];
    }

    // The cutoff of the main metrics, for tables that have room for one.
    goldCutoff() {
      const main = this.table.main_metrics.map((name) => /@(\d+)/.exec(name)).find(Boolean);
      return main ? Number(main[1]) : undefined;
    }

    estimateText(estimate, metric) {
      const fragment = document.createDocumentFragment();
      if (estimate) {
        fragment.append(formatMean(estimate.mean, metric), this.range(estimate, metric) ?? "");
      } else {
        fragment.append("–");
      }
      return fragment;
    }

    // The interval of an estimate, in a line of its own; undefined if there is none.
    range(estimate, metric) {
      if (!isNumber(estimate.low)) {
        return undefined;
      }
      const scale = metric.is_share ? 100 : 1;
      const digits = metric.is_share || Math.abs(estimate.mean) >= 100 ? 1 : 2;
      const text = `${(estimate.low * scale).toFixed(digits)}–${(estimate.high * scale).toFixed(digits)}`;
      return element("span", { class: "range" }, text);
    }

    // How the values vary between samples and between repeats, of the main metrics.
    variances(row) {
      const lines = [];
      for (const [task, run] of this.runsByTask(row)) {
        for (const name of this.table.main_metrics) {
          const variance = own(run.metrics, name)?.variance;
          if (variance) {
            const metric = this.metrics.get(name);
            const deviation = (value) => formatMean(Math.sqrt(value), metric);
            const correlation = variance.intraclass_correlation;
            lines.push([
              task, name, String(run.repeats), deviation(variance.between_samples), deviation(variance.between_repeats),
              isNumber(correlation) ? correlation.toFixed(3) : "–",
            ]);
          }
        }
      }
      const titles = ["Task", "Metric", "Repeats", "Between samples", "Between repeats", "Intraclass correlation"];
      return lines.length > 0 ? this.detailTable("Standard deviations with repeats", titles, lines) : [];
    }

    detailRow(row, width) {
      const runs = element("tbody");
      for (const task of this.table.tasks) {
        const run = own(row.runs, task);
        if (!run) {
          runs.append(element("tr", {}, element("th", { scope: "row" }, breakable(task)), element("td", { colspan: "6" }, "not run")));
          continue;
        }
        const failures = Object.entries(run.failures).map(([name, count]) => `${name}: ${count}`).join(", ");
        const excluded = isNumber(run.excluded)
          ? `${run.excluded}${isNumber(run.records) ? ` of ${run.records}` : ""}`
          : "–";
        const metricProblems = Object.entries(run.metrics)
          .filter(([, metric]) => metric.n_failed > run.failed || metric.n_missing > 0)
          .map(([name, metric]) => `${name}: ${metric.n_failed} failed, ${metric.n_missing} not scored`)
          .join("; ");
        runs.append(
          element(
            "tr",
            {},
            element("th", { scope: "row" }, breakable(task)),
            element("td", {}, element("code", { title: run.fingerprint }, `${run.run_id}\u00a0(${short(run.fingerprint)})`)),
            element("td", {}, [`${run.ok} ok`, run.failed && `${run.failed} failed`, run.pending && `${run.pending} pending`].filter(Boolean).join(", ")),
            element("td", {}, failures || "none"),
            element("td", {}, metricProblems || "none"),
            element("td", {}, excluded),
            element("td", { class: "time" }, run.created_at.replace("T", " ")),
          ),
        );
      }
      const titles = ["Task", "Run", "Samples", "Failed samples by class", "Failed metrics of ok samples", "Excluded records", "Started"];
      return element(
        "tr",
        { class: "detail" },
        element(
          "td",
          { colspan: String(width) },
          element(
            "div",
            { class: "detail-box" },
            element("h3", {}, "Runs"),
            element(
              "table",
              {},
              element("thead", {}, element("tr", {}, ...titles.map((title) => element("th", { scope: "col" }, title)))),
              runs,
            ),
            ...this.goldCounts(row),
            ...this.variances(row),
            element("h3", {}, "Configuration"),
            element("pre", {}, JSON.stringify(row.cell, null, 2)),
          ),
        ),
      );
    }

    update() {
      this.updateControls();
      const active = document.activeElement;
      const focus = this.scroll.contains(active)
        ? ["data-key", "data-row"].map((name) => [name, active.getAttribute(name)]).find(([, value]) => value !== null)
        : undefined;
      const columns = this.columns();
      const telling = columns.map((column) => this.tellsApart(column));
      const body = element("tbody");
      for (const row of this.sortedRows(columns.find((column) => column.key === this.state.sort))) {
        body.append(...this.bodyRow(row, columns, telling));
      }
      this.scroll.replaceChildren(element("table", {}, this.header(columns), body));
      if (focus) {
        [...this.scroll.querySelectorAll(`[${focus[0]}]`)].find((node) => node.getAttribute(focus[0]) === focus[1])?.focus();
      }
    }

    facts() {
      const { table } = this;
      const groups = new Map();
      const add = (group, name, ...values) => {
        if (!groups.has(group)) {
          groups.set(group, element("dl", { class: "pairs" }));
        }
        groups.get(group).append(
          element("dt", {}, breakable(name)),
          element("dd", {}, ...(values.length === 1 ? values : values.map((value) => element("span", { class: "several" }, value)))),
        );
      };
      add("Data", "knowledge-base mode", table.knowledge_base_mode || "not recorded");
      add("Data", "corpus fingerprint", table.corpus_fingerprint || "not recorded");
      add("Data", "samples fingerprint", table.samples_fingerprint || "not recorded");
      const shownAbove = ["knowledge_base_mode", "corpus_fingerprint", "samples_fingerprint"];
      const groupNames = { records: "Records", excluded: "Excluded records", issues: "Data health", host: "Machine", prompt_sha256: "Prompts (SHA-256)" };
      const dataPaths = ["documents", "duplicates"];
      for (const [path, counts] of Object.entries(table.provenance)) {
        if (shownAbove.includes(path)) {
          continue;
        }
        const [head, ...rest] = path.split("/");
        const group = dataPaths.includes(path) ? "Data" : own(groupNames, head) ?? "Versions and settings";
        const name = rest.length > 0 && own(groupNames, head) ? rest.join("/") : path;
        const values = counts.map(({ value, runs }) => (counts.length > 1 ? `${plain(value)} (${plural(runs, "run")})` : plain(value)));
        add(group, name, ...values);
      }
      for (const [path, value] of Object.entries(table.common_options)) {
        add("Configuration shared by the rows", path, plain(value));
      }
      return element(
        "details",
        { class: "facts" },
        element("summary", {}, "Provenance: data, configuration, versions"),
        element(
          "div",
          { class: "columns" },
          ...[...groups].map(([name, list]) => element("div", { class: "group" }, element("h3", {}, name), list)),
        ),
      );
    }
  }

  const main = document.getElementById("main");
  const experiment = board.experiment;
  if (experiment !== null) {
    document.getElementById("title").textContent = experiment;
    document.title = `${experiment} – crudbench leaderboard`;
  }
  const runs = board.tables.flatMap((table) => table.rows.flatMap((row) => Object.values(row.runs)));
  const total = tally(runs);
  const dates = runs.map((run) => run.created_at.slice(0, 10)).filter(Boolean).sort();
  const period = dates.length === 0 || dates[0] === dates[dates.length - 1] ? dates.slice(0, 1) : [`${dates[0]} to ${dates[dates.length - 1]}`];
  document.getElementById("subtitle").textContent = runs.length === 0
    ? "No runs yet."
    : [
        experiment === null ? "All runs of the workspace" : "Experiment",
        plural(runs.length, "run"),
        `${plural(total.samples, "sample")}, ${percent(total.samples > 0 ? total.ok / total.samples : 0)} ok`,
        ...period,
      ].join(" · ");
  if (runs.length === 0) {
    main.append(element("p", { class: "notice" }, "The workspace holds no runs. \"crudbench run CONFIG\" makes some; then write the report again."));
  }
  if (board.tables.length > 1) {
    main.append(
      element("p", { class: "notice warn" }, `${board.tables.length} tables that must not be compared with each other: their knowledge-base mode, corpus or samples differ.`),
    );
  }
  for (const table of board.tables) {
    main.append(new Board(table).build());
  }
  window.addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) {
      details.open = true;
    }
  });
  document.documentElement.dataset.built = "true";
})();
