// Whether the judges can be believed: what they could be read as, refused, and said twice alike.

// The labels of the judges of a table: what stands in brackets after "judge_parsed".
const judgesOf = (table) => table.data.metrics
  .map(({ name }) => /^judge_parsed(\[.*)$/s.exec(name))
  .filter(Boolean)
  .map(([, label]) => label);

function judgeLine(table, row, task, label) {
  const metrics = own(row.runs, task)?.metrics;
  const parsed = own(metrics, `judge_parsed${label}`);
  if (!parsed) {
    return null;
  }
  const refused = own(metrics, `judge_refusal${label}`);
  const recall = own(metrics, `quest_clean_recall${label}`);
  const upstream = own(metrics, `quest_upstream_f1${label}`);
  const failures = Object.entries(recall?.failures ?? {}).map(([name, number]) => `${name}: ${number}`).join(", ");
  const agreement = recall?.variance?.intraclass_correlation;
  const without = upstream?.n_undefined ?? 0;
  return [
    shortTitle(table, row), taskTitle(task), isNumber(parsed.mean) ? percent(parsed.mean) : "–",
    isNumber(refused?.mean) ? percent(refused.mean) : "–", String(recall?.n_valid ?? 0),
    without > 0 ? element("span", { class: "incomplete" }, String(without)) : "0",
    isNumber(agreement) ? agreement.toFixed(3) : "–", failures || t("none"),
  ];
}

function renderJudges(table) {
  const number = true;
  const columns = [
    { title: t("configuration") }, { title: t("task") }, { title: t("parsed at once"), number, hint: t("parsed hint") }, { title: t("refusals"), number },
    { title: t("judged"), number }, { title: t("without questions"), number, hint: t("without questions hint") },
    { title: t("agreement"), number, hint: t("agreement hint") }, { title: t("judge failures") },
  ];
  return [
    element("p", { class: "lead-text" }, t("judges lead")),
    ...judgesOf(table).flatMap((label) => [
      element("h2", {}, t("judge"), " ", element("code", {}, label.replace(/^\[|\]$/g, ""))),
      plainTable(columns, table.rows.flatMap((row) => table.tasks.map((task) => judgeLine(table, row, task, label))).filter(Boolean), t("section judges")),
    ]),
  ];
}
