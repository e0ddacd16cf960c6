// The sample explorer: a list of samples of one task under one or two rows, and one sample whole.

const rowsPerList = 50;
const longTextChars = 6000; // Of a text, before it must be unfolded.

const fileOfItems = (table, task) => `items-${table.position}-${table.tasks.indexOf(task)}`;
const fileOfRun = (table, row, task) => {
  const run = own(row?.runs, task);
  return run && `run-${run.run_id}`;
};

function explorerState(table) {
  const task = table.tasks.includes(app.get("task", "")) ? app.get("task", "") : table.tasks[0];
  const withTask = table.rows.filter((row) => own(row.runs, task));
  const find = (name) => withTask.find((row) => String(row.index) === app.get(name, ""));
  const ranked = table.ranked(withTask.filter((row) => !row.bound || row.bound === "floor"), table.mainMetric, task);
  const a = find("a") ?? ranked[0] ?? withTask[0];
  const b = app.get("b", "") === "none" ? undefined : find("b") ?? ranked.find((row) => row !== a) ?? withTask.find((row) => row !== a);
  const metrics = table.mainMetrics;
  return {
    task, withTask, a, b,
    metric: metrics.includes(app.get("metric", "")) ? app.get("metric", "") : table.mainMetric,
    filter: app.get("filter", "all"),
    page: Number(app.get("page", "0")) || 0,
    search: app.get("q", ""),
    sample: app.get("id", ""),
  };
}

// One entry a sample that row A has, with its values under A and B.
async function listEntries(table, state) {
  const read = async (row) => {
    const key = fileOfRun(table, row, state.task);
    return key ? { key, index: await app.samples.part(key, 0) } : undefined;
  };
  const [items, a, b] = await Promise.all([app.samples.allRows(fileOfItems(table, state.task)), read(state.a), read(state.b)]);
  const placesInB = new Map(b?.index.items.map((item, place) => [`${item} ${b.index.repeats[place]}`, place]));
  const side = (run, place) => run && place !== undefined && {
    key: run.key, place, failed: run.index.failed[place] === 1, broken: run.index.format[place] === 1,
    value: own(run.index.metrics, state.metric)?.[place] ?? undefined,
  };
  const hasRepeats = a?.index.repeats.some((repeat) => repeat > 0);
  return (a?.index.items ?? []).map((item, place) => {
    const repeat = a.index.repeats[place];
    return { item, repeat, hasRepeats, record: items[item], a: side(a, place), b: side(b, placesInB.get(`${item} ${repeat}`)) };
  });
}

const isRight = (side) => side && !side.failed && side.value >= 0.5;
const difference = ({ a, b }) => (isNumber(a?.value) && isNumber(b?.value) ? a.value - b.value : undefined);

// Filter: [name, keep(entry), order of the list, whether it needs row B].
const explorerFilters = [
  ["all", () => true, undefined, false],
  ["different", (entry) => Math.abs(difference(entry) ?? 0) > 1e-6 || Boolean(entry.b && entry.a.failed !== entry.b.failed), (left, right) => Math.abs(difference(right) ?? 0) - Math.abs(difference(left) ?? 0), true],
  ["only a", (entry) => isRight(entry.a) && entry.b && !isRight(entry.b), (left, right) => (difference(right) ?? 0) - (difference(left) ?? 0), true],
  ["worst", (entry) => isNumber(entry.a?.value), (left, right) => left.a.value - right.a.value, false],
  ["failed", (entry) => Boolean(entry.a?.failed || entry.b?.failed), undefined, false],
  ["broken", (entry) => Boolean(entry.a?.broken || entry.b?.broken), undefined, false],
];

function chosenEntries(table, entries, state) {
  const [, keep, order] = explorerFilters.find(([name]) => name === state.filter) ?? explorerFilters[0];
  const wanted = state.search.trim().toLowerCase();
  const matches = ({ record }) => wanted === "" || [record[0], record[1], record[2]].some((text) => text.toLowerCase().includes(wanted));
  const chosen = entries.filter((entry) => keep(entry) && matches(entry));
  const lowerIsBetter = table.metrics.get(state.metric)?.higher_is_better === false;
  if (order) {
    chosen.sort((left, right) => (lowerIsBetter && state.filter === "worst" ? -1 : 1) * order(left, right) || left.item - right.item);
  }
  return chosen;
}

function explorerControls(table, state, entries) {
  const rowChoices = state.withTask.map((row) => [String(row.index), shortTitle(table, row)]);
  const search = element("input", { type: "search", value: state.search, placeholder: t("search hint"), "data-focus": "search", "aria-label": t("search") });
  search.addEventListener("change", () => app.set({ q: search.value, page: "0" }));
  const number = (name) => chosenEntries(table, entries, { ...state, filter: name, search: "" }).length;
  const filters = explorerFilters.filter(([, , , needsB]) => !needsB || state.b).map(([name]) => [name, `${t(`filter ${name}`)} ${number(name)}`, t(`filter ${name} hint`)]);
  return element("div", { class: "controls explorer-controls" },
    table.tasks.length > 1 ? picker(t("task"), table.taskChoices(false), state.task, (task) => app.set({ task, page: "0", id: "" })) : null,
    picker("A", rowChoices, state.a?.index, (a) => app.set({ a, page: "0" }), { "aria-label": t("row a") }),
    picker("B", [["none", t("none")], ...rowChoices], state.b?.index ?? "none", (b) => app.set({ b, page: "0" }), { "aria-label": t("row b") }),
    picker(t("metric"), table.metricChoices(), state.metric, (metric) => app.set({ metric, page: "0" })),
    element("label", { class: "field" }, element("span", {}, t("search")), search),
    segments(t("show"), filters, state.filter, (filter) => app.set({ filter, page: "0" })));
}

function entryButton(table, entry, state, selected) {
  const metric = table.metrics.get(state.metric);
  const value = (side, name) => side && element("span", { class: side.failed ? "entry-value incomplete" : "entry-value" },
    element("i", {}, name), side.failed ? t("failed") : formatMean(side.value, metric));
  return element("button",
    {
      type: "button", class: "entry", "aria-current": selected ? "true" : undefined, "data-focus": `entry ${entry.item} ${entry.repeat}`,
      onclick: () => app.set({ id: entryName(entry) }, true),
    },
    element("span", { class: "entry-id" }, clip(entry.record[0]), entry.hasRepeats ? ` · ${t("repeat", { repeat: String(entry.repeat) })}` : ""),
    element("span", { class: "entry-query" }, entry.record[1].slice(0, 120)),
    element("span", { class: "entry-values" }, [value(entry.a, "A"), value(entry.b, "B")].filter(Boolean)));
}

// The name of an entry in the address: its sample, and its repeat where there are several.
const entryName = (entry) => (entry.repeat > 0 ? `${entry.record[0]}#${entry.repeat}` : entry.record[0]);

function entryList(table, chosen, state, current) {
  const pages = Math.max(1, Math.ceil(chosen.length / rowsPerList));
  const page = Math.min(state.page, pages - 1);
  const turn = (text, to, focus) => element("button", { type: "button", "data-focus": focus, disabled: to < 0 || to >= pages, onclick: () => app.set({ page: String(to) }) }, text);
  return element("div", { class: "entries" },
    chosen.length === 0 ? element("p", { class: "notice" }, t("no samples match")) : null,
    element("div", { class: "entry-list" }, chosen.slice(page * rowsPerList, (page + 1) * rowsPerList).map((entry) => entryButton(table, entry, state, entry === current))),
    pages > 1 ? element("div", { class: "pager" }, turn("←", page - 1, "page back"), element("span", {}, t("page of", { page: String(page + 1), count: pages })), turn("→", page + 1, "page on")) : null);
}

// A text of any length: long ones are cut until the reader wants them whole.
function textBlock(text, content, className = "") {
  const block = element("div", { class: `text-block ${className}` });
  const whole = () => block.replaceChildren(content());
  if (text.length <= longTextChars) {
    whole();
  } else {
    block.append(`${text.slice(0, longTextChars)}… `, element("button", { type: "button", onclick: whole }, t("show all", { count: text.length })));
  }
  return block;
}

const plainBlock = (text) => textBlock(text, () => document.createTextNode(text));

function hitsTable(hits) {
  if (hits.length === 0) {
    return element("p", { class: "table-note" }, t("no hits"));
  }
  return plainTable([{ title: t("rank title"), number: true }, { title: t("document") }, { title: t("bytes"), number: true }, { title: t("score"), number: true }],
    hits.map(([document, begin, end, score, gold], position) => [
      String(position + 1),
      element("span", { class: gold ? "gold" : "" }, gold ? element("b", { title: t("gold document") }, "★ ") : null, document),
      `${begin}–${end}`, score.toFixed(4),
    ]), t("hits"));
}

function requestList(request) {
  const known = (value) => (isNumber(value) ? count(value) : "–");
  const pairs = [
    ["retrieval", formatSeconds(request.retrieval_seconds)], ["generation", formatSeconds(request.generation_seconds) + (request.cached ? ` (${t("cached")})` : "")],
    ["tokens in", known(request.prompt_tokens)], ["tokens out", known(request.completion_tokens)],
    ...(isNumber(request.first_token_seconds) ? [["first token", formatSeconds(request.first_token_seconds)]] : []),
    ...(isNumber(request.inter_token_seconds) ? [["between tokens", formatSeconds(request.inter_token_seconds)]] : []),
    ...(isNumber(request.cost) ? [["spent", moneyText(request.cost)]] : []),
    ...(isNumber(request.saved) ? [["saved by cache", moneyText(request.saved)]] : []),
    ["context size", `${known(request.context_chars)}${isNumber(request.context_tokens) ? ` / ${known(request.context_tokens)}` : ""}${request.context_truncated ? ` (${t("truncated")})` : ""}`],
    ["attempts", String(request.attempts)], ["finish reason", request.finish_reason || "–"], ["prompt hash", request.prompt_sha256 || "–"],
  ];
  return element("dl", { class: "pairs" }, pairs.flatMap(([name, value]) => [element("dt", {}, t(name)), element("dd", {}, value)]));
}

// What judges asked and answered about a prediction.
function examinationBlocks(examinations = {}) {
  return Object.entries(examinations).map(([label, examination]) => {
    const list = (name) => (Array.isArray(examination?.[name]) ? examination[name].map(plain) : []);
    const answers = list("answers");
    const golds = list("gold_answers");
    return element("details", {}, element("summary", {}, `${t("judge")} ${label}`),
      plainTable([{ title: t("question") }, { title: t("reference") }, { title: t("answer") }],
        list("questions").map((question, i) => [question, golds[i] ?? "–", answers[i] ?? "–"]), t("judge")));
  });
}

// The prompt, read when it is unfolded.
function promptBlock(run, place) {
  const box = element("div", {}, element("p", { class: "table-note" }, t("loading")));
  const details = element("details", { class: "prompt" }, element("summary", {}, t("prompt as sent")), box);
  details.addEventListener("toggle", () => {
    app.samples.text(`prompts-${run}`, place + 1)
      .then((text) => box.replaceChildren(plainBlock(text)))
      .catch((error) => box.replaceChildren(notice(error.message)));
  }, { once: true });
  return details;
}

function promptPart(run, place, id, request) {
  if (request.prompt === "here") {
    return promptBlock(run, place);
  }
  return request.prompt === undefined ? null
    : element("p", { class: "table-note prompt" }, t(`prompt ${request.prompt}`, { command: `crudbench show ${run} ${clip(id)}` }));
}

function sideBlock(table, name, row, run, place, detail, [id, , reference]) {
  const marked = differenceOf(detail.prediction.slice(0, longTextChars), reference.slice(0, longTextChars));
  const block = (text, node) => (text.length <= longTextChars ? element("div", { class: "text-block" }, node) : plainBlock(text));
  return element("section", { class: "side" },
    element("h3", {}, element("span", { class: `side-name ${name}` }, name), ` ${shortTitle(table, row)}`),
    detail.failure ? element("p", { class: "notice warn" }, t("sample failed", { stage: detail.failure[0], reason: detail.failure[1] }), detail.failure[2] ? `: ${detail.failure[2].slice(0, 2000)}` : "") : null,
    element("div", { class: "beside" },
      element("div", {}, element("h4", {}, t("prediction")), block(detail.prediction, marked.prediction)),
      element("div", {}, element("h4", {}, t("reference")), block(reference, marked.reference))),
    marked.marked ? null : element("p", { class: "table-note" }, t("too long to mark")),
    promptPart(run, place, id, detail.request),
    detail.reply !== undefined ? element("details", {}, element("summary", {}, t("reply as received")), plainBlock(detail.reply)) : null,
    element("h4", {}, t("hits")), hitsTable(detail.hits),
    examinationBlocks(detail.examinations),
    element("h4", {}, t("request")), requestList(detail.request));
}

function scoreText(table, name, score) {
  if (isNumber(score)) {
    return formatMean(score, table.metrics.get(name));
  }
  return score && typeof score === "object" && "failed" in score ? `${t("failed")}: ${plain(score.failed)}` : score && typeof score === "object" ? "–" : t("undefined");
}

function scoresTable(table, sides) {
  const names = table.data.metrics.map(({ name }) => name).filter((name) => sides.some(([, , detail]) => own(detail.scores, name) !== undefined));
  const [first, second] = sides.map(([, , detail]) => detail.scores);
  const columns = [{ title: t("metric") }, ...sides.map(([name]) => ({ title: name, number: true })), ...(second ? [{ title: "A − B", number: true }] : [])];
  return plainTable(columns, names.map((name) => {
    const [a, b] = [own(first, name), second && own(second, name)];
    const gap = isNumber(a) && isNumber(b) ? a - b : undefined;
    const sign = gap > 0 ? "+" : "";
    return [
      element("span", { title: name }, metricTitle(name)),
      ...sides.map(([, , detail]) => scoreText(table, name, own(detail.scores, name))),
      ...(second ? [isNumber(gap) && gap !== 0 ? `${sign}${formatMean(gap, table.metrics.get(name))}` : ""] : []),
    ];
  }), t("scores"));
}

async function sampleDetail(table, entry, state) {
  const read = async (name, row, side) => (side ? [name, row, await app.samples.row(side.key, side.place), side.place] : undefined);
  const sides = (await Promise.all([read("A", state.a, entry.a), read("B", state.b, entry.b)])).filter(Boolean);
  const [id, query, , golds] = entry.record;
  return element("article", { class: "sample", tabindex: "-1", "data-sample": id },
    element("h2", {}, clip(id, 200), entry.hasRepeats ? ` · ${t("repeat", { repeat: String(entry.repeat) })}` : ""),
    element("p", { class: "row-links" }, element("a", { href: app.link("samples", { task: state.task, a: String(state.a.index), b: state.b ? String(state.b.index) : "none", metric: state.metric, filter: state.filter, id: entryName(entry) }) }, t("link to sample"))),
    element("h4", {}, t("query")), plainBlock(query),
    element("h4", {}, t("gold documents")),
    golds.length > 0 ? element("ul", { class: "golds" }, golds.map((gold) => element("li", {}, gold))) : element("p", { class: "table-note" }, t("no golds")),
    sides.map(([name, row, detail, place]) => sideBlock(table, name, row, own(row.runs, state.task).run_id, place, detail, entry.record)),
    element("h4", {}, t("scores")), scoresTable(table, sides));
}

async function explorerContent(table, state) {
  const entries = await listEntries(table, state);
  const chosen = chosenEntries(table, entries, state);
  const current = entries.find((entry) => entryName(entry) === state.sample) ?? chosen[0];
  const index = await app.samples.part(fileOfItems(table, state.task), 0);
  return [
    explorerControls(table, state, entries),
    index.count < index.total ? element("p", { class: "table-note" }, t("samples chosen", { count: index.count, total: index.total })) : null,
    element("div", { class: "explorer" },
      entryList(table, chosen, state, current),
      current ? await sampleDetail(table, current, state) : null),
  ];
}

// The box stays while the reader goes from sample to sample: its content is replaced once the next
// one is read, so that nothing flickers and the list keeps its place.
function renderSamples(table) {
  const box = document.querySelector(".explorer-box") ?? element("div", { class: "explorer-box", "aria-live": "polite" }, element("p", { class: "table-note" }, t("loading")));
  delete box.dataset.ready;
  const wanted = app.address();
  const isCurrent = () => app.address() === wanted;
  explorerContent(table, explorerState(table))
    .then((content) => {
      if (isCurrent()) {
        replaceContent(box, ...content);
        box.dataset.ready = "true";
      }
    })
    .catch((error) => {
      if (isCurrent()) {
        replaceContent(box, notice(error.message));
      }
    });
  return [box];
}
