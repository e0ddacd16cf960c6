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

// The runs of a judge, as [row, task, what it had to ask].
const judgeHealth = (table, label) => table.rows.flatMap((row) => table.tasks.map((task) => [row, task, own(own(row.runs, task)?.judges, label)]))
  .filter(([, , health]) => health);

// Questions by item: mean, fewest and most.
function questionCounts(health) {
  const counts = Object.keys(health.by_question_count).map(Number);
  return health.items === 0 ? "–" : `${(health.questions / health.items).toFixed(1)} (${Math.min(...counts)}–${Math.max(...counts)})`;
}

const flagged = (value) => (value > 0 ? element("span", { class: "incomplete" }, count(value)) : "0");

function questionsTable(table, label) {
  const number = true;
  return plainTable([
    { title: t("configuration") }, { title: t("task") }, { title: t("items examined"), number }, { title: t("questions of an item"), number, hint: t("questions hint") },
    { title: t("items without questions"), number }, { title: t("gold answers missing"), number, hint: t("gold answers hint") },
    { title: t("unanswerable golds"), number, hint: t("unanswerable hint") }, { title: t("answers missing"), number, hint: t("answers missing hint") },
  ], judgeHealth(table, label).map(([row, task, health]) => [
    shortTitle(table, row), taskTitle(task), count(health.items), questionCounts(health), flagged(health.without_questions),
    flagged(health.gold_answers_missing), count(health.unanswerable), flagged(health.answers_missing),
  ]), t("questions asked"));
}

// What the question banks lost when they were read; a bank that several rows share has one line.
function banksTable(table, label) {
  const number = true;
  const lines = new Map();
  for (const [, task, { bank }] of judgeHealth(table, label).filter(([, , health]) => health.bank)) {
    lines.set(JSON.stringify([task, bank]), [
      taskTitle(task), clip(plain(bank.file ?? "–")), count(bank.entries), count(bank.usable), flagged(bank.empty), flagged(bank.without_answer), flagged(bank.unequal),
      flagged(bank.unanswerable), flagged(bank.malformed), count(bank.questions), count(bank.unanswerable_questions),
    ]);
  }
  return lines.size === 0 ? element("p", { class: "table-note" }, t("no bank")) : plainTable([
    { title: t("task") }, { title: t("file") }, { title: t("bank entries"), number }, { title: t("bank usable"), number }, { title: t("bank empty"), number },
    { title: t("bank without answer"), number, hint: t("bank without answer hint") }, { title: t("bank unequal"), number, hint: t("bank unequal hint") }, { title: t("bank unanswerable"), number, hint: t("bank unanswerable hint") }, { title: t("bank malformed"), number, hint: t("bank malformed hint") },
    { title: t("bank questions"), number }, { title: t("unanswerable golds"), number },
  ], [...lines.values()], t("question bank"));
}

function healthPart(table, label) {
  const name = label.replace(/^\[|\]$/g, "");
  return judgeHealth(table, name).length === 0 ? [] : [
    element("h3", {}, t("questions asked")), questionsTable(table, name),
    element("h3", {}, t("question bank")), banksTable(table, name),
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
      ...healthPart(table, label),
    ]),
  ];
}
