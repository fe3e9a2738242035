// The browser that looks at the page: Debian's chromium (KRONIKA_CHROMIUM names another), driven by packages that lie in
// KRONIKA_PAGE_TOOLS (`.ci/run` installs them).
import { createRequire } from 'node:module';
import { join } from 'node:path';

export const tools = createRequire(join(process.env.KRONIKA_PAGE_TOOLS, '/'));
const { chromium } = tools('playwright-core');

/** A browser without a screen that asks nobody but the page's server. */
export const launch = () =>
  chromium.launch({ executablePath: process.env.KRONIKA_CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] });

/** A window that is signed in, and what went wrong in it. */
export async function open(browser, site, { theme, language, width = 1440, height = 900, signedIn = true }) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, locale: language, reducedMotion: 'reduce', bypassCSP: false });
  if (signedIn) {
    const answer = await context.request.post(`${site.url}/api/v1/session`, { data: { key: site.key }, headers: { Origin: site.url } });
    if (!answer.ok()) throw new Error(`sign-in: ${answer.status()} ${await answer.text()}`);
  }
  const page = await context.newPage();
  const wrong = [];
  page.on('console', (message) => message.type() === 'error' && wrong.push(message.text()));
  page.on('pageerror', (error) => wrong.push(error.stack ?? error.message));
  await page.addInitScript((chosen) => localStorage.setItem('kronika.lang', chosen), language);
  return { context, page, wrong };
}
