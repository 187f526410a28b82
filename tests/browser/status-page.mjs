// What a browser makes of the status page. `tests/tests/programs/status_page.rs` starts
// the services and gives their addresses:
//
//     node status-page.mjs '{"mixed":"http://…/status",…}' [folder for pictures]

import assert from 'node:assert/strict';
import { join } from 'node:path';
import axe from 'axe-core';
import { chromium } from 'playwright-core';

const services = JSON.parse(process.argv[2]);
const pictures = process.argv[3];
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync',
  ],
});

// A page at this address, and everything that it asked for or complained of.
async function open(url, options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const requests = [];
  const complaints = [];
  page.on('request', (request) => {
    if (!request.url().startsWith('data:')) requests.push(request.url());
  });
  page.on('console', (message) => {
    // The page has the code of a failure, which is no failure of the page.
    if (!message.text().includes('status of 503')) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('dialog', (dialog) => complaints.push(dialog.message()));
  const answer = await page.goto(url);
  return { context, page, requests, complaints, answer };
}

async function violations(page, without = {}) {
  await page.evaluate(axe.source);
  const result = await page.evaluate(
    ([values, rules]) => axe.run(document, { runOnly: { type: 'tag', values }, rules }),
    [TAGS, { 'target-size': { enabled: true }, ...without }],
  );
  assert(result.passes.length > 15, 'axe looked at the page');
  return result.violations.map(({ id, nodes }) => [id, ...nodes.map((node) => node.html)]);
}

async function looksRight(name, colorScheme, width) {
  const viewport = { width, height: 900 };
  const url = `${services[name]}?refresh=off`;
  const { context, page, requests, complaints } = await open(url, { colorScheme, viewport });
  const where = `${name}, ${colorScheme}, ${width} px`;
  await page.evaluate(() => {
    for (const details of document.querySelectorAll('details')) details.open = true;
  });
  assert.deepEqual(await violations(page), [], where);
  const overflow = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return scrollWidth - clientWidth;
  });
  assert.equal(overflow, 0, `${where}: it scrolls sideways`);
  assert.deepEqual(requests, [url], `${where}: it asks for more than itself`);
  assert.deepEqual(complaints, [], where);
  if (pictures) {
    await page.reload();
    await page.screenshot({
      path: join(pictures, `${name}-${colorScheme}-${width}.png`),
      fullPage: name !== 'thousand',
    });
  }
  await context.close();
}

// Everything that a person needs is there without a script.
async function worksWithoutScript() {
  const { context, page, answer } = await open(services.mixed, { javaScriptEnabled: false });
  assert.equal(answer.status(), 503);
  assert.equal(await page.locator('h1').innerText(), 'Unhealthy');
  assert.match(await page.title(), /^Unhealthy: 3 failing, /);
  const database = page.locator('#check-database');
  assert.equal(await database.locator('.state').innerText(), 'Failing');
  assert.match(await database.innerText(), /reason withheld/);
  const picture = page.getByRole('img', { name: /^Last 20 results: 0 passed, 0 degraded, 20 failed/ });
  assert(await picture.first().isVisible());
  const passing = page.locator('#check-alive');
  assert(await passing.isVisible());
  await page.locator('summary').click();
  assert(!await passing.isVisible(), 'what passes can be folded up');
  await context.close();
}

// Texts of the application stay texts.
async function textsStayTexts() {
  const { context, page, complaints } = await open(`${services.mixed}?refresh=off`);
  const reason = page.locator('#check-hostile .reason');
  assert.equal(await reason.innerText(), `</p><img src=x onerror="alert('1')"><script>alert(2)</script>`);
  assert.equal(await page.locator('img, script, iframe').count(), 0);
  assert.deepEqual(complaints, []);
  await context.close();
}

// Whoever is disturbed by the refresh switches it off with two keys, and chooses
// another time as easily. This is why the rule `meta-refresh` is left out for
// the default: it assumes that there is no such switch.
async function refreshIsTheReadersChoice() {
  const { context, page, requests } = await open(services.mixed);
  const meta = page.locator('meta[http-equiv=refresh]');
  assert.equal(await meta.getAttribute('content'), '10');
  assert.deepEqual(await violations(page, { 'meta-refresh': { enabled: false } }), []);
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Off');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/status?refresh=off');
  assert.equal(await meta.count(), 0);
  assert.equal(await page.locator('nav [aria-current]').innerText(), 'Off');
  await page.getByRole('link', { name: '5 min' }).click();
  await page.waitForURL('**/status?refresh=300');
  assert.equal(await meta.getAttribute('content'), '300');
  await page.goto(`${services.mixed}?refresh=1`);
  assert.equal(await meta.getAttribute('content'), '5', 'a wall of screens is no load');
  const before = requests.length;
  await page.waitForEvent('request', { timeout: 20_000 });
  assert.equal(requests.length, before + 1, 'it loads itself anew');
  await context.close();
}

// A thousand checks: what fails is on the first screen, and what passes is one
// click away.
async function aThousandChecksAreUsable() {
  const viewport = { width: 1280, height: 800 };
  const { context, page, answer } = await open(`${services.thousand}?refresh=off`, { viewport });
  const size = (await answer.body()).length;
  assert(size < 400_000, `${size} bytes`);
  const failing = page.locator('#check-check-0500');
  const { y, height } = await failing.boundingBox();
  assert(y + height < viewport.height, 'what fails is on the first screen');
  const passing = page.getByText('check-0999');
  assert(!await passing.isVisible());
  await page.locator('summary').click();
  assert(await passing.isVisible());
  await context.close();
}

async function saysNoMoreThanItMay() {
  const { context, page } = await open(`${services.terse}?refresh=off`);
  const text = await page.locator('body').innerText();
  assert.match(text, /Unhealthy/);
  assert.doesNotMatch(text, /database|Version|Running/);
  await context.close();
}

try {
  for (const name of Object.keys(services)) {
    for (const colorScheme of ['light', 'dark']) {
      for (const width of [320, 1280]) await looksRight(name, colorScheme, width);
    }
  }
  await worksWithoutScript();
  await textsStayTexts();
  await refreshIsTheReadersChoice();
  await aThousandChecksAreUsable();
  await saysNoMoreThanItMay();
} finally {
  await browser.close();
}
