// The overview of `crudbench serve`: shows each state that the server sends. Everything in a state
// is untrusted and becomes text, never markup.
'use strict';

const LABELS = {
  en: {
    report: 'Report', empty: 'No runs yet.', connected: 'live', lost: 'connection lost, trying again',
    samples: 'samples', failed: 'failed', rate: 'samples/s', tokens: 'tokens/s', left: 'time left', cost: 'cost',
    run: 'run', task: 'task', system: 'system', experiments: 'experiments', progress: 'progress',
    failures: 'failures', cached: 'cached', completion: 'tokens out', unknown: '–',
  },
  zh: {
    report: '报告', empty: '尚无运行。', connected: '实时', lost: '连接中断，正在重试',
    samples: '样本', failed: '失败', rate: '样本/秒', tokens: '词元/秒', left: '剩余时间', cost: '费用',
    run: '运行', task: '任务', system: '系统', experiments: '实验', progress: '进度',
    failures: '失败原因', cached: '缓存', completion: '输出词元', unknown: '–',
  },
};
const language = navigator.language.startsWith('zh') ? 'zh' : 'en';
const labels = LABELS[language];

function element(tag, text = '', className = '') {
  const node = document.createElement(tag);
  node.textContent = text;
  node.className = className;
  return node;
}

function rate(value) {
  return value === null || value === undefined ? labels.unknown : value.toFixed(value < 10 ? 1 : 0);
}

function duration(seconds) {
  if (seconds === null || seconds === undefined) {
    return labels.unknown;
  }
  const whole = Math.round(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return parts.map((part, i) => (i === 0 ? String(part) : String(part).padStart(2, '0'))).join(':');
}

// "1.25 USD + 3.00 CNY": what the requests have cost, by currency.
function costs(spending) {
  const sums = new Map();
  for (const { cost, currency } of spending) {
    sums.set(currency, (sums.get(currency) ?? 0) + cost);
  }
  return [...sums].map(([currency, sum]) => `${sum.toFixed(2)} ${currency}`).join(' + ');
}

function showTotals(state) {
  const totals = [
    ['samples', `${state.ok + state.failed} / ${state.samples}`],
    ['failed', String(state.failed)],
    ['rate', rate(state.samples_per_second)],
    ['tokens', rate(state.completion_tokens_per_second)],
    ['left', duration(state.seconds_left)],
  ];
  if (state.spending.length > 0) {
    totals.push(['cost', costs(state.spending)]);
  }
  document.getElementById('totals').replaceChildren(...totals.map(([name, value]) => {
    const group = element('div');
    group.append(element('dt', labels[name]), element('dd', value));
    return group;
  }));
}

function runRow(run) {
  const row = document.createElement('tr');
  const bar = document.createElement('progress');
  bar.max = Math.max(run.samples, 1);
  bar.value = run.ok + run.failed;
  const progress = element('td');
  progress.append(bar, ` ${run.ok + run.failed} / ${run.samples}`);
  const failures = Object.entries(run.failures).map(([name, count]) => `${name} ${count}`).join(', ');
  row.append(
    element('td', String(run.run_id), 'number'), element('td', run.experiments.join(', ')),
    element('td', run.task), element('td', run.label), progress,
    element('td', failures, 'failed'), element('td', String(run.cached), 'number'),
    element('td', String(run.completion_tokens), 'number'));
  return row;
}

function show(state) {
  const isEmpty = state.runs.length === 0;
  document.querySelector('table').hidden = isEmpty;
  document.getElementById('empty').hidden = !isEmpty;
  if (!isEmpty) {
    showTotals(state);
    document.getElementById('runs').replaceChildren(...state.runs.map(runRow));
  }
}

function setUp() {
  document.documentElement.lang = language;
  for (const node of document.querySelectorAll('[data-label]')) {
    node.textContent = labels[node.dataset.label];
  }
  const titles = ['run', 'experiments', 'task', 'system', 'progress', 'failures', 'cached', 'completion'];
  document.getElementById('titles').replaceChildren(...titles.map((name) => element('th', labels[name])));
  const connection = document.getElementById('connection');
  const events = new EventSource('events');
  events.addEventListener('open', () => { connection.textContent = labels.connected; });
  events.addEventListener('error', () => { connection.textContent = labels.lost; });
  events.addEventListener('message', (event) => show(JSON.parse(event.data)));
}

setUp();
