// Which experts of a mixture-of-experts model work on what, from the telemetry of its router.

const expertRows = (table) => table.rows.filter((row) => row.routing);
const phaseNames = ["prompt", "answer"];

// The mean of the layers that chose experts; undefined for none.
const meanOfLayers = (values) => average(values.filter(isNumber));

// The table of `phaseNames` and tasks: how evenly the router spreads the tokens.
function balanceTable(routing, tasks) {
  const number = true;
  const even = 1 / routing.experts;
  const columns = [
    { title: t("task") }, { title: t("tokens of") }, { title: t("tokens"), number },
    { title: t("entropy"), number, hint: t("entropy hint") },
    { title: t("busiest share"), number, hint: t("busiest share hint", { even: percent(even) }) },
    { title: t("active experts"), number, hint: t("active experts hint") },
    { title: t("prompt against answer"), number, hint: t("divergence hint") },
  ];
  const share = (value) => (isNumber(value) ? percent(value) : "–");
  const decimals = (value) => (isNumber(value) ? value.toFixed(3) : "–");
  return plainTable(columns, tasks.flatMap((task) => phaseNames.map((phase) => {
    const of = routing.tasks[task];
    const { tokens, entropy, max_share: maxShare, active_fraction: active } = of[phase];
    return [
      taskTitle(task), t(`${phase} tokens`), count(tokens), decimals(meanOfLayers(entropy)), share(meanOfLayers(maxShare)),
      share(active ?? undefined), decimals(of.prompt_answer_divergence),
    ];
  })), t("balance"));
}

// Where the tokens go: each expert's share of its layer's choices, over the share it had if all
// worked alike.
function loadFigure(routing, task, phase) {
  const { counts } = routing.tasks[task][phase];
  const loads = counts.map((layer) => layer.map((chosen) => chosen * routing.experts / (sum(layer) || 1)));
  const cells = loads.flatMap((layer, i) => (sum(counts[i]) > 0 ? layer.map((load, expert) => [expert, i, load]) : []));
  if (cells.length === 0) {
    return null;
  }
  const highest = Math.max(...cells.map(([, , load]) => load));
  const loadText = (load) => `${load.toFixed(2)} ×`;
  const option = () => ({
    grid: { left: 52, right: 86, top: 12, bottom: 48 },
    legend: null,
    tooltip: {
      formatter: ({ value: [expert, layer, load] }) =>
        `${t("layer")} ${layer}, ${t("expert")} ${expert}\n${percent(load / routing.experts)} = ${loadText(load)}`,
    },
    xAxis: axis({ type: "category", name: t("expert"), data: Array.from({ length: routing.experts }, (_, i) => String(i)) }),
    yAxis: axis({ type: "category", name: t("layer"), nameGap: 34, inverse: true, data: loads.map((_, i) => String(i)) }),
    visualMap: {
      min: 0, max: Math.max(highest, 2), dimension: 2, calculable: true, right: 0, top: "middle", itemHeight: 130, itemWidth: 12, precision: 1,
      text: [t("load"), ""], formatter: (load) => `${load.toFixed(1)} ×`, textStyle: { color: cssColour("soft"), fontSize: 11 }, inRange: { color: heatRamp },
    },
    series: [{ type: "heatmap", data: cells, progressive: 0, emphasis: { itemStyle: { borderColor: cssColour("ink"), borderWidth: 1 } } }],
  });
  return chartFigure({
    title: t("expert load", { task: taskTitle(task), tokens: t(`${phase} tokens`) }),
    caption: t("expert load caption", { even: percent(1 / routing.experts) }),
    height: Math.min(620, Math.max(220, 90 + 16 * loads.length)), wide: true, option,
    data: {
      columns: [{ title: t("layer") }, ...Array.from({ length: routing.experts }, (_, i) => ({ title: String(i), number: true }))],
      lines: counts.map((layer, i) => [String(i), ...layer.map(String)]),
    },
  });
}

// Entropy and the busiest expert, layer by layer, beside what even work would be.
function balanceFigure(routing, task) {
  const of = routing.tasks[task];
  const layers = of.prompt.entropy.map((_, i) => String(i));
  const lines = phaseNames.flatMap((phase) => [
    [`${t("entropy")}, ${t(`${phase} tokens`)}`, of[phase].entropy],
    [`${t("busiest share")}, ${t(`${phase} tokens`)}`, of[phase].max_share],
  ]);
  const even = 1 / routing.experts;
  const option = () => ({
    legend: { data: [...lines.map(([name]) => name), t("even share")] },
    tooltip: axisTooltip((value) => value.toFixed(3)),
    xAxis: axis({ type: "category", name: t("layer"), data: layers }),
    yAxis: axis({ type: "value", min: 0, max: 1, scale: false }),
    series: [
      ...lines.map(([name, values], position) => lineSeries(position, name, values)),
      { type: "line", name: t("even share"), symbol: "none", color: cssColour("soft"), lineStyle: { type: "dotted", width: 1.5 }, data: layers.map(() => even) },
    ],
  });
  return chartFigure({
    title: t("balance of layers", { task: taskTitle(task) }), caption: t("balance caption", { even: even.toFixed(3) }), option,
    data: {
      columns: [{ title: t("layer") }, ...lines.map(([title]) => ({ title, number: true }))],
      lines: layers.map((layer, i) => [layer, ...lines.map(([, values]) => (isNumber(values[i]) ? values[i].toFixed(3) : "–"))]),
    },
  });
}

// The smallest cache that answers a share of the choices, its share of the experts and its memory.
function cacheFor(routing, rates, wanted) {
  const size = rates.findIndex((rate) => isNumber(rate) && rate >= wanted) + 1;
  if (size === 0) {
    return "–";
  }
  const memory = routing.expert_bytes > 0 ? `, ${bytesText(routing.expert_bytes * size / routing.experts)}` : "";
  return [String(size), element("span", { class: "range" }, `${percent(size / routing.experts)}${memory}`)];
}

// How much of the work a cache of so many experts a layer would have held.
function cacheFigure(routing, task) {
  const of = routing.tasks[task];
  const sizes = Array.from({ length: routing.experts }, (_, i) => i + 1);
  const lines = phaseNames.flatMap((phase) => ["lru", "lfu"].map((kind) =>
    [`${kind.toUpperCase()}, ${t(`${phase} tokens`)}`, of[phase].cache_hit_rates[kind]]));
  if (!lines.some(([, rates]) => rates.some(isNumber))) {
    return [];
  }
  const memory = (size) => (routing.expert_bytes > 0 ? bytesText(routing.expert_bytes * size / routing.experts) : "–");
  const tooltip = axisTooltip(percent);
  const option = () => ({
    legend: { data: lines.map(([name]) => name) },
    tooltip: { ...tooltip, formatter: (entries) => `${t("experts kept")} ${tooltip.formatter(entries)}\n${t("memory")}: ${memory(Number(entries[0]?.name))}` },
    xAxis: axis({ type: "category", name: t("experts kept"), data: sizes.map(String), boundaryGap: false }),
    yAxis: axis({ type: "value", name: t("hit rate"), nameGap: 40, min: 0, max: 1, scale: false, axisLabel: { formatter: percentLabel } }),
    series: lines.map(([name, rates], position) => lineSeries(position, name, rates, { symbol: routing.experts > 16 ? "none" : symbolOf(position) })),
  });
  const wanted = [0.5, 0.8, 0.95];
  return [
    chartFigure({
      title: t("cache hits", { task: taskTitle(task) }), caption: t("cache caption"), option,
      data: {
        columns: [{ title: t("experts kept"), number: true }, { title: t("memory"), number: true }, ...lines.map(([title]) => ({ title, number: true }))],
        lines: sizes.map((size, i) => [String(size), memory(size), ...lines.map(([, rates]) => (isNumber(rates[i]) ? percent(rates[i]) : "–"))]),
      },
    }),
    element("div", {},
      element("h3", {}, t("cache sizes")), element("p", { class: "table-note" }, t("cache sizes note")),
      plainTable([{ title: t("cache") }, ...wanted.map((share) => ({ title: wholePercent(share), number: true }))],
        lines.map(([name, rates]) => [name, ...wanted.map((share) => cacheFor(routing, rates, share))]), t("cache sizes"))),
  ];
}

// How differently two tasks use the experts.
function taskDivergenceFigure(routing, tasks, phase) {
  const between = (one, other) => own(own(routing.task_divergence, one), other)?.[phase];
  const cells = tasks.flatMap((one, i) => tasks.map((other, j) => [i, j, between(one, other)])).filter(([, , value]) => isNumber(value));
  if (tasks.length < 2 || cells.length === 0) {
    return null;
  }
  const highest = Math.max(1e-9, ...cells.map(([, , value]) => value));
  const names = tasks.map(taskTitle);
  const option = () => ({
    grid: { left: 170, right: 16, top: 8, bottom: 100 },
    legend: null,
    tooltip: { formatter: ({ value: [i, j, value] }) => `${names[i]} – ${names[j]}: ${value.toFixed(4)}` },
    xAxis: axis({ type: "category", data: names, axisLabel: { rotate: 32, hideOverlap: false } }),
    yAxis: axis({ type: "category", data: names, inverse: true }),
    visualMap: { show: false, min: 0, max: highest, dimension: 2, inRange: { color: heatRamp } },
    series: [{
      type: "heatmap", itemStyle: { borderColor: cssColour("paper"), borderWidth: 2 },
      data: cells.map(([i, j, value]) => ({ value: [i, j, value], label: { show: true, formatter: value.toFixed(3), color: value > 0.46 * highest ? "#14161a" : "#ffffff" } })),
    }],
  });
  return chartFigure({
    title: t("divergence of tasks", { tokens: t(`${phase} tokens`) }), caption: t("divergence caption"), option, height: 130 + 36 * tasks.length,
    data: {
      columns: [{ title: t("task") }, ...names.map((title) => ({ title, number: true }))],
      lines: tasks.map((one) => [taskTitle(one), ...tasks.map((other) => (isNumber(between(one, other)) ? between(one, other).toFixed(4) : "–"))]),
    },
  });
}

// Quality against what the engine gives and takes: the axes of the model, the engine and the machine.
function engineFigures(table) {
  const { metric, task, controls } = figureChoice(table, true, ({ needs_answer: needsAnswer }) => needsAnswer);
  const kinds = ["speed", "memory"].filter((kind) => table.rows.filter((row) => costOf(table, row, task, kind)).length > 0);
  if (metric === undefined || kinds.length === 0) {
    return [];
  }
  return [
    element("h2", {}, t("quality against engine")), controls,
    element("div", { class: "figures" }, kinds.map((kind) => paretoFigure(table, metric, task, kind, false))),
  ];
}

function renderExperts(table) {
  const rows = expertRows(table);
  const row = rows.find(({ index }) => String(index) === app.get("model", "")) ?? rows[0];
  const { routing } = row;
  const tasks = table.tasks.filter((task) => own(routing.tasks, task));
  const task = tasks.includes(app.get("routed", "")) ? app.get("routed", "") : tasks[0];
  const phase = phaseNames.includes(app.get("phase", "")) ? app.get("phase", "") : "answer";
  return [
    element("p", { class: "lead-text" }, t("experts lead")),
    element("div", { class: "controls" },
      rows.length > 1 ? picker(t("configuration"), rows.map((choice) => [String(choice.index), shortTitle(table, choice)]), row.index, (model) => app.set({ model })) : null,
      tasks.length > 1 ? picker(t("task"), tasks.map((name) => [name, taskTitle(name)]), task, (routed) => app.set({ routed })) : null,
      segments(t("tokens of"), phaseNames.map((name) => [name, t(`${name} tokens`)]), phase, (name) => app.set({ phase: name }))),
    element("p", { class: "identity" }, t("experts shape", { layers: String(routing.layers), experts: String(routing.experts), used: String(routing.experts_used) }),
      routing.expert_bytes > 0 ? ` · ${t("expert memory", { memory: bytesText(routing.expert_bytes) })}` : ""),
    balanceTable(routing, tasks),
    element("div", { class: "figures" }, [
      loadFigure(routing, task, phase), balanceFigure(routing, task), taskDivergenceFigure(routing, tasks, phase), ...cacheFigure(routing, task),
    ].filter(Boolean)),
    ...engineFigures(table),
  ];
}
