// page_token.js - which token the page shows the router: page.js itself, run
// in a world of a few lines that answers 401 to all tokens but one.
'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
const vm = require('node:vm');

const script = fs.readFileSync(process.argv[2], 'utf8');

// What stands for a page's element: each property is another one.
function element() {
  return new Proxy(function () {}, {
    get: (self, key) => key === Symbol.toPrimitive ? () => '' : key === 'value' ? '' : key === Symbol.iterator ? undefined : element(),
    set: () => true,
    apply: () => element(),
  });
}

async function open(hash, stored, right) {
  const listeners = {}, store = new Map(stored ? [['weir-token', stored]] : []);
  const location = { hash, pathname: '/', search: '' };
  const world = {
    location, URLSearchParams, AbortSignal, performance, console,
    Intl, decodeURIComponent, encodeURIComponent,
    setTimeout: () => 0, clearTimeout: () => {},
    history: { replaceState: () => { location.hash = ''; } },
    document: { getElementById: element, createElement: element, addEventListener: () => {}, hidden: true },
    sessionStorage: { getItem: (key) => store.get(key) ?? null, setItem: (key, value) => store.set(key, value) },
    fetch: async (path, options) => ({ ok: options.headers.Authorization === 'Bearer ' + right, json: async () => ({}) }),
    addEventListener: (name, listener) => { listeners[name] = listener; },
  };
  world.window = world;
  vm.runInNewContext(script, world);
  await new Promise(setImmediate);
  return {
    token: () => store.get('weir-token'),
    hash: () => location.hash,
    paste: async (text) => {
      location.hash = text;
      listeners.hashchange();
      await new Promise(setImmediate);
    },
  };
}

(async () => {
  let page = await open('#token=right', null, 'right');
  assert.equal(page.token(), 'right');
  assert.equal(page.hash(), '', 'the token stays out of the history');

  page = await open('', null, 'right');
  await page.paste('#token=right'); // into the open tab
  assert.equal(page.token(), 'right');

  page = await open('#token=x', 'right', 'right'); // a link from elsewhere
  assert.equal(page.token(), 'right');
  await page.paste('#token=y');
  assert.equal(page.token(), 'right');
  assert.equal(page.hash(), '');

  page = await open('#token=new', 'old', 'new'); // it was replaced
  assert.equal(page.token(), 'new');
  page = await open('#token=wrong', 'old', 'new');
  assert.equal(page.token(), 'old');
  page = await open('#token=%', 'old', 'new');
  assert.equal(page.token(), 'old');
})().catch((error) => { console.error(error); process.exit(1); });
