// What a browser knows best: `node .ci/page.mjs axe` looks for barriers (axe-core) in every view, in both themes and three
// languages; `node .ci/page.mjs pictures DIR` takes pictures of every view. Both run the demo's server themselves
// (KRONIKA_PROGRAM) and fail on an error in the console or a report of the policy.
//
// Packages lie in KRONIKA_PAGE_TOOLS (.ci/run installs them); the browser is Debian's chromium.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launch, open, tools } from './browser.mjs';

const axeSource = readFileSync(tools.resolve('axe-core/axe.min.js'), 'utf8');
/** How long a view may be busy. */
const PATIENCE = 30_000;
const [mode, out = 'pictures', only] = process.argv.slice(2);

/** Views by name: where each has something to show, and a key to press or a control to click there. */
const VIEWS = {
  journal: '/?project=shop&period=last_7d&tz=UTC',
  period: '/?project=shop&period=last_7d&tz=UTC t',
  help: '/?project=shop&period=last_7d&tz=UTC ?',
  differences: '/?project=shop&period=last_7d&module=couriers&tz=UTC [data-test=differences-open]',
  empty: '/?project=demo&period=2019&source=idosell&module=orders&tz=UTC',
  event: '/?project=demo&period=all&tz=UTC&event={event}',
  near: '/?project=demo&period=all&tz=UTC&event={event}&tab=near',
  raw: '/?project=demo&period=all&tz=UTC&event={event}&tab=raw',
  dashboards: '/dashboards?project=demo',
  dashboard: '/dashboards/idosell?project=demo&period=all&tz=UTC',
  sql: '/sql?project=demo&tz=UTC&sql=SELECT+module,+count(*)+AS+events+FROM+events+GROUP+BY+module+ORDER+BY+2+DESC',
  chart: '/sql?project=demo&tz=UTC&sql=SELECT+module,+count(*)+AS+events+FROM+events+GROUP+BY+module&tab=chart',
  plan: '/sql?project=demo&tz=UTC&sql=SELECT+module,+count(*)+AS+events+FROM+events+GROUP+BY+module&tab=plan',
  screens: '/screens?project=demo',
  screen: '/screens/remonline/event_log?project=demo&tz=UTC',
  object: '/objects/{object}?project=demo&tz=UTC',
  state: '/objects/{object}?project=demo&tz=UTC&view=state',
  actor: '/actors/{actor}?project=demo&tz=UTC',
  sessions: '/sessions?project=demo&tz=UTC',
  tasks: '/tasks?project=demo&tz=UTC',
  jobs: '/jobs?project=demo&tz=UTC',
  ingest: '/ingest?project=demo&tz=UTC',
  deadletters: '/ingest/rejected?project=demo&tz=UTC',
  mappings: '/ingest/mappings?project=demo&tz=UTC',
  alerts: '/alerts?project=demo&tz=UTC',
  keys: '/admin/keys?project=demo&tz=UTC',
  projects: '/admin/projects?project=demo&tz=UTC',
  retention: '/admin/retention?project=demo&tz=UTC',
  erasure: '/admin/erasure?project=demo&tz=UTC',
  holds: '/admin/holds?project=demo&tz=UTC',
  redaction: '/admin/redaction?project=demo&tz=UTC',
  products: '/admin/products?project=demo&tz=UTC',
  storage: '/admin/storage?project=demo&tz=UTC',
  health: '/admin/health?project=demo&tz=UTC',
  kit: '/ui/kit?project=demo&tz=UTC',
  login: '/login',
};

/** The demo's server. */
async function server() {
  const data = mkdtempSync(join(tmpdir(), 'kronika-page-'));
  const child = spawn(process.env.KRONIKA_PROGRAM, ['demo', '--data-dir', join(data, 'demo'), '--listen', '127.0.0.1:0', '--events', '20000'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const url = await new Promise((resolve, reject) => {
    let said = '';
    child.on('exit', () => reject(new Error(`the demo ended: ${said}`)));
    child.stdout.on('data', (data) => {
      said += data;
      const found = /listening on (\S+)\s/.exec(said);
      if (found) resolve(found[1]);
    });
  });
  const key = readFileSync(join(data, 'demo', 'demo.key'), 'utf8').trim();
  const stop = async () => {
    child.removeAllListeners('exit');
    const ended = new Promise((resolve) => child.on('exit', resolve));
    child.kill('SIGTERM');
    await ended;
    rmSync(data, { recursive: true, force: true });
  };
  return { url, key, stop };
}

/** Addresses with an event, an object and an actor that exist. */
async function addresses({ url, key }) {
  const headers = { Authorization: `Bearer ${key}`, 'Kronika-Project': 'demo' };
  const get = async (path) => (await fetch(url + path, { headers })).json();
  const changed = await get('/api/v1/events?period=all&has=changes&limit=1&fields=event_id,object_type,object_id,actor_id');
  const row = Array.isArray(changed.events) ? changed.events[0] : changed.rows[0];
  const at = (name) => encodeURIComponent(Array.isArray(row) ? row[['event_id', 'object_type', 'object_id', 'actor_id'].indexOf(name)] : row[name]);
  const fill = (path) => path.replace('{event}', at('event_id')).replace('{object}', `${at('object_type')}/${at('object_id')}`).replace('{actor}', at('actor_id'));
  return Object.entries(VIEWS).map(([name, path]) => [name, fill(path)]).filter(([name]) => !only || only.split(',').includes(name));
}

/** Waits until nothing is busy; whether it came to that. */
async function settled(page) {
  const calm = await page.waitForFunction(() => document.querySelector('main')?.children.length && !document.querySelector('[aria-busy=true]'), null, { timeout: PATIENCE }).catch(() => null);
  await page.waitForTimeout(250);
  return calm !== null;
}

/** Presses a key, or clicks what a selector finds: that opens something, for which it waits. */
async function press(page, key) {
  await (key.length > 1 ? page.click(key) : page.keyboard.press(key));
  await page.waitForSelector('dialog[open], .popover', { timeout: PATIENCE });
  await settled(page);
}

/** What axe-core finds on a page, as lines. */
async function violations(page) {
  // Through the debugger: the page's policy lets no script in, and stays as it is.
  const session = await page.context().newCDPSession(page);
  await session.send('Runtime.evaluate', { expression: axeSource });
  const { result } = await session.send('Runtime.evaluate', { expression: 'axe.run(document, {resultTypes: ["violations"]}).then((found) => JSON.stringify(found.violations))', awaitPromise: true, returnByValue: true });
  await session.detach();
  const places = (one) => one.nodes.slice(0, 3).map((node) => `\n    ${node.target.join(' ')}: ${node.failureSummary?.split('\n').slice(1, 2).join('')}`).join('');
  return JSON.parse(result.value).map((one) => `${one.id} (${one.impact}): ${one.help}${places(one)}`);
}

/** Looks for barriers in every view, in one theme and language; gives how many were found. */
async function barriersIn(browser, site, views, look) {
  let count = 0;
  const signedIn = await open(browser, site, look);
  const outside = await open(browser, site, { ...look, signedIn: false });
  for (const [name, path] of views) {
    const { page, wrong } = name === 'login' ? outside : signedIn;
    const [address, key] = path.split(' ');
    const answer = await page.goto(site.url + address);
    const found = answer.ok() ? [] : [`${address} is answered with ${answer.status()}`];
    if (found.length === 0 && !(await settled(page))) found.push(`is still busy: ${await page.evaluate(() => [...document.querySelectorAll('[aria-busy=true]')].map((one) => one.className || one.tagName).join(', '))}`);
    if (key) await press(page, key);
    found.push(...(await violations(page)), ...wrong.splice(0).map((message) => `console: ${message}`));
    for (const one of found) console.log(`${name} ${look.theme} ${look.language}: ${one}`);
    count += found.length;
  }
  await signedIn.context.close();
  await outside.context.close();
  return count;
}

/** Looks for barriers in both themes, in three languages at a time; gives how many were found. */
async function barriers(browser, site, views) {
  let count = 0;
  for (const theme of ['light', 'dark']) {
    const counts = await Promise.all(['en', 'pl', 'ru'].map((language) => barriersIn(browser, site, views, { theme, language })));
    count += counts.reduce((sum, one) => sum + one, 0);
  }
  console.log(`${views.length} views × 2 themes × 3 languages: ${count} barriers or errors`);
  return count;
}

/** Takes pictures of every view in light and dark, and of the journal in other sizes. */
async function pictures(browser, site, views) {
  mkdirSync(out, { recursive: true });
  const sizes = [['light', 1440, 900, views], ['dark', 1440, 900, views], ['light', 375, 812, views.filter(([name]) => ['journal', 'event'].includes(name))], ['light', 1920, 1080, views.filter(([name]) => name === 'journal')]];
  let count = 0;
  for (const [theme, width, height, shown] of sizes) {
    const inside = await open(browser, site, { theme, language: process.env.KRONIKA_LANGUAGE ?? 'en', width, height });
    for (const [name, path] of shown) {
      const [address, key] = path.split(' ');
      await inside.page.goto(site.url + address);
      await settled(inside.page);
      if (key) await press(inside.page, key);
      await inside.page.screenshot({ path: join(out, `${name}-${theme}-${width}.png`) });
      for (const message of inside.wrong.splice(0)) {
        count += 1;
        console.log(`${name} ${theme}: console: ${message}`);
      }
    }
    await inside.context.close();
  }
  return count;
}

const site = await server();
const browser = await launch();
try {
  const views = await addresses(site);
  const count = mode === 'axe' ? await barriers(browser, site, views) : await pictures(browser, site, views);
  process.exitCode = count === 0 ? 0 : 1;
} finally {
  await browser.close();
  await site.stop();
}
