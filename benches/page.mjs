// How fast the page is in a browser, over the events of a server that runs:
//
//     KRONIKA_PAGE_TOOLS=DIR node benches/page.mjs times|scroll|tail URL KEYFILE PROJECT PERIOD [COUNT]
//
// `times`: first rows of the journal (nothing cached), opening an event, a brush over the histogram until its rows and until
// all figures are there, each COUNT times (15), and frames while words are typed. From traces of the browser: a time ends
// with the first frame that was drawn after the page had what was waited for. `scroll` and `tail`: COUNT seconds (300) of
// scrolling, or of a live list at 500 events a second (which are sent to PROJECT), with the memory of the page each half minute.
// Prints JSON lines. The packages of `.ci/page-tools.txt` lie in KRONIKA_PAGE_TOOLS.
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { launch, open } from '../.ci/browser.mjs';

const [mode, url, keyFile, project, period = 'all', count] = process.argv.slice(2);
const site = { url, key: readFileSync(keyFile, 'utf8').trim() };
const journal = `${url}/?project=${project}&tz=UTC&${period.includes('=') ? period : `period=${period}`}`;
/** Marks and frames; more of it would be slower than what is measured. */
const CATEGORIES = ['blink.user_timing', 'disabled-by-default-devtools.timeline.frame'];
const ROWS = '[data-test=events] [data-test=row]';
/** Conditions that a time waits for, as the page sees them. */
const HAS = {
  rows: `document.querySelectorAll('${ROWS}').length > 5`,
  drawer: "document.querySelector('[data-test=drawer]:not([hidden]) [role=tab]') && !document.querySelector('[data-test=drawer] [aria-busy=true]')",
  brushed: `window.firstRow !== document.querySelector('${ROWS}')?.textContent && !document.querySelector('[data-test=events][aria-busy=true], [data-test=events] [aria-busy=true]') && document.querySelectorAll('${ROWS}').length > 5`,
  settled: "document.querySelector('main')?.children.length && !document.querySelector('[aria-busy=true]')",
};
const say = (facts) => console.log(JSON.stringify({ ...facts, load: Number(loadavg()[0].toFixed(2)) }));
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const round = (ms) => Math.round(ms * 10) / 10;

function summary(name, times) {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (part) => round(sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)]);
  say({ measured: name, count: times.length, median_ms: at(0.5), p95_ms: at(0.95), most_ms: at(1) });
}

/** Marks `name` as soon as `has` holds, looked at after each change of the page. */
const watch = (name, has) => `(() => {
  const look = () => { if (!(${has})) return false; performance.mark('${name}'); return true; };
  if (!look()) { const all = new MutationObserver(() => look() && all.disconnect()); all.observe(document, { subtree: true, childList: true, attributes: true, characterData: true }); }
})()`;

/** Evaluates through the debugger: the page's policy evaluates no text, and stays as it is. */
async function evaluate(page, expression) {
  page.debugger ??= await page.context().newCDPSession(page);
  const { result, exceptionDetails } = await page.debugger.send('Runtime.evaluate', { expression, returnByValue: true });
  if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  return result.value;
}

/** Waits until `condition` holds. */
async function until(page, condition, most = 60_000) {
  for (const began = Date.now(); !(await evaluate(page, `Boolean(${condition})`).catch(() => false)); await sleep(25)) {
    if (Date.now() - began > most) throw new Error(`in vain: ${condition}`);
  }
}

/** A window with the journal in it. */
async function shown(browser) {
  const window = await open(browser, site, { theme: 'light', language: 'en' });
  await window.page.goto(journal);
  await until(window.page, HAS.settled);
  return window;
}

/** What the browser wrote down while `work` was done. */
async function traced(browser, page, work, more = []) {
  await browser.startTracing(page, { categories: [...CATEGORIES, ...more] });
  try {
    await work();
    await page.waitForTimeout(200);
  } finally {
    var buffer = await browser.stopTracing();
  }
  return JSON.parse(buffer.toString()).traceEvents;
}

/** Frames of a trace that changed something: when each was begun and presented, and what became of it. */
function frames(events) {
  const begun = new Map();
  const all = [];
  for (const one of events.filter(({ name }) => name === 'PipelineReporter').sort((a, b) => a.ts - b.ts)) {
    const id = `${one.pid} ${one.id2?.local ?? one.id}`;
    if (one.ph === 'b') begun.set(id, one);
    else if (begun.has(id)) all.push({ begun: begun.get(id).ts, ended: one.ts, ...begun.get(id).args.frame_reporter });
  }
  return all.filter(({ state }) => state !== 'STATE_NO_UPDATE_DESIRED');
}

/** Milliseconds from mark `from` until the first frame was presented that was begun after mark `to`, or that mark where it changed nothing. */
function between(events, from, to) {
  const marks = (name) => events.filter((one) => one.name === name && one.cat?.includes('blink.user_timing')).map(({ ts }) => ts);
  const end = Math.max(...marks(to));
  const start = Math.max(...marks(from).filter((ts) => ts <= end));
  const shown = frames(events).filter(({ begun, state }) => begun >= end && state.startsWith('STATE_PRESENTED')).map(({ ended }) => ended);
  return ((shown.length > 0 ? Math.min(...shown) : end) - start) / 1000;
}

async function firstRows(browser, times) {
  const taken = [];
  for (let at = 0; at < times; at += 1) {
    const { context, page } = await open(browser, site, { theme: 'light', language: 'en' });
    await page.addInitScript(watch('rows', HAS.rows));
    const events = await traced(browser, page, async () => {
      await page.goto(journal);
      await until(page, HAS.settled);
    });
    taken.push(between(events, 'navigationStart', 'rows'));
    await context.close();
  }
  summary('first rows of the journal', taken);
}

async function drawer(browser, times) {
  const { context, page } = await shown(browser);
  const taken = [];
  for (let at = 0; at < times + 1; at += 1) {
    await evaluate(page, "addEventListener('pointerdown', () => performance.mark('asked'), { once: true, capture: true })");
    const events = await traced(browser, page, async () => {
      await evaluate(page, watch('opened', HAS.drawer));
      await page.locator(ROWS).nth(at % 12).click({ position: { x: 300, y: 8 } });
      await until(page, "performance.getEntriesByName('opened').length > 0");
    });
    // The first one loads the drawer's code.
    if (at === 0) say({ measured: 'the very first event opened', ms: round(between(events, 'asked', 'opened')) });
    else taken.push(between(events, 'asked', 'opened'));
    await evaluate(page, "performance.clearMarks()");
    await page.keyboard.press('Escape');
    await until(page, "document.querySelector('[data-test=drawer]')?.hidden ?? true");
  }
  summary('an event opened', taken);
  await context.close();
}

async function brush(browser, times) {
  const [rows, all] = [[], []];
  const { context, page } = await open(browser, site, { theme: 'light', language: 'en' });
  for (let at = 0; at < times; at += 1) {
    await page.goto(journal);
    await until(page, HAS.settled);
    const plot = await page.locator('[data-test=histogram-plot] svg').boundingBox();
    await evaluate(page, `window.firstRow = document.querySelector('${ROWS}')?.textContent; addEventListener('pointerup', () => { performance.mark('asked'); ${watch('brushed', HAS.brushed)}; }, { once: true, capture: true })`);
    const events = await traced(browser, page, async () => {
      const from = plot.x + plot.width * (0.1 + (0.5 * at) / times);
      await page.mouse.move(from, plot.y + plot.height / 2);
      await page.mouse.down();
      for (const part of [0.25, 0.5, 0.75, 1]) await page.mouse.move(from + plot.width * 0.12 * part, plot.y + plot.height / 2);
      await page.mouse.up();
      await until(page, "performance.getEntriesByName('brushed').length > 0");
      await evaluate(page, watch('settled', HAS.settled));
      await until(page, "performance.getEntriesByName('settled').length > 0");
    });
    rows.push(between(events, 'asked', 'brushed'));
    all.push(between(events, 'asked', 'settled'));
  }
  summary('a brush, until its rows', rows);
  summary('a brush, until all figures', all);
  await context.close();
}

async function typing(browser) {
  const { context, page } = await shown(browser);
  await evaluate(page, "window.seen = []; void new PerformanceObserver((list) => seen.push(...list.getEntries().map((one) => one.duration))).observe({ type: 'event', durationThreshold: 16, buffered: true })");
  await page.locator('[data-test=query]').first().click();
  const events = await traced(browser, page, () => page.keyboard.type('module:couriers label failed again', { delay: 70 }), ['devtools.timeline', 'toplevel']);
  const slow = await evaluate(page, 'window.seen');
  const all = frames(events);
  const dropped = all.filter(({ state, affects_smoothness }) => state === 'STATE_DROPPED' && affects_smoothness);
  const main = events.find((one) => one.name === 'thread_name' && one.args.name === 'CrRendererMain' && events.some((other) => other.tid === one.tid && other.name === 'EventTiming'));
  const tasks = events.filter((one) => one.name.endsWith('RunTask') && one.pid === main?.pid && one.tid === main?.tid).map((one) => (one.dur ?? 0) / 1000);
  say({ measured: 'typing 34 characters', frames: all.length, dropped: dropped.length, longest_task_ms: round(Math.max(0, ...tasks)), tasks_over_16_ms: tasks.filter((ms) => ms > 16).length, events_over_16_ms: slow.length, slowest_event_ms: Math.max(0, ...slow) });
  await context.close();
}

/** Memory of the page after a collection: heap in MB, nodes, listeners. */
async function memory(session) {
  await session.send('HeapProfiler.collectGarbage');
  const { metrics } = await session.send('Performance.getMetrics');
  const of = (name) => metrics.find((one) => one.name === name)?.value ?? 0;
  return { heap_mb: round(of('JSHeapUsedSize') / 1e6), nodes: of('Nodes'), listeners: of('JSEventListeners') };
}

/** `step` again and again for `seconds`, with the page's memory each half minute. */
async function during(name, seconds, session, step) {
  const began = Date.now();
  let [next, steps] = [0, 0];
  while (Date.now() - began < seconds * 1000) {
    if (Date.now() - began >= next) {
      say({ measured: name, second: Math.round(next / 1000), steps, ...(await memory(session)) });
      next += 30_000;
    }
    await step(steps);
    steps += 1;
  }
  say({ measured: name, second: seconds, steps, ...(await memory(session)) });
}

async function scroll(browser, seconds) {
  const { page } = await open(browser, site, { theme: 'light', language: 'en' });
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  await page.goto(journal);
  await until(page, HAS.settled);
  const list = await page.locator('[data-test=events]').first().boundingBox();
  await page.mouse.move(list.x + list.width / 2, list.y + Math.min(list.height, 400) / 2);
  await during('scrolling', seconds, session, async (at) => {
    await page.mouse.wheel(0, at % 400 < 300 ? 900 : -900);
    await sleep(50);
  });
}

async function tail(browser, seconds) {
  const { page } = await open(browser, site, { theme: 'light', language: 'en' });
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  await page.goto(`${url}/?project=${project}&tz=UTC&live=1`);
  await page.waitForSelector('[data-test=live-state], [data-test=live-pause]');
  const began = Date.now();
  let sent = 0;
  await during('live', seconds, session, async () => {
    const lines = Array.from({ length: 50 }, (_, at) => JSON.stringify({ event_id: `tail-${began}-${sent + at}`, module: 'orders', event_type: 'order.paid', message: `Order ${sent + at} was paid` }));
    const answer = await fetch(`${url}/api/v1/events`, { method: 'POST', headers: { Authorization: `Bearer ${site.key}`, 'Kronika-Project': project, 'Content-Type': 'application/x-ndjson' }, body: lines.join('\n') });
    if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);
    sent += 50;
    await sleep(Math.max(0, began + sent * 2 - Date.now()));
  });
}

const browser = await launch();
try {
  if (mode === 'times') {
    const times = Number(count ?? 15);
    await firstRows(browser, times);
    await drawer(browser, times);
    await brush(browser, times);
    await typing(browser);
  } else if (mode === 'scroll') await scroll(browser, Number(count ?? 300));
  else if (mode === 'tail') await tail(browser, Number(count ?? 300));
  else throw new Error('say what: times, scroll or tail');
} finally {
  await browser.close();
}
