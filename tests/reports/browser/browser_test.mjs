// Opens reports in a browser and uses them as a reader would.
//
//   node browser_test.mjs PROGRAM STORE_MAKER FOLDER NODE_MODULES BROWSER
//
// PROGRAM is crudbench, STORE_MAKER makes workspaces of made-up results (synthetic_store.cpp), FOLDER
// takes workspaces, reports and screenshots. Ends with 77 (skipped) where BROWSER is not there.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { pathToFileURL } from "node:url";

const [program, maker, folder, modules, browserPath] = process.argv.slice(2);
if (!browserPath || !existsSync(browserPath) || !existsSync(join(modules, "playwright-core"))) {
  console.log("skipped: needs Chromium (Debian's package chromium) and playwright-core (npm ci in third_party)");
  process.exit(77);
}
const { chromium } = createRequire(resolve(modules, "any.js"))("playwright-core");
const screenshots = join(folder, "screenshots");
let browser;

// The page of a report of made-up results.
function makeReport(name, kind, ...options) {
  const workspace = join(folder, `${name}-workspace`);
  const report = join(folder, `${name}-report`);
  rmSync(workspace, { recursive: true, force: true });
  rmSync(report, { recursive: true, force: true });
  execFileSync(maker, [workspace, kind]);
  execFileSync(program, ["report", workspace, "-o", report, ...options], { stdio: ["ignore", "pipe", "inherit"] });
  return join(report, "report.html");
}

// Opens a page; `page.problems` lists what went wrong in it, `page.requests` what it asked for.
async function open(file, hash = "", options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-US", ...options });
  const page = await context.newPage();
  page.problems = [];
  page.requests = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && page.problems.push(message.text()));
  page.on("pageerror", (error) => page.problems.push(String(error)));
  page.on("request", (request) => page.requests.push(request.url()));
  await page.goto(`${file.startsWith("http") ? file : pathToFileURL(file)}${hash}`);
  await page.waitForSelector("html[data-built]");
  return page;
}

async function close(page) {
  assert.deepEqual(page.problems, []);
  await page.context().close();
}

// `page.waitForFunction` needs eval, which the page forbids.
async function until(page, condition) {
  for (let waited = 0; !(await page.evaluate(condition)); waited += 20) {
    assert.ok(waited < 20000, `waited in vain for ${condition}`);
    await setTimeout(20);
  }
}

const drawn = (page) => until(page, () => [...document.querySelectorAll(".plot-box")].every((box) => box.dataset.drawn === "true"));
// Makes the window a phone's; charts follow a moment later.
async function narrow(page) {
  await page.setViewportSize({ width: 390, height: 844 });
  await drawn(page);
  await until(page, () => document.documentElement.scrollWidth === 390);
}
const explored = (page) => page.waitForSelector(".explorer-box[data-ready]");
const shot = (page, name, fullPage = false) => page.screenshot({ path: join(screenshots, `${name}.png`), fullPage });
const firstRows = (page, selector = "table.leaderboard tbody:first-of-type tr.row") => page.locator(selector).allInnerTexts();
const filterButton = (page, name) => page.locator(".explorer-controls .segments button", { hasText: name });

let demo;
let hostile;
let experts;

before(async () => {
  mkdirSync(screenshots, { recursive: true });
  demo = makeReport("demo", "demo");
  hostile = makeReport("hostile", "hostile", "--experiment", "<script>document.documentElement.dataset.attacked=1</script>");
  experts = makeReport("experts", "experts");
  browser = await chromium.launch({
    executablePath: browserPath,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
});

after(async () => {
  await browser?.close();
});

test("opens every section without an error, a warning or a request", async () => {
  const page = await open(demo);
  const sections = await page.locator("#sections a").evaluateAll((links) => links.map((link) => link.dataset.section));
  assert.deepEqual(sections, ["results", "ablation", "tasks", "retrieval", "cost", "samples", "provenance"]);
  for (const section of sections) {
    await page.click(`[data-section="${section}"]`);
    await page.waitForSelector(`[data-section="${section}"][aria-current]`);
    await drawn(page);
    if (section === "samples") {
      await explored(page);
    }
    await shot(page, `${section}-1280-light`, section !== "samples");
  }
  assert.deepEqual(page.requests, [pathToFileURL(demo).href]);
  await close(page);
});

test("ranks rows by the average and keeps the bounds apart", async () => {
  const page = await open(demo);
  const averages = await page.locator("table.leaderboard tbody:first-of-type tr.row").evaluateAll((rows) => {
    const titles = [...document.querySelectorAll("thead button")].map((button) => button.dataset.key);
    return rows.map((row) => Number.parseFloat(row.children[titles.indexOf("average")].querySelector(".value").textContent));
  });
  assert.equal(averages.length, 24);
  assert.deepEqual(averages, [...averages].sort((a, b) => b - a));
  const bounds = (await firstRows(page, "tbody.bounds tr.row")).join(" ");
  assert.match(bounds, /oracle context/);
  assert.match(bounds, /closed book/);
  assert.ok((await page.locator("svg.whisker").count()) === 26);
  await close(page);
});

test("sorts by a column, and the other way round", async () => {
  const page = await open(demo);
  const sizes = () => page.locator("table.leaderboard tbody:first-of-type tr.row").evaluateAll((rows) => {
    const titles = [...document.querySelectorAll("thead button")].map((button) => button.dataset.key);
    return rows.map((row) => Number(row.children[titles.indexOf("axis chunker/size")].textContent));
  });
  await page.click('[data-key="axis chunker/size"]');
  assert.deepEqual(await sizes(), (await sizes()).sort((a, b) => a - b));
  assert.equal(await page.locator("th[aria-sort]").getAttribute("aria-sort"), "ascending");
  await page.keyboard.press("Enter"); // The focus stayed on the title.
  assert.deepEqual(await sizes(), (await sizes()).sort((a, b) => b - a));
  await close(page);
});

test("filters by an axis, hides columns, and keeps both in the address", async () => {
  const page = await open(demo);
  await page.click('details[data-menu="retriever"] summary');
  await page.click('[data-focus="box retriever bm25"]');
  assert.equal((await firstRows(page)).length, 16);
  assert.ok((await firstRows(page)).every((text) => !text.includes("bm25")));
  await page.keyboard.press("Escape");
  await page.click('details[data-menu="Columns"] summary');
  await page.click('[data-focus="box Columns coverage"]');
  assert.equal(await page.locator('[data-key="coverage"]').count(), 0);
  const again = await open(demo, new URL(page.url()).hash);
  assert.equal((await firstRows(again)).length, 16);
  assert.equal(await again.locator('[data-key="coverage"]').count(), 0);
  await close(again);
  await close(page);
});

test("shows tasks by metrics, and unfolds a row", async () => {
  const page = await open(demo, "#results?view=all");
  assert.equal(await page.locator("tr.groups th").count(), 6);
  await page.locator(".opener").first().click();
  assert.match(await page.locator("tr.detail").innerText(), /Retrieval by number of gold documents/);
  await shot(page, "row-details-1280-light");
  await close(page);
});

test("explores samples: filters, a deep link, differences, golds", async () => {
  const page = await open(demo, "#samples?task=questanswer_1doc");
  await explored(page);
  const all = await page.locator(".entry").count();
  assert.equal(all, 50); // A page of the 60.
  await filterButton(page, "Only A right").click();
  await until(page, () => document.querySelectorAll(".entry").length < 50);
  await explored(page);
  const scores = await page.locator(".entry").first().locator(".entry-value").allInnerTexts();
  assert.ok(Number.parseFloat(scores[0].slice(1)) >= 50);
  await page.locator(".entry").nth(1).click();
  await explored(page);
  const id = await page.locator("article.sample").getAttribute("data-sample");
  assert.ok((await page.locator(".sample ins.extra").count()) > 0);
  assert.ok((await page.locator(".sample del.lacking").count()) > 0);
  assert.ok((await page.locator(".side").count()) === 2);
  const link = await page.locator(".sample .row-links a").getAttribute("href");
  const again = await open(demo, link);
  await explored(again);
  assert.equal(await again.locator("article.sample").getAttribute("data-sample"), id);
  await close(again);
  await filterButton(page, "Failed").click();
  await explored(page);
  await close(page);
});

test("shows the prompt as it was sent, and where it is when it is not here", async () => {
  const workspace = join(folder, "demo-workspace");
  const task = "questanswer_1doc";
  const page = await open(demo, `#samples?task=${task}&a=2&b=none&id=${task}-7`);
  await explored(page);
  await page.locator("details.prompt summary").click();
  await page.waitForSelector("details.prompt .text-block");
  const run = leaderboardOf(demo).tables[0].rows[2].runs[task].run_id;
  const shown = JSON.parse(execFileSync(program, ["show", String(run), `${task}-7`, "--workspace", workspace, "--json"]));
  assert.ok(shown.repeats[0].prompt.length > 1000);
  assert.equal(await page.locator("details.prompt .text-block").evaluate((block) => block.textContent), shown.repeats[0].prompt);
  await shot(page, "prompt-1280-light");
  await close(page);
  const report = join(folder, "few-prompts-report");
  execFileSync(program, ["report", workspace, "-o", report, "--prompts", "0"], { stdio: ["ignore", "pipe", "inherit"] });
  const without = await open(join(report, "report.html"), `#samples?task=${task}&a=2&b=none&id=${task}-7`);
  await explored(without);
  assert.match(await without.locator("p.prompt").innerText(), new RegExp(`crudbench show ${run} ${task}-7`));
  await close(without);
});

test("finds a sample by its text, and shows failures and broken formats", async () => {
  const page = await open(demo, "#samples?task=event_summary&q=event_summary-7");
  await explored(page);
  assert.equal(await page.locator(".entry").count(), 1);
  for (const filter of ["failed", "broken"]) {
    const other = await open(demo, `#samples?task=event_summary&filter=${filter}`);
    await explored(other);
    const number = Number((await filterButton(other, filter === "failed" ? "Failed" : "Format broken").innerText()).match(/\d+$/)[0]);
    assert.equal(await other.locator(".entry").count(), number);
    await close(other);
  }
  await close(page);
});

test("speaks Chinese, and remembers it", async () => {
  const page = await open(demo);
  await page.click('[data-focus="language"]');
  assert.equal(await page.locator('[data-section="results"]').innerText(), "结果");
  assert.equal(await page.evaluate(() => document.documentElement.lang), "zh-Hans");
  await shot(page, "results-1280-chinese");
  await page.reload();
  await page.waitForSelector("html[data-built]");
  assert.equal(await page.locator('[data-section="samples"]').innerText(), "样本");
  await close(page);
});

test("starts in the reader's language and colours", async () => {
  const page = await open(demo, "", { locale: "zh-CN", colorScheme: "dark" });
  assert.equal(await page.locator('[data-section="results"]').innerText(), "结果");
  assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).getPropertyValue("--scheme").trim()), "dark");
  await close(page);
});

test("changes its colours", async () => {
  const page = await open(demo, "#ablation");
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  assert.equal(await background(), "rgb(255, 255, 255)");
  await page.click('[data-focus="theme"]');
  await page.click('[data-focus="theme"]');
  assert.notEqual(await background(), "rgb(255, 255, 255)");
  await drawn(page);
  await shot(page, "ablation-1280-dark", true);
  await close(page);
});

test("goes through everything by keyboard", async () => {
  const page = await open(demo);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.id), "skip");
  await page.locator('[data-section="ablation"]').focus();
  await page.keyboard.press("Enter");
  await page.waitForSelector(".plot-box");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  await close(page);
});

test("fits a phone: nothing but tables scrolls sideways", async () => {
  for (const colorScheme of ["light", "dark"]) {
    const page = await open(demo, "", { viewport: { width: 390, height: 844 }, colorScheme });
    for (const section of ["results", "ablation", "tasks", "retrieval", "cost", "samples", "provenance"]) {
      await page.evaluate((id) => { location.hash = `#${id}`; }, section);
      await page.waitForSelector(`[data-section="${section}"][aria-current]`);
      await drawn(page);
      if (section === "samples") {
        await explored(page);
      }
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390, section);
      await shot(page, `${section}-390-${colorScheme}`);
    }
    await close(page);
  }
});

test("prints in light colours, without controls", async () => {
  const page = await open(demo, "", { colorScheme: "dark" });
  await page.evaluate(() => window.dispatchEvent(new Event("beforeprint")));
  await page.emulateMedia({ media: "print" });
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(255, 255, 255)");
  assert.equal(await page.locator(".controls").first().isVisible(), false);
  assert.equal(await page.locator("table.leaderboard").isVisible(), true);
  await page.pdf({ path: join(screenshots, "results.pdf"), preferCSSPageSize: true });
  await close(page);
});

test("saves a plot as PNG and as SVG", async () => {
  const page = await open(demo, "#ablation");
  await drawn(page);
  for (const kind of ["PNG", "SVG"]) {
    const [download] = await Promise.all([page.waitForEvent("download"), page.locator(".chart-tools button", { hasText: kind }).first().click()]);
    assert.match(download.suggestedFilename(), new RegExp(`\\.${kind.toLowerCase()}$`));
  }
  await close(page);
});

// The numbers of a figure, as its table has them.
async function figureTable(page, title) {
  const figure = page.locator("figure", { has: page.locator("figcaption strong", { hasText: title }) });
  return figure.locator("tbody tr").evaluateAll((lines) => lines.map((line) => [...line.children].map((cell) => cell.textContent)));
}

const leaderboardOf = (report) => JSON.parse(readFileSync(join(report, "..", "leaderboard.json"), "utf8"));

test("shows what experts work on, with the numbers of leaderboard.json", async () => {
  const page = await open(experts, "#experts?routed=hallu_modified&phase=prompt");
  await drawn(page);
  const { routing } = leaderboardOf(experts).tables[0].rows[0];
  const task = await page.locator('[data-focus="select Task"]').first().inputValue();
  const phase = routing.tasks[task].prompt;
  const counts = (await figureTable(page, "Load of each expert")).map((line) => line.slice(1).map(Number));
  assert.deepEqual(counts, phase.counts);
  const balance = await figureTable(page, "Balance by layer");
  assert.deepEqual(balance.map((line) => line[1]), phase.entropy.map((value) => value.toFixed(3)));
  assert.deepEqual(balance.map((line) => line[2]), phase.max_share.map((value) => value.toFixed(3)));
  const divergence = await figureTable(page, "How differently tasks use experts");
  const tasks = Object.keys(routing.tasks).length;
  assert.equal(divergence.length, tasks);
  assert.ok(divergence.every((line, i) => line[i + 1] === "0.0000"));
  const caches = await figureTable(page, "Experts kept in memory");
  assert.equal(caches.length, routing.experts);
  assert.deepEqual(caches.map((line) => line[2]), phase.cache_hit_rates.lru.map((rate) => (rate === 1 ? "100 %" : `${(rate * 100).toFixed(1)} %`)));
  await page.click('[data-focus="Tokens answer"]');
  await drawn(page);
  const answers = (await figureTable(page, "Load of each expert")).map((line) => line.slice(1).map(Number));
  assert.deepEqual(answers, routing.tasks[task].answer.counts);
  await shot(page, "experts-1280-light", true);
  await narrow(page);
  await shot(page, "experts-390-light", true);
  await close(page);
});

test("sets quality against the engine's speed and memory, with intervals", async () => {
  const page = await open(experts, "#experts?metric=rouge_l&task=event_summary");
  await drawn(page);
  const { rows } = leaderboardOf(experts).tables[0];
  for (const [title, read] of [["tokens per second", ({ tokens_per_second: rate }) => rate.toFixed(2)], ["peak memory", ({ peak_memory_bytes: bytes }) => `${(bytes / 2 ** 30).toFixed(2)} GiB`]]) {
    const lines = await figureTable(page, `ROUGE-L against ${title}`);
    const runs = rows.map((row) => row.runs.event_summary);
    assert.deepEqual(lines.map((line) => line[1]), runs.map(({ engine }) => read(engine)));
    assert.deepEqual(lines.map((line) => line[3]), runs.map(({ metrics }) => (metrics.rouge_l.mean * 100).toFixed(2)));
    assert.ok(lines.every((line) => /^\d+\.\d–\d+\.\d$/.test(line[4])));
    assert.ok(lines.some((line) => line[5] === "yes"));
  }
  await close(page);
});

test("sets two systems side by side, with the numbers of comparison.json", async () => {
  const report = join(folder, "compare-report");
  execFileSync(program, ["report", join(folder, "demo-workspace"), "--compare", "3", "4", "-o", report], { stdio: ["ignore", "pipe", "inherit"] });
  const page = await open(join(report, "comparison.html"));
  await drawn(page);
  const { tasks } = JSON.parse(readFileSync(join(report, "comparison.json"), "utf8"));
  const shown = await page.locator('.scroll[aria-label="Comparison"] tbody tr').evaluateAll((lines) => lines.map((line) => [...line.children].map((cell) => cell.textContent)));
  const expected = tasks.flatMap(({ comparison }) => comparison.comparisons);
  assert.equal(shown.length, expected.length);
  const share = (value) => (value * 100).toFixed(2);
  shown.forEach((line, i) => {
    assert.deepEqual(line.slice(2, 4), [share(expected[i].baseline_mean), share(expected[i].mean)]);
    assert.equal(Number.parseFloat(line[4]).toFixed(2), share(expected[i].difference));
    assert.equal(line[10], String(expected[i].n_common));
  });
  await shot(page, "comparison-1280-light", true);
  await page.locator(".beside a").first().click();
  await explored(page);
  assert.equal(await page.locator("article.sample").getAttribute("data-sample"), tasks[0].a_better[0].sample_id);
  assert.deepEqual(page.requests, [pathToFileURL(join(report, "comparison.html")).href]);
  await page.click('[data-section="comparison"]');
  await page.waitForSelector('[data-section="comparison"][aria-current]');
  await narrow(page);
  await shot(page, "comparison-390-light", true);
  await close(page);
});

test("compares two hostile systems without running anything", async () => {
  const report = join(folder, "hostile-compare-report");
  execFileSync(program, ["report", join(folder, "hostile-workspace"), "--compare", "1", "2", "-o", report], { stdio: ["ignore", "pipe", "inherit"] });
  const page = await open(join(report, "comparison.html"));
  await drawn(page);
  assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 1280);
  assert.equal(await page.evaluate(() => document.documentElement.dataset.attacked), undefined);
  assert.equal(await page.locator("main img, main iframe, main object, main script").count(), 0);
  await shot(page, "hostile-comparison");
  await close(page);
});

test("serves the same pages live, samples included", async () => {
  const server = spawn(program, ["serve", join(folder, "demo-workspace")], { stdio: ["ignore", "pipe", "ignore"] });
  try {
    const address = await new Promise((done, failed) => {
      let text = "";
      server.stdout.on("data", (bytes) => {
        text += bytes;
        const found = /http:\/\/\S+/.exec(text);
        if (found) {
          done(found[0]);
        }
      });
      server.on("exit", () => failed(new Error(`serve ended: ${text}`)));
    });
    const page = await open(`${address}report.html`, "#samples?task=event_summary");
    await explored(page);
    assert.equal(await page.locator(".entry").count(), 50);
    await page.locator(".entry").nth(3).click();
    await explored(page);
    assert.equal(await page.locator(".side").count(), 2);
    assert.ok(page.requests.every((url) => url.startsWith(address)));
    await close(page);
  } finally {
    server.kill("SIGINT");
  }
});

test("tells what answers cost and what the cache saved", async () => {
  const page = await open(demo, "#cost?cost=money&task=event_summary&metric=rouge_l");
  await drawn(page);
  const runs = leaderboardOf(demo).tables[0].rows.map((row) => row.runs.event_summary);
  const shown = await page.locator('.scroll[aria-label="Money"] tbody tr').evaluateAll((lines) => lines.map((line) => [...line.children].map((cell) => cell.textContent)));
  assert.equal(shown.length, runs.length);
  shown.forEach((line, i) => {
    assert.equal(Number(line[1]), Number(runs[i].cost.toPrecision(3)));
    assert.equal(Number(line[2]), Number(runs[i].saved.toPrecision(3)));
    assert.equal(line[4], "CNY");
  });
  const points = await figureTable(page, "ROUGE-L against cost of 1,000 answers");
  assert.deepEqual(points.map((line) => Number(line[1])), runs.map(({ cost, saved, samples }) => {
    const each = (cost + saved) / samples * 1000;
    return Number(each >= 1 ? each.toFixed(2) : each.toPrecision(3));
  }));
  await shot(page, "money-1280-light", true);
  await close(page);
});

test("shows what judges had to ask, with the numbers of leaderboard.json", async () => {
  const judged = makeReport("judged", "judged");
  const page = await open(judged, "#judges");
  const { rows, tasks } = leaderboardOf(judged).tables[0];
  const cells = (label) => page.locator(`.scroll[aria-label="${label}"] tbody tr`).evaluateAll((lines) => lines.map((line) => [...line.children].map((cell) => cell.textContent)));
  const asked = await cells("Questions asked");
  const expected = rows.flatMap((row) => tasks.map((task) => row.runs[task].judges["made-up-judge#c0ffee"]));
  assert.deepEqual(asked.map((line) => line.slice(2)), expected.map((health) => [
    String(health.items), `${(health.questions / health.items).toFixed(1)} (0–6)`, String(health.without_questions),
    String(health.gold_answers_missing), String(health.unanswerable), String(health.answers_missing),
  ]));
  assert.ok(expected.every((health) => health.without_questions > 0 && health.gold_answers_missing > 0 && health.answers_missing > 0));
  const banks = await cells("Question bank, as it was read");
  assert.equal(banks.length, 2); // One a task: all rows share it.
  assert.deepEqual(banks[0].slice(2), ["33", "24", "4", "1", "3", "1", "1", "118", "19"]);
  await shot(page, "judges-1280-light", true);
  await narrow(page);
  await shot(page, "judges-390-light");
  await close(page);
});

test("groups scores by question type, with the numbers of leaderboard.json", async () => {
  const page = await open(demo, "#tasks?task=questanswer_2docs&metric=rouge_l&rows=3");
  await drawn(page);
  const { rouge_l: metric } = leaderboardOf(demo).tables[0].rows[3].runs.questanswer_2docs.metrics;
  const lines = await figureTable(page, "ROUGE-L by question type");
  assert.deepEqual(lines.map(([type]) => type).sort(), ["not given", "原因", "数量", "经过"]);
  for (const [type, n, text] of lines) {
    const group = metric.by_question_type[type === "not given" ? "" : type];
    assert.equal(n, String(group.n));
    assert.equal(text, `${(group.mean * 100).toFixed(2)} [${(group.low * 100).toFixed(1)}–${(group.high * 100).toFixed(1)}]`);
  }
  await page.goto(`${pathToFileURL(demo)}#tasks?task=event_summary&metric=rouge_l`);
  await drawn(page);
  assert.equal(await page.locator("figure", { hasText: "by question type" }).count(), 0);
  await close(page);
});

test("says that rows are not comparable", async () => {
  const page = await open(hostile);
  assert.match(await page.locator(".not-comparable").first().innerText(), /Not comparable\. Rows were asked with different prompts/);
  await close(page);
});

test("runs nothing of a hostile store, and keeps its layout", async () => {
  const page = await open(hostile);
  const sections = await page.locator("#sections a").evaluateAll((links) => links.map((link) => link.dataset.section));
  for (const section of ["judges", "experts", "cost"]) {
    assert.ok(sections.includes(section), section);
  }
  for (const section of sections) {
    await page.click(`[data-section="${section}"]`);
    await page.waitForSelector(`[data-section="${section}"][aria-current]`);
    await drawn(page);
    if (section === "samples") {
      await explored(page);
      for (let entry = 0; entry < await page.locator(".entry").count(); ++entry) {
        await page.locator(".entry").nth(entry).click();
        await explored(page);
        for (const details of await page.locator("details.prompt").all()) {
          await details.locator("summary").click();
          await details.locator(".text-block").waitFor();
        }
      }
    }
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 1280, section);
    if (section === "cost") {
      assert.equal(await page.locator('.scroll[aria-label="Money"]').count(), 1);
      assert.ok(await page.locator("main").evaluate((main) => main.textContent.includes("</script><script>document"))); // As a text.
    }
    await shot(page, `hostile-${section}`, ["cost", "experts"].includes(section));
  }
  assert.equal(await page.evaluate(() => document.documentElement.dataset.attacked), undefined);
  assert.equal(await page.locator("main img, main iframe, main object, main script").count(), 0);
  assert.deepEqual(page.requests, [pathToFileURL(hostile).href]);
  await close(page);
});

test("reads samples from files beside the page, and says so when one is missing", async () => {
  const file = makeReport("files", "demo", "--inline", "0");
  const data = join(file, "..", "report_data");
  const page = await open(file, "#samples");
  await explored(page);
  assert.equal(await page.locator("article.sample").count(), 1);
  assert.ok(page.requests.every((url) => url.startsWith("file://")));
  assert.ok(page.requests.some((url) => url.includes("/report_data/items-")));
  await close(page);
  for (const name of readdirSync(data).filter((entry) => entry.startsWith("items-"))) {
    rmSync(join(data, name));
  }
  const broken = await open(file, "#samples");
  await broken.waitForSelector(".explorer-box .notice");
  assert.match(await broken.locator(".explorer-box .notice").innerText(), /report_data\/items-0-0\.js/);
  assert.ok(broken.problems.every((text) => text.includes("ERR_FILE_NOT_FOUND")));
  await broken.context().close();
});
