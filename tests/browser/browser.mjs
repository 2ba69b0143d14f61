// SPDX-License-Identifier: MIT
// What a person does with a browser, and what they see. Usage: browser.mjs CHROMIUM PART ADDRESS [FOLDER FOR PICTURES]
// The address is the host's origin, or where a program sends the browser.
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';

const [, , executablePath, part, origin, pictures] = process.argv;
const TIMEOUT_MS = 240000; // only what is broken takes it
const POLL_MS = 200;
const NARROW = { width: 320, height: 480 };
const SESSION = '__Host-paa-login';

// Root's Chromium has no sandbox, and small machines have little shared memory.
const args = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'];
const browser = await chromium.launch({ executablePath, args, timeout: TIMEOUT_MS });
// The provider's CA is made for the test; nothing else is asked for.
const fresh = async () => {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  context.setDefaultTimeout(TIMEOUT_MS);
  context.setDefaultNavigationTimeout(TIMEOUT_MS);
  return context;
};

async function picture(page, name) {
  if (pictures) await page.screenshot({ path: `${pictures}/${part}-${name}.png` });
}

// A page of our own is readable in the dark, too, and on a narrow screen.
async function looksGood(page, name) {
  const size = page.viewportSize();
  await picture(page, name);
  await page.emulateMedia({ colorScheme: 'dark' });
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).color), 'rgb(255, 255, 255)');
  await page.setViewportSize(NARROW);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth));
  await picture(page, `${name}-dark-narrow`);
  await page.emulateMedia({ colorScheme: null });
  await page.setViewportSize(size);
}

// What it does and sees is told, to whoever reads why a test failed or watches the quickstart; queries are not: they hold secrets.
const tell = (what) => console.log(`  ${what}`);
const place = (address) => new URL(address).origin + new URL(address).pathname;
const text = async (page) => (await page.locator('body').innerText()).trim();

async function visit(page, address, how = '') { // how many redirects there were
  const response = await page.goto(address);
  let redirects = 0;
  for (let from = response.request().redirectedFrom(); from !== null; from = from.redirectedFrom()) redirects += 1;
  tell(`goes to ${place(address)}${how} (${response.status()} after ${redirects} redirects)`);
  return redirects;
}

async function heading(page, name) {
  await page.getByRole('heading', { name, exact: true }).waitFor();
  tell(`sees the page "${await page.title()}" of ${new URL(page.url()).origin}`);
}

async function press(page, name) {
  await page.getByRole('button', { name, exact: true }).click();
  tell(`clicks "${name}"`);
}

async function follow(page, name) {
  await page.getByRole('link', { name, exact: true }).click();
  tell(`follows the link "${name}"`);
}

async function logIn(page) {
  await heading(page, 'Log in');
  await page.getByRole('textbox').fill('alice');
  tell('types "alice"');
  await press(page, 'Continue');
}

async function agree(page) {
  await heading(page, 'Allow?');
  await press(page, 'Continue');
}

async function cookiesOf(context) {
  const all = await context.cookies(); // with an address it would leave out Secure ones, though Chromium sends them here
  return all.filter((cookie) => cookie.name.startsWith('__Host-paa-'));
}

async function isLoggedIn(page, path) {
  await page.waitForURL(`${origin}${path}`);
  const greeting = await text(page);
  tell(`is at ${origin}${path} and reads: ${greeting}`);
  assert.match(greeting, /hello alice/);
}

const parts = {
  async login() {
    const context = await fresh();
    const page = await context.newPage();
    await visit(page, `${origin}/orders?page=2`);
    await picture(page, '1-provider');
    await logIn(page);
    await heading(page, 'Allow?');
    await picture(page, '2-consent');
    await press(page, 'Continue');
    await isLoggedIn(page, '/orders?page=2');
    await picture(page, '3-there');
    const cookies = await cookiesOf(context);
    assert.deepEqual(cookies.map((cookie) => cookie.name), [SESSION]);
    assert.ok(cookies.every((c) => c.secure && c.httpOnly && c.sameSite === 'Lax' && c.path === '/'));
    assert.equal(await page.evaluate(() => document.cookie), '');
    await visit(page, `${origin}/other`);
    await isLoggedIn(page, '/other');
    const status = await page.evaluate(async () => (await fetch('/orders', { credentials: 'omit' })).status);
    assert.equal(status, 401); // a script's call is not sent to the provider
    await context.clearCookies({ name: SESSION }); // it has ended: the provider knows the person still
    await visit(page, `${origin}/again`);
    await isLoggedIn(page, '/again');
  },

  async denial() {
    const page = await (await fresh()).newPage();
    await visit(page, `${origin}/orders`);
    await press(page, 'Cancel');
    await heading(page, 'You are not logged in');
    await looksGood(page, '1-no');
    assert.match(await text(page), /You said no/);
    await follow(page, 'Log in again');
    await logIn(page);
    await heading(page, 'Allow?'); // and may say no to what the shop wants, too
    await press(page, 'Cancel');
    await heading(page, 'You are not logged in');
    await follow(page, 'Log in again');
    await agree(page);
    await isLoggedIn(page, '/orders');
    await visit(page, `${origin}/callback?code=c&state=of-nobody`);
    await heading(page, 'This login is not under way here');
    await looksGood(page, '2-stranger');
  },

  async tabs() {
    const context = await fresh();
    const [one, two] = [await context.newPage(), await context.newPage()];
    await visit(one, `${origin}/one`);
    await visit(two, `${origin}/two`);
    assert.equal((await cookiesOf(context)).length, 2);
    await logIn(two);
    await agree(two);
    await isLoggedIn(two, '/two');
    await logIn(one);
    await one.waitForURL((url) => url.href === `${origin}/one` || url.pathname.startsWith('/interaction/'));
    if (!one.url().startsWith(origin)) await press(one, 'Continue');
    await isLoggedIn(one, '/one');
    assert.deepEqual((await cookiesOf(context)).map((cookie) => cookie.name), [SESSION]);
  },

  // Sessions of /brief last ten seconds: asked until it is over, a script is told so, and a person is sent to the provider.
  async expiry() {
    const page = await (await fresh()).newPage();
    const isOver = async (url) => (await fetch(url, { headers: { Accept: 'application/json' } })).status === 401;
    await visit(page, `${origin}/brief/one`);
    await logIn(page);
    await agree(page);
    await isLoggedIn(page, '/brief/one');
    await page.waitForFunction(isOver, `${origin}/brief/one`, { polling: POLL_MS });
    await visit(page, `${origin}/brief/two`);
    await isLoggedIn(page, '/brief/two');
  },

  async logout() {
    const context = await fresh();
    const page = await context.newPage();
    await visit(page, `${origin}/cart`);
    await logIn(page);
    await agree(page);
    await isLoggedIn(page, '/cart');
    assert.equal(await visit(page, `${origin}/cart`), 0);
    const stolen = await cookiesOf(context);
    await page.goto('data:text/html,<a href="' + `${origin}/logout` + '">a link of another site</a>');
    await follow(page, 'a link of another site');
    await heading(page, 'Log out?');
    await looksGood(page, '1-asked');
    await press(page, 'Log out');
    await heading(page, 'Log out');
    await picture(page, '2-provider');
    await press(page, 'Log out');
    await page.waitForURL(`${origin}/bye`);
    await picture(page, '3-bye');
    assert.deepEqual(await cookiesOf(context), []);
    tell(`is at ${origin}/bye, without a cookie`);
    const thief = await fresh();
    await thief.addCookies(stolen);
    const response = await (await thief.newPage()).request.get(`${origin}/cart`, { maxRedirects: 0 });
    tell(`is imitated by another browser with a copy of its cookie (the stolen cookie: ${response.status()})`);
    assert.equal(response.status(), 401);
  },

  // The address is a program's, which listens on loopback for the answer. Another page that leads there ends nothing.
  async program() {
    const page = await (await fresh()).newPage();
    const comesBack = new URL(origin).searchParams.get('redirect_uri');
    await visit(page, `${comesBack}?code=c&state=of-nobody`, ' with an answer that is not meant for it');
    await heading(page, 'Not this login');
    await looksGood(page, '1-stranger');
    await visit(page, origin);
    await logIn(page);
    await agree(page);
    await heading(page, 'Done');
    assert.match(await text(page), /You are logged in\./);
    await looksGood(page, '2-done');
  },

  async program_no() {
    const page = await (await fresh()).newPage();
    await visit(page, origin);
    await press(page, 'Cancel');
    await heading(page, 'Not done');
    assert.match(await text(page), /You are not logged in/);
    await looksGood(page, '1-no');
  },
};

try {
  await parts[part]();
} finally {
  await browser.close();
}
