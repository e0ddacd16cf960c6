// The page: its data, its address ("#results?metric=rouge_l"), its sections.

const sections = [
  { id: "comparison", render: renderComparison, fits: () => Boolean(app.overview.comparison) },
  { id: "results", render: renderResults, fits: () => true },
  { id: "ablation", render: renderAblation, fits: (table) => ablationAxes(table).length > 0 && Boolean(table.mainMetric) },
  { id: "tasks", render: renderTasks, fits: (table) => table.mainMetrics.length > 0 },
  { id: "retrieval", render: renderRetrieval, fits: hasRetrieval },
  { id: "cost", render: renderCost, fits: (table) => table.mainMetrics.length > 0 },
  { id: "experts", render: renderExperts, fits: (table) => expertRows(table).length > 0 },
  { id: "judges", render: renderJudges, fits: (table) => judgesOf(table).length > 0 },
  { id: "samples", render: renderSamples, fits: () => app.samples.any },
  { id: "provenance", render: renderProvenance, fits: () => true },
];

const app = {
  overview: null,
  tables: [],
  samples: null,
  open: new Set(), // Rows of the leaderboard that are unfolded.
  section: null,
  params: new URLSearchParams(),

  get table() {
    return this.tables[Number(this.get("table", "0"))] ?? this.tables[0];
  },

  get(name, fallback) {
    return this.params.get(name) ?? fallback;
  },

  // Changes what the address says and shows it; with `keep`, "back" returns to what was there.
  set(change, keep = false) {
    for (const [name, value] of Object.entries(change)) {
      if (value === "" && name !== "task") {
        this.params.delete(name);
      } else {
        this.params.set(name, value);
      }
    }
    history[keep ? "pushState" : "replaceState"](null, "", this.address());
    this.render();
  },

  address() {
    const query = this.params.toString();
    return `#${this.section.id}${query ? `?${query}` : ""}`;
  },

  // The address of a section: the same table, and what `params` say.
  link(section, params = {}) {
    const query = new URLSearchParams({ ...(this.params.has("table") ? { table: this.get("table", "0") } : {}), ...params }).toString();
    return `#${section}${query ? `?${query}` : ""}`;
  },

  readAddress() {
    const [id, query = ""] = location.hash.replace(/^#/, "").split("?");
    this.params = new URLSearchParams(query);
    const section = sections.find((candidate) => candidate.id === id);
    const fits = (candidate) => candidate && this.table && candidate.fits(this.table);
    this.section = fits(section) ? section : sections.find(fits) ?? sections.find((candidate) => candidate.id === "results");
  },

  render() {
    const main = document.getElementById("main");
    renderFrame();
    const content = this.table ? this.section.render(this.table).flat() : [element("p", { class: "notice" }, t("no runs hint"))];
    const title = element("h2", { class: "section-title" }, t(`section ${this.section.id}`));
    if (content.length === 1 && content[0].isConnected) {
      return; // The section keeps its box and fills it itself.
    }
    forgetCharts();
    replaceContent(main, this.table && this.section.id !== "results" ? title : null, ...content);
  },
};

// A setting of the reader that outlives the page, where the browser lets it.
function remembered(name) {
  try {
    return localStorage.getItem(`crudbench ${name}`);
  } catch {
    return null;
  }
}

function remember(name, value) {
  try {
    localStorage.setItem(`crudbench ${name}`, value);
  } catch {
    // A page from a folder may have no storage: the setting holds until it is closed.
  }
}

function chooseTheme(theme) {
  document.documentElement.dataset.theme = theme;
  remember("theme", theme);
  renderTools();
  redrawCharts();
}

function chooseLanguage(language) {
  labels.language = language;
  remember("language", language);
  document.documentElement.lang = language === "zh" ? "zh-Hans" : language;
  app.render();
}

function renderTools() {
  const theme = document.documentElement.dataset.theme ?? "auto";
  const themes = ["auto", "light", "dark"];
  replaceContent(document.getElementById("tools"),
    element("button", { type: "button", class: "button", "data-focus": "theme", "aria-label": t("theme"), title: t("theme"), onclick: () => chooseTheme(themes[(themes.indexOf(theme) + 1) % themes.length]) }, t(`theme ${theme}`)),
    element("button", { type: "button", class: "button", "data-focus": "language", lang: labels.language === "en" ? "zh-Hans" : "en", onclick: () => chooseLanguage(labels.language === "en" ? "zh" : "en") }, t("other language")));
}

// Head, tools and sections in the language of the moment.
function renderFrame() {
  const title = app.overview.comparison ? t("a against b") : app.overview.leaderboard.experiment ?? t("all runs");
  const runs = app.tables.flatMap((table) => table.allRuns());
  const total = tally(runs);
  const dates = runs.map((run) => run.created_at.slice(0, 10)).filter(Boolean).sort();
  const period = dates.length === 0 ? [] : dates[0] === dates[dates.length - 1] ? [dates[0]] : [`${dates[0]} – ${dates[dates.length - 1]}`];
  document.title = `${title} – crudbench`;
  document.getElementById("title").textContent = title;
  const facts = runs.length === 0
    ? [t("no runs")]
    : [t("runs count", { count: runs.length }), `${t("samples count", { count: total.samples })}, ${percent(total.samples > 0 ? total.ok / total.samples : 0)} ok`, ...period];
  document.getElementById("subtitle").replaceChildren(...facts.flatMap((fact, position) => [position > 0 ? " · " : "", element("span", { class: "fact" }, fact)]));
  document.getElementById("skip").textContent = t("skip");
  document.getElementById("footer").textContent = t("footer");
  renderTools();
  const links = app.table ? sections.filter((section) => section.fits(app.table)).map((section) =>
    element("a", { href: app.link(section.id), "aria-current": section === app.section ? "page" : undefined, "data-section": section.id, "data-focus": `section ${section.id}` }, t(`section ${section.id}`))) : [];
  const nav = document.getElementById("sections");
  nav.setAttribute("aria-label", t("sections"));
  replaceContent(nav, links, app.tables.length > 1 ? tablePicker() : null);
  const current = nav.querySelector("[aria-current]");
  if (current && nav.scrollWidth > nav.clientWidth) { // A phone: the section that is shown is in view.
    nav.scrollLeft = current.offsetLeft - nav.offsetLeft - (nav.clientWidth - current.offsetWidth) / 2;
  }
}

function tablePicker() {
  const title = ({ data }) => [data.knowledge_base_mode || t("not recorded"), `${t("corpus")} ${short(data.corpus_fingerprint)}`, `${t("samples title")} ${short(data.samples_fingerprint)}`, data.selection].filter(Boolean).join(" · ");
  return picker(t("table"), app.tables.map((table, position) => [String(position), title(table).slice(0, 160)]), app.tables.indexOf(app.table), (table) => {
    app.open.clear();
    app.params = new URLSearchParams();
    app.set({ table });
  }, { class: "table-picker" });
}

// On paper: everything is unfolded, in the light colours.
function listenForPrint() {
  const media = document.documentElement.dataset;
  let before;
  window.addEventListener("beforeprint", () => {
    before = media.theme ?? "auto";
    media.theme = "light";
    for (const figure of charts.drawn) {
      draw(figure, window.echarts);
    }
  });
  window.addEventListener("afterprint", () => {
    media.theme = before;
    redrawCharts();
  });
}

async function start() {
  const [texts, overview] = await Promise.all([packedText("labels"), packedText("overview")]);
  startLabels(JSON.parse(texts), remembered("language") ?? (navigator.language.startsWith("zh") ? "zh" : "en"));
  document.documentElement.lang = labels.language === "zh" ? "zh-Hans" : "en";
  document.documentElement.dataset.theme = remembered("theme") ?? "auto";
  app.overview = JSON.parse(overview);
  app.samples = new SampleFiles(app.overview.report_id, app.overview.data_folder);
  app.tables = app.overview.leaderboard.tables.map((data, position) => new Table(data, app.overview.tables[position], position));
  app.readAddress();
  app.render();
  window.addEventListener("hashchange", () => {
    const before = app.section;
    app.readAddress();
    app.render();
    if (app.section !== before) {
      window.scrollTo(0, 0);
      document.getElementById("main").focus({ preventScroll: true });
    }
  });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawCharts);
  listenForPrint();
  document.documentElement.dataset.built = "true";
}

start().catch((error) => {
  document.getElementById("main").replaceChildren(element("p", { class: "notice warn" }, `This page could not be built: ${error.message}. It needs a browser of 2023 or later.`));
});
