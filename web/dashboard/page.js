// page.js - the plain page: asks /api/v1/stats and /api/v1/flows once a second.
//
// Everything from the network goes into the page as text (textContent), never
// as markup.  Rows are kept by flow id, so that the table stays still under
// the pointer and a selection survives an update.
'use strict';

const EVERY_MS = 1000;
const ROWS = 200;
const byId = (id) => document.getElementById(id);

// A token comes in the address, at the start or pasted later.  One that is
// stored is not replaced unless the router takes the other and no longer the
// stored one: a link from elsewhere must not take a working token away.
let token = sessionStorage.getItem('weir-token');

async function accepted(candidate) {
  const headers = { Authorization: 'Bearer ' + candidate };
  const answer = await fetch('api/v1/queues', { headers, cache: 'no-store', signal: AbortSignal.timeout(5000) });
  return answer.ok;
}

async function takeToken() {
  const found = /(?:^#|&)token=([^&]+)/.exec(location.hash);
  if (!found) return;
  history.replaceState(null, '', location.pathname + location.search);
  try {
    const offered = decodeURIComponent(found[1]);
    if (token && (offered === token || (await accepted(token)) || !(await accepted(offered)))) return;
    token = offered;
    sessionStorage.setItem('weir-token', token);
  } catch { /* not encoded as an address, or no answer: as it was */ }
}

let paused = false;
let before = null; // the stats of the last turn, for rates
let timer = 0;
let round = 0; // of the turn in flight; an older one's answers are not shown

function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// ---- words and numbers ----

const whole = new Intl.NumberFormat('en');

function short(n) {
  if (n < 10000) return whole.format(Math.round(n));
  for (const [size, unit] of [[1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e3, 'k']])
    if (n >= size) return (n / size).toFixed(n / size < 100 ? 1 : 0) + ' ' + unit;
  return String(n);
}

function bytes(n) {
  let unit = 0;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  while (n >= 1024 && unit < units.length - 1) { n /= 1024; unit++; }
  return (unit && n < 100 ? n.toFixed(1) : whole.format(Math.round(n))) + ' ' + units[unit];
}

function bits(perSecond) {
  let n = perSecond * 8, unit = 0;
  const units = ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s', 'Tbit/s'];
  while (n >= 1000 && unit < units.length - 1) { n /= 1000; unit++; }
  return (unit && n < 100 ? n.toFixed(1) : Math.round(n)) + ' ' + units[unit];
}

function seconds(n) {
  if (n < 120) return n + ' s';
  if (n < 7200) return Math.floor(n / 60) + ' min';
  if (n < 172800) return Math.floor(n / 3600) + ' h';
  return Math.floor(n / 86400) + ' d';
}

// ---- the API ----

async function ask(path) {
  const headers = token ? { Authorization: 'Bearer ' + token } : {};
  const answer = await fetch(path, { headers, cache: 'no-store', signal: AbortSignal.timeout(5000) });
  const body = await answer.json();
  if (!answer.ok) {
    const error = new Error(body.detail || answer.statusText);
    error.status = answer.status;
    throw error;
  }
  return body;
}

function banner(text) {
  byId('banner').hidden = !text;
  put(byId('banner'), text || '');
}

// The filter box: words of the form key=value.  A bare word is taken for what
// it looks like: a source address, a protocol, a family, a destination port,
// else a state.
function query() {
  const wanted = new URLSearchParams({ limit: String(ROWS) });
  for (const word of byId('filter').value.trim().split(/\s+/)) {
    if (!word) continue;
    const cut = word.indexOf('=');
    if (cut > 0) wanted.append(word.slice(0, cut).toLowerCase(), word.slice(cut + 1));
    else if (/^[!]?[0-9a-f]*[.:][0-9a-f.:]*(\/\d+)?$/i.test(word)) wanted.append('src', word);
    else if (WORDS.protocols.includes(word.replace(/^!/, '').toLowerCase())) wanted.append('proto', word);
    else if (/^[!]?(ipv4|ipv6)$/i.test(word)) wanted.append('family', word.toLowerCase());
    else if (/^[!]?\d+$/.test(word)) wanted.append('dport', word);
    else wanted.append('state', word);
  }
  return wanted;
}

// ---- flows ----

const flowRows = new Map(); // id -> { row, cells }

function endpoint(address, port) {
  if (port === undefined) return address;
  return (address.includes(':') ? '[' + address + ']' : address) + ':' + port;
}

// One way of a flow: who to whom, with what is translated set off.
function way(cell, from, to, fromChanged, toChanged) {
  const text = from + ' ' + to + fromChanged + toChanged;
  if (cell.dataset.text === text) return;
  cell.dataset.text = text;
  cell.replaceChildren(make(fromChanged ? 'b' : 'span', '', from), ' → ', make(toChanged ? 'b' : 'span', '', to));
}

// The status bits that have a tag, and its colour; their words are WORDS.statuses.
const TINTS = {
  ASSURED: 'good', SRC_NAT: 'info', DST_NAT: 'info', EXPECTED: 'info', OWN_TIMEOUTS: '', FIXED_TIMEOUT: '', DYING: 'bad',
};

function tags(cell, flow) {
  const wanted = flow.status.filter((name) => name in TINTS);
  if (!flow.status.includes('SEEN_REPLY')) wanted.unshift('UNREPLIED');
  const text = wanted.join();
  if (cell.dataset.text === text) return;
  cell.dataset.text = text;
  cell.replaceChildren(...wanted.map((name) => {
    const [label, title] = WORDS.statuses[name] || ['no reply yet', 'only one side has sent'];
    const tag = make('span', 'tag ' + (name in TINTS ? TINTS[name] : 'warn'), label);
    tag.title = title;
    return tag;
  }));
}

function traffic(cell, way) {
  const text = way.packets === undefined ? '' : bytes(way.bytes);
  if (cell.dataset.text === text + way.packets) return;
  cell.dataset.text = text + way.packets;
  cell.replaceChildren(text, make('small', '', way.packets === undefined ? '' : short(way.packets) + (way.packets === 1 ? ' packet' : ' packets')));
}

function showFlow(cells, flow) {
  const [proto, state, sent, seen, out, back, left, status] = cells;
  const o = flow.original, r = flow.reply;
  put(proto, flow.protocol === 'unknown' ? 'protocol ' + flow.protonum : flow.protocol);
  put(state, flow.state || (o.type !== undefined ? 'query' : ''));
  const echo = o.type !== undefined;
  const src = endpoint(o.src, echo ? undefined : o.sport), dst = endpoint(o.dst, echo ? undefined : o.dport);
  // The reply's ends, turned round, are what the other side sees.
  const outside = endpoint(r.dst, echo ? undefined : r.dport), server = endpoint(r.src, echo ? undefined : r.sport);
  const id = (way) => (echo ? ' (id ' + way.id + ')' : '');
  way(sent, src + id(o), dst, '', '');
  way(seen, outside + id(r), server, flow.status.includes('SRC_NAT') ? '*' : '', flow.status.includes('DST_NAT') ? '*' : '');
  traffic(out, o);
  traffic(back, r);
  put(left, flow.timeout === undefined ? '' : seconds(flow.timeout));
  tags(status, flow);
}

function showFlows(page) {
  const body = byId('flows').tBodies[0];
  const here = new Set();
  for (const flow of page.flows) {
    here.add(flow.id);
    let known = flowRows.get(flow.id);
    if (!known) {
      const row = make('tr');
      const cells = ['', '', 'addr', 'addr', 'num', 'num', 'num', ''].map((name) => row.appendChild(make('td', name)));
      row.title = 'flow ' + flow.id + (flow.start ? ', since ' + flow.start : '') +
        (flow.in || flow.out ? ', ' + flow.in + ' to ' + flow.out : '');
      known = { row, cells };
      flowRows.set(flow.id, known);
      body.appendChild(row);
    }
    showFlow(known.cells, flow);
  }
  for (const [id, known] of flowRows)
    if (!here.has(id)) { known.row.remove(); flowRows.delete(id); }
  const more = page.next_cursor !== null;
  put(byId('flow-count'), whole.format(page.count) + (more ? ' shown, more match' : ' shown') + ' of ' + whole.format(page.total));
  byId('flows-empty').hidden = page.count > 0;
  put(byId('flows-empty'), byId('filter').value.trim() ? 'No flow matches this filter.' : 'No flows: nothing has been sent through the router lately.');
}

// ---- statistics ----

const OVERFLOW = {
  table_full: 'Packets refused because the table was full',
  early_drop: 'Unassured flows evicted to make room',
  no_port: 'New flows refused for want of an outside port',
  source_share: 'New flows refused: their source had its share',
  insert_failed: 'Flows that could not be entered in the table',
  chaintoolong: 'Flows refused because their hash bucket was full',
};

// [label, name, value, hot] each; nodes are made again only when names change.
function pairs(list, rows, none) {
  const shape = rows.map((row) => row[1]).join();
  if (list.dataset.shape !== shape || !list.firstChild) {
    list.dataset.shape = shape;
    list.replaceChildren(...rows.map(([label, name]) => {
      const pair = make('div');
      const term = make('dt', '', label);
      if (name !== label) term.appendChild(make('small', '', name));
      pair.append(term, make('dd'));
      return pair;
    }));
    if (!rows.length && none) list.appendChild(make('div', 'none', none));
  }
  rows.forEach((row, i) => {
    const pair = list.children[i];
    put(pair.lastChild, whole.format(row[2]));
    pair.className = row[3] ? 'hot' : '';
  });
}

function reasons(counts, texts, shown, rest, none) {
  const rows = Object.entries(counts).map(([name, n]) => [texts[name] || name, name, n, false]);
  pairs(byId(shown), rows.filter((row) => row[2] > 0).sort((a, b) => b[2] - a[2]), none);
  pairs(byId(rest), rows.filter((row) => row[2] === 0), '');
}

function showInterfaces(now, span) {
  const body = byId('interfaces').tBodies[0];
  const entries = Object.entries(now.interfaces);
  while (body.rows.length > entries.length) body.deleteRow(-1);
  entries.forEach(([name, i], at) => {
    const row = body.rows[at] || body.insertRow();
    while (row.cells.length < 5) row.insertCell().className = row.cells.length > 2 ? 'num' : '';
    const [label, state, rx, tx, lost] = row.cells;
    const was = before && before.interfaces[name];
    label.replaceChildren(name, make('small', '', i.tun), make('small', '', 'MTU ' + i.mtu));
    state.replaceChildren(make('span', 'tag ' + ({ up: 'good', down: 'bad', degraded: 'bad' }[i.state] || 'warn'), i.state));
    for (const [cell, way] of [[rx, 'rx'], [tx, 'tx']]) {
      const rate = was && span ? (i[way + '_bytes'] - was[way + '_bytes']) / span : 0;
      const packets = was && span ? (i[way + '_packets'] - was[way + '_packets']) / span : 0;
      cell.replaceChildren(bits(Math.max(0, rate)), make('small', '', short(Math.max(0, packets)) + ' packets/s'),
        make('small', '', bytes(i[way + '_bytes']) + ' in all'));
    }
    const device = i.dev_dropped === null ? 'not known' : whole.format(i.dev_dropped);
    lost.replaceChildren(whole.format(i.rx_errors + i.tx_errors), make('small', '', 'by the device: ' + device));
  });
}

function showRates(now, span) {
  const c = now.count, was = before && before.count;
  const rate = (is, then) => short(was && span ? Math.max(0, (is - then) / span) : 0) + '/s';
  put(byId('rate-in'), rate(c.in, was && was.in));
  put(byId('rate-fwd'), rate(c.forwarded, was && was.forwarded));
  put(byId('rate-drop'), rate(c.dropped, was && was.dropped));
  put(byId('rate-new'), rate(now.counters.created, before && before.counters.created));
  put(byId('total-in'), short(c.in) + ' in all, ' + bytes(now.counters.bytes_in));
  put(byId('total-fwd'), short(c.forwarded) + ' in all');
  put(byId('total-drop'), short(c.dropped) + ' in all');
  put(byId('total-new'), short(now.counters.created) + ' in all');
}

function showTable(now) {
  const share = now.max ? Math.min(100, now.entries / now.max * 100) : 0;
  const bar = byId('fill');
  const kind = share >= 90 ? 'bad' : share >= 75 ? 'warn' : '';
  put(byId('entries'), whole.format(now.entries));
  put(byId('max'), whole.format(now.max));
  bar.className = 'bar ' + kind;
  bar.firstElementChild.style.width = share + '%';
  bar.setAttribute('aria-valuenow', share.toFixed(1));
  put(byId('fill-text'), (share < 10 ? share.toFixed(2) : share.toFixed(0)) + ' % full' +
    (kind === 'bad' ? ', close to overflowing' : kind === 'warn' ? ', filling up' : '') +
    ', ' + whole.format(now.buckets) + ' buckets');
}

function showStats(now) {
  now.at = performance.now();
  const span = before ? (now.at - before.at) / 1000 : 0;
  const pill = byId('ready');
  put(byId('version'), now.version);
  put(pill, now.ready ? 'routing' : 'not ready: ' + now.why);
  pill.className = 'pill ' + (now.ready ? 'good' : 'bad');
  put(byId('uptime'), 'running for ' + seconds(Math.max(0, Math.round((Date.parse(now.time) - Date.parse(now.started)) / 1000))));
  showTable(now);
  showRates(now, span);
  showInterfaces(now, span);
  pairs(byId('overflow'), Object.entries(now.overflow).map(([name, n]) => [OVERFLOW[name] || name, name, n, n > 0]), '');
  reasons(now.drops, now.texts, 'drops', 'drops-zero', 'Nothing has been dropped.');
  reasons(now.invalid, now.texts, 'invalid', 'invalid-zero', 'None so far.');
  pairs(byId('counters'), Object.entries(now.counters).map(([name, n]) => [name, name, n, false]), '');
  before = now;
}

// ---- the turn ----

async function turn() {
  clearTimeout(timer);
  const mine = ++round;
  if (paused || document.hidden) return;
  try {
    const [stats, flows] = await Promise.allSettled([ask('api/v1/stats'), ask('api/v1/flows?' + query())]);
    if (mine !== round) return;
    if (stats.status === 'rejected') throw stats.reason;
    showStats(stats.value);
    const note = byId('filter-note');
    if (flows.status === 'fulfilled') {
      note.hidden = true;
      showFlows(flows.value);
    } else if (flows.reason.status === 400) {
      note.hidden = false;
      put(note, flows.reason.message);
    } else {
      throw flows.reason;
    }
    banner('');
  } catch (error) {
    if (error.status === 401)
      banner('A token is needed: open this page as /#token=YOUR-TOKEN');
    else if (error.status)
      banner('The router refuses: ' + error.message);
    else
      banner('The router does not answer. What you see is from ' + (before ? Math.round((performance.now() - before.at) / 1000) + ' s ago' : 'nowhere yet') + '; trying again.');
    byId('ready').className = 'pill bad';
    put(byId('ready'), 'no answer');
  }
  timer = setTimeout(turn, EVERY_MS);
}

byId('pause').addEventListener('click', () => {
  paused = !paused;
  byId('pause').setAttribute('aria-pressed', String(paused));
  put(byId('pause'), paused ? 'Go on' : 'Pause');
  before = null;
  turn();
});
byId('filter-form').addEventListener('submit', (event) => { event.preventDefault(); turn(); });
byId('filter').addEventListener('input', () => {
  const wanted = byId('filter').value;
  history.replaceState(null, '', wanted ? '?filter=' + encodeURIComponent(wanted) : location.pathname);
  clearTimeout(timer);
  timer = setTimeout(turn, 250);
});
document.addEventListener('keydown', (event) => {
  if (event.key === '/' && document.activeElement !== byId('filter')) {
    event.preventDefault();
    byId('filter').focus();
  }
});
window.addEventListener('hashchange', () => takeToken().then(turn));
document.addEventListener('visibilitychange', () => { before = null; turn(); });

byId('filter').value = new URLSearchParams(location.search).get('filter') || '';
takeToken().then(turn);
