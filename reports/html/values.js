// Numbers as people read them, and the numbers of rows.

const collator = new Intl.Collator("en", { numeric: true });
const isNumber = (value) => typeof value === "number";
const clip = (text, length = 80) => (text.length > length ? `${text.slice(0, length)}…` : text);
const plain = (value) => (typeof value === "string" ? value : JSON.stringify(value));
const sum = (values) => values.reduce((total, value) => total + value, 0);
const average = (values) => (values.length > 0 ? sum(values) / values.length : undefined);
const count = (value) => Math.round(value).toLocaleString("en");
const short = (fingerprint) => (fingerprint ? fingerprint.slice(0, 10) : t("not recorded"));

// Never "100 %" for anything less.
function percent(share) {
  const text = (share * 100).toFixed(1);
  return `${text === "100.0" ? (share === 1 ? "100" : "99.9") : text} %`;
}

const wholePercent = (share) => `${share < -0.005 ? "−" : ""}${Math.abs(share * 100).toFixed(0)} %`;

function formatMean(value, metric) {
  if (!isNumber(value)) {
    return "–";
  }
  if (metric?.is_share ?? true) {
    return (value * 100).toFixed(2);
  }
  return Math.abs(value) >= 100 ? value.toFixed(1) : value.toFixed(3);
}

function formatRange(low, high, metric) {
  const scale = metric.is_share ? 100 : 1;
  const digits = metric.is_share || Math.abs(high) >= 100 ? 1 : 2;
  return `${(low * scale).toFixed(digits)}–${(high * scale).toFixed(digits)}`;
}

function formatSeconds(seconds) {
  if (!isNumber(seconds)) {
    return "–";
  }
  if (seconds < 0.001) {
    return `${(seconds * 1e6).toFixed(0)} µs`;
  }
  return seconds < 1 ? `${(seconds * 1e3).toFixed(seconds < 0.01 ? 2 : 1)} ms` : `${seconds.toFixed(2)} s`;
}

const bytesText = (bytes) => (bytes >= 2 ** 30 ? `${(bytes / 2 ** 30).toFixed(2)} GiB` : bytes >= 2 ** 20 ? `${(bytes / 2 ** 20).toFixed(1)} MiB` : `${(bytes / 1024).toFixed(1)} KiB`);

// What a set of runs came to, together.
function tally(runs) {
  const failures = new Map();
  for (const run of runs) {
    for (const [name, number] of Object.entries(run.failures)) {
      failures.set(name, (failures.get(name) ?? 0) + number);
    }
  }
  const total = (read) => sum(runs.map(read));
  return {
    samples: total((run) => run.samples),
    ok: total((run) => run.ok),
    failed: total((run) => run.failed),
    pending: total((run) => run.pending),
    failures,
  };
}

// One table of the leaderboard with what the report adds to it.
class Table {
  constructor(data, extra, position) {
    Object.assign(this, { data, extra, position });
    this.metrics = new Map(data.metrics.map((metric) => [metric.name, metric]));
    this.rows = data.rows.map((row, index) => ({ ...row, index, ...extra.rows[index] }));
    const answers = data.main_metrics.filter((name) => this.metrics.get(name).needs_answer);
    this.mainMetric = ["rouge_l", ...answers, ...data.main_metrics, data.metrics[0]?.name]
      .find((name) => name !== undefined && this.metrics.has(name));
    this.systems = this.rows.filter((row) => row.bound !== "closed_book" && row.bound !== "oracle");
    this.bounds = this.rows.filter((row) => row.bound === "closed_book" || row.bound === "oracle");
  }

  get tasks() {
    return this.data.tasks;
  }

  get mainMetrics() {
    return this.data.main_metrics.length > 0 ? this.data.main_metrics : this.data.metrics.map(({ name }) => name);
  }

  // The runs of a row on one task, or (task "") on all.
  runs(row, task = "") {
    const tasks = task === "" ? this.tasks : [task];
    return tasks.map((name) => own(row.runs, name)).filter(Boolean);
  }

  allRuns() {
    return this.rows.flatMap((row) => this.runs(row));
  }

  // {mean, mean_failures_as_zero, low, high, rank, …} of a row; task "" is the average over tasks.
  summary(row, metric, task = "") {
    if (task === "" && this.tasks.length === 1) {
      return own(own(row.runs, this.tasks[0])?.metrics, metric);
    }
    return task === "" ? own(row.averages, metric) : own(own(row.runs, task)?.metrics, metric);
  }

  // The mean of any metric over a row's tasks, each task counting the same.
  meanOverRuns(row, metric, task = "") {
    const means = this.runs(row, task).map((run) => own(run.metrics, metric)?.mean).filter(isNumber);
    return average(means);
  }

  profile(row, task) {
    const run = own(row.runs, task);
    return run && own(this.extra.profiles, String(run.run_id));
  }

  // The values of an axis among the systems, in order.
  distinctValues(axis) {
    const values = new Map();
    for (const row of this.systems) {
      const value = own(row.axes, axis);
      if (value !== undefined) {
        values.set(JSON.stringify(value), value);
      }
    }
    return [...values.values()].sort((a, b) => collator.compare(plain(a), plain(b)));
  }

  axisTitle(axis) {
    return own(this.data.axis_titles, axis) ?? axis;
  }

  // Whether all systems have the same value of an axis.
  isConstant(axis) {
    return this.distinctValues(axis).length === 1 && this.systems.every((row) => own(row.axes, axis) !== undefined);
  }

  // Whether the samples tell any two systems of a column apart.
  tellsApart(metric, task) {
    const ranks = this.systems.map((row) => this.summary(row, metric, task)?.rank).filter(isNumber);
    return new Set(ranks).size > 1;
  }

  // Whether a system is of the best rank that a system has: the bounds do not compete.
  isBest(row, metric, task) {
    if (!this.systems.includes(row) || !this.tellsApart(metric, task)) {
      return false;
    }
    const ranks = this.systems.map((system) => this.summary(system, metric, task)?.rank).filter(isNumber);
    return this.summary(row, metric, task)?.rank === Math.min(...ranks);
  }

  // Rows from the best on; those without a value last.
  ranked(rows, metric, task = "") {
    const sign = this.metrics.get(metric)?.higher_is_better === false ? 1 : -1;
    const value = (row) => this.summary(row, metric, task)?.mean;
    return [...rows].sort((left, right) => {
      const [a, b] = [value(left), value(right)];
      return isNumber(a) && isNumber(b) ? sign * (a - b) : isNumber(b) - isNumber(a);
    });
  }

  taskChoices(withAverage) {
    const tasks = this.tasks.map((task) => [task, taskTitle(task)]);
    return withAverage && this.tasks.length > 1 ? [["", t("average")], ...tasks] : tasks;
  }

  metricChoices(keep = () => true, all = false) {
    const names = all ? this.data.metrics.map(({ name }) => name) : this.mainMetrics;
    return names.filter((name) => keep(this.metrics.get(name))).map((name) => [name, metricTitle(name)]);
  }
}

// What tells a row apart from the other systems, for legends: "hybrid · size 128".
function shortTitle(table, row) {
  if (row.bound === "closed_book" || row.bound === "oracle") {
    return table.bounds.filter(({ bound }) => bound === row.bound).length === 1
      ? t(`bound ${row.bound}`)
      : clip(`${t(`bound ${row.bound}`)} · ${row.label}`);
  }
  const telling = table.data.axes.filter((axis) => table.distinctValues(axis).length > 1);
  const parts = telling.map((axis) => {
    const value = own(row.axes, axis);
    return value === undefined ? "" : typeof value === "string" ? value : `${table.axisTitle(axis)} ${plain(value)}`;
  });
  return clip(parts.filter(Boolean).join(" · ") || row.label || t("configuration"));
}
