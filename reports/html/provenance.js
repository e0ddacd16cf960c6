// Where the numbers come from: data, programs, machine, configuration, and how to get them again.

const provenanceGroups = { records: "records", excluded: "excluded records", issues: "data health", host: "machine", prompt_sha256: "prompt hashes" };

// What may differ between two runs of the same configuration, by generator.
function determinism(table) {
  const types = new Set(table.rows.map((row) => row.cell?.generator?.type).filter(Boolean));
  const isExact = [...types].every((type) => type === "extractive");
  const hasJudge = table.data.metrics.some(({ name }) => name.startsWith("judge_"));
  return isExact && !hasJudge ? t("determinism exact") : t("determinism service");
}

function factGroups(table) {
  const groups = new Map();
  const add = (group, name, ...values) => {
    if (!groups.has(group)) {
      groups.set(group, element("dl", { class: "pairs" }));
    }
    groups.get(group).append(
      element("dt", {}, breakable(name)),
      element("dd", {}, values.map((value) => element("span", { class: "several" }, value))));
  };
  const { data } = table;
  add(t("data"), t("knowledge base"), data.knowledge_base_mode || t("not recorded"));
  add(t("data"), t("corpus"), data.corpus_fingerprint || t("not recorded"));
  add(t("data"), t("samples title"), data.samples_fingerprint || t("not recorded"));
  if (data.selection) {
    add(t("data"), t("selection"), data.selection);
  }
  for (const [path, counts] of Object.entries(data.provenance)) {
    if (["knowledge_base_mode", "corpus_fingerprint", "samples_fingerprint"].includes(path)) {
      continue;
    }
    const [head, ...rest] = path.split("/");
    const isKnown = own(provenanceGroups, head) !== undefined;
    const group = ["documents", "duplicates", "added_gold_documents"].includes(path) ? "data" : isKnown ? provenanceGroups[head] : "versions";
    const values = counts.map(({ value, runs }) => (counts.length > 1 ? `${plain(value)} (${t("runs count", { count: runs })})` : plain(value)));
    add(t(group), isKnown && rest.length > 0 ? rest.join("/") : path, ...values);
  }
  for (const [path, value] of Object.entries(data.common_options)) {
    add(t("shared configuration"), path, plain(value));
  }
  return [...groups].map(([name, list]) => element("div", { class: "group" }, element("h3", {}, name), list));
}

// The commands that make the same report, with the configuration that they need.
function reproduction() {
  const { experiment } = app.overview.leaderboard;
  const config = app.overview.experiment_config;
  if (experiment === null || config === null || config === undefined) {
    return [element("p", { class: "table-note" }, t("reproduce rows"))];
  }
  const text = `${JSON.stringify(config, null, 2)}\n`;
  const save = () => saveBlob(new Blob([text], { type: "application/json" }), fileName(experiment, "json"));
  const file = fileName(experiment, "json");
  return [
    element("pre", { class: "commands" }, `crudbench run ${file} --workspace workspace\ncrudbench report workspace --experiment '${experiment.replaceAll("'", "'\\''")}' -o report\n`),
    element("details", {}, element("summary", {}, t("experiment configuration")),
      element("p", {}, element("button", { type: "button", class: "button", onclick: save }, t("save as", { file }))),
      element("pre", {}, text)),
  ];
}

function renderProvenance(table) {
  return [
    element("p", { class: "lead-text" }, t("provenance lead")),
    element("h2", {}, t("reproduce")),
    element("p", {}, determinism(table)),
    reproduction(),
    element("h2", {}, t("recorded")),
    element("div", { class: "columns" }, factGroups(table)),
    element("h2", {}, t("configurations")),
    table.rows.map((row) => element("details", { class: "row-config" },
      element("summary", {}, clip(row.label || t("configuration"), 200), " ", element("code", {}, short(row.cell_fingerprint))),
      element("pre", {}, JSON.stringify(row.cell, null, 2)))),
  ].flat();
}
