// SPDX-License-Identifier: MIT
// What a person does with a browser, and what they see. Usage: browser.mjs CHROMIUM ORIGIN PART [FOLDER FOR PICTURES]
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';

const [, , executablePath, origin, part, pictures] = process.argv;
const TIMEOUT_MS = 60000;
const SESSION = '__Host-paa-login';

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
// The provider's CA is made for the test; nothing else is asked for.
const fresh = async () => {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  context.setDefaultTimeout(TIMEOUT_MS);
  return context;
};

async function picture(page, name) {
  if (pictures) await page.screenshot({ path: `${pictures}/${part}-${name}.png` });
}

const text = (page) => page.locator('body').innerText();
const press = (page, name) => page.getByRole('button', { name, exact: true }).click();

async function logIn(page) {
  await page.getByRole('textbox').fill('alice');
  await press(page, 'Continue');
}

async function cookiesOf(context) {
  const all = await context.cookies(); // with an address it would leave out Secure ones, though Chromium sends them here
  return all.filter((cookie) => cookie.name.startsWith('__Host-paa-'));
}

async function isLoggedIn(page, path) {
  await page.waitForURL(`${origin}${path}`);
  assert.match(await text(page), /hello alice/);
}

const parts = {
  async login() {
    const context = await fresh();
    const page = await context.newPage();
    await page.goto(`${origin}/orders?page=2`);
    await picture(page, '1-provider');
    await logIn(page);
    await page.getByRole('heading', { name: 'Allow?' }).waitFor();
    await picture(page, '2-consent');
    await press(page, 'Continue');
    await isLoggedIn(page, '/orders?page=2');
    await picture(page, '3-there');
    const cookies = await cookiesOf(context);
    assert.deepEqual(cookies.map((cookie) => cookie.name), [SESSION]);
    assert.ok(cookies.every((c) => c.secure && c.httpOnly && c.sameSite === 'Lax' && c.path === '/'));
    assert.equal(await page.evaluate(() => document.cookie), '');
    await page.goto(`${origin}/other`);
    await isLoggedIn(page, '/other');
    const status = await page.evaluate(async () => (await fetch('/orders', { credentials: 'omit' })).status);
    assert.equal(status, 401); // a script's call is not sent to the provider
    await context.clearCookies({ name: SESSION }); // it has ended: the provider knows the person still
    await page.goto(`${origin}/again`);
    await isLoggedIn(page, '/again');
  },

  async denial() {
    const page = await (await fresh()).newPage();
    await page.goto(`${origin}/orders`);
    await press(page, 'Cancel');
    await page.getByRole('heading', { name: 'You are not logged in' }).waitFor();
    await picture(page, '1-no');
    assert.match(await text(page), /You said no/);
    await page.getByRole('link', { name: 'Log in again' }).click();
    await logIn(page);
    await press(page, 'Continue');
    await isLoggedIn(page, '/orders');
  },

  async tabs() {
    const context = await fresh();
    const [one, two] = [await context.newPage(), await context.newPage()];
    await one.goto(`${origin}/one`);
    await two.goto(`${origin}/two`);
    assert.equal((await cookiesOf(context)).length, 2);
    await logIn(two);
    await press(two, 'Continue');
    await isLoggedIn(two, '/two');
    await logIn(one);
    await one.waitForURL((url) => url.href === `${origin}/one` || url.pathname.startsWith('/interaction/'));
    if (!one.url().startsWith(origin)) await press(one, 'Continue');
    await isLoggedIn(one, '/one');
    assert.deepEqual((await cookiesOf(context)).map((cookie) => cookie.name), [SESSION]);
  },

  async logout() {
    const context = await fresh();
    const page = await context.newPage();
    await page.goto(`${origin}/orders`);
    await logIn(page);
    await press(page, 'Continue');
    await isLoggedIn(page, '/orders');
    const stolen = await cookiesOf(context);
    await page.goto('data:text/html,<a href="' + `${origin}/logout` + '">a link of another site</a>');
    await page.getByRole('link').click();
    await page.getByRole('heading', { name: 'Log out?' }).waitFor();
    await picture(page, '1-asked');
    await press(page, 'Log out');
    await page.getByRole('heading', { name: 'Log out' }).waitFor();
    await picture(page, '2-provider');
    await press(page, 'Log out');
    await page.waitForURL(`${origin}/bye`);
    await picture(page, '3-bye');
    assert.deepEqual(await cookiesOf(context), []);
    const thief = await fresh();
    await thief.addCookies(stolen);
    const response = await (await thief.newPage()).request.get(`${origin}/orders`, { maxRedirects: 0 });
    assert.equal(response.status(), 401);
  },
};

try {
  await parts[part]();
} finally {
  await browser.close();
}
