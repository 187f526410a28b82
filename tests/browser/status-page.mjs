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

async function violations(page) {
  await page.evaluate(axe.source);
  const result = await page.evaluate(
    ([values, rules]) => axe.run(document, { runOnly: { type: 'tag', values }, rules }),
    [TAGS, { 'target-size': { enabled: true } }],
  );
  assert(result.passes.length > 15, 'axe looked at the page');
  return result.violations.map(({ id, nodes }) => [id, ...nodes.map((node) => node.html)]);
}

async function looksRight(name, colorScheme, width, path = '') {
  const viewport = { width, height: 900 };
  const [where_, query] = path.split('?');
  const url = `${services[name]}${where_}?refresh=off${query ? `&${query}` : ''}`;
  const { context, page, requests, complaints } = await open(url, { colorScheme, viewport });
  const where = `${name}${path}, ${colorScheme}, ${width} px`;
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
      path: join(pictures, `${name}${path.replace(/\W+/g, '-')}-${colorScheme}-${width}.png`),
      fullPage: name !== 'thousand' && name !== 'many',
    });
  }
  await context.close();
}

// Everything that a person needs is there without a script, with the keyboard
// alone as with a mouse.
async function worksWithoutScript() {
  const { context, page, answer } = await open(services.mixed, { javaScriptEnabled: false });
  assert.equal(answer.status(), 503);
  assert.equal(await page.locator('h1').innerText(), 'Unhealthy');
  assert.match(await page.title(), /^Unhealthy: 3 failing, 1 hung, 1 without a result, 1 skipped, 1 degraded, 2 passing · orders$/);
  const facts = await page.locator('.facts').innerText();
  assert.match(facts, /1\.4\.2[^]*orders-7d9f[^]*As of\s+\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/);
  assert(await page.getByText('Without scripts the page does not refresh by itself.').isVisible());
  assert.match(await page.locator('.notice').innerText(), /^Maintenance\. the index is rebuilt/);
  const database = page.locator('#check-database');
  assert.equal(await database.locator('.state').innerText(), 'Failing');
  assert.match(await database.innerText(), /reason withheld[^]*Affects \/orders\/\{id\}, \/invoices[^]*Failing since[^]*Incident/);
  assert(await page.getByRole('img', { name: '0.00\u00a0% up in the last hour' }).first().isVisible());
  const passing = page.locator('#check-alive');
  assert(await passing.isVisible());
  await page.locator('#passing summary').click();
  assert(!await passing.isVisible(), 'what passes can be folded up');

  await page.getByLabel('State').selectOption('hung');
  await page.getByRole('button', { name: 'Filter' }).click();
  await page.waitForURL('**/status?state=hung&**');
  assert.equal(await page.locator('.card').count(), 1);
  await page.getByRole('link', { name: 'Show all' }).click();
  await page.getByLabel('Text').fill('ORDERS DATABASE');
  await page.getByLabel('Text').press('Enter');
  await page.waitForURL('**/status?*q=ORDERS+DATABASE');
  assert.equal(await page.locator('.card').count(), 1);

  await page.locator('.card').getByRole('link', { name: 'database' }).click();
  await page.waitForURL('**/status/database');
  assert(await page.getByRole('img', { name: /^Last 20 results: 0 passed/ }).isVisible());
  await page.getByRole('link', { name: 'storage' }).click();
  await page.waitForURL('**/status?tag=storage');
  assert.match(await page.title(), /^Unhealthy: 1 failing · storage · orders$/);
  await page.getByRole('banner').getByRole('link', { name: 'orders' }).first().click();
  await page.waitForURL('**/status');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  assert(page.url().endsWith('#checks'), 'the first key skips to the checks');
  await context.close();
}

// Texts of the application stay texts.
async function textsStayTexts() {
  const { context, page, complaints } = await open(`${services.mixed}?refresh=off`);
  const reason = page.locator('#check-hostile .reason');
  assert.equal(await reason.innerText(), `</p><img src=x onerror="alert('1')"><script>alert(2)</script>`);
  assert.equal(await page.locator('img, iframe').count(), 0);
  assert.equal(await page.locator('script').count(), 1);
  assert.deepEqual(complaints, []);
  await context.close();
}

// The refresh changes what is shown, and nothing of what the reader does.
async function refreshKeepsTheReadersPlace() {
  const viewport = { width: 400, height: 500 };
  const { context, page, requests, complaints } = await open(`${services.mixed}?refresh=1`, { viewport });
  assert.equal(await page.locator('html').getAttribute('data-refresh'), '5', 'a wall of screens is no load');
  assert.deepEqual(await violations(page), []);
  await page.locator('#passing summary').click();
  await page.getByLabel('Text').fill('half a wor');
  const name = page.locator('#check-database h3 a');
  await name.focus();
  await page.evaluate(() => scrollTo(0, 900));
  await page.evaluate(() => document.querySelector('#live').setAttribute('data-old', ''));
  const before = await page.locator('.facts time').getAttribute('datetime');
  await page.waitForFunction(() => !document.querySelector('#live[data-old]'), null, { timeout: 30_000 });
  assert.notEqual(await page.locator('.facts time').getAttribute('datetime'), before);
  assert.equal(await page.evaluate(() => scrollY), 900);
  assert(!await page.locator('#passing').evaluate((part) => part.open), 'it stays folded');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'database');
  assert.equal(await page.getByLabel('Text').inputValue(), 'half a wor');
  assert.equal(new Set(requests).size, 1, 'it asks for itself only');
  assert.deepEqual(complaints, []);
  assert.deepEqual(await violations(page), [], 'after a refresh');

  await page.route('**/*', (route) => route.abort());
  await page.locator('#news.lost').waitFor({ timeout: 30_000 });
  assert.match(await page.locator('#news').innerText(), /^No answer at /);
  assert.match(await page.locator('h1').innerText(), /Unhealthy/);
  await page.unroute('**/*');
  await page.locator('#news.lost').waitFor({ state: 'detached', timeout: 30_000 });
  await context.close();
}

// A reader who selects a text can copy it.
async function refreshIsTheReadersChoice() {
  const { context, page } = await open(services.mixed);
  const refresh = () => page.locator('html').getAttribute('data-refresh');
  assert.equal(await refresh(), '10');
  await page.getByRole('link', { name: 'Off' }).press('Enter');
  await page.waitForURL('**/status?refresh=off');
  assert.equal(await refresh(), null);
  assert.equal(await page.locator('nav [aria-current]').innerText(), 'Off');
  await page.getByRole('link', { name: '5 min' }).click();
  await page.waitForURL('**/status?refresh=300');
  assert.equal(await refresh(), '300');
  await page.locator('#check-database h3 a').click();
  await page.waitForURL('**/status/database?refresh=300');
  await page.getByRole('link', { name: '← All checks' }).click();
  await page.waitForURL('**/status?refresh=300');
  await context.close();
}

async function printsEverything() {
  const { context, page } = await open(`${services.mixed}?refresh=off`);
  await page.emulateMedia({ media: 'print' });
  assert(!await page.locator('form').isVisible());
  assert(await page.locator('#check-database').isVisible());
  assert.deepEqual(await violations(page), [], 'in print');
  await context.close();
}

async function badgesAreImages() {
  const { context, page } = await open(`${services.mixed}?refresh=off`);
  for (const path of ['?badge', '?badge=readiness', '?badge&tag=storage', '/database?badge']) {
    const answer = await page.goto(services.mixed + path);
    assert.equal(answer.status(), 200, path);
    assert.equal(answer.headers()['content-type'], 'image/svg+xml');
    assert(await page.locator('text').first().isVisible(), path);
  }
  await context.close();
}

// A thousand checks: what fails is on the first screen, and what passes is one
// click away.
async function aThousandChecksAreUsable() {
  const viewport = { width: 1280, height: 800 };
  const { context, page, answer } = await open(`${services.thousand}?refresh=off`, { viewport });
  const size = (await answer.body()).length;
  assert(size < 200_000, `${size} bytes`);
  const failing = page.locator('#check-check-0500');
  const { y, height } = await failing.boundingBox();
  assert(y + height < viewport.height, 'what fails is on the first screen');
  const passing = page.getByRole('link', { name: 'check-0999' });
  assert(!await passing.isVisible());
  await page.locator('#passing summary').click();
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
    await looksRight(name, 'light', 1280);
    await looksRight(name, 'dark', 320);
  }
  await looksRight('mixed', 'light', 320);
  await looksRight('mixed', 'dark', 1280);
  for (const path of ['/database', '?tag=storage&state=fine&q=a']) {
    await looksRight('mixed', 'light', 320, path);
    await looksRight('mixed', 'dark', 1280, path);
  }
  await worksWithoutScript();
  await textsStayTexts();
  await refreshKeepsTheReadersPlace();
  await refreshIsTheReadersChoice();
  await printsEverything();
  await badgesAreImages();
  await aThousandChecksAreUsable();
  await saysNoMoreThanItMay();
} finally {
  await browser.close();
}
