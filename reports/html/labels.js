// The words of the page in the reader's language; all of them stand in labels.json.

const labels = { language: "en", texts: {} };

function startLabels(texts, wanted) {
  labels.texts = texts;
  labels.language = own(texts, wanted) ? wanted : "en";
}

// t("samples count", {count: 3}): "{count}" is replaced; "one sample|{count} samples" chooses by `count`.
function t(key, values = {}) {
  const forms = own(own(labels.texts, labels.language), key) ?? own(labels.texts.en, key) ?? key;
  const [one, many] = forms.split("|");
  const form = many !== undefined && values.count !== 1 ? many : one;
  return form.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = own(values, name);
    return value === undefined ? whole : typeof value === "number" ? value.toLocaleString("en") : value;
  });
}

// Published names of metrics, as papers write them: "ROUGE-L", "Recall@8", "BERTScore [lsa]".
function metricTitle(name) {
  const [, family, cutoff = "", label = ""] = /^([^@[]*)(@\d+)?(.*)$/s.exec(name);
  const title = own(own(labels.texts, "metrics"), family);
  return title === undefined ? clip(name) : `${title}${cutoff}${label ? ` ${clip(label, 60)}` : ""}`;
}

const taskTitle = (task) => own(own(labels.texts, labels.language), `task ${task}`) ?? clip(task);
const taskLetter = (task) => own(own(labels.texts, labels.language), `letter ${task}`) ?? "";
