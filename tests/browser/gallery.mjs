// Pictures of the status page, for the guide. `tests/examples/gallery.rs` starts the
// services and gives their addresses:
//
//     node gallery.mjs '{"healthy":"http://…/status",…}' folder

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const services = JSON.parse(process.argv[2]);
const folder = process.argv[3];
mkdirSync(folder, { recursive: true });

const DESKTOP = { width: 1080, height: 720 };
const PHONE = { width: 390, height: 780 };

// Name of the picture, service, what follows its address, and how it is shown.
const pictures = [
  ['healthy', 'healthy'],
  ['degraded', 'degraded'],
  ['failing', 'failing'],
  ['failing-dark', 'failing', '', { colorScheme: 'dark' }],
  ['draining', 'draining'],
  ['maintenance', 'maintenance'],
  ['starting', 'starting'],
  ['filtered', 'failing', '?tag=storage&state=problems'],
  ['check', 'failing', '/database'],
  ['many', 'many'],
  ['phone', 'failing', '', { viewport: PHONE, colorScheme: 'dark' }],
  ['print', 'degraded', '', { media: 'print' }],
];

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run'],
});
try {
  for (const [name, service, path = '', { media, ...options } = {}] of pictures) {
    const context = await browser.newContext({ viewport: DESKTOP, colorScheme: 'light', ...options });
    const page = await context.newPage();
    await page.goto(services[service] + path);
    if (media) await page.emulateMedia({ media });
    await page.screenshot({ path: join(folder, `status-page-${name}.png`), fullPage: name === 'print' });
    await context.close();
  }
} finally {
  await browser.close();
}
